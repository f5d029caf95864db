"""`jidoka guard`: make the latch file of a new device, or run the guard by itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from jidoka.cli.asking import FILE


@click.group("guard")
def command() -> None:
    """The guard decides what the machine may do and speaks to its PLC.

    `jidoka run` starts it with the other programs; `jidoka guard init` is needed once for each new device.

    \b
    Example:
        jidoka guard init line7.yaml
        jidoka plan line7.yaml -o plan.json && jidoka guard run plan.json
    """


@command.command("init")
@click.argument("configuration", type=FILE)
def init(configuration: Path) -> None:
    """Make the latch file of a new device.

    CONFIGURATION is the device's YAML file, or a plan made of it. The latch file keeps a lockout, latched causes and
    acknowledgements over restarts and power cuts. An existing one is never replaced; a guard that doesn't find it
    locks out until an engineer unlocks.

    \b
    Example:
        jidoka guard init line7.yaml
    """
    from jidoka_bridge.guard import latch, remembered

    from jidoka.cli.asking import load_plan

    plan = load_plan(configuration)
    latch.create(plan.latch_file, remembered.NEW)
    click.echo(f"{plan.latch_file}: made.")


@command.command("run")
@click.argument("plan", type=FILE)
@click.option(
    "--trace", "trace_file", type=FILE, help="Write down everything that comes in and goes out, up to 64 MiB."
)
def run(plan: Path, trace_file: Path | None) -> None:
    """Run the guard alone, in this terminal, until Ctrl-C. PLAN is what `jidoka plan` wrote.

    Where the serial port is missing or the PLC is silent it isn't armed, says why, and goes on trying. Under `jidoka
    run` or systemd, set JIDOKA_GUARD_TRACE=FILE for a trace; beside the state is a good place.

    \b
    Example:
        jidoka plan line7.yaml -o plan.json && jidoka guard run plan.json
        jidoka guard run plan.json --trace /var/lib/jidoka/guard.trace
    """
    # a process of its own: the guard doesn't carry the command line's memory about
    sys.stdout.flush()
    more = ["--trace", str(trace_file)] if trace_file else []
    os.execv(sys.executable, [sys.executable, "-m", "jidoka_bridge", "--plan", str(plan), *more])  # noqa: S606


@command.command("replay")
@click.argument("trace", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def replay(trace: Path, as_json: bool) -> int:
    """Run the guard from a TRACE, without a PLC: the same inputs must give the same outputs, bit for bit.

    Prints what the interlock did. Ends with code 1 and the first difference if this guard did anything else than the
    one that wrote the trace: another version, or a fault that depends on more than its inputs.

    \b
    Example:
        jidoka guard replay guard.trace
    """
    import json

    from jidoka_bridge.guard.replay import replay as replayed

    outcome = replayed(trace)
    if as_json:
        told = {"calls": outcome.calls, "frames": outcome.frames, "same": not outcome.differs}
        click.echo(json.dumps({**told, "differs": outcome.differs, "transitions": outcome.transitions}))
    else:
        first_ns = outcome.transitions[0]["ns"] if outcome.transitions else 0
        for event in outcome.transitions:
            move = event["to"] if event["from"] == event["to"] else f"{event['from']} → {event['to']}"
            seconds = (event["ns"] - first_ns) / 1e9
            click.echo(f"{seconds:10.3f} s  {event['number']:5}  {move:20} {event['event']}: {event['text']}")
        same = "the same, bit for bit" if not outcome.differs else f"DIFFERS at {outcome.differs}"
        click.echo(f"{trace}: {outcome.calls} calls, {outcome.frames} frames to the PLC: {same}")
    return 1 if outcome.differs else 0
