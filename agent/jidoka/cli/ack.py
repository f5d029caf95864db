"""`jidoka ack`: list what waits for acknowledgement, or acknowledge one cause with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options, print_done

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan


@click.command("ack")
@click.argument("cause", required=False)
@click.option(
    "--revision", type=int, help="The revision that you saw; an alarm that changed since is refused."
)
@click.option("--reason", help="Number or words of the table of reasons.")
@click.option("--text", default="", help="More, in your own words.")
@click.option(
    "--unack", is_flag=True, help="Take an acknowledgement back that was a mistake; your role gave it."
)
@click.option(
    "--remote", is_flag=True, help="You aren't at the machine: a trip alarm is only marked as seen."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def command(
    *,
    cause: str | None,
    revision: int | None,
    reason: str | None,
    text: str,
    unack: bool,
    remote: bool,
    as_json: bool,
    role: str,
    person: str,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """Acknowledge a cause; without arguments: list what waits, with revisions and the table of reasons.

    \b
    Example:
        jidoka ack
        jidoka ack R-03 --revision 2 --reason "cause removed" --text "lamp replaced"
        jidoka ack R-03 --revision 2 --unack
    """
    from jidoka_bridge.messages import Kind
    from jidoka_bridge.roles import TAKEN_BACK

    plan = load_plan(plan_file, config_file)
    if cause is None:
        _list(plan, as_json)
        return
    if revision is None or (reason is None and not unack):
        raise click.UsageError("--revision and --reason are needed. `jidoka ack` alone shows both.")
    body = {
        "cause": cause,
        "revision": revision,
        "reason": TAKEN_BACK if reason is None or unack else _reason(reason),
        "text": text,
        "role": role,
        "person": person,
        "remote": remote,
        **({"undo": True} if unack else {}),
    }
    ask_steward(plan, Kind.ACKNOWLEDGE, body)
    done = "isn't acknowledged any more" if unack else "is marked as seen" if remote else "is acknowledged"
    print_done(as_json, f"{cause} (revision {revision}) {done}.", {"cause": cause, "revision": revision})


def _reason(given: str) -> str:
    """A reason by its number in the table, or in words."""
    from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

    if given.isdecimal() and 1 <= int(given) <= len(ACKNOWLEDGE_REASONS):
        return ACKNOWLEDGE_REASONS[int(given) - 1]
    if given not in ACKNOWLEDGE_REASONS:
        listed = ", ".join(f"{number} {text}" for number, text in enumerate(ACKNOWLEDGE_REASONS, 1))
        raise click.UsageError(f"{given!r} isn't in the table of reasons: {listed}.")
    return given


def _list(plan: Plan, as_json: bool) -> None:
    from jidoka_bridge.messages import Kind
    from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

    value = ask_steward(plan, Kind.ASK, {"what": "status"})
    waiting = _waiting(value)
    if as_json:
        click.echo(json.dumps({"waiting": waiting, "reasons": list(ACKNOWLEDGE_REASONS)}))
        return
    if not waiting:
        click.echo("Nothing waits for an acknowledgement.")
        return
    for each in waiting:
        now = "active" if each["active"] else "gone, still to be acknowledged"
        click.echo(f"{each['id']}  revision {each['revision']}  {each['priority']}  {now}")
        click.echo(f"    {each['text']} {each['remedy']}".rstrip())
    click.echo("\nReasons:")
    for number, text in enumerate(ACKNOWLEDGE_REASONS, 1):
        click.echo(f"    {number}  {text}")
    first = waiting[0]
    click.echo(f'\nFor example: jidoka ack "{first["id"]}" --revision {first["revision"]} --reason 2')


def _waiting(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Causes and other alarms that nobody acknowledged as they are now; what is silent for a time doesn't wait."""
    unseen = {each["id"]: each for each in value.get("alarms", []) if each["state"] in "BD"}
    silent = {each["id"] for each in value.get("withheld", [])}
    found = []
    for each in value.get("causes", []):
        alarm = unseen.pop(each["id"], None)
        is_owed = each["revision"] != each["acknowledged_revision"] and (each["trip"] or each["latched"])
        if (alarm is not None or is_owed) and each["id"] not in silent:
            found.append(each)
    return found + [{**each, "active": each["state"] == "B"} for each in unseen.values()]
