"""A baseline as one self-contained HTML page: what was learned, what is promised, what is seen how fast, who signed."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_bridge.errors import InputError

from jidoka import html_page
from jidoka.baselines import explained
from jidoka.baselines.comparing import Distance
from jidoka.baselines.signing import Signature
from jidoka.monitor.baseline import Baseline

BINS, WIDTH, HEIGHT = 64, 320, 90
#: programs that can turn a page into a picture
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURE_LIMIT_S = 60

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2733; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #cdd5de }
table { border-collapse: collapse } td, th { padding: .2rem .9rem .2rem 0; text-align: left; vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
.grid { display: flex; flex-wrap: wrap; gap: 1rem } figure { margin: 0 } figcaption { font-size: .85rem }
.bad { color: #a4262c; font-weight: 600 } .good { color: #1b6e3a; font-weight: 600 } .quiet { color: #5b6875 }
rect.now { fill: #3b78b5 } rect.first { fill: none; stroke: #c77700; stroke-width: 1 }
circle { fill: #3b78b5; fill-opacity: .5 } line { stroke: #c77700; stroke-width: 2 }
@media print { body { margin: 0 } figure { break-inside: avoid } }
"""


@dataclass(frozen=True)
class Sheet:
    """All that a page shows. shown: of showing.as_object; needed: persons that must sign; first: the first signed baseline,
    whose outline is drawn over the histograms; moved: the distances to it.
    """

    shown: Mapping[str, Any]
    baseline: Baseline
    signed: Sequence[Signature]
    needed: int
    first: Baseline | None
    moved: Sequence[Distance]


def page(sheet: Sheet) -> str:
    """The page as HTML, with everything that it needs in it."""
    shown, first = sheet.shown, sheet.first
    title = f"Baseline of {shown['model']}, recipe {shown['recipe']}, position {shown['position']}"
    parts = [
        f"<h1>{html_page.text(title)}</h1>",
        _facts(shown),
        "<h2>May it arm?</h2>",
        _verdict(shown),
        "<h2>Signed off</h2>",
        _signatures(sheet.signed, sheet.needed),
        *explained.section(shown.get("explained") or {}, sheet.baseline),
        *(
            section
            for name, each in shown["conditions"].items()
            for section in _condition(name, each, shown["judged"])
        ),
        "<h2>What was learned</h2>",
        f"<p class=quiet>{'Filled: this baseline. Outlined: the first one that was signed.' if first else 'Each feature over all records.'}</p>",
        _histograms(sheet.baseline, first),
        "<h2>Against the first signed baseline</h2>",
        _moved(sheet.moved, is_first=first is None or first.digest == sheet.baseline.digest),
        "<h2>What is promised</h2>",
        f"<p>{html_page.text(shown['promised'])}</p>",
    ]
    return html_page.page(title, _STYLE, parts)


def _facts(shown: Mapping[str, Any]) -> str:
    rows = [
        ("learned", f"{shown['learned_at']}, {shown['records']} {shown['judged']}s"),
        ("rate", f"{shown['rate_hz']:g} a second ({shown['rate_is']})"),
        ("model", f"SHA-256 {shown['sha256']}"),
        ("baseline", f"SHA-256 {shown['digest']}"),
    ]
    return (
        "<table>"
        + "".join(f"<tr><th>{html_page.text(a)}</th><td>{html_page.text(b)}</td></tr>" for a, b in rows)
        + "</table>"
    )


def _verdict(shown: Mapping[str, Any]) -> str:
    if not shown["faults"]:
        return "<p class=good>Yes.</p>"
    return (
        "<p class=bad>No.</p><ul>"
        + "".join(f"<li>{html_page.text(fault)}</li>" for fault in shown["faults"])
        + "</ul>"
    )


def _signatures(signed: Sequence[Signature], needed: int) -> str:
    have = len({each.person for each in signed})
    state = "good" if have >= needed else "bad"
    word = "Signed." if have >= needed else f"Not signed off: {have} of {needed} persons signed."
    rows = [(each.person, each.role, each.signed_at, each.reason) for each in signed]
    table = html_page.table(("person", "role", "when", "why"), rows, 9) if rows else ""
    return f"<p class={state}>{html_page.text(word)}</p>{table}"


