"""`jidoka plan`: compile a configuration into the plan that the programs load, and show the link's times."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.plan_files import write_plan


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
        write_plan(Path(output), plan, "Give a file in a folder that exists and that this user may write.")
    if as_json:
        click.echo(dump(plan).decode(), nl=False)
        return
    table = None if checked.config.plc is None else table_of(checked.config.plc)
    click.echo("\n".join(plan_lines(plan, table)))
    if table is not None:
        click.echo("\nTimes of the link\n" + "\n".join(table.lines()))
    if output is not None:
        click.echo(f"\nwritten: {output}")
