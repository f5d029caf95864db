"""`jidoka performance`: how often the model is right, where slices differ, and whether budgets are kept; from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, load_plan, plan_options
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


@click.command("performance")
@click.argument("configuration", required=False, type=FILE)
@click.option("--ledger", type=FILE, metavar="FILE", help="Another ledger than the plan's, such as a copy.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@plan_options
def command(
    *,
    configuration: Path | None,
    ledger: Path | None,
    as_json: bool,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """Show how often the model is right, by the labels that came (`jidoka label`), with bounds that hold at any time;
    an estimate from its confidence, marked as one; which slices differ; and how often alarms were judged false.

    Reads the ledger only, while the steward runs or on a copy.

    \b
    Example:
        jidoka performance line7.yaml
        jidoka performance line7.yaml --json | jq .models
    """
    import json
    from datetime import datetime

    from jidoka.cli.performance_report import as_json as report
    from jidoka.cli.performance_report import read

    plan = load_plan(plan_file, config_file) if configuration is None else read_or_compile(configuration)
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None
    value = report(plan, *read(plan, ledger or plan.ledger_file, zone))
    if as_json:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for part in screen(value):
        console.print(part)


def screen(value: dict[str, Any]) -> list[RenderableType]:
    """The whole screen, one block after the other."""
    parts: list[RenderableType] = []
    for name, model in value["models"].items():
        parts.append(f"[bold]{name}[/bold]  {model['decisions']} decisions")
        parts += [f"  {line}" for line in [*measured(model["measured"]), estimated(model["estimate"])]]
        if model["slices"]:
            parts.append(_slices(model["slices"]))
    for each in value["budgets"]:
        parts.append(budget(each))
    return parts


def measured(told: dict[str, Any]) -> list[str]:
    """What labels say."""
    waiting = f" {told['unknown']} labels met no decision." if told["unknown"] else ""
    if not told["n"]:
        return ["Measured: no label met a decision yet." + waiting]
    first = (
        f"Measured: right in {told['n'] - told['errors']} of {told['n']} labelled parts, {told['accuracy']:.2%} "
        f"(between {told['low']:.2%} and {told['high']:.2%}, at any time); labels came after {told['median_delay_s']:.1f} s "
        f"(median).{waiting}"
    )
    lines = [first]
    if "is_broken" in told:
        word = "is NOT kept" if told["is_broken"] else "isn't refuted"
        lines.append(
            f"Agreed: wrong in at most {told['error_rate_at_most']:.2%}: {word} (evidence {told['evidence']:.3g}, 20 refutes)."
        )
    return lines


def estimated(told: dict[str, Any]) -> str:
    """What confidence alone says, always marked as an estimate."""
    if not told["n"]:
        return "Estimate without labels: none, no decision had a confidence."
    doubt = "" if told["is_calibrated"] else " NOT CALIBRATED: fit a temperature on labelled records first."
    return (
        f"Estimate without labels: {told['accuracy']:.2%} ± {told['standard_error']:.2%} by {told['n']} confidences. It "
        f"can't see confident mistakes.{doubt}"
    )


def budget(told: dict[str, Any]) -> str:
    """The promise beside what was experienced."""
    high = "any number of" if told["times_high"] is None else f"{told['times_high']:.3g}"
    word = "The promise is REFUTED." if told["is_refuted"] else "The promise isn't refuted."
    return (
        f"{told['risk']}: {told['judged_false']} alarms judged false, the promise allows for {told['expected_at_most']:.3g} by "
        f"now; between {told['times_low']:.3g} and {high} times the promised rate. {word}"
    )


def _slices(found: list[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(box=None, header_style="dim", title_justify="left")
    for column in (
        "slice",
        "share of",
        "parts",
        "here",
        "rest",
        "gap between",
        "smallest gap visible now",
        "",
    ):
        table.add_column(column)
    for each in found:
        known = each["word"] != "not enough data"
        style = "bold red" if each["word"] == "differs" else "" if known else "dim"
        table.add_row(
            f"{each['kind']} {each['name']}", each["measure"], str(each["n"]), _share(each["rate"]),
            _share(each["rest"]), f"{each['low']:+.2%} … {each['high']:+.2%}" if known else "–",
            f"{each['smallest_gap']:.2%}" if known else "–", each["word"], style=style,
        )  # fmt: skip
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