def _condition(name: str, each: Mapping[str, Any], judged: str) -> list[str]:
    rows = []
    for feature in dict.fromkeys(delay["feature"] for delay in each["sees"]):
        row: list[object] = [feature]
        for shift in sorted({delay["shift_sigma"] for delay in each["sees"]}):
            for direction in ("up", "down"):
                records = next(
                    (
                        delay["records"]
                        for delay in each["sees"]
                        if (delay["feature"], delay["shift_sigma"], delay["direction"])
                        == (feature, shift, direction)
                    ),
                    None,
                )
                row.append("not seen" if records is None else f"{records:.0f}")
        rows.append(row)
    shifts = sorted({delay["shift_sigma"] for delay in each["sees"]})
    head = ["moved by", *(f"{shift:g} σ {way}" for shift in shifts for way in ("up", "down"))]
    budget = (
        f"<p>False alarms: <b>{html_page.text(each['false_alarms'])}</b>, which is at most one in {each['limit_records']:,.0f} "
        f"{judged}s on average. {judged.capitalize()}s until the alarm, simulated on this baseline:</p>"
    )
    refused = each.get("refused") or {}
    return [
        f"<h2>{html_page.text(name)}</h2>",
        budget,
        html_page.table(head, rows),
        *(
            [
                f"<p>{len(refused)} features are refused, nobody watches them for it:</p>",
                html_page.table(("feature", "why"), list(refused.items()), 9),
            ]
            if refused
            else []
        ),
    ]


def _histograms(baseline: Baseline, first: Baseline | None) -> str:
    return (
        "<div class=grid>"
        + "".join(_histogram(baseline, first, f) for f in range(len(baseline.names)))
        + "</div>"
    )


def _histogram(baseline: Baseline, first: Baseline | None, f: int) -> str:
    name = baseline.names[f]
    now = baseline.records[:, f]
    now = now[np.isfinite(now)]
    before = now[:0]
    if first is not None and first.digest != baseline.digest and name in first.names:
        before = first.records[:, first.names.index(name)]
        before = before[np.isfinite(before)]
    everything = np.concatenate([now, before])
    low, high = (float(everything.min()), float(everything.max())) if everything.size else (0.0, 1.0)
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    bars = _bars(now, edges, "now") + (_bars(before, edges, "first") if before.size else "")
    caption = f"{html_page.text(name)} <span class=quiet>{low:.4g} … {high:.4g}</span>"
    return (
        f"<figure><svg width={WIDTH} height={HEIGHT} viewBox='0 0 {WIDTH} {HEIGHT}' role=img aria-label='{html_page.text(name)}'>"
        f"{bars}</svg><figcaption>{caption}</figcaption></figure>"
    )


def _bars(values: np.ndarray[Any, Any], edges: np.ndarray[Any, Any], kind: str) -> str:
    counts, _ = np.histogram(values, edges)
    tallest = max(1, int(counts.max(initial=0)))
    wide = WIDTH / BINS
    return "".join(
        f"<rect class={kind} x={n * wide:.1f} y={HEIGHT * (1 - count / tallest):.1f} width={wide:.1f} "
        f"height={HEIGHT * count / tallest:.1f} />"
        for n, count in enumerate(counts.tolist())
        if count
    )


def _moved(moved: Sequence[Distance], *, is_first: bool) -> str:
    if is_first:
        return "<p class=quiet>There is no earlier one.</p>"
    rows = [
        (each.feature, f"{each.older_mean:.4g}", f"{each.newer_mean:.4g}", told(each.shift_sigma, "+.2f"), told(each.spread, ".2f"),
         f"{each.ks:.2f}", "look" if each.is_large else "")
        for each in moved
    ]  # fmt: skip
    return html_page.table(("feature", "mean then", "mean now", "moved, σ", "spread, ×", "KS", ""), rows)


def told(value: float, how: str) -> str:
    """A number, or a dash where there is none."""
    return "–" if math.isnan(value) else format(value, how)


def picture(page_file: Path, picture_file: Path) -> None:
    """The page as a PNG, by a browser without a window. Raises InputError where there is none, or it fails."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise InputError(
            "no browser is installed that could draw the page",
            f"Install one of {', '.join(BROWSERS)}, or print the page elsewhere.",
        )
    with tempfile.TemporaryDirectory(prefix="jidoka-page-") as profile:
        command = [
            browser, "--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}",
            "--window-size=1200,2400", f"--screenshot={picture_file.resolve()}", page_file.resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=PICTURE_LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise InputError(
                f"{browser} couldn't draw the page: {error}", "Print the page from a browser instead."
            ) from None
    if done.returncode or not picture_file.exists():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise InputError(
            f"{browser} couldn't draw the page: {last[0]}", "Print the page from a browser instead."
        )
