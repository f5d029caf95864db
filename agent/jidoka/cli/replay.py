"""`jidoka replay`: what another configuration or baseline would have made of a recording."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE
from jidoka.steward.ledger.story import VERDICTS

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.monitor.core import Baselines
    from jidoka.monitor.trace import Event
    from jidoka.replay.outcome import Change, Outcome
    from jidoka.replay.player import Start

#: of many changes the first ones are shown; --json has them all
MOST_LINES = 40


@click.command("replay")
@click.argument("recording", type=FILE)
@click.option(
    "--config",
    "config_file",
    type=FILE,
    help="Another configuration (or plan) to judge it with; left out: its own.",
)
@click.option("--json", "as_json", is_flag=True, help="Print all that was found as JSON.")
def command(recording: Path, config_file: Path | None, as_json: bool) -> int:
    """Judge RECORDING again, and tell alarms, their delays, and what would have been held.

    With its own configuration and baselines it is checked record by record against what the live monitor answered.
    Baselines are those in the state_dir of the configuration now. No PLC takes part: what a cause would have asked
    for is told, not what a machine would have done.

    \b
    Example:
      jidoka replay monday.trace
      jidoka replay monday.trace --config stricter.yaml --json
    """
    from jidoka.cli.plan_files import read_or_compile
    from jidoka.monitor.kernels.warm import warm
    from jidoka.replay.file import events
    from jidoka.replay.player import play, start_of

    told = iter(events(recording))
    first = next(told, None)
    if first is None:
        from jidoka_bridge.errors import InputError

        raise InputError(f"{recording}: is empty", "Record for longer: it ended before anything came.")
    start = start_of(first)
    plan = start.plan if config_file is None else read_or_compile(config_file)
    baselines = _baselines(plan)
    notes = list(_notes(start, plan, baselines, is_own=config_file is None))
    click.echo("compiling the kernels, if this is the first time", err=True)
    warm(is_closed=False)
    outcome = play(_counted(itertools.chain([first], told)), start, plan, baselines)
    if outcome.dropped:
        notes.append(f"{outcome.dropped} events are missing in the recording")
    is_exact = config_file is None and not notes
    if as_json:
        import json

        click.echo(json.dumps(_as_object(recording, outcome, notes, is_exact)))
    else:
        click.echo("\n".join(_as_lines(recording, outcome, notes, is_exact)))
    return 0


def _counted(events: Iterator[Event]) -> Iterator[Event]:
    """The events, with a line of progress for who waits."""
    for number, event in enumerate(events, 1):
        if number % 20_000 == 0:
            click.echo(f"\r{number} events", nl=False, err=True)
        yield event
    click.echo("\r", nl=False, err=True)


def _baselines(plan: Plan) -> Baselines:
    from jidoka.monitor.baseline import load_all

    return {model.id: load_all(plan, model.id) for model in plan.models}


def _notes(start: Start, plan: Plan, baselines: Baselines, *, is_own: bool) -> Iterator[str]:
    """Why the replay isn't what the live monitor did."""
    if start.seed is None:
        yield "the recording began while the monitor ran: detectors begin afresh here"
    known = {model.id for model in start.plan.models}
    for model in plan.models:
        if model.id not in known:
            yield f"{model.id}: isn't in the recording"
        elif is_own and sorted(each.digest for each in baselines[model.id].values()) != list(
            start.baselines[model.id]
        ):
            yield f"{model.id}: other baselines lie in {plan.state_dir} now than when it was recorded"
    for model in start.plan.models:
        if model.id not in {each.id for each in plan.models}:
            yield f"{model.id}: is recorded, but not in the configuration"


def _at(outcome: Outcome, ns: int) -> float:
    return round((ns - outcome.first_ns) * 1e-9, 3)


def _as_object(recording: Path, outcome: Outcome, notes: list[str], is_exact: bool) -> dict[str, Any]:
    return {
        "recording": str(recording),
        "records": outcome.records,
        "seconds": _at(outcome, outcome.last_ns),
        "notes": notes,
        "is_exact": is_exact,
        "differing": outcome.differing,
        "models": {
            name: {
                "replayed": dict(zip(VERDICTS, each.replayed, strict=True)),
                "live": dict(zip(VERDICTS, each.live, strict=True)),
                "differing": each.differing,
                "first_differing": each.first_differing,
            }
            for name, each in outcome.models.items()
        },
        "conditions": [
            {
                "condition": each.condition,
                "judgement": each.judgement.name.lower(),
                "s": _at(outcome, each.ns),
                "records": each.records,
                "evidence": dict(each.evidence),
            }
            for each in outcome.changes
        ],
        "causes": [
            {"cause": each.cause, "risk": each.risk, "response": each.response, "s": _at(outcome, each.ns), "records": each.records}
            for each in outcome.acts
        ],
    }  # fmt: skip


def _as_lines(recording: Path, outcome: Outcome, notes: list[str], is_exact: bool) -> Iterator[str]:
    yield f"{recording}: {outcome.records} records in {_at(outcome, outcome.last_ns):.1f} s"
    for note in notes:
        yield f"  note: {note}"
    for name, each in outcome.models.items():
        yield f"{name}"
        for word, counts in (("live", each.live), ("replayed", each.replayed)):
            yield f"  {word:9}" + "".join(
                f"{count:9} {what}" for what, count in zip(VERDICTS, counts, strict=True)
            )
        if is_exact:
            found = f"{each.differing} records differ, the first is {each.first_differing}"
            yield (
                "  every record was judged as it was live, bit for bit"
                if not each.differing
                else f"  {found}"
            )
    shown = [each for each in outcome.changes if each.judgement.name != "UNKNOWN"]
    yield "conditions" if shown else "no condition changed"
    for change in shown[:MOST_LINES]:
        yield f"  {_at(outcome, change.ns):9.1f} s  {change.judgement.name.lower():4} {change.condition}{_evidence(change)}"
    if len(shown) > MOST_LINES:
        yield f"  … and {len(shown) - MOST_LINES} more: see --json"
    yield "what the causes would have asked for" if outcome.acts else "no cause would have become active"
    for act in outcome.acts[:MOST_LINES]:
        yield f"  {_at(outcome, act.ns):9.1f} s  {act.response:8} {act.cause}: {act.risk}"


def _evidence(change: Change) -> str:
    """The delay and the parts to sort again, or why."""
    evidence = change.evidence
    if "onset_part" in evidence:
        return (
            f": {evidence['feature']} {evidence['direction']}, {evidence['records_since_onset']} records after it began, "
            f"sort again from part {evidence['onset_low_part']}"
        )
    return f": {evidence['why']}" if "why" in evidence else ""
