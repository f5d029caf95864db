"""Whether a model still gives the known answers: its records of them against the plan's set (INTERLOCK §4). Pure.

An application shows the set after its start, and again when a person at the machine asked for it through the guard.
Wrong once is wrong at once; right needs every answer of the set, each seen, within one round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jidoka_bridge.plan import Plan
from jidoka_tap import wire
from jidoka_tap.known_answers import KnownAnswers, load

#: a round that isn't whole by then is none: no answers came, or not all of them
ROUND_NS = 60_000_000_000


@dataclass(frozen=True)
class Result:
    """passed: None where nobody can tell, and `why` says the reason; asked: a person waits for it."""

    model: str
    digest: str
    passed: bool | None
    asked: bool
    seen: int
    count: int
    why: str


@dataclass
class Round:
    """Answers that came since it began. asked: a person waits; names: of the application's outputs and inputs."""

    known: KnownAnswers
    outputs: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    began_ns: int = 0
    asked: bool = False

    def forget(self) -> None:
        self.seen, self.began_ns, self.asked = set(), 0, False


class Rounds:
    """The sets of a plan's models, and what was seen of each. lacking: model → why its set can't be used."""

    def __init__(self, plan: Plan) -> None:
        self.lacking: dict[str, str] = {}
        #: last results that were wrong, for a guard that is new
        self.wrong: dict[str, Result] = {}
        self._rounds: dict[str, Round] = {}
        sections = plan.sections.get("models") or {}
        for model in plan.models:
            wanted = (sections.get(model.id) or {}).get("known_answers")
            if not wanted:
                continue
            try:
                known = load(wanted["file"])
            except (OSError, ValueError) as error:
                self.lacking[model.id] = f"{wanted['file']}: {error}"
                continue
            if known.digest != model.known_answers:
                self.lacking[model.id] = f"{wanted['file']} isn't the file of the plan: its SHA-256 differs"
                continue
            self._rounds[model.id] = Round(known)

    def connected(self, model: str, hello: Mapping[str, Any]) -> None:
        """An application connected; its names decide what its tensors are."""
        found = self._rounds.get(model)
        if found is not None:
            found.outputs, found.inputs = list(hello["outputs"]), list(hello["inputs"])
            found.seen = set()

    def ask(self, model: str, now_ns: int) -> Result | None:
        """A person asks for them; a result at once only where there can be none."""
        found = self._rounds.get(model)
        if found is None:
            why = self.lacking.get(model) or "the plan names no known answers for it"
            return Result(model, "", None, True, 0, 0, why)
        found.forget()
        found.began_ns, found.asked = now_ns, True
        return None

    def cannot_show(self, model: str, why: str) -> Result:
        """Whoever was asked can't show them."""
        found = self._rounds[model]
        result = self._result(model, found, None, why)
        found.forget()
        return result

    def take(self, model: str, record: wire.Record, now_ns: int) -> Result | None:
        """One answer; the result where the round ends with it. record.part: its number in the set, from 1."""
        found = self._rounds.get(model)
        if found is None:
            return None
        if record.part == 1 and 1 in found.seen:  # begun anew
            found.seen = set()
        found.began_ns = found.began_ns or now_ns
        why = _wrong(found, record)
        if why:
            result = self._result(model, found, False, f"answer {record.part}: {why}")
            self.wrong[model] = result
            found.forget()
            return result
        if _is_whole(found, record):
            found.seen.add(record.part)
        if len(found.seen) < found.known.count:
            return None
        result = self._result(model, found, True, "")
        self.wrong.pop(model, None)
        found.forget()
        return result

    def tick(self, now_ns: int) -> Iterable[Result]:
        """Rounds that weren't whole in time."""
        for model, found in self._rounds.items():
            if found.began_ns and now_ns - found.began_ns > ROUND_NS:
                why = (
                    "they weren't shown"
                    if not found.seen
                    else "not all of them came, or not with all outputs"
                )
                yield self._result(model, found, None, why)
                found.forget()

    def _result(self, model: str, found: Round, passed: bool | None, why: str) -> Result:
        known = found.known
        return Result(model, known.digest, passed, found.asked, len(found.seen), known.count, why)


def in_words(result: Result) -> str:
    """The result as people read it, one sentence."""
    if result.passed:
        return f"The model gave all {result.count} known answers."
    if result.passed is None:
        return f"Nobody can tell whether the model gives the known answers: {result.why}."
    return f"The model didn't give the known answers: {result.why}."


def _wrong(found: Round, record: wire.Record) -> str:
    """What of an answer isn't as it should be, "" = nothing. What wasn't sent isn't wrong; it isn't seen either."""
    known, n = found.known, record.part - 1
    if not 0 <= n < known.count:
        return f"the set has {known.count}"
    for tensor in record.tensors:
        if tensor.array is None:
            continue
        if tensor.role == wire.INPUT:
            name = _named(found.inputs, tensor.index)
            expected = known.inputs.get(name)
            # a region of a picture is cut out: only what is whole can be compared
            if (
                expected is not None
                and expected[n].shape == tensor.shape
                and not _equal(tensor.array, expected[n])
            ):
                return f"another input {name!r} than the set's was shown"
            continue
        name = _named(found.outputs, tensor.index)
        if name not in known.outputs:
            continue
        expected, tolerance = known.outputs[name][n], known.tolerances[name]
        if expected.shape != tensor.shape:
            return f"{name!r} has the shape {list(tensor.shape)}, right is {list(expected.shape)}"
        worst = _distance(tensor.array, expected)
        if not worst <= tolerance:
            return f"{name!r} is {worst:.3g} off, {tolerance:.3g} are allowed"
    return ""


def _is_whole(found: Round, record: wire.Record) -> bool:
    """Whether every output of the set came with this record."""
    came = {
        _named(found.outputs, each.index)
        for each in record.tensors
        if each.role == wire.OUTPUT and each.array is not None
    }
    return set(found.known.outputs) <= came


def _named(names: list[str], index: int) -> str:
    return names[index] if index < len(names) else ""


def _equal(given: Any, expected: Any) -> bool:
    return bool(np.array_equal(given, expected, equal_nan=np.issubdtype(given.dtype, np.floating)))


def _distance(given: Any, expected: Any) -> float:
    """The largest difference of two arrays of one shape; NaN beside a number is infinitely far, beside NaN it is equal."""
    found, right = np.asarray(given, np.float64), np.asarray(expected, np.float64)
    with np.errstate(invalid="ignore"):
        distance = np.abs(found - right)
    same = (found == right) | (np.isnan(found) & np.isnan(right))
    distance = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
    return float(distance.max(initial=0.0))
