"""`jidoka trip list` and `jidoka trip show`: what stopped the machine, told from the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, load_plan, plan_options

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

_LEDGER = click.option(
    "--ledger", type=FILE, metavar="FILE", help="Another ledger than the plan's, such as a copy."
)


@click.group("trip")
def command() -> None:
    """What stopped the machine: the trips in the ledger, and the whole account of one.

    Both only read the ledger, while the steward runs or on a copy.

    \b
    Example:
        jidoka trip list
        jidoka trip show 17 --html trip.html
    """


@command.command("list")
@_LEDGER
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line instead.")
@plan_options
def list_command(ledger: Path | None, plan_file: Path, config_file: Path | None, *, as_json: bool) -> None:
    """Every trip in the ledger, one line each: its number, when, from where to where, and the cause.

    \b
    Example:
        jidoka trip list --ledger ledger.jdl
    """
    import json

    from jidoka.post_mortem.trips import summary, trips
    from jidoka.steward.ledger.reader import entries

    file, _ = _sources(ledger, plan_file, config_file)
    count = 0
    for trip in trips(entries(file)):
        told = summary(trip)
        count += 1
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False))
            continue
        remark = (
            " (planned)"
            if told["planned"]
            else " (in observe: nothing was stopped)"
            if told["observed"]
            else ""
        )
        click.echo(
            f"{told['number']:6}  {told['at']}  {told['move']:20} {told['cause']}: {told['text']}{remark}"
        )
    if not count and not as_json:
        click.echo(f"{file}: no trip is recorded there.")


@command.command("show")
@click.argument("number", type=click.IntRange(1), required=False)
@_LEDGER
@click.option(
    "--html", "html_file", type=FILE, metavar="FILE", help="Write it as one self-contained HTML page."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
@plan_options
def show_command(
    *,
    number: int | None,
    ledger: Path | None,
    html_file: Path | None,
    as_json: bool,
    plan_file: Path,
    config_file: Path | None,
) -> None:
    """The account of trip NUMBER, of the last one without: cause and evidence, the parts to sort again, the minute before
    it, the line and its last registers, who did what since, and what was in force.

    \b
    Example:
        jidoka trip show
        jidoka trip show 17 --html trip.html
    """
    import json

    from jidoka.post_mortem.gather import account
    from jidoka.post_mortem.page import page
    from jidoka.post_mortem.words import as_json as whole
    from jidoka.post_mortem.words import screen

    file, plan = _sources(ledger, plan_file, config_file)
    told = account(file, number, plan)
    if html_file is not None:
        _write(html_file, page(told))
    if as_json:
        click.echo(json.dumps(whole(told), indent=2, ensure_ascii=False))
    elif html_file is None:
        for line in screen(told):
            click.echo(line)
    else:
        click.echo(f"{html_file}: trip {told.trip.number}.")


def _sources(ledger: Path | None, plan_file: Path, config_file: Path | None) -> tuple[Path, Plan | None]:
    """The ledger and the plan; a copied ledger can be read without one. Raises ConfigurationError."""
    from jidoka_bridge.errors import ConfigurationError

    try:
        plan: Any = load_plan(plan_file, config_file)
    except ConfigurationError:
        if ledger is None or _is_named():
            raise
        plan = None
    return (ledger if ledger is not None else plan.ledger_file), plan


def _is_named() -> bool:
    """Whether the user named a plan or a configuration."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    return any(context.get_parameter_source(name) is not default for name in ("plan_file", "config_file"))


def _write(file: Path, text: str) -> None:
    from jidoka_bridge.errors import InputError

    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{file}: can't be written: {error.strerror}", "Name a file in a folder of yours."
        ) from None
