"""How a model does, from the ledger: labels joined with decisions, estimates, slices, and budgets beside experience."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from jidoka_bridge.messages import Decision
from jidoka_bridge.plan import Plan

from jidoka.monitor.estimates import ErrorRate, Experience, RunningEstimate
from jidoka.monitor.estimates.error_rate import bounds_of
from jidoka.monitor.slices import Finding, SliceKeys, Slices
from jidoka.monitor.verdicts import Reason
from jidoka.steward.labels import Answer, Label, Labels, Words, label_of, words_of
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import FormatError, Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.spool import OpenBlock, spool_paths

UNSURE = int(Reason.LOW_CONFIDENCE)
REJECT = 2
FALSE = "false alarm"
#: of a gap between two decisions, so much counts as running
PAUSE_NS = 60_000_000_000


class Given(NamedTuple):
    """A label as the ledger holds it. at_ns: on the scale of the decisions' times (wall clock of its boot)."""

    at_ns: int
    label: Label


class Joined(NamedTuple):
    """A label that met a decision. row: the last of the part's; answer: what was said; delay_s: between the two."""

    label: Label
    is_right: bool
    row: Decision
    delay_s: float


@dataclass
class Story:
    """What the ledger tells of one model. rows: decisions; running_ns: time in which they came, pauses left out; joined:
    one a part; unknown: labels without a decision."""

    words: Words
    given: list[Given] = field(default_factory=list)
    joined: list[Joined] = field(default_factory=list)
    unknown: int = 0
    rows: int = 0
    running_ns: int = 0
    until_ns: int = 0
    estimate: RunningEstimate = field(default_factory=RunningEstimate)
    slices: Slices | None = None
    keys: SliceKeys | None = None


def read(plan: Plan, ledger: Path, zone: tzinfo) -> tuple[dict[str, Story], dict[str, int]]:
    """(stories by model, alarms judged false by cause). zone: of the shifts. Raises LedgerError.

    The ledger is read twice: labels are met by decisions that came before them, but stand in blocks behind them.
    """
    sections = plan.sections.get("models") or {}
    stories = {each.id: Story(words_of(sections.get(each.id) or {})) for each in plan.models}
    false: dict[str, int] = {}
    offsets = _labels(ledger, stories, false)
    seen: dict[str, dict[str, set[str]]] = {name: {} for name in stories}
    for name, story in stories.items():
        agreed = (sections.get(name) or {}).get("performance") or {}
        shifts = sorted({int(each[:2]) * 60 + int(each[3:]) for each in agreed.get("shifts") or ()})
        story.keys = SliceKeys(agreed.get("slices") or (), shifts, zone)
        if "shift" in story.keys.by:
            seen[name]["shift"] = {str(each) for each in shifts}
    counts: dict[tuple[str, tuple[tuple[str, str], ...]], list[int]] = {}
    wanted = {
        name: {(each.label.what, each.label.number) for each in story.given}
        for name, story in stories.items()
    }
    met: dict[str, list[Decision]] = {name: [] for name in stories}
    for model, row in _decisions(ledger, offsets):
        if model not in stories:
            continue
        story = stories[model]
        _count(story, row)
        keys = story.keys.of(row, row.judged_ns) if story.keys is not None else ()
        tally = counts.setdefault((model, keys), [0, 0, 0])
        tally[0] += 1
        tally[1] += row.verdict == REJECT
        tally[2] += bool(row.reasons & UNSURE)
        if ("part", row.part) in wanted[model] or ("record", row.number) in wanted[model]:
            met[model].append(row)
    for name, story in stories.items():
        _join(name, story, met[name])
        _slice(story, (sections.get(name) or {}).get("performance") or {}, seen[name], _of(counts, name))
    return stories, false


