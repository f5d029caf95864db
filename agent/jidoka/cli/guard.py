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
def run(plan: Path) -> None:
    """Run the guard alone, in this terminal, until Ctrl-C. PLAN is what `jidoka plan` wrote.

    Where the serial port is missing or the PLC is silent it isn't armed, says why, and goes on trying.

    \b
    Example:
        jidoka plan line7.yaml -o plan.json && jidoka guard run plan.json
    """
    # a process of its own: the guard doesn't carry the command line's memory about
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jidoka_bridge", "--plan", str(plan)])  # noqa: S606
