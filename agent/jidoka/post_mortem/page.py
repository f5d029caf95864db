"""A trip as one self-contained HTML page, from which somebody who wasn't there can name the cause."""

from __future__ import annotations

import json
from collections.abc import Sequence

from jidoka import html_page
from jidoka.post_mortem.frames import short
from jidoka.post_mortem.gather import Account, Line
from jidoka.post_mortem.picture import picture
from jidoka.post_mortem.reasons import what, why
from jidoka.post_mortem.sorting import parts
from jidoka.post_mortem.trips import moment
from jidoka.post_mortem.words import LOST, after, frames, link, times

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2733; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #cdd5de }
table { border-collapse: collapse } td, th { padding: .15rem .9rem .15rem 0; text-align: left; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.what { font-size: 1.2rem; border-left: .4rem solid #b3262e; padding-left: .8rem } .quiet { color: #5b6875; font-size: .85rem }
.sort { font-size: 1.1rem; font-weight: 600 } tr.person td { background: #eef4fb } code { font-size: .8rem; word-break: break-all }
.label { font-size: 12px; fill: #5b6875 } .small { font-size: 11px; fill: #5b6875 } .on { font-size: 12px; fill: #fff }
.curve { fill: none; stroke: #3b78b5; stroke-width: 1.5 } .limit { stroke: #b3262e; stroke-dasharray: 4 3 }
.person { fill: #3b78b5 } .trip { stroke: #1d2733; stroke-width: 2 } .onset { stroke: #c77700; stroke-width: 2; stroke-dasharray: 5 4 }
@media print { body { margin: 0 } tr { break-inside: avoid } }
"""

_LEGEND = "Black line: the trip; dashed: the likely onset. Verdicts: green pass, orange suspect, red reject. Point at a mark to read it."


def page(told: Account) -> str:
    """The page as HTML, with everything that it needs in it."""
    trip = told.trip
    title = f"Trip {trip.number}: {trip.move}, {moment(trip.wall_ns)}"
    found = parts(told)
    sort = f"Parts {found.safe_first} to {found.last}" if found.first else found.open or "None"
    site = f"{told.plan.site} / {told.plan.line} / {told.plan.device}" if told.plan else ""
    sections = [
        f"<h1>{html_page.text(title)}</h1><p class=quiet>{html_page.text(site)}</p>",
        f"<p class=what>{html_page.text(what(told))}</p>",
        "<ul>" + "".join(f"<li>{html_page.text(fact)}</li>" for fact in why(told)) + "</ul>",
        f"<p>To do: {html_page.text(told.cause['remedy'])}</p>" if told.cause.get("remedy") else "",
        picture(told),
        f"<p class=quiet>{_LEGEND}</p>",
        f"<h2>Parts to sort again</h2><p class=sort>{sort}</p><p>{html_page.text(found.why)}</p>",
        "<h2>How it went</h2>",
        html_page.table(("step", "ms from the trip"), [(name, f"{ms:+.1f}") for name, ms in times(told)]),
        "<h2>Who did what since</h2>",
        "" if told.is_over or trip.is_observed else "<p>Nobody has given the permissive back yet.</p>",
        _lines(told.since, told),
        f"<p class=quiet>{told.left_out} further lines are in the ledger.</p>" if told.left_out else "",
        "<h2>The minute before</h2>",
        _lines(told.before, told),
        "<h2>The line to the PLC</h2>",
        *(f"<p>{html_page.text(fact)}</p>" for fact in link(told)),
        _round_trips(told),
        _registers(told),
        "<h2>What was in force</h2>",
        html_page.table(("what", "digest"), told.digests.items(), 9),
        "<h2>Evidence as it was recorded</h2>",
        f"<code>{html_page.text(json.dumps({k: v for k, v in told.evidence.items() if k != 'frames'}, ensure_ascii=False))}</code>",
    ]
    return html_page.page(title, _STYLE, sections)


def _lines(lines: Sequence[Line], told: Account) -> str:
    """Lines of the story; what somebody did is marked."""
    rows = "".join(
        f"<tr{' class=person' if line.is_person else ''}><td class=n>{after(line, told):+.3f} s</td>"
        f"<td>{html_page.text(line.kind)}</td><td>{html_page.text(line.text)}</td></tr>"
        for line in lines
    )
    return f"<table>{rows}</table>" if rows else "<p>Nothing is recorded.</p>"


def _round_trips(told: Account) -> str:
    """One bar an exchange, the newest at the right; red: nobody answered."""
    values = [int(each) for each in told.evidence.get("round_trips_us") or []]
    tallest = max([1, *values])
    bars = "".join(
        f"<rect x={10 * n} y={0 if value == LOST else 60 - 58 * value / tallest:.1f} width=8 "
        f"height={60 if value == LOST else 58 * value / tallest:.1f} fill='{'#b3262e' if value == LOST else '#3b78b5'}'>"
        f"<title>{'no answer' if value == LOST else f'{value / 1000:.1f} ms'}</title></rect>"
        for n, value in enumerate(values)
    )
    return (
        f"<svg viewBox='0 0 640 60' width=640 height=60 role=img aria-label='round trips'>{bars}</svg>"
        if bars
        else ""
    )


def _registers(told: Account) -> str:
    """The last frames with the blocks that they carried."""
    rows = [
        (
            f"{(each['ns'] - told.trip.monotonic_ns) / 1e6:+.1f} ms",
            each["way"],
            short(each["fields"]),
            each["hex"],
        )
        for each in frames(told)
    ]
    if not rows:
        return ""
    body = "".join(
        f"<tr><td class=n>{html_page.text(at)}</td><td>{html_page.text(way)}</td><td>{html_page.text(told_)}<br><code class=quiet>{html_page.text(raw)}</code></td></tr>"
        for at, way, told_, raw in rows
    )
    return f"<h2>The registers, as the last frames carried them</h2><table>{body}</table>"
