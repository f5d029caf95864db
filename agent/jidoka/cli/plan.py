"""`jidoka plan`: compile a configuration into the plan that the programs load, and show how fast this site stops."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jidoka.cli.plan_files import write_plan

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

    from jidoka.commissioning.reaction import Reaction
    from jidoka.commissioning.records import Entry
    from jidoka.config.load import Checked


@click.command("plan")
@click.argument("configuration", type=click.Path(readable=False))
@click.option("-o", "--output", type=click.Path(), help="Write the plan into this file.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the plan as the programs load it, with the times under `reaction`."
)  # fmt: skip
def command(configuration: str, output: str | None, as_json: bool) -> None:
    """Compile CONFIGURATION into a plan, with a digest that guard, monitor and steward verify.

    Shown are what the plan does, how long a stop takes at worst and how that comes about term by term, what it costs
    in mm and parts (plc.line_speed, plc.part_rate), and what would shorten it: each lever is tried. Terms are assumed
    as the file says; what `jidoka plc probe` and `jidoka plc drill` measured stands beside them. `jidoka run` compiles
    by itself; write a plan where the programs are started one by one.

    \b
    Example:
      jidoka plan configs/visual-inspection.yaml
      jidoka plan line7.yaml -o /var/lib/jidoka/plan.json
      jidoka plan line7.yaml --json | jq .reaction.levers
    """
    import json

    from jidoka_bridge.plan import dump

    from jidoka.commissioning.ages import commissioning_lines
    from jidoka.commissioning.words import reaction_lines
    from jidoka.config.compile import plan_of
    from jidoka.config.describe import plan_lines
    from jidoka.config.link import table_of
    from jidoka.config.load import load_file

    checked = load_file(configuration)
    plan = plan_of(checked)
    if output is not None:
        write_plan(Path(output), plan, "Give a file in a folder that exists and that this user may write.")
    reaction, given = _reaction(checked, plan)
    if as_json:
        document = json.loads(dump(plan)) | ({} if reaction is None else {"reaction": reaction.as_object()})
        click.echo(json.dumps(document, sort_keys=True, indent=1, ensure_ascii=False))
        return
    table = None if checked.config.plc is None else table_of(checked.config.plc)
    click.echo("\n".join(plan_lines(plan, table)))
    if reaction is not None:
        click.echo("\n" + "\n".join(reaction_lines(reaction)))
        click.echo("\nAt this machine\n" + "\n".join(commissioning_lines(given, time.time())))
    if output is not None:
        click.echo(f"\nwritten: {output}")


def _reaction(checked: Checked, plan: Plan) -> tuple[Reaction | None, list[Entry]]:
    """The site's times and what was done there; None without a PLC."""
    from jidoka.commissioning.records import entries
    from jidoka.commissioning.site import reaction_of_site

    if checked.config.plc is None:
        return None, []
    given = entries(plan.state_dir)
    return reaction_of_site(checked.config.plc, plan, given), given