def _labels(ledger: Path, stories: Mapping[str, Story], false: dict[str, int]) -> dict[bytes, int]:
    """Labels and alarms judged false; returns wall − monotonic by boot."""
    offsets: dict[bytes, int] = {}
    for entry in entries(ledger):
        if entry.kind is not Kind.ACT:
            continue
        offset = offsets.setdefault(entry.boot, entry.wall_ns - entry.monotonic_ns)
        body = entry.json()
        if body.get("act") == "acknowledge" and body.get("reason") == FALSE:
            cause = str(body.get("cause"))
            false[cause] = false.get(cause, 0) + 1
        story = stories.get(str(body.get("model"))) if body.get("act") == "label" else None
        if story is None:
            continue
        labels = [_label(each, story.words) for each in body.get("labels") or []]
        story.given += [Given(entry.monotonic_ns + offset, each) for each in labels if each is not None]
        story.unknown += labels.count(None)
    return offsets


def _decisions(ledger: Path, offsets: dict[bytes, int]) -> Iterator[tuple[str, Decision]]:
    """(model, decision) with its times on the wall clock of its boot: of blocks, then of those still open."""
    serials: dict[str, int] = {}
    for entry in entries(ledger):
        if entry.kind is Kind.DECISIONS:
            block = Block.decode(entry.body)
            serials[block.model] = block.serial
            yield from _walled(block, offsets)
    for path in spool_paths(ledger):
        still_open = _open_block(path)
        # a spool may outlive the block that it became
        if still_open is not None and still_open.serial > serials.get(still_open.model, 0):
            yield from _walled(still_open, offsets)


def _label(value: Mapping[str, Any], words: Words) -> Label | None:
    """None: of a time when the model's classes had other names."""
    try:
        return label_of(value, words)
    except ValueError:
        return None


def _open_block(path: Path) -> OpenBlock | None:
    """None: it can't be read, or became a block meanwhile; the steward says so when it starts."""
    try:
        return OpenBlock.decode(path.read_bytes())
    except (FormatError, OSError, UnicodeDecodeError):
        return None


def _walled(block: Block | OpenBlock, offsets: dict[bytes, int]) -> Iterator[tuple[str, Decision]]:
    offset = offsets.setdefault(block.boot, block.wall_offset_ns)
    for row in block.rows:
        yield block.model, row._replace(record_ns=row.record_ns + offset, judged_ns=row.judged_ns + offset)


def _count(story: Story, row: Decision) -> None:
    story.rows += 1
    if story.until_ns:
        story.running_ns += max(0, min(row.judged_ns - story.until_ns, PAUSE_NS))
    story.until_ns = max(story.until_ns, row.judged_ns)
    story.estimate.add(row.confidence)


def _join(name: str, story: Story, rows: list[Decision]) -> None:
    """Labels in the order they came, each with the decisions before it; a later label of the same part corrects."""
    wanted = {(each.label.what, each.label.number) for each in story.given}
    labels = Labels({name: story.words}, most=len(rows) + 1, only={name: wanted})
    rows = sorted(rows, key=lambda row: row.judged_ns)
    at, joined = 0, {}
    for given in sorted(story.given, key=lambda each: each.at_ns):
        while at < len(rows) and rows[at].judged_ns <= given.at_ns:
            labels.rows(name, [rows[at]])
            at += 1
        answer: Answer | None = labels.answer(name, given.label)
        is_right = None if answer is None else answer.is_right(given.label.was, story.words)
        if answer is None or is_right is None:
            story.unknown += 1
            continue
        key = (given.label.what, given.label.number, answer.first_ns)
        delay_s = round((given.at_ns - answer.row.judged_ns) / 1e9, 3)
        joined[key] = Joined(given.label, is_right, answer.row, delay_s)
    story.joined = list(joined.values())


def _of(
    counts: Mapping[tuple[str, tuple[tuple[str, str], ...]], list[int]], name: str
) -> Iterator[tuple[tuple[tuple[str, str], ...], list[int]]]:
    return ((keys, tally) for (model, keys), tally in counts.items() if model == name)


