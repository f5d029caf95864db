"""`jidoka ledger check` and `jidoka ledger show`: the record of everything that happened."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.asking import FILE, load_plan, plan_options

_FILE = click.argument("file", type=FILE, required=False)


@click.group("ledger")
def command() -> None:
    """Check and read the record of everything that happened.

    The ledger is one file of the steward (STATE_DIR/ledger.jdl; `jidoka status` shows where). Both commands only
    read it, while the steward runs or on a copy: without FILE that of the plan. docs/ledger-format.md describes
    every byte.

    \b
    Example:
        jidoka ledger check
        jidoka ledger show --kind transition --kind act
        jidoka ledger show copy.jdl
    """


@command.command("check")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@plan_options
def check_command(file: Path | None, as_json: bool, plan_file: Path, config_file: Path | None) -> int:
    """Verify the plan's ledger, or FILE, from end to end: CRCs, gap-free numbers of ledger and lanes, clocks, boots, blocks, torn tail.

    Ends with code 9 and the place (byte and entry) if anything is wrong.

    \b
    Example:
        jidoka ledger check
        jidoka ledger check copy.jdl --json
    """
    import json

    from jidoka_bridge.errors import LedgerError

    from jidoka.steward.ledger.check import check

    file = _ledger(file, plan_file, config_file)
    report = check(file)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2))
    else:
        kinds = ", ".join(f"{count} {name}" for name, count in report.kinds.most_common())
        click.echo(
            f"{file}: {report.entries} entries in {report.size} bytes, {report.boots} boot{'s' if report.boots != 1 else ''}"
        )
        click.echo(f"  {kinds or 'no entries'}; {report.decisions} decisions in blocks")
        if report.removed:
            click.echo(
                f"  {report.removed} entries of history were removed for want of room; their digests are there"
            )
        if report.sealed:
            click.echo(f"  {report.sealed} texts behind commitments, {report.texts} not erased")
        for fault in report.faults:
            click.echo(f"  {fault}")
        if report.is_good:
            click.echo("  good: every CRC, number and clock holds")
    if not report.is_good:
        if as_json:
            return 9
        torn = report.faults[0].is_torn
        remedy = (
            "The steward cuts a torn tail when it starts, and records that it did."
            if torn
            else "Keep the file as it is, compare it with a copy, and find out what wrote to it."
        )
        raise LedgerError(f"{file}: {report.faults[0]}", remedy)
    return 0


@command.command("show")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line instead.")
@click.option(
    "--kind", "kinds", multiple=True, metavar="KIND", help="Only entries of this kind; may be repeated."
)
@plan_options
def show_command(
    file: Path | None, as_json: bool, kinds: tuple[str, ...], plan_file: Path, config_file: Path | None
) -> None:
    """Tell the story in the plan's ledger, or in FILE, one line an entry: what happened, who decided, and what was told.

    \b
    Kinds: boot, config, admission, baseline, decision block, condition, transition, cause, alarm, act, command,
    refusal, override, checkpoint, cosignature, clock step, loss, retention, absence, sketch, inventory, risk, removed,
    drill, flood.

    \b
    Example:
        jidoka ledger show --kind alarm --kind act
        jidoka ledger show copy.jdl
    """
    import json

    from jidoka.steward.ledger.people import read_texts
    from jidoka.steward.ledger.reader import entries
    from jidoka.steward.ledger.story import body_as_json, line

    wanted = _kinds(kinds)
    file = _ledger(file, plan_file, config_file)
    texts = read_texts(file)
    for entry in entries(file):
        if wanted and entry.kind.label not in wanted:
            continue
        if as_json:
            click.echo(json.dumps(body_as_json(entry, texts), ensure_ascii=False))
        else:
            click.echo(line(entry, texts))


def _ledger(file: Path | None, plan_file: Path, config_file: Path | None) -> Path:
    """FILE, or the ledger of the plan. Raises click.UsageError for both, ConfigurationError."""
    from jidoka_bridge.errors import ConfigurationError

    named = _named()
    if file is not None:
        if named:
            raise click.UsageError(f"FILE and {named} name a ledger each; give one")
        return file
    try:
        return load_plan(plan_file, config_file).ledger_file
    except ConfigurationError as error:
        if named:
            raise
        raise ConfigurationError(error.what, f"Give the ledger's FILE. {error.remedy}") from None


def _named() -> str:
    """The option of a plan or a configuration that the user gave, "" for none; JIDOKA_PLAN is no choice of this call."""
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    options = {"plan_file": "--plan", "config_file": "--config"}
    return next((told for name, told in options.items() if context.get_parameter_source(name) is given), "")


def _kinds(names: tuple[str, ...]) -> frozenset[str]:
    """The kinds that were asked for. Raises click.BadParameter with a near name for one that doesn't exist."""
    from difflib import get_close_matches

    from jidoka.steward.ledger.format import Kind

    known = [kind.label for kind in Kind]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.BadParameter(
                f"{name!r} is no kind of entry.{hint} Kinds: {', '.join(known)}", param_hint="--kind"
            )
    return frozenset(names)
