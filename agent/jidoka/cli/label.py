"""`jidoka label`: say whether the model was right about a part or record, one by one or from a gauge's table."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE, ask_steward, load_plan, person_options, plan_options
from jidoka.cli.plan_files import read_or_compile

if TYPE_CHECKING:
    from jidoka_bridge.plan import Plan

#: bad lines of a table that are shown
SHOWN = 5
WORDS = {True: "right", False: "wrong", None: "not joined yet"}


@click.command("label")
@click.argument("configuration", required=False, type=FILE)
@click.option("--model", metavar="ID", help="Which model; needed where the configuration has several.")
@click.option("--part", type=click.IntRange(min=1), metavar="NUMBER", help="The part that was looked at.")
@click.option("--record", type=click.IntRange(min=0), metavar="NUMBER", help="The record, where parts have no number.")  # fmt: skip
@click.option("--was", metavar="right|wrong|CLASS", help="Whether the model was right, or what the part really is.")  # fmt: skip
@click.option("--file", "table", type=FILE, metavar="CSV", help="A table with the columns part (or record) and was; - for standard input.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
@person_options
@plan_options
def command(
    *,
    configuration: Path | None,
    model: str | None,
    part: int | None,
    record: int | None,
    was: str | None,
    table: Path | None,
    as_json: bool,
    role: str,
    person: str,
    plan_file: Path,
    config_file: Path | None,
) -> int:
    """Say whether the model was right about a part: afterwards, by a person or a gauge further down the line.

    The label is recorded with what the model had said, and counts in `jidoka performance`. It changes nothing about the
    machine. A second label for the same part corrects the first.

    \b
    Examples:
        jidoka label line7.yaml --part 812 --was wrong
        jidoka label line7.yaml --part 813 --was scratch --role quality
        gauge | jidoka label line7.yaml --file -
    """
    plan = load_plan(plan_file, config_file) if configuration is None else read_or_compile(configuration)
    who = {"model": _model(plan, model), "role": role, "person": person}
    if table is not None:
        if (part, record, was) != (None, None, None):
            raise click.UsageError("--file can't go together with --part, --record and --was.")
        return _label_table(plan, table, who, as_json=as_json)
    if was is None or (part is None) == (record is None):
        raise click.UsageError(
            "give --part NUMBER (or --record NUMBER) and --was right|wrong|CLASS, or --file CSV."
        )
    label: dict[str, Any] = {"part": part} if record is None else {"record": record}
    (told,) = _send(plan, who, [{**label, "was": was}])
    click.echo(json.dumps({"ok": True, **told}) if as_json else sentence(told))
    return 0


def sentence(told: dict[str, Any]) -> str:
    """What was recorded, in words."""
    what = f"part {told['part']}" if "part" in told else f"record {told['record']}"
    if told["is_right"] is None and "said" not in told:
        return (
            f"Recorded for {what}: {told['was']}. No such decision is among the last ones; "
            "`jidoka performance` joins it from the ledger."
        )
    said = f"it said {' and '.join(told['said'])}, " if told.get("said") else ""
    verdict, ago = told["verdict"], f"{told['delay_s']:.1f} s ago"
    if told["is_right"] is None:
        return f"Recorded for {what}: {told['was']}; the model named no class ({verdict}, {ago})."
    return f"Recorded for {what}: the model was {WORDS[told['is_right']]} ({said}{verdict}, {ago})."


def _model(plan: Plan, model: str | None) -> str:
    from jidoka_bridge.errors import ConfigurationError

    names = [each.id for each in plan.models]
    if model is None and len(names) == 1:
        return names[0]
    if model not in names:
        told = "no model is named" if model is None else f"there is no model {model!r}"
        raise ConfigurationError(told, f"Use --model with one of: {', '.join(names)}.")
    return model


def _send(plan: Plan, who: dict[str, Any], labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from jidoka_bridge.messages import Kind

    told: list[dict[str, Any]] = ask_steward(plan, Kind.LABEL, {**who, "labels": labels})["labels"]
    return told


def _label_table(plan: Plan, table: Path, who: dict[str, Any], *, as_json: bool) -> int:
    from jidoka_bridge.errors import InputError

    from jidoka.cli.label_table import batches, opened
    from jidoka.steward.labels import words_of

    words = words_of((plan.sections.get("models") or {}).get(who["model"]) or {})
    counts: Counter[str] = Counter()
    bad: list[str] = []
    with opened(table) as file:
        for batch in batches(file, words, str(table)):
            bad += batch.bad
            for each in batch.bad[: max(0, SHOWN - counts["bad"])]:
                click.echo(each, err=True)
            counts["bad"] += len(batch.bad)
            if batch.labels:
                counts.update(WORDS[each["is_right"]] for each in _send(plan, who, batch.labels))
            _progress(counts, is_end=False)
    _progress(counts, is_end=True)
    done = {word.replace(" ", "_"): counts[word] for word in WORDS.values()}
    if as_json:
        click.echo(json.dumps({"ok": not bad, "labels": sum(done.values()), **done, "bad": counts["bad"]}))
    else:
        click.echo(", ".join(f"{counts[word]} {word}" for word in WORDS.values()) + ".")
    if bad:
        raise InputError(
            f"{counts['bad']} lines of {table} couldn't be used; the first: {bad[0]}",
            "Correct them and give those lines again: labels that were taken are recorded.",
        )
    return 0


def _progress(counts: Counter[str], *, is_end: bool) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        labels = sum(counts[word] for word in WORDS.values())
        click.echo(f"\r{labels} labels, {counts['bad']} bad lines", err=True, nl=is_end)
