"""`jidoka plc sim`: a PLC in software: the reference model, the C firmware on this computer, or it in an emulated board."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from jidoka_bridge.errors import ConfigurationError

SIM_HELP = """Run a PLC in software that speaks Modbus RTU on a pseudo-terminal and drives a conveyor.

\b
  jidoka plc sim --link /tmp/plc --panel /tmp/panel      # in one terminal
  jidoka guard … with `port: /tmp/plc` in the plan       # in another
  cat /tmp/panel                                         # part 1, part 2, …
  echo press > /tmp/panel; sleep 0.3; echo release > /tmp/panel

Each change of the output is a JSON line on stdout, with nanoseconds of CLOCK_MONOTONIC. When the program ends,
however it ends, the pseudo-terminals are gone. All options: jidoka plc sim --help

\b
  jidoka plc sim --c …       the C firmware as a program of this computer      (build it: make firmware)
  jidoka plc sim --qemu …    the C firmware in an emulated Cortex-M (QEMU)     (build it: make firmware)

Both take the same options; their panels also know `feedback withhold|machine|ai|ok` (what the relays read back) and
`hang` (the program stops; the emulated board's watchdog resets it).
"""
#: which program to be -> what runs it
KINDS = {"--c": "the C firmware as a program", "--qemu": "the C firmware in an emulated board"}


@click.command(
    "sim",
    help=SIM_HELP,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(options: tuple[str, ...]) -> None:
    """Become the program that was asked for, which takes the other options."""
    if not options or {"-h", "--help"} & set(options):
        click.echo(SIM_HELP.replace("\b\n", ""))
    kinds = [option for option in options if option in KINDS]
    if len(kinds) > 1:
        raise ConfigurationError("--c and --qemu are given both", "Give one of them.")
    others = [option for option in options if option not in KINDS]
    become = program(kinds[0] if kinds else "")
    sys.stdout.flush()
    os.execv(become[0], [*become, *others])  # noqa: S606


def program(kind: str) -> list[str]:
    """The command line of one kind; the reference model where none was named."""
    if kind == "--qemu":
        return [sys.executable, "-m", "jidoka_bridge.plc.emulated"]
    if kind == "--c":
        import jidoka_bridge

        built = Path(jidoka_bridge.__file__).resolve().parents[1] / "firmware" / "build" / "jidoka-plc"
        if not built.is_file():
            raise ConfigurationError(
                f"{built}: the C firmware isn't built",
                "Build it in a checkout of the project: make firmware.",
            )
        return [str(built)]
    return [sys.executable, "-m", "jidoka_bridge.plc"]
