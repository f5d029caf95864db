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
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def command(
    *,
    cause: str | None,
    revision: int | None,
    reason: str | None,
    text: str,
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
    """
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    if cause is None:
        _list(plan, as_json)
        return
    if revision is None or reason is None:
        raise click.UsageError("--revision and --reason are needed. `jidoka ack` alone shows both.")
    body = {
        "cause": cause,
        "revision": revision,
        "reason": _reason(reason),
        "text": text,
        "role": role,
        "person": person,
    }
    ask_steward(plan, Kind.ACKNOWLEDGE, body)
    print_done(
        as_json, f"{cause} (revision {revision}) is acknowledged.", {"cause": cause, "revision": revision}
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

    value = ask_steward(plan, Kind.ASK, {"what": "status"})
    waiting = [each for each in value.get("causes", []) if _waits(each)]
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


def _waits(cause: dict[str, Any]) -> bool:
    return bool(cause["revision"] != cause["acknowledged_revision"])
