"""`jidoka plan`: compile a configuration into the plan that the programs load, and show the link's times."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command("plan")
@click.argument("configuration", type=click.Path(readable=False))
@click.option("-o", "--output", type=click.Path(), help="Write the plan into this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan itself, as the programs load it.")
def command(configuration: str, output: str | None, as_json: bool) -> None:
    """Compile CONFIGURATION into a plan, with a digest that guard, monitor and steward verify.

    Shown are what the plan does and how the times of the link come about, term by term. `jidoka run` does this
    by itself; write a plan where the programs are started one by one.

    \b
    Example:
      jidoka plan configs/visual-inspection.yaml
      jidoka plan line7.yaml -o /var/lib/jidoka/plan.json
    """
    from jidoka_bridge.plan import dump

    from jidoka.config.compile import plan_of
    from jidoka.config.describe import plan_lines
    from jidoka.config.link import table_of
    from jidoka.config.load import load_file

    checked = load_file(configuration)
    plan = plan_of(checked)
    if output is not None:
        _write(Path(output), dump(plan))
    if as_json:
        click.echo(dump(plan).decode(), nl=False)
        return
    table = None if checked.config.plc is None else table_of(checked.config.plc)
    click.echo("\n".join(plan_lines(plan, table)))
    if table is not None:
        click.echo("\nTimes of the link\n" + "\n".join(table.lines()))
    if output is not None:
        click.echo(f"\nwritten: {output}")


def _write(path: Path, content: bytes) -> None:
    """Write as a whole or not at all: a program that starts meanwhile sees the old plan or the new one."""
    from jidoka_bridge.errors import ConfigurationError

    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(
            f"{path}: can't write the plan: {error.strerror}",
            "Give a file in a folder that exists and that this user may write.",
        ) from None
