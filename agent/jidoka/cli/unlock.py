"""`jidoka unlock`: end a LOCKOUT."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options, print_done


@click.command("unlock")
@click.option("--reason", required=True, help="Why it is safe to go on; it goes into the record.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def command(
    *, reason: str, as_json: bool, role: str, person: str, plan_file: Path, config_file: Path | None
) -> None:
    """End a LOCKOUT as the engineer. It leads to HOLD only: an ordinary reset at the machine is still needed.

    The cause must be gone, every alarm acknowledged, and the override key off.

    \b
    Example:
        jidoka unlock --role engineer --person e7 --reason "relay replaced and tested"
    """
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    ask_steward(plan, Kind.UNLOCK, {"reason": reason, "role": role, "person": person, "remote": False})
    print_done(as_json, "Unlocked to HOLD. A reset at the machine is still needed.", {"unlocked": True})
