"""`jidoka plc`: everything about the other end of the link; each subcommand in a file of its own, imported when called."""

from __future__ import annotations

import click

from jidoka.cli.lazy import LazyGroup, Row

COMMANDS: tuple[Row, ...] = (
    Row(
        "handover",
        "plc_handover",
        "Commands",
        "Write everything that the PLC's programmer needs into a folder.",
    ),
    Row(
        "probe",
        "plc_probe",
        "Commands",
        "Look who answers on the line, what it is, how fast, and what is wrong.",
    ),
    Row(
        "watch",
        "plc_watch",
        "Commands",
        "Show live what the PLC shows, from the running guard or from the line.",
    ),
    Row("drill", "plc_drill", "Commands", "Measure the real reaction at the machine, and record who did it."),
    Row(
        "arming",
        "plc_arming",
        "Commands",
        "Report what would have stopped the line in `observe`, nearest misses, cost.",
    ),
    Row("sim", "plc_sim", "Commands", "Run a PLC in software that speaks Modbus RTU and drives a conveyor."),
)


class Subcommands(LazyGroup):
    """The group behind `jidoka plc`."""

    rows = COMMANDS


@click.group("plc", cls=Subcommands)
def command() -> None:
    """The other end of the link: what a PLC programmer gets, what answers on the line, and a PLC in software.

    \b
    Example:
        jidoka plc handover handover/ line7.yaml
        jidoka plc probe line7.yaml
        jidoka plc sim --link /tmp/plc --panel /tmp/panel
    """
