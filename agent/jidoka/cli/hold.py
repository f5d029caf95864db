"""`jidoka hold`: stop the machine."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options, print_done


@click.command("hold")
@click.option("--reason", required=True, help="Why; it goes into the record.")
@click.option("--remote", is_flag=True, help="You aren't at the machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def command(
    *,
    reason: str,
    remote: bool,
    as_json: bool,
    role: str,
    person: str,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """Withdraw the permissive: the machine stops, until the hold is acknowledged and somebody resets it there.

    \b
    Example:
        jidoka hold --reason "somebody is in the cell"
    """
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    ask_steward(plan, Kind.HOLD, {"reason": reason, "role": role, "person": person, "remote": remote})
    print_done(
        as_json, "Held. To go on: jidoka ack, then press and release the reset button.", {"held": True}
    )
