"""Labels: a person or a gauge says whether the model was right; joined with what was decided, by part or record. Pure.

Labels change nothing about the machine, so the guard isn't asked; who may give them stands in the table of roles.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jidoka_bridge.messages import Decision

from jidoka.steward.ledger.story import VERDICTS

RIGHT, WRONG = "right", "wrong"
#: parts of a model that are remembered for labels that come soon; later ones are joined from the ledger
MOST_PARTS = 4096
#: labels in one message
MOST_LABELS = 100
#: a record of a part this long after its last one begins another part: counters of applications begin anew
PART_SPAN_NS = 600_000_000_000


class Words(NamedTuple):
    """What a model calls its classes, and which of them are good; from the plan's section."""

    classes: tuple[str, ...]
    good: frozenset[str]


def words_of(section: Mapping[str, Any]) -> Words:
    """Words of a model's entry of Plan.sections["models"]."""
    return Words(tuple(section.get("classes") or ()), frozenset(section.get("good_classes") or ()))


class Label(NamedTuple):
    """What somebody says. what: part or record; number: of it; was: right, wrong or the name of the true class."""

    what: str
    number: int
    was: str


def label_of(value: Mapping[str, Any], words: Words) -> Label:
    """A label as a message carries it. Raises ValueError saying what is wrong with it."""
    what = next((each for each in ("part", "record") if each in value), "")
    number = value.get(what)
    if not what or type(number) is not int or not 0 <= number < 2**64 or (what == "part" and number == 0):
        raise ValueError(f"{dict(value)} names no part and no record by its number")
    was = value.get("was")
    if not isinstance(was, str) or was not in {RIGHT, WRONG, *words.classes}:
        known = ", ".join((RIGHT, WRONG, *words.classes))
        raise ValueError(f"{was!r} is no answer for {what} {number}: use one of {known}")
    return Label(what, number, was)


@dataclass
class Answer:
    """What the model said of one part (or one record). classes: indices that it named; worst: of the verdicts;
    row: the last record's; first_ns: when the first was judged."""

    row: Decision
    first_ns: int
    classes: set[int] = field(default_factory=set)
    worst: int = 0
    records: int = 0

    def add(self, row: Decision) -> None:
        self.row = row
        self.records += 1
        self.worst = max(self.worst, row.verdict)
        if row.top_class >= 0:
            self.classes.add(row.top_class)

    def said(self, words: Words) -> list[str]:
        """The classes that count: those that aren't good, if it named any, for one bad view makes a part bad."""
        names = [words.classes[each] for each in sorted(self.classes) if each < len(words.classes)]
        return [name for name in names if name not in words.good] or names

    def is_right(self, was: str, words: Words) -> bool | None:
        """True if the model was right; None if it named no class, so that a class says nothing."""
        if was in {RIGHT, WRONG}:
            return was == RIGHT
        said = self.said(words)
        return was in said if said else None


class Labels:
    """Joins labels with decisions as they come.

    models: words by id; most: parts and records of a model that are remembered, the newest; only: those
    (what, number) by model that are worth remembering, None = all.

    >>> labels = Labels({"eye": Words(("ok", "scratch"), frozenset({"ok"}))})
    >>> labels.rows("eye", [Decision(5, 812, 0, 10**9, 0, 1, 2, 0, 0, 0, 0.9, 0.0, 0.0)])
    >>> labels.join("eye", Label("part", 812, "ok"), 3 * 10**9)
    {'part': 812, 'was': 'ok', 'is_right': False, 'said': ['scratch'], 'verdict': 'reject', 'record': 5, 'delay_s': 2.0}
    >>> labels.join("eye", Label("part", 9, "wrong"), 3 * 10**9)
    {'part': 9, 'was': 'wrong', 'is_right': None}
    """

    def __init__(
        self, models: Mapping[str, Words], most: int = MOST_PARTS,
        only: Mapping[str, Collection[tuple[str, int]]] | None = None,
    ) -> None:  # fmt: skip
        self.words = dict(models)
        self.counts: dict[str, dict[str, int]] = {
            model: {"labels": 0, "right": 0, "wrong": 0, "unknown": 0} for model in models
        }
        self._most = most
        self._only = only
        self._answers: dict[str, dict[tuple[str, int], Answer]] = {model: {} for model in models}

    def rows(self, model: str, rows: Iterable[Decision]) -> None:
        """Decisions of a model, oldest first."""
        known = self._answers.get(model)
        if known is None:
            return
        only = None if self._only is None else self._only.get(model, ())
        for row in rows:
            if row.part and (only is None or ("part", row.part) in only):
                self._add(known, ("part", row.part), row, is_new=False)
            if only is None or ("record", row.number) in only:
                self._add(known, ("record", row.number), row, is_new=True)

    def _add(
        self, known: dict[tuple[str, int], Answer], key: tuple[str, int], row: Decision, *, is_new: bool
    ) -> None:
        answer = known.get(key)
        if answer is not None and (is_new or row.judged_ns - answer.row.judged_ns > PART_SPAN_NS):
            del known[key]
            answer = None
        if answer is None:
            if len(known) >= 2 * self._most:
                del known[next(iter(known))]  # the one that began first
            answer = known[key] = Answer(row, row.judged_ns)
        answer.add(row)

    def answer(self, model: str, label: Label) -> Answer | None:
        """What the model said of it, if that is remembered."""
        return self._answers[model].get((label.what, label.number))

    def join(self, model: str, label: Label, now_ns: int) -> dict[str, Any]:
        """The label beside what was decided, as a ledger entry tells it. is_right None: no such decision is
        remembered, or it named no class."""
        told: dict[str, Any] = {label.what: label.number, "was": label.was, "is_right": None}
        answer, words, counts = self.answer(model, label), self.words[model], self.counts[model]
        counts["labels"] += 1
        if answer is not None:
            told["is_right"] = answer.is_right(label.was, words)
            told["said"] = answer.said(words)
            told["verdict"] = VERDICTS[answer.worst]
            told["record"] = answer.row.number
            told["delay_s"] = round((now_ns - answer.row.judged_ns) / 1e9, 3)
        counts[{True: "right", False: "wrong", None: "unknown"}[told["is_right"]]] += 1
        return told


def labels_of(body: Mapping[str, Any], words: Words) -> Sequence[Label]:
    """The labels of a message. Raises ValueError saying what is wrong; then none of them counts."""
    given = body.get("labels")
    if not isinstance(given, list) or not given or len(given) > MOST_LABELS:
        raise ValueError(f"a message carries 1 to {MOST_LABELS} labels")
    if not all(isinstance(each, dict) for each in given):
        raise ValueError("a label is an object with part or record, and was")
    return [label_of(each, words) for each in given]
