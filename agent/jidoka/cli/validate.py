"""`jidoka validate`: every fault of a configuration at once, or what it does in plain words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from jidoka.config.faults import FaultyConfigurationError


@click.command("validate")
@click.argument("file", type=click.Path(readable=False))
@click.option(
    "--json", "as_json", is_flag=True, help="Print the faults as a JSON list, for scripts and editors."
)
def command(file: str, as_json: bool) -> None:
    """Check a configuration before anything is started.

    Every fault is named with its line and column at once, and what would be right; the exit code is 3 then. So are
    certificates, keys and passwords of the broker that are open to others, of another key or out of their dates here and
    now; a missing one is a note, for this may not be the device.
    A good file is told in plain words: models, modes, risks, budgets and the worst times of a stop.

    \b
    Example:
      jidoka validate configs/visual-inspection.yaml
      jidoka validate line7.yaml --json
    """
    from jidoka.config.bundle_words import notes
    from jidoka.config.compile import plan_of
    from jidoka.config.describe import plan_lines
    from jidoka.config.faults import FaultyConfigurationError
    from jidoka.config.link import table_of
    from jidoka.config.load import load_file

    try:
        checked = load_file(file, looks_at_credentials=True)
    except FaultyConfigurationError as error:
        if not as_json:
            raise
        click.echo(json.dumps(_rows(error), indent=1, ensure_ascii=False))
        raise click.exceptions.Exit(3) from None
    if as_json:
        click.echo("[]")
        return
    plan, plc = plan_of(checked), checked.config.plc
    click.echo(f"{file}: good.\n")
    click.echo("\n".join(plan_lines(plan, None if plc is None else table_of(plc))))
    for row, bundle in zip(checked.config.models, checked.bundles, strict=True):
        for note in notes(bundle):
            click.echo(f"Note    {row.id}: {note}")
    for fault in checked.notes:
        click.echo(f"Note    {file}:{fault.place.line}:{fault.place.column}: {fault.message}")


def _rows(error: FaultyConfigurationError) -> list[dict[str, object]]:
    return [
        {
            "line": each.place.line,
            "column": each.place.column,
            "path": each.path,
            "message": each.message,
            "remedy": each.remedy,
        }
        for each in error.faults
    ]