def _slice(
    story: Story, agreed: Mapping[str, Any], seen: dict[str, set[str]],
    counts: Iterable[tuple[tuple[tuple[str, str], ...], list[int]]],
) -> None:  # fmt: skip
    counts = list(counts)
    assert story.keys is not None
    sizes = {kind: set(seen.get(kind, ())) if kind == "shift" else set() for kind in story.keys.by}
    for keys, _ in counts:
        for kind, each in keys:
            if kind != "shift":
                sizes[kind].add(each)
    story.slices = Slices(
        {kind: len(each) for kind, each in sizes.items()}, float(agreed.get("least_gap") or 0.0)
    )
    for keys, (n, rejected, unsure) in counts:
        story.slices.add_many(keys, n, rejected, unsure)
    for label in story.joined:
        story.slices.label(story.keys.of(label.row, label.row.judged_ns), is_wrong=not label.is_right)


def as_json(plan: Plan, stories: Mapping[str, Story], false: Mapping[str, int]) -> dict[str, Any]:
    """The whole report, as `--json` prints it and the screen shows it."""
    sections = plan.sections.get("models") or {}
    return {
        "models": {name: _model(story, sections.get(name) or {}) for name, story in stories.items()},
        "budgets": _budgets(plan, stories, false),
    }


def _model(story: Story, section: Mapping[str, Any]) -> dict[str, Any]:
    agreed = (section.get("performance") or {}).get("error_rate_at_most")
    errors = sum(not each.is_right for each in story.joined)
    n = len(story.joined)
    bounds = bounds_of(errors, n)
    delays = sorted(each.delay_s for each in story.joined)
    measured: dict[str, Any] = {
        "n": n, "unknown": story.unknown, "errors": errors, "accuracy": 1 - errors / n if n else None,
        "low": 1 - bounds.high, "high": 1 - bounds.low, "median_delay_s": delays[n // 2] if n else None,
    }  # fmt: skip
    if agreed is not None:
        rate = ErrorRate(float(agreed))
        for each in story.joined:
            rate.add(each.is_right)
        measured |= {
            "error_rate_at_most": agreed, "evidence": math.exp(min(rate.largest, 700.0)), "is_broken": rate.is_broken,
        }  # fmt: skip
    estimate = story.estimate.estimate
    is_calibrated = bool(section.get("temperature"))
    return {
        "decisions": story.rows,
        "measured": measured,
        "estimate": {
            "is_estimate": True, "is_calibrated": is_calibrated, "n": estimate.n,
            "accuracy": estimate.accuracy if estimate.n else None,
            "standard_error": estimate.standard_error if estimate.n else None,
        },
        "slices": [] if story.slices is None else [
            _finding(kind, measure, each) for kind, measure, each in story.slices.findings()
        ],
    }  # fmt: skip


def _finding(kind: str, measure: str, found: Finding) -> dict[str, Any]:
    values = {key: None if isinstance(each, float) and math.isnan(each) else each for key, each in found._asdict().items()}  # fmt: skip
    return {"kind": kind, "measure": measure, **values}


def _budgets(plan: Plan, stories: Mapping[str, Story], false: Mapping[str, int]) -> list[dict[str, Any]]:
    """Each row of the register that has a budget: what was promised, and what people judged false so far."""
    found = []
    for risk in plan.sections.get("risks") or []:
        budget, story = risk.get("false_alarms"), stories.get(str(risk.get("model")))
        if budget is None or story is None:
            continue
        span = story.running_ns / 1e9 if budget["unit"] == "s" else float(story.rows)
        if budget["unit"] == "parts":
            per_part = (plan.sections["models"][risk["model"]]).get("records_per_part") or 1
            span /= float(per_part)
        told = Experience(false.get(str(risk["id"]), 0), span / budget["per"] * budget["count"])
        low, high = told.times
        found.append(
            {
                "risk": risk["id"], "promised": budget, "span": span, "judged_false": told.false_alarms,
                "expected_at_most": told.expected, "times_low": low, "times_high": high if math.isfinite(high) else None,
                "is_refuted": told.is_refuted,
            }
        )  # fmt: skip
    return found
