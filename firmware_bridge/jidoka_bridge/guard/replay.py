"""A guard run from its trace: the same calls to the outside must come, in the same order, with the same arguments.

Results come from the trace; what the guard writes, sends and submits are arguments, so that the same calls are the same
outputs, bit for bit (contract C13).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jidoka_bridge.guard import trace
from jidoka_bridge.guard.outside import Outside
from jidoka_bridge.guard.trace import Failed, TraceWriter
from jidoka_bridge.plan import Plan


class Halt(BaseException):
    """Ends the loop from inside a call; no handler of errors may take it for one."""


class Ended(Halt):
    """The trace is over."""


class Differs(Halt):
    """The guard did something else than it did then. number: of the call, from 1."""

    def __init__(self, number: int, then: str, now: str) -> None:
        super().__init__(f"call {number}: then {then}, now {now}")
        self.number, self.then, self.now = number, then, now


class Recorded:
    """One part of the outside, written down as it is used."""

    def __init__(self, name: str, part: Any, writer: TraceWriter, clock: Any) -> None:
        self._name, self._part, self._writer, self._clock = name, part, writer, clock

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if not callable(value):
            self._writer.add(self._clock(), self._name, name, None, value)
            return value

        def call(*arguments: Any) -> Any:
            try:
                result = value(*arguments)
            except Exception as error:
                self._writer.add(self._clock(), self._name, name, arguments, Failed(error))
                raise
            self._writer.add(self._clock(), self._name, name, arguments, result)
            return result

        # a part is asked for its few methods again and again: the next time it is found at once
        self.__dict__[name] = call
        return call


class RecordedOutside(Outside):
    """The real outside, written down."""

    def __init__(self, plan: Plan, writer: TraceWriter) -> None:
        self._writer = writer
        super().__init__(plan)

    def _kept(self, name: str, part: Any) -> Any:
        return Recorded(name, part, self._writer, self._system.monotonic_ns)

    def close(self) -> None:
        self._writer.close()


class Source:
    """The lines of a trace, one call after the other."""

    def __init__(self, lines: Iterator[list[Any]]) -> None:
        self._lines = lines
        self._next: list[Any] | None = None
        self.calls = 0

    def peek(self) -> list[Any]:
        """Raises Ended behind the last line."""
        if self._next is None:
            self._next = next(self._lines, None)
            if self._next is None:
                raise Ended
        return self._next

    def take(self, part: str, name: str, arguments: Any) -> Any:
        """The result of this call then. Raises Differs for another call, or other arguments."""
        line = self.peek()
        self._next = None
        self.calls += 1
        now = [part, name, trace.packed(arguments)]
        if line[:3] != now:
            raise Differs(self.calls, _told(line), _told(now))
        result = trace.unpacked(line[3])
        if isinstance(result, Failed):
            raise result.error
        return result


class Replayed:
    """One part of the outside, played from a trace."""

    def __init__(self, name: str, source: Source) -> None:
        self._name, self._source = name, source

    def __getattr__(self, name: str) -> Any:
        if self._source.peek()[2] is None:
            return self._source.take(self._name, name, None)
        return lambda *arguments: self._source.take(self._name, name, arguments)


class ReplayedOutside(Outside):
    """The outside as it was."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.system = self._kept("system", None)
        self.writer = self._kept("latch", None)
        self.monitor = self._kept("monitor", None)
        self.steward = self._kept("steward", None)

    def port(self, port: Any) -> Any:
        """The port of then; the one that was made is never opened."""
        return self._kept("line", port)

    def _kept(self, name: str, part: Any) -> Any:
        del part
        return Replayed(name, self._source)


class Outcome(NamedTuple):
    """What a replay came to. differs: "" when every call was the same; transitions: the guard's events, in order."""

    calls: int
    frames: int
    differs: str
    transitions: list[dict[str, Any]]


def _told(line: list[Any]) -> str:
    what = "" if line[2] is None else f"({', '.join(map(str, line[2]))[:160]})"
    return f"{line[0]}.{line[1]}{what}"


def replay(path: Path) -> Outcome:
    """Run the guard from a trace. Raises InputError where it is none."""
    from jidoka_bridge.guard.process import Process  # noqa: PLC0415 - which records with what is above

    plan, lines = trace.read(path)
    source = Source(lines)
    differs, frames = "", 0
    transitions: list[dict[str, Any]] = []
    try:
        process = Process(plan, ReplayedOutside(source))
        try:
            process.serve(transitions.append)
        finally:
            frames = process.line.beats if process.line else 0
    except Ended:
        pass
    except Differs as difference:
        differs = str(difference)
    return Outcome(source.calls, frames, differs, transitions)
