"""`jidoka plc drill`: guides a person through the drill at the machine, measures, and keeps who did it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options

if TYPE_CHECKING:
    from jidoka_bridge.plan import Link, Plan

    from jidoka.commissioning.drill import Look, Shown, Withdrawal

POLL_S = 0.01
#: so many looks before the hold, so that the hold time's ups and downs are seen
LOOKS_BEFORE = 40
LIMIT_S = 10.0
SETTLE_S = 1.0
PASSED = "passed"
ANSWERS = ("rejected", PASSED, "nothing")


@click.command("drill")
@click.option("--wait", "wait_s", type=click.FloatRange(0), default=120.0, show_default=True,
              help="Seconds to wait until the input DRILL is on.")  # fmt: skip
@click.option("--no-withdrawal", is_flag=True, help="Leave the reaction time out.")
@click.option("--no-reject", is_flag=True, help="Leave the reject path out.")
@click.option("--json", "as_json", is_flag=True, help="Print what came out as JSON.")
@person_options
@plan_options
def command(
    *, wait_s: float, no_withdrawal: bool, no_reject: bool, as_json: bool, role: str, person: str, plan_file: Path,
    config_file: Path | None,
) -> None:  # fmt: skip
    """Guide a person through the drill at the machine: real reaction time, and a part rejected while A is off.

    The programs run, the drill's input (S4) is on. First the permissive is withdrawn and the PLC's own read-back timed;
    then you watch a part, which the model calls good, being rejected while A is off. What came out is kept with your
    name; `jidoka plan` and `jidoka status` show its age, and a model that drives a gate or robot itself may be set to
    `enforce` only after a part was rejected.

    \b
    Example:
      jidoka plc drill --config line7.yaml --role engineer --person e-3
    """
    from jidoka_bridge.errors import ConfigurationError, RefusedError
    from jidoka_bridge.roles import ENTITLED, is_entitled

    from jidoka.commissioning.drill import values_of
    from jidoka.commissioning.records import Entry, append, now_text
    from jidoka.commissioning.telling import drill_event, tell_steward

    plan = load_plan(plan_file, config_file)
    if plan.link is None:
        raise ConfigurationError("this plan has no PLC", "Name a configuration with `plc:`.")
    if not is_entitled(role, "drill"):
        raise RefusedError(
            f"a person in the role {role!r} may not do a drill",
            f"Roles that may: {', '.join(sorted(ENTITLED['drill']))}.",
        )
    if person == "local":
        raise RefusedError("a drill needs a person", "Name yourself with --person PSEUDONYM.")

    def say(text: str) -> None:
        click.echo(text, err=as_json)

    _wait_for_input(plan, wait_s, say)
    withdrawal, silent_ms = (None, None) if no_withdrawal else _withdraw(plan, role, person, say)
    shown = None if no_reject else _reject(plan, say)
    if withdrawal is None and shown is None:
        raise RefusedError(
            "nothing was measured or shown, so no drill is kept",
            "See what is said above: the reaction needs a machine that is permitted, the reject path A off.",
        )
    values = values_of(plan.link, withdrawal, silent_ms, shown)
    entry = append(
        plan.state_dir, Entry("drill", now_text(), role, person, plan.digest, plan.map_digest, values)
    )
    tell_steward(plan.steward_socket, drill_event(entry))
    if as_json:
        click.echo(json.dumps({"at": entry.at, **values}))
    say(f"Kept: drill of {entry.at} by {person} ({role}).")
    if shown is not None and not shown.rejected:
        raise RefusedError(f"no rejected part was shown: {shown.why}", remedy_of(shown))


def remedy_of(shown: Shown) -> str:
    """What to do about a look at the reject path that doesn't count."""
    if shown.why.endswith(PASSED):
        return "Wire A into the reject path, then do the drill again."
    return "Do the drill again: let a good part go by that the PLC counts, with A off and without a press of reset."


