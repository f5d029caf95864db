"""`jidoka ledger check` and `jidoka ledger show`: the record of everything that happened."""

from __future__ import annotations

from pathlib import Path

import click

from jidoka.cli.asking import FILE

_FILE = click.argument("file", type=FILE)


@click.group("ledger")
def command() -> None:
    """Check and read the record of everything that happened.

    The ledger is one file of the steward (STATE_DIR/ledger.jdl; `jidoka status` shows where). Both commands only
    read it, while the steward runs or on a copy. docs/ledger-format.md describes every byte.

    \b
    Example:
        jidoka ledger check /var/lib/jidoka/ledger.jdl
        jidoka ledger show /var/lib/jidoka/ledger.jdl --kind transition --kind act
    """


@command.command("check")
@_FILE
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
def check_command(file: Path, as_json: bool) -> int:
    """Verify FILE from end to end: CRCs, gap-free numbers of ledger and lanes, clocks, boots, blocks, torn tail.

    Ends with code 9 and the place (byte and entry) if anything is wrong.

    \b
    Example:
        jidoka ledger check ledger.jdl --json
    """
    import json

    from jidoka_bridge.errors import LedgerError

    from jidoka.steward.ledger.check import check

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
def show_command(file: Path, as_json: bool, kinds: tuple[str, ...]) -> None:
    """Tell the story in FILE, one line an entry: what happened, who decided, and what was told.

    \b
    Kinds: boot, config, admission, baseline, decision block, condition, transition, cause, alarm, act, command,
    refusal, override, checkpoint, cosignature, clock step, loss, retention, absence, sketch, inventory, risk, removed.

    \b
    Example:
        jidoka ledger show ledger.jdl --kind alarm --kind act
    """
    import json

    from jidoka.steward.ledger.people import read_texts
    from jidoka.steward.ledger.reader import entries
    from jidoka.steward.ledger.story import body_as_json, line

    wanted = _kinds(kinds)
    texts = read_texts(file)
    for entry in entries(file):
        if wanted and entry.kind.label not in wanted:
            continue
        if as_json:
            click.echo(json.dumps(body_as_json(entry, texts), ensure_ascii=False))
        else:
            click.echo(line(entry, texts))


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
