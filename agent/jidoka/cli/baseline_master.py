"""`jidoka baseline master`: shows a known good or bad part to the model, keeps it, and holds later showings against it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, person_options
from jidoka.cli.baseline_sources import MONITOR_WAIT_S
from jidoka.cli.baseline_words import model_named, print_json
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.baselines.masters import Showing
    from jidoka.monitor.baseline import Baseline
    from jidoka.replay.master import MasterWatch


@click.command("master")
@click.argument("configuration", type=FILE)
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--good", "kind", flag_value="good", help="Keep it: the part is known to be good.")
@click.option("--bad", "kind", flag_value="bad", help="Keep it: the part is known to be bad.")
@click.option("--model", metavar="ID", help="Which model; needed where the configuration has several.")
@click.option(
    "--records",
    metavar="N",
    type=click.IntRange(min=1, max=10_000),
    default=20,
    show_default=True,
    help="How many records to take of it.",
)
@click.option(
    "--limit",
    "limit_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    help="Give up after this many seconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@person_options
def master_command(*, configuration: Path, name: str | None, kind: str | None, model: str | None, records: int,
                   limit_s: float, as_json: bool, role: str, person: str) -> None:  # fmt: skip
    """Show a master part to the running model: a part of which everybody knows whether it is good.

    Lay the part under the camera and let the application run on it. With --good or --bad what the model sees and answers is
    kept under this name; without, it is held against what was kept, and what differs is told. Without a name the parts
    that are kept are listed. Keep one good and one bad part when the baseline is learned, and show both once a shift:
    a lamp, a lens or a model that calls everything good is found by nothing as surely.

    \b
    Example:
      jidoka baseline master line7.yaml golden-3 --good --role quality --person qa-3
      jidoka baseline master line7.yaml scratch-1 --bad --role quality --person qa-3
      jidoka baseline master line7.yaml scratch-1 --person o-12
      jidoka baseline master line7.yaml
    """
    from jidoka.baselines import masters

    plan = read_or_compile(configuration)
    which = model_named(plan, model)
    given = masters.showings(plan, which)
    if name is None:
        _list(given, as_json=as_json)
        return
    digest = str(plan.sections["models"][which]["sha256"])
    before = masters.kept(given, digest).get(name)
    _check(name, kind, before, role)
    watch = _watched(plan, which, records, limit_s)
    baseline = _baseline(plan, which, watch)
    answer, share, features = masters.shown(watch.rows, watch.features, watch.answers)
    recipe, position = watch.key or (0, 0)
    is_kept = kind is not None
    differs: list[str] = []
    if not is_kept and before is not None:
        if before.key != (recipe, position):
            differs.append(
                f"it was shown with recipe {before.recipe}, position {before.position}, not {recipe}, {position}"
            )
        differs += masters.differences(before, answer, features, baseline)
    showing = masters.keep(
        plan, which,
        masters.Showing(
            name, kind or (before.kind if before else ""), digest, recipe, position, len(watch.rows), answer, share, features,
            role, person, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), is_kept, differs,
        ),
    )  # fmt: skip
    others = masters.kept(masters.showings(plan, which), digest)
    _tell(plan, which, showing, masters.confused(others, showing), masters.missing(others, showing.key),
          as_json=as_json)  # fmt: skip


def _check(name: str, kind: str | None, before: Showing | None, role: str) -> None:
    """Raises RefusedError where the role may not, InputError where there is nothing to hold the part against."""
    from jidoka_bridge.errors import InputError, RefusedError
    from jidoka_bridge.roles import ENTITLED, is_entitled

    act = "keep a master part" if kind else "show a master part"
    if not is_entitled(role, act):
        raise RefusedError(
            f"a person in the role {role!r} may not {act}",
            f"Roles that may: {', '.join(sorted(ENTITLED[act]))}.",
        )
    if kind is None and before is None:
        raise InputError(
            f"no master part {name!r} is kept for this model file",
            "Keep it first, with --good or --bad; without a name the parts that are kept are listed.",
        )


def _watched(plan: Plan, model: str, records: int, limit_s: float) -> MasterWatch:
    """The part's records from the monitor that runs. Raises NotRunningError, InputError."""
    from jidoka_bridge.errors import InputError, NotRunningError

    from jidoka.replay.live import MonitorEnded, following
    from jidoka.replay.master import MasterWatch
    from jidoka.replay.player import start_of

    watch: MasterWatch | None = None
    with following(plan.record_socket, MONITOR_WAIT_S) as events:
        until_s = time.monotonic() + limit_s
        try:
            for event in events:
                if event is not None and watch is None:
                    names = [each.id for each in start_of(event).plan.models]
                    if model not in names:
                        raise InputError(
                            f"the monitor that runs doesn't know {model}",
                            "Give the configuration that it was started with.",
                        )
                    watch = MasterWatch(plan, names, model, records)
                elif event is not None and watch is not None:
                    watch.take(event)
                if watch is not None and watch.is_done:
                    return watch
                if time.monotonic() > until_s:
                    break
        except MonitorEnded as why:
            raise NotRunningError(str(why), "Start the programs with: jidoka run CONFIGURATION") from None
    have = 0 if watch is None else len(watch.rows)
    unfit = f", {watch.invalid} of them invalid" if watch is not None and watch.invalid else ""
    raise InputError(
        f"{model}: {have} of {records} records came within {limit_s:g} s{unfit}",
        "Let the application run on the part meanwhile, or take fewer with --records.",
    )


