"""`jidoka plc sim`: a PLC in software, the reference model of what stands at the other end of the link."""

from __future__ import annotations

import os
import sys

import click

SIM_HELP = """Run a PLC in software that speaks Modbus RTU on a pseudo-terminal and drives a conveyor.

\b
  jidoka plc sim --link /tmp/plc --panel /tmp/panel      # in one terminal
  jidoka guard … with `port: /tmp/plc` in the plan       # in another
  cat /tmp/panel                                         # part 1, part 2, …
  echo press > /tmp/panel; sleep 0.3; echo release > /tmp/panel

Each change of the output is a JSON line on stdout, with nanoseconds of CLOCK_MONOTONIC. When the program ends,
however it ends, the pseudo-terminals are gone. All options: jidoka plc sim --help
"""


@click.group()
def command() -> None:
    """A PLC in software: the reference model that speaks Modbus RTU on a pseudo-terminal.

    \b
    Example:
        jidoka plc sim --link /tmp/plc --panel /tmp/panel
    """


@command.command(
    "sim",
    help=SIM_HELP,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def sim(options: tuple[str, ...]) -> None:
    """Become `python -m jidoka_bridge.plc`, which takes the options."""
    if not options or {"-h", "--help"} & set(options):
        click.echo(SIM_HELP.replace("\b\n", ""))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jidoka_bridge.plc", *options])  # noqa: S606
