"""`jidoka model window` and `jidoka model mode`: what people may change of a model while the guard runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from jidoka.cli.asking import ask_steward, load_plan, person_options, plan_options, print_done

MINUTE_MS = 60_000


@click.command("window", short_help="Announce a time for changing a model's file; two persons.")
@click.argument("model")
@click.option("--minutes", type=click.FloatRange(min=0.0, min_open=True), required=True, metavar="N", help="How long the change may take.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def window(
    *,
    model: str,
    minutes: float,
    as_json: bool,
    role: str,
    person: str,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """Announce that the file of MODEL will be changed within so many minutes.

    Two persons are needed: each says the same time under a name of their own, the second within a day. From then on a
    file that isn't the approved one takes the machine to FALLBACK or HOLD; without a window it is LOCKOUT, and when the
    window is over before the approved file is back, or before a plan approves the new one, it is LOCKOUT too.
    Maintenance, engineer and quality may announce; only at the machine.

    \b
    Example:
      jidoka model window surface-inspection --minutes 30 --role maintenance --person m4
      jidoka model window surface-inspection --minutes 30 --role quality --person q2     # this opens it
    """
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    length_ms = max(1, round(minutes * MINUTE_MS))
    body = {"model": model, "ms": length_ms, "role": role, "person": person, "remote": False}
    ask_steward(plan, Kind.WINDOW, body)
    is_open = any(each.get("id") == model and each.get("window_until_ns") for each in _models(plan))
    done = (
        f"The window of {model} is open for {minutes:g} min: change the file now."
        if is_open
        else f"Noted. Another person has to announce the same {minutes:g} min within a day; only that opens the window."
    )
    print_done(as_json, done, {"model": model, "ms": length_ms, "open": is_open})


@click.command("mode", short_help="Take a model out of enforce, or bring it back.")
@click.argument("model")
@click.argument("to", metavar="observe|enforce", type=click.Choice(["observe", "enforce"]))
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def mode(
    *, model: str, to: str, as_json: bool, role: str, person: str, plan_file: Path, config_file: Path | None
) -> None:
    """Take MODEL out of enforce, or bring it back into it. The mode stays until it is set again, over restarts too.

    observe: the model's outputs may no longer be used: the machine goes to FALLBACK where the plant has one, else to
    HOLD. Anybody who may hold may do this. enforce: only back to what the plan says, by an engineer, while nothing is
    permitted; an ordinary reset at the machine is still needed. Both only at the machine.

    \b
    Example:
      jidoka model mode surface-inspection observe
      jidoka model mode surface-inspection enforce --role engineer --person e7
    """
    from jidoka_bridge.messages import Kind

    plan = load_plan(plan_file, config_file)
    body = {"model": model, "mode": to, "role": role, "person": person, "remote": False}
    ask_steward(plan, Kind.MODE, body)
    done = {
        "observe": f"{model} only observes now: its outputs may not be used until an engineer brings it back.",
        "enforce": f"{model} is in enforce again. A reset at the machine is still needed.",
    }[to]
    print_done(as_json, done, {"model": model, "mode": to})


def _models(plan: Any) -> list[dict[str, Any]]:
    """What the guard says of each model's mode and window, as the steward knows it."""
    from jidoka_bridge.messages import Kind

    found: list[dict[str, Any]] = ask_steward(plan, Kind.ASK, {"what": "status"}).get("modes", [])
    return found
