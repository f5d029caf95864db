"""Trace and replay of the alarms (contract C13): every input of the annunciator with its outcome, in a bounded file.

The file is the guard's format (`jidoka_bridge.guard.trace`) under a magic of its own: each line is [part, name, arguments,
result], part always `alarms`. Played with the plan that the file carries, the same inputs must give the same entries, bit for
bit; what differs is another version, or a fault that depends on more than its inputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from jidoka_bridge.errors import InputError
from jidoka_bridge.guard import trace
from jidoka_bridge.guard.trace import TraceWriter
from jidoka_bridge.plan import Plan
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS, SHELVE_REASONS, TAKEN_BACK

from jidoka.alarms.acts import Act
from jidoka.alarms.changes import Acted
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator, Facts

MAGIC = b"JDKALARM1"
PART = "alarms"
#: what goes in; everything else of an annunciator only shows
INPUTS = frozenset(
    {
        "restore_cause", "restore_alarm", "restore_flood", "restore_start", "begin", "guard_connected", "take", "tick",
        "again", "refused_command", "may_ask_guard", "act", "guard_agreed", "take_floods",
    }
)  # fmt: skip
#: stands for facts that are those of the tick before, as nearly always
SAME = "="
#: reasons that may be written down, and what stands for words that are none
CODES = frozenset({"", TAKEN_BACK, *ACKNOWLEDGE_REASONS, *SHELVE_REASONS})
NO_CODE = "no code"
_SETS = frozenset({"silent", "heard", "rules", "findings"})


class Recorded:
    """An annunciator whose inputs are written down as they come."""

    def __init__(self, annunciator: Annunciator, writer: TraceWriter, clock: Any) -> None:
        self._annunciator, self._writer, self._clock = annunciator, writer, clock
        self._facts: Any = None

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._annunciator, name)
        if name not in INPUTS:
            return value

        def call(*arguments: Any) -> Any:
            told = [self._plain(each) for each in arguments]
            try:
                result = value(*arguments)
            except Exception as error:
                self._writer.add(self._clock(), PART, name, told, _failed(error))
                raise
            outcome = plain(result)
            if name != "take_floods" or outcome:  # asked for after everything, and mostly empty
                self._writer.add(self._clock(), PART, name, told, outcome)
            return result

        self.__dict__[name] = call
        return call

    def _plain(self, value: Any) -> Any:
        if not isinstance(value, Facts):
            return plain(value)
        facts = plain(value)
        if facts == self._facts:
            return SAME
        self._facts = facts
        return facts


def record(annunciator: Annunciator, path: Path, plan: Plan, clock: Any) -> tuple[Annunciator, TraceWriter]:
    """The same annunciator, written down from now on, and what writes. clock: CLOCK_MONOTONIC ns. Raises ConfigurationError."""
    writer = TraceWriter(path, plan, magic=MAGIC)
    return cast("Annunciator", Recorded(annunciator, writer, clock)), writer


def plain(value: Any) -> Any:
    """A value as JSON holds it; `_typed` makes an argument of it again."""
    if isinstance(value, Clock):
        return {"clock": [value.ns, value.wall_ns]}
    if isinstance(value, Act):
        return {"act": {**vars(value), "reason": value.reason if value.reason in CODES else NO_CODE}}
    if isinstance(value, Facts):
        told = {
            name: sorted(each) if isinstance(each, frozenset) else each
            for name, each in value._asdict().items()
        }
        statistics = {name: list(pair) for name, pair in value.statistics.items()}
        return {"facts": {**told, "judgements": dict(value.judgements), "statistics": statistics}}
    if isinstance(value, Acted):
        return {"refused": value.refused, "remedy": value.remedy}
    if isinstance(value, Mapping):
        return {"body": json.loads(json.dumps(value))}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def _typed(value: Any, facts: Any) -> Any:
    """An argument again. facts: of the tick before. Raises KeyError or TypeError for what `plain` doesn't make."""
    if value == SAME:
        value = facts
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "clock":
        return Clock(*held)
    if kind == "act":
        return Act(**held)
    if kind == "facts":
        sets = {
            name: None if each is None else frozenset(each) for name, each in held.items() if name in _SETS
        }
        statistics = {name: (pair[0], pair[1]) for name, pair in held["statistics"].items()}
        return Facts(**{**held, **sets, "statistics": statistics})
    return held


class Outcome(NamedTuple):
    """What a replay came to. differs: "" when every outcome was the same; entries: bodies of alarm and flood entries with the
    time of their input, oldest first."""

    inputs: int
    differs: str
    entries: list[tuple[int, dict[str, Any]]]


def replay(path: Path) -> Outcome:
    """Run the alarms from a trace. Raises InputError where it is none."""
    plan, lines = trace.read(path, MAGIC, how="Set JIDOKA_ALARM_TRACE=FILE before the steward starts.")
    annunciator = Annunciator(plan)
    entries: list[tuple[int, dict[str, Any]]] = []
    inputs, now_ns = 0, 0
    try:
        for number, name, told, then in _calls(lines):
            inputs = number
            arguments = [_typed(each, told[-1]) for each in told[:-1]]
            now_ns = next((each.ns for each in arguments if isinstance(each, Clock)), now_ns)
            result = _called(annunciator, name, arguments)
            if json.dumps(plain(result)) != json.dumps(then):
                return Outcome(
                    inputs,
                    f"input {number}, {name}: then {_short(then)}, now {_short(plain(result))}",
                    entries,
                )
            entries += [(now_ns, body) for body in _bodies(result)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{path}: input {inputs + 1} can't be understood: {error}", "Take another copy of it."
        ) from None
    return Outcome(inputs, "", entries)


def _calls(lines: Iterator[Any]) -> Iterator[tuple[int, str, list[Any], Any]]:
    """(number from 1, name, arguments and the facts that SAME stands for, result) of each line."""
    facts: Any = None
    for number, (_, name, arguments, result) in enumerate(lines, 1):
        told = trace.unpacked(arguments)
        facts = next((each for each in told if isinstance(each, dict) and "facts" in each), facts)
        yield number, name, [*told, facts], trace.unpacked(result)


def _called(annunciator: Annunciator, name: str, arguments: list[Any]) -> Any:
    if name not in INPUTS:
        raise ValueError(f"there is no input {name!r}")
    try:
        return getattr(annunciator, name)(*arguments)
    except Exception as error:  # noqa: BLE001 - what was raised then must be raised now
        return _failed(error)


def _failed(error: Exception) -> str:
    return f"raised {type(error).__name__}: {error}"


def _bodies(result: Any) -> Iterator[dict[str, Any]]:
    """The bodies of entries in what an input gave."""
    for each in result if isinstance(result, tuple | list) and not isinstance(result, Acted) else ():
        if isinstance(each, dict) and ("sign" in each or "event" in each):
            yield each
        elif isinstance(each, list):
            yield from _bodies(each)


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:160]