def _look(plan: Plan) -> Look:
    from jidoka_bridge.messages import Kind

    from jidoka.commissioning.drill import Look
    from jidoka.commissioning.view import of_status

    value = ask_steward(plan, Kind.ASK, {"what": "status"})
    plc = value["interlock"]["plc"]
    return Look(of_status(value), int(plc["beat_ns"]) if plc else 0)


def _wait_for_input(plan: Plan, wait_s: float, say: Callable[[str], None]) -> None:
    from jidoka_bridge.errors import RefusedError

    from jidoka.commissioning.drill import DRILL

    until, is_told = time.monotonic() + wait_s, False
    while DRILL not in _look(plan).view.inputs:
        if time.monotonic() >= until:
            raise RefusedError(
                "the PLC's input DRILL is off", "Switch S4 on at the machine, then start the drill."
            )
        if not is_told:
            say("Waiting for the input DRILL: switch S4 on at the machine.")
            is_told = True
        time.sleep(0.1)


def _withdraw(
    plan: Plan, role: str, person: str, say: Callable[[str], None]
) -> tuple[Withdrawal | None, float | None]:  # fmt: skip
    """Hold, and see when the PLC's own output reads back off."""
    from jidoka_bridge.messages import Kind

    from jidoka.commissioning.drill import silent_ms_of, withdrawal_of

    assert plan.link is not None
    looks = [_look(plan)]
    if not looks[0].view.machine:
        say("The machine isn't permitted now, so no reaction can be measured: that part is left out.")
        return None, None
    click.prompt("The permissive is withdrawn now; the machine will stop. Enter when all are clear", default="",
                 show_default=False, err=True)  # fmt: skip
    looks += [_look_soon(plan) for _ in range(LOOKS_BEFORE)]
    silent_ms = silent_ms_of(looks, plan.link)
    asked_ns = time.monotonic_ns()
    ask_steward(plan, Kind.HOLD, {"reason": "drill", "role": role, "person": person, "remote": False})
    until = time.monotonic() + LIMIT_S
    after = []
    while time.monotonic() < until:
        after.append(_look(plan))
        if not after[-1].view.machine and after[-1].beat_ns > asked_ns:
            break
        time.sleep(POLL_S)
    found = withdrawal_of(asked_ns, after)
    _say_times(plan.link, found, silent_ms, say)
    return found, silent_ms


def _look_soon(plan: Plan) -> Look:
    time.sleep(POLL_S)
    return _look(plan)


def _say_times(
    link: Link, found: Withdrawal | None, silent_ms: float | None, say: Callable[[str], None]
) -> None:  # fmt: skip
    from jidoka_bridge.link.times import as_set

    from jidoka.commissioning.drill import is_over

    times = as_set(link)
    if found is None:
        say(
            f"The output did not read back off within {LIMIT_S:g} s. Stop the machine by its own means and look."
        )
    else:
        verdict = (
            "LONGER than the formula" if is_over(found.least_ms, times.withdraw_ms) else "as the formula says"
        )
        say(
            f"Off {found.least_ms:.0f} to {found.most_ms:.0f} ms after the hold was asked for (a beat apart), "
            f"at most {math.ceil(times.withdraw_ms)} ms: {verdict}."
        )
    if silent_ms is not None:
        say(f"Without the agent the PLC would stop within {silent_ms:.0f} ms by the hold time that it shows; "
            f"the formula says {math.ceil(times.silent_ms)} ms.")  # fmt: skip


def _reject(plan: Plan, say: Callable[[str], None]) -> Shown | None:
    """A person watches a part at the gate while A is off."""
    from jidoka.commissioning.drill import Gate, shown_by

    before = Gate(_look(plan).view)
    if before.lack:
        say(f"The reject path can't be shown now: {before.lack}. That part is left out.")
        return None
    say("A is off. Run a part that the model calls good past the gate (by the fallback, or with the key).")
    answer = click.prompt("What became of it", type=click.Choice(ANSWERS), err=True)
    # the guard tells of parts twice a second
    until = time.monotonic() + SETTLE_S
    while (after := Gate(_look(plan).view)).view.parts == before.view.parts and time.monotonic() < until:
        time.sleep(0.1)
    return shown_by(before, after, str(answer))
