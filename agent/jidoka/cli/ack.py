"""`jidoka ack`: list what waits for acknowledgement, or acknowledge what was seen, with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options, print_done

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

#: the letter of an alarm that is out of service
OUT_OF_SERVICE = "G"


@click.command("ack")
@click.argument("causes", metavar="[CAUSE[@REVISION]]...", nargs=-1)
@click.option(
    "--revision",
    type=int,
    help="The revision that you saw, where it isn't written behind the cause; an alarm that changed since is refused.",
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
    causes: tuple[str, ...],
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

    Several at once are a list: each with the revision that you saw, CAUSE@REVISION, as the list prints them. What changed
    since is refused, the others count; nothing that isn't on the list is touched, and there is no "all".

    \b
    Example:
        jidoka ack
        jidoka ack R-03 --revision 2 --reason "cause removed" --text "lamp replaced"
        jidoka ack R-03@2 R-05@1 "local hold@1" --reason 2
        jidoka ack R-03 --revision 2 --unack
    """
    from jidoka_bridge.messages import Kind
    from jidoka_bridge.roles import TAKEN_BACK

    plan = load_plan(plan_file, config_file)
    if not causes:
        _list(plan, as_json)
        return
    if len(causes) > 1 and (unack or revision is not None):
        raise click.UsageError(
            "several causes are a list of CAUSE@REVISION, to acknowledge; nothing else goes with it."
        )
    seen = [_seen(each, revision) for each in causes]
    if any(each["revision"] is None for each in seen) or (reason is None and not unack):
        raise click.UsageError("--revision and --reason are needed. `jidoka ack` alone shows both.")
    body = {
        **(seen[0] if len(seen) == 1 else {"list": seen}),
        "reason": TAKEN_BACK if reason is None or unack else _reason(reason),
        "text": text,
        "role": role,
        "person": person,
        "remote": remote,
        **({"undo": True} if unack else {}),
    }
    answer = ask_steward(plan, Kind.ACKNOWLEDGE, body)
    if len(seen) > 1:
        _tell_list(answer["list"], as_json, "is marked as seen" if remote else "is acknowledged")
        return
    cause, revision = seen[0]["cause"], seen[0]["revision"]
    done = "isn't acknowledged any more" if unack else "is marked as seen" if remote else "is acknowledged"
    print_done(as_json, f"{cause} (revision {revision}) {done}.", {"cause": cause, "revision": revision})


def _seen(given: str, revision: int | None) -> dict[str, Any]:
    """A cause and the revision that was seen, which may stand behind it: `R-03@2`."""
    name, mark, number = given.rpartition("@")
    if mark and number.isdecimal() and revision is None:
        return {"cause": name, "revision": int(number)}
    return {"cause": given, "revision": revision}


def _tell_list(outcomes: list[dict[str, Any]], as_json: bool, done: str) -> None:
    """Each of a list. Raises RefusedError where one wasn't acknowledged."""
    from jidoka_bridge.errors import RefusedError, told

    if as_json:
        click.echo(json.dumps({"list": outcomes}, ensure_ascii=False))
    refused = [each for each in outcomes if not each["ok"]]
    for each in () if as_json else outcomes:
        click.echo(
            f"{each['cause']} {done}."
            if each["ok"]
            else f"{each['cause']}: NOT: {told(each['refused'], each['remedy'])}"
        )
    if refused:
        raise RefusedError(
            f"{len(refused)} of {len(outcomes)} weren't acknowledged", "Look at them again: jidoka ack"
        )


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

    from jidoka.cli.alarm_screen import what_was_read

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
        if each.get("is_out"):
            click.echo(
                f"    It is out of service: maintenance takes it back first: jidoka alarm back {each['id']}"
            )
    click.echo("\nReasons:")
    for number, text in enumerate(ACKNOWLEDGE_REASONS, 1):
        click.echo(f"    {number}  {text}")
    read = [each for each in waiting if not each.get("is_out")]
    if read:
        click.echo(f"\nTo acknowledge {what_was_read(read)}")


def _waiting(value: dict[str, Any]) -> list[dict[str, Any]]:
    """Causes and other alarms that nobody acknowledged as they are now; what is silent for a time doesn't wait, but for what
    a reset waits for."""
    unseen = {each["id"]: each for each in value.get("alarms", []) if each["state"] in "BD"}
    silent = {each["id"]: each["state"] for each in value.get("withheld", [])}
    found = []
    for each in value.get("causes", []):
        alarm, state = unseen.pop(each["id"], None), silent.get(each["id"])
        is_owed = each["revision"] != each["acknowledged_revision"] and (each["trip"] or each["latched"])
        holds = is_owed and each["trip"] and each["latched"]
        if state is None and (alarm is not None or is_owed):
            found.append(each)
        elif state == OUT_OF_SERVICE and holds:
            found.append({**each, "is_out": True})
    return found + [{**each, "active": each["state"] == "B"} for each in unseen.values()]
