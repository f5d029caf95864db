"""`jidoka alarm`: the list as a panel shows it, shelving with an end, out of service under a permit, and the load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, ask_steward, load_plan, person_options, plan_options, print_done

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan


@click.group("alarm")
def command() -> None:
    """Alarms as the panel shows them; shelve one for a time, or take one out of service under a permit.

    To acknowledge: jidoka ack

    \b
    Example:
        jidoka alarm list
        jidoka alarm shelve R-05 --for "2 h" --reason "known, waits for a part"
    """


@command.command("list")
@click.option("--all", "with_normal", is_flag=True, help="Those that are normal too.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
@plan_options
def list_(*, with_normal: bool, as_json: bool, plan_file: Path, config_file: Path | None) -> None:
    """Alarms that aren't normal, and those that are silent: who did it, why, and until when.

    \b
    Example:
        jidoka alarm list
    """
    from jidoka.cli.alarm_screen import listed

    value = _alarms(load_plan(plan_file, config_file))
    if as_json:
        names = ("alarms", "withheld", *(["normal"] if with_normal else []))
        click.echo(json.dumps({name: value[name] for name in names}, ensure_ascii=False))
        return
    click.echo(listed(value, with_normal))


@command.command("load")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@plan_options
def load(*, as_json: bool, plan_file: Path, config_file: Path | None) -> None:
    """What the alarms of the last 30 days asked of people, beside the figures of ISA-18.2.

    \b
    Example:
        jidoka alarm load
    """
    from jidoka.cli.alarm_screen import load_text

    value = _alarms(load_plan(plan_file, config_file))["alarm_load"]
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else load_text(value))


@command.command("replay")
@click.argument("trace", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def replay(*, trace: Path, as_json: bool) -> int:
    """Run the alarms from a TRACE, without a device: the same inputs must give the same entries, bit for bit.

    A steward writes one where JIDOKA_ALARM_TRACE=FILE is set before it starts, up to 64 MiB (days). Prints what happened to
    the alarms. Ends with code 1 and the first difference if these alarms did anything else than those that wrote the trace.

    \b
    Example:
        JIDOKA_ALARM_TRACE=/var/lib/jidoka/alarms.trace jidoka run line7.yaml
        jidoka alarm replay /var/lib/jidoka/alarms.trace
    """
    from jidoka.steward.alarm_trace import replay as replayed

    outcome = replayed(trace)
    if as_json:
        entries = [{"ns": ns, **body} for ns, body in outcome.entries]
        told = {"inputs": outcome.inputs, "same": not outcome.differs, "differs": outcome.differs}
        click.echo(json.dumps({**told, "entries": entries}, ensure_ascii=False))
        return 1 if outcome.differs else 0
    first_ns = outcome.entries[0][0] if outcome.entries else 0
    for ns, body in outcome.entries:
        what = body.get("text", "")
        move = (
            f"{body['id']}: {body['was']} → {body['state']} [{body['sign']}]"
            if "sign" in body
            else f"flood {body['event']}"
        )
        click.echo(f"{(ns - first_ns) / 1e9:10.3f} s  {move}: {what}")
    same = "the same, bit for bit" if not outcome.differs else f"DIFFERS at {outcome.differs}"
    click.echo(f"{trace}: {outcome.inputs} inputs, {len(outcome.entries)} entries: {same}")
    return 1 if outcome.differs else 0


@command.command("shelve")
@click.argument("alarm")
@click.option(
    "--for",
    "length",
    default="4 h",
    show_default=True,
    help="How long; the site's `alarms: shelve_at_most` at most.",
)
@click.option(
    "--reason", required=True, help="Number or words of the table of reasons; other words are kept apart."
)
@click.option("--text", default="", help="More, in your own words.")
@click.option("--once", is_flag=True, help="It also ends when the condition does.")
@click.option("--remote", is_flag=True, help="You aren't at the machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def shelve(
    *, alarm: str, length: str, reason: str, text: str, once: bool, remote: bool, as_json: bool, role: str,
    person: str, plan_file: Path, config_file: Path | None,
) -> None:  # fmt: skip
    """Silence an alarm for a time. It goes on in the record, and comes back by itself; a trip alarm can't be shelved.

    \b
    Example:
        jidoka alarm shelve R-05 --for "2 h" --reason 1
    """
    body = {
        "reason": _reason(reason),
        "text": text,
        "for_s": _seconds(length),
        "one_shot": once,
        "remote": remote,
    }
    _do(load_plan(plan_file, config_file), "shelve", alarm, {**body, "role": role, "person": person})
    print_done(as_json, f"{alarm} is shelved for {length}.", {"alarm": alarm, "for_s": body["for_s"]})


@command.command("unshelve")
@click.argument("alarm")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def unshelve(
    *, alarm: str, as_json: bool, role: str, person: str, plan_file: Path, config_file: Path | None
) -> None:
    """End a shelf by hand; what is active counts as seen by you.

    \b
    Example:
        jidoka alarm unshelve R-05
    """
    _do(load_plan(plan_file, config_file), "unshelve", alarm, {"role": role, "person": person})
    print_done(as_json, f"{alarm} isn't shelved any more.", {"alarm": alarm})


@command.command("out")
@click.argument("alarm")
@click.option("--for", "length", required=True, help="How long, such as `8 h` or `3 days`; 30 days at most.")
@click.option("--permit", required=True, help="Number of the permit to work.")
@click.option(
    "--reason", default="work in progress", show_default=True, help="Number or words of the table of reasons."
)
@click.option("--text", default="", help="More, in your own words.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def out(
    *, alarm: str, length: str, permit: str, reason: str, text: str, as_json: bool, role: str, person: str,
    plan_file: Path, config_file: Path | None,
) -> None:  # fmt: skip
    """Take an alarm out of service: maintenance does, with a permit and an end.

    \b
    Example:
        jidoka alarm out R-05 --for "8 h" --permit P-1734 --role maintenance
    """
    body = {"reason": _reason(reason), "text": text, "for_s": _seconds(length), "permit": permit}
    _do(load_plan(plan_file, config_file), "out of service", alarm, {**body, "role": role, "person": person})
    print_done(
        as_json,
        f"{alarm} is out of service for {length} (permit {permit}).",
        {"alarm": alarm, "permit": permit},
    )


@command.command("back")
@click.argument("alarm")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def back(
    *, alarm: str, as_json: bool, role: str, person: str, plan_file: Path, config_file: Path | None
) -> None:
    """Take an alarm back into service; what is active sounds.

    \b
    Example:
        jidoka alarm back R-05 --role maintenance
    """
    _do(load_plan(plan_file, config_file), "back in service", alarm, {"role": role, "person": person})
    print_done(as_json, f"{alarm} is in service again.", {"alarm": alarm})


def _do(plan: Plan, act: str, alarm: str, body: dict[str, Any]) -> None:
    from jidoka_bridge.messages import Kind

    ask_steward(plan, Kind.ALARM_ACT, {"act": act, "alarm": alarm, **body})


def _alarms(plan: Plan) -> dict[str, Any]:
    from jidoka_bridge.messages import Kind

    return ask_steward(plan, Kind.ASK, {"what": "alarms"})


def _reason(given: str) -> str:
    """A reason by its number in the table, or in words."""
    from jidoka_bridge.roles import SHELVE_REASONS

    if given.isdecimal():
        if not 1 <= int(given) <= len(SHELVE_REASONS):
            listed = ", ".join(f"{number} {text}" for number, text in enumerate(SHELVE_REASONS, 1))
            raise click.UsageError(f"{given!r} isn't in the table of reasons: {listed}.")
        return SHELVE_REASONS[int(given) - 1]
    return given


def _seconds(length: str) -> float:
    """A duration as people write it."""
    from jidoka.config.faults import UnfitError
    from jidoka.config.quantities import seconds

    try:
        return seconds(length)
    except UnfitError as error:
        raise click.UsageError(f"--for: {error.message}. {error.remedy}") from None
