"""`jidoka baseline`: learn what a model's data look like when all is well, show it, sign it off."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.baseline_learn import learn_command
from jidoka.cli.baseline_master import master_command
from jidoka.cli.baseline_people import compare_command, report_command, sign_command
from jidoka.cli.baseline_words import model_named, print_json
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka.baselines.masters import Showing
    from jidoka.baselines.signing import Signature
    from jidoka.monitor.baseline import Baseline


@click.group("baseline")
def command() -> None:
    """Learn what the model's data look like when all is well, show it, and sign it off.

    \b
    Example:
      jidoka baseline learn line7.yaml --records 2000
      jidoka baseline show line7.yaml
      jidoka baseline report line7.yaml
      jidoka baseline master line7.yaml golden-3 --good --role quality --person qa-3
      jidoka baseline sign line7.yaml --role quality --person qa-3 --reason "500 good parts, lamp new"
      jidoka baseline compare line7.yaml
    """


for _command in (learn_command, master_command, sign_command, compare_command, report_command):
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

    from jidoka.baselines.masters import showings
    from jidoka.baselines.signing import signatures
    from jidoka.monitor.baseline import load_all
    from jidoka.monitor.showing import as_lines, as_object

    plan = read_or_compile(Path(configuration))
    names = [model_named(plan, model)] if model else [each.id for each in plan.models]
    shown = [
        {**as_object(plan, baseline), "signed": _signed(given, baseline), "masters": _masters(seen, baseline)}
        for name in names
        for baselines, given, seen in ((load_all(plan, name), signatures(plan, name), showings(plan, name)),)
        for baseline in baselines.values()
    ]
    if not shown:
        raise BaselineError(
            f"{configuration}: {', '.join(names)} has no baseline yet",
            f"Learn it while all is well: jidoka baseline learn {configuration}",
        )
    if as_json:
        print_json(shown)
    else:
        click.echo(
            "\n\n".join(
                "\n".join([*as_lines(each), _masters_line(each["masters"]), _signed_line(each["signed"])])
                for each in shown
            )
        )


def _masters(given: list[Showing], baseline: Baseline) -> dict[str, Any]:
    from jidoka.baselines.masters import kept, latest, missing

    key = (baseline.recipe, baseline.position)
    have = kept(given, baseline.sha256)
    last = [latest(given, name) for name, each in have.items() if each.key == key]
    return {
        "parts": [
            {"name": each.name, "kind": each.kind, "shown_at": each.shown_at, "differs": each.differs}
            for each in last
            if each is not None
        ],
        "missing": missing(have, key),
    }


def _masters_line(masters: dict[str, Any]) -> str:
    """The master parts of a baseline, and which kind is still missing."""
    told = [
        f"{each['name']} ({each['kind']}, last shown {each['shown_at']}{', DIFFERED' if each['differs'] else ''})"
        for each in masters["parts"]
    ]
    if masters["missing"]:
        told.append(f"no known {' and no known '.join(masters['missing'])} part: jidoka baseline master")
    return f"  master parts: {'; '.join(told)}"


def _signed(given: list[Signature], baseline: Baseline) -> dict[str, Any]:
    from jidoka.baselines.signing import persons_needed, signed_by

    by = [
        {"person": each.person, "role": each.role, "at": each.signed_at}
        for each in signed_by(given, baseline)
    ]
    return {"by": by, "needed": persons_needed(given, baseline)}


def _signed_line(signed: dict[str, Any]) -> str:
    """Who signed, and how many persons are missing."""
    by = ", ".join(f"{each['person']} ({each['role']}, {each['at']})" for each in signed["by"])
    missing = signed["needed"] - len(signed["by"])
    if missing <= 0:
        return f"  signed off by {by}"
    return f"  not signed off{': so far by ' + by if by else ''}; {missing} more needed: jidoka baseline sign"
