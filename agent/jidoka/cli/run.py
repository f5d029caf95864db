"""`jidoka run`: start and supervise the programs of this device."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from jidoka_bridge.errors import ConfigurationError, RefusedError

from jidoka.cli.asking import FILE
from jidoka.cli.plan_files import PLAN_NAME, is_compiled, read_or_compile, write_plan

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan


@click.command("run")
@click.argument("configuration", type=FILE)
def command(configuration: Path) -> None:
    """Start steward, guard, monitor and (where the configuration has one) host, and keep them running.

    CONFIGURATION is a device's YAML file, or a plan that `jidoka plan` made of it. The plan is written into the
    state directory first, so that every program loads the same one. Ctrl-C stops all, the last started first.

    \b
    Example:
        jidoka guard init line7.yaml                            # once for each new device
        jidoka validate line7.yaml && jidoka run line7.yaml

    A program that dies is started again after 0.5 to 30 s. That never starts the machine: the guard comes back in
    START-UP, and only a press of the button at the machine leads on from there.
    """
    from jidoka.supervisor import Supervisor, program_commands

    plan_file, plan = _load(configuration)
    programs = program_commands(plan_file, sys.executable, has_host=plan.sections.get("host") is not None)
    click.echo(f"jidoka: {plan.site}/{plan.line}/{plan.device}, plan {plan.digest[:12]}", err=True)

    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: asked_to_stop.append(received))
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    supervisor = Supervisor(
        programs,
        Path(plan.run_dir),
        lambda name, line: _say(line if line.startswith(name) else f"{name}: {line}"),
        lambda name, text: _say(f"jidoka: {name} {text}"),
    )
    try:
        for program in programs:
            if not asked_to_stop:
                supervisor.start(program.name, limit_s=120.0)
        while not asked_to_stop:
            supervisor.step(0.5)
    finally:
        supervisor.stop()


def _say(line: str) -> None:
    """To stderr. Whoever read it may be gone (`| head`, a closed terminal): that neither stops nor leaves a program."""
    with contextlib.suppress(OSError):
        click.echo(line, err=True)


def _load(configuration: Path) -> tuple[Path, Plan]:
    """The plan file that all programs load, written anew if a configuration is given, and the plan in it."""
    plan = read_or_compile(configuration)
    _require_alone(plan)
    if is_compiled(configuration):
        return configuration.resolve(), plan
    plan_file = Path(plan.state_dir) / PLAN_NAME
    remedy = "Give a state_dir that this user may write, or run as the user that owns it."
    try:
        plan_file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{plan_file}: can't write the plan: {error.strerror}", remedy) from None
    write_plan(plan_file, plan, remedy)
    return plan_file, plan


def _require_alone(plan: Plan) -> None:
    """Before the plan is written: programs that run now would load it when they are started again."""
    from jidoka_bridge.channel import is_listening

    if is_listening(plan.steward_socket):
        raise RefusedError(
            f"{plan.steward_socket}: another steward listens there, so this device runs already",
            "Stop it first (Ctrl-C where it runs, or systemctl stop). To see it: jidoka status --config CONFIGURATION",
        )
