"""`jidoka plc arming`: the report that `observe` ends in, before a model is set to `enforce`."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jidoka.cli.asking import FILE

if TYPE_CHECKING:
    from jidoka.commissioning.arming import Arming, Cost

MOST_STOPS = 20


@click.command("arming")
@click.argument("configuration", type=FILE)
@click.option("--ledger", type=FILE, metavar="FILE", help="Another ledger than the plan's, such as a copy.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(*, configuration: Path, ledger: Path | None, as_json: bool) -> None:
    """What would have stopped the line of CONFIGURATION while its models were in `observe`.

    Reads the ledger only. Shown are each time that the guard would have taken the permissive away, its first cause and
    how long it lasted; the nearest misses of the drift statistics; and what it would have cost.

    \b
    Example:
      jidoka plc arming line7.yaml
      jidoka plc arming line7.yaml --json | jq .stops
    """
    from jidoka.cli.plc_site import site_of
    from jidoka.commissioning.arming import cost_of, report
    from jidoka.commissioning.records import entries
    from jidoka.commissioning.site import reaction_of_site
    from jidoka.steward.ledger.reader import entries as ledger_entries
    from jidoka.steward.ledger.spool import open_blocks

    site = site_of(configuration)
    given = entries(site.plan.state_dir)
    reaction = reaction_of_site(site.plc, site.plan, given)
    file = ledger or site.plan.ledger_file
    found = report(ledger_entries(file), open_blocks(file))
    cost = cost_of(found, reaction, site.plc.part_rate)
    if as_json:
        value = {
            **asdict(found),
            "verdicts": dict(found.verdicts),
            "cost": asdict(cost),
            "plan": site.plan.digest,
        }
        click.echo(json.dumps(value, indent=1))
        return
    click.echo("\n".join(lines(found, cost)))
    from jidoka.commissioning.ages import commissioning_lines

    click.echo("\nAt this machine\n" + "\n".join(commissioning_lines(given, time.time())))


def lines(found: Arming, cost: Cost) -> list[str]:
    """The report as people read it."""
    from jidoka.commissioning.ages import age_text

    hours = found.observed_s / 3600
    watched = f"{hours:.1f} h" if hours >= 1 else age_text(found.observed_s)
    told = [
        (
            f"Watched {watched} in which something would have been permitted, {found.records} records "
            f"({found.verdicts[1]} suspect, {found.verdicts[2]} to reject), {found.advices} advices."
        ),
        "",
    ]
    if found.locked_ns:
        told += [
            (
                f"ATTENTION: the guard stands in LOCKOUT since {_at(found.locked_ns)} ({found.locked_by}); what came after "
                "isn't in this report."
            ),
            "      Acknowledge (jidoka ack), let an engineer unlock (jidoka unlock), and watch on.",
            "",
        ]
    if not found.stops and not found.observed_s:
        told.append(
            "Nothing was watched: this says nothing about the line. See what is lacking: jidoka status"
        )
    elif not found.stops:
        told.append("Nothing would have stopped the line or taken the model out.")
    else:
        told.append(
            f"{cost.stops} times the line would have stopped, {len(found.stops) - cost.stops} times the model been taken out:"
        )
        for cause, count in Counter(each.cause for each in found.stops).most_common():
            told.append(f"  {count:>4} × {cause}")
        told.append("")
        for each in found.stops[-MOST_STOPS:]:
            what = "stop " if each.machine else "A off"
            lasted = "goes on" if each.lasted_s is None else f"{each.lasted_s:.1f} s"
            told.append(f"  {_at(each.at_ns)}  {what}  {lasted:>9}  {each.cause}: {each.text}")
    told += ["", *_misses(found), "", *_cost(cost)]
    return told


def _at(wall_ns: int) -> str:
    """UTC, as `jidoka trip list` and `jidoka ledger show` tell it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(wall_ns // 1_000_000_000))


def _misses(found: Arming) -> list[str]:
    if not found.misses:
        return ["Nearest misses: no drift statistic came above half of its limit without tripping."]
    rows = [
        f"  {each.share:>6.0%} of the limit  {each.model}, part {each.part}, {_at(each.at_ns)}"
        for each in found.misses
    ]
    return ["Nearest misses (log scale)", *rows]


def _cost(cost: Cost) -> list[str]:
    parts = "" if cost.parts is None else f", {cost.parts:.0f} parts not made"
    mm = "" if cost.mm is None else f", {cost.mm:.0f} mm of travel after the stops"
    return [
        f"Cost: {cost.stops} stops, {cost.standing_s:.0f} s of standing by the causes alone{parts}{mm}.",
        "      A person's way, the acknowledgement and the reset come on top of each stop.",
    ]
