"""`jidoka baseline`: learn what a model's data look like when all is well, show it, sign it off."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.baseline_learn import learn_command
from jidoka.cli.baseline_people import compare_command, report_command, sign_command
from jidoka.cli.baseline_words import model_named, print_json
from jidoka.cli.plan_files import read_or_compile


@click.group("baseline")
def command() -> None:
    """Learn what the model's data look like when all is well, show it, and sign it off.

    \b
    Example:
      jidoka baseline learn line7.yaml --records 2000
      jidoka baseline show line7.yaml
      jidoka baseline report line7.yaml
      jidoka baseline sign line7.yaml --role quality --person qa-3 --reason "500 good parts, lamp new"
      jidoka baseline compare line7.yaml
    """


for _command in (learn_command, sign_command, compare_command, report_command):
    command.add_command(_command)


@command.command("show")
@click.argument("configuration", type=click.Path(readable=False))
@click.option("--model", metavar="ID", help="Only this model.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(configuration: str, model: str | None, as_json: bool) -> None:
    """Show the baselines of a configuration: the budget in words, what is seen, and what is promised.

    \b
    Example:
      jidoka baseline show line7.yaml
    """
    from jidoka_bridge.errors import BaselineError

    from jidoka.monitor.baseline import load_all
    from jidoka.monitor.showing import as_lines, as_object

    plan = read_or_compile(Path(configuration))
    names = [model_named(plan, model)] if model else [each.id for each in plan.models]
    shown = [as_object(plan, baseline) for name in names for baseline in load_all(plan, name).values()]
    if not shown:
        raise BaselineError(
            f"{configuration}: {', '.join(names)} has no baseline yet",
            f"Learn it while all is well: jidoka baseline learn {configuration}",
        )
    if as_json:
        print_json(shown)
    else:
        click.echo("\n\n".join("\n".join(as_lines(each)) for each in shown))
