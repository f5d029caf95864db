"""`jidoka plc`: everything about the other end of the link; each subcommand in a file of its own, imported when called."""

from __future__ import annotations

import difflib
import importlib
from typing import NamedTuple

import click


class Row(NamedTuple):
    """One subcommand. module: below jidoka.cli, holds `command`."""

    name: str
    module: str
    summary: str


COMMANDS: tuple[Row, ...] = (
    Row("handover", "plc_handover", "Write everything that the PLC's programmer needs into a folder."),
    Row("probe", "plc_probe", "Look who answers on the line, what it is, how fast, and what is wrong."),
    Row("watch", "plc_watch", "Show live what the PLC shows, from the running guard or from the line."),
    Row("drill", "plc_drill", "Measure the real reaction at the machine, and record who did it."),
    Row(
        "arming", "plc_arming", "Report what would have stopped the line in `observe`, nearest misses, cost."
    ),
    Row("sim", "plc_sim", "Run a PLC in software that speaks Modbus RTU and drives a conveyor."),
)


class Subcommands(click.Group):
    """Knows every subcommand by the table alone, so that --help imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [row.name for row in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for row in COMMANDS:
            if row.name == cmd_name:
                found = importlib.import_module(f"jidoka.cli.{row.module}").command
                assert isinstance(found, click.Command)
                return found
        near = difflib.get_close_matches(cmd_name, self.list_commands(ctx), 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"there is no command {cmd_name!r}.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.summary) for row in COMMANDS])


@click.group("plc", cls=Subcommands)
def command() -> None:
    """The other end of the link: what a PLC programmer gets, what answers on the line, and a PLC in software.

    \b
    Example:
        jidoka plc handover handover/ line7.yaml
        jidoka plc probe line7.yaml
        jidoka plc sim --link /tmp/plc --panel /tmp/panel
    """
