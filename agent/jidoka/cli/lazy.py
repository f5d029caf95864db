"""A group of commands as a table: each in a file of its own that is imported only when it is called."""

from __future__ import annotations

import difflib
import importlib
from typing import ClassVar, NamedTuple

import click


class Row(NamedTuple):
    """One command. module: below jidoka.cli, holds `command`; section: its heading in --help."""

    name: str
    module: str
    section: str
    summary: str


class LazyGroup(click.Group):
    """Knows every command by the table alone, so that --help imports none of them."""

    rows: ClassVar[tuple[Row, ...]] = ()

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [row.name for row in self.rows]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for row in self.rows:
            if row.name == cmd_name:
                found = importlib.import_module(f"jidoka.cli.{row.module}").command
                assert isinstance(found, click.Command)
                return found
        near = difflib.get_close_matches(cmd_name, self.list_commands(ctx), 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise click.UsageError(f"there is no command {cmd_name!r}.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for section in dict.fromkeys(row.section for row in self.rows):
            with formatter.section(section):
                formatter.write_dl([(row.name, row.summary) for row in self.rows if row.section == section])