def _baseline(plan: Plan, model: str, watch: MasterWatch) -> Baseline:
    """The baseline by which shifts are reckoned. Raises BaselineError where there is none of this recipe and position."""
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import load_all

    found = load_all(plan, model)
    key = watch.key or (0, 0)
    if key not in found:
        raise BaselineError(
            f"{model} has no baseline of recipe {key[0]}, position {key[1]}: what a master part may differ by is unknown",
            "Learn it first: jidoka baseline learn CONFIGURATION",
        )
    return found[key]


def _tell(
    plan: Plan, model: str, showing: Showing, same: list[str], missing: list[str], *, as_json: bool
) -> None:
    """Tell the steward and the person. Raises BaselineError where the part isn't seen or answered as it was."""
    from dataclasses import asdict

    from jidoka_bridge.errors import BaselineError

    from jidoka.commissioning.telling import tell_steward

    what = "kept" if showing.is_kept else "shown again"
    text = f"{showing.kind} master part {showing.name} of {model} {what}: " + (
        "; ".join(showing.differs)
        or f"{showing.answer or 'no class'} in {showing.share:.0%} of {showing.records} records"
    )
    value: dict[str, Any] = {
        **asdict(showing),
        "answered_as": same,
        "still_missing": missing,
        "recorded": tell_steward(
            plan.steward_socket,
            {"kind": "baseline", "what": "master part", "text": text, "model": model, "name": showing.name,
             "part": showing.kind, "answer": showing.answer, "differs": showing.differs, "role": showing.role,
             "person": showing.person},
        ),
    }  # fmt: skip
    if as_json:
        print_json(value)
    else:
        click.echo(text)
        if not value["recorded"]:
            click.echo("no steward runs: it isn't in the ledger", err=True)
        if showing.is_kept and missing:
            click.echo(f"still to be kept: a known {' and a known '.join(missing)} part", err=True)
    if same:
        raise BaselineError(
            f"{model} answers {showing.answer!r} to the {showing.kind} part {showing.name} as it does to {', '.join(same)}",
            "It can't tell them apart: don't rely on it for this fault. See lamp, lens and focus, or train it anew.",
        )
    if showing.differs:
        raise BaselineError(
            f"{model} doesn't see or answer {showing.name} as it was kept: {'; '.join(showing.differs)}",
            "See how the part lies, then lamp, lens and focus; parts since the last good showing may have to be sorted again.",
        )


def _list(given: list[Showing], *, as_json: bool) -> None:
    """The kept parts, and when each was last shown with what result."""
    from jidoka.baselines.masters import latest

    names = dict.fromkeys(each.name for each in given if each.is_kept)
    last = [each for each in (latest(given, name) for name in names) if each is not None]
    if as_json:
        print_json(
            [
                {"name": each.name, "kind": each.kind, "recipe": each.recipe, "position": each.position, "answer": each.answer,
                 "shown_at": each.shown_at, "person": each.person, "differs": each.differs}
                for each in last
            ]
        )  # fmt: skip
        return
    for each in last:
        state = "; ".join(each.differs) or "as kept"
        click.echo(
            f"{each.name}: known {each.kind}, recipe {each.recipe}, position {each.position}; last shown {each.shown_at}"
            f" by {each.person} ({each.role}): {each.answer or 'no class'}, {state}"
        )
    if not last:
        click.echo(
            "no master part is kept: lay down a known good part, then jidoka baseline master CONFIGURATION NAME --good"
        )
