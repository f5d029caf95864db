"""The monitor's side of the record wire, without sockets: who may write, quotas, verdicts, and each refusal counted.

Nothing that an application sends can raise here: a datagram gives replies, a record for the sink, or a counted
refusal.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from jidoka.monitor.admission import admit, read_hello
from jidoka.monitor.arena import Arena, Refusal
from jidoka.monitor.grant import Allowance, Grant, arena_size
from jidoka.monitor.refused import Refused
from jidoka.monitor.welcome import welcome_of

#: a connection that sends this much that can't be read is ended: it costs time that others need
MOST_GARBAGE = 1000
HELLO_LIMIT_NS = 5_000_000_000

_FLAGS_AT = 6  # in wire.HEADER
_VERDICT = struct.Struct(wire.HEADER.format + wire.VERDICT_BODY.format.lstrip("<"))


class Judged(Protocol):
    """What a sink says of a record: verdict 0 pass, 1 suspect, 2 reject; reasons: bits of verdicts.Reason."""

    @property
    def verdict(self) -> int: ...

    @property
    def reasons(self) -> int: ...


class Sink(Protocol):
    """Whoever wants the records: the monitor's core, or the learner of a baseline.

    The arrays of a record are the sink's during the call of `record` only: the next record reuses their memory. What an
    application needn't wait for is done by `study`, called after each `record`, when the verdict was sent.
    """

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None: ...

    def tap_gone(self, model: str) -> None: ...

    def tap_beat(self, model: str, now_ns: int) -> None: ...

    def tap_refused(self, model: str) -> None: ...

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None: ...

    def record(self, model: str, record: wire.Record, now_ns: int) -> Judged | None: ...

    def known_answer(self, model: str, record: wire.Record, now_ns: int) -> None: ...

    def study(self) -> None: ...


#: part -> its worst verdict so far, over all its records and models; None: not known
PartVerdict = Callable[[int], "int | None"]


class Reply(NamedTuple):
    """A datagram for the application, and a descriptor that goes with it; -1: none."""

    datagram: bytes
    descriptor: int = -1


class Outcome(enum.Enum):
    """What became of a datagram: it cost a judgement, next to nothing, was refused, or is to be taken again later."""

    JUDGED = enum.auto()
    HEARD = enum.auto()
    REFUSED = enum.auto()
    EARLY = enum.auto()


@dataclass
class Writer:
    """One connection. is_leaving: whether its peer has hung up; grant: None until its HELLO was accepted; shows: it can be
    asked for the known answers."""

    opened_ns: int
    user_id: int | None
    is_leaving: Callable[[], bool]
    grant: Grant | None = None
    garbage: int = 0
    is_ended: bool = False
    shows: bool = False
    replies: list[Reply] = field(default_factory=list)


class Intake:
    """Every tap connection of a monitor.

    is_judging: False where no verdicts come, as while a baseline is learned; part_verdict: left out, a part's verdict is
    its record's. refused: what was refused, by model and reason. make_arena: from slots, slot bytes and the room that all connections copy to.
    """

    def __init__(
        self,
        plan: Plan,
        sink: Sink,
        *,
        is_judging: bool = True,
        part_verdict: PartVerdict = lambda _: None,
        make_arena: Callable[[int, int, memoryview], Arena] = Arena,
    ) -> None:
        self.plan = plan
        self.sink = sink
        self.is_judging = is_judging
        self.models = {model.id: model for model in plan.models}
        self.sections: Mapping[str, Mapping[str, Any]] = plan.sections["models"]
        self.writers: dict[str, Writer] = {}
        self.refused = Refused()
        self._part_verdict = part_verdict
        self._make_arena = make_arena
        sizes = [arena_size(section)[1] for section in self.sections.values()]
        self._room = memoryview(bytearray(max(sizes, default=0)))

    def opened(
        self, user_id: int | None, now_ns: int, is_leaving: Callable[[], bool] = lambda: False
    ) -> Writer:
        """A connection was accepted; user_id: its peer's, from the kernel."""
        return Writer(now_ns, user_id, is_leaving)

    def closed(self, writer: Writer) -> None:
        """The connection ended, whoever ended it."""
        writer.is_ended = True
        grant, writer.grant = writer.grant, None
        if grant is not None:
            grant.end()
            del self.writers[grant.model.id]
            self.sink.tap_gone(grant.model.id)

    def is_overdue(self, writer: Writer, now_ns: int) -> bool:
        """True for a connection that never said who it is."""
        return writer.grant is None and now_ns - writer.opened_ns > HELLO_LIMIT_NS

    def take(self, writer: Writer, datagram: bytes, now_ns: int) -> Outcome:
        """One datagram. Replies are left in `writer.replies`; `writer.is_ended` says to close after sending them.

        EARLY: a HELLO that is to be taken again when another connection was closed, as an application that is
        started again says hello before everything that it had sent was read.
        """
        grant = writer.grant
        try:
            kind, _, body = wire.decode(datagram)
            if grant is None:
                return self._first(writer, kind, body, now_ns)
            if kind == wire.RECORD:
                return self._record(writer, grant, datagram, body, now_ns)
            if kind == wire.BEAT:
                if len(body) != wire.BEAT_BODY.size:
                    raise wire.WireError(f"beat of {len(body)} bytes")
                self.sink.tap_beat(grant.model.id, now_ns)
            elif kind == wire.GOODBYE:
                writer.is_ended = True
            else:
                raise wire.WireError(f"{wire.KINDS[kind]} isn't a tap's to send")
        except (wire.WireError, RecursionError):
            return self._garbage(writer, now_ns)
        return Outcome.HEARD

    # ---------------------------------------------------------------- records

    def _record(
        self, writer: Writer, grant: Grant, datagram: bytes, body: memoryview, now_ns: int
    ) -> Outcome:
        try:
            record = grant.unpack(body, now_ns)
        except Refusal as refusal:
            return self._refuse_record(grant, refusal.reason, now_ns)
        except ValueError:  # WireError, and shapes that numpy finds no array for
            writer.garbage += 1
            outcome = self._refuse_record(grant, "bad tensors", now_ns)
            return self._end_if_endless(writer, outcome, now_ns)
        if datagram[_FLAGS_AT] & wire.KNOWN_ANSWER:
            self.sink.known_answer(grant.model.id, record, now_ns)
            return Outcome.HEARD
        judged = self.sink.record(grant.model.id, record, now_ns)
        if judged is not None and datagram[_FLAGS_AT] & wire.WANTS_VERDICT:
            writer.replies.append(Reply(self._verdict(record, judged, now_ns)))
        return Outcome.JUDGED

    def _verdict(self, record: wire.Record, judged: Judged, now_ns: int) -> bytes:
        verdict = int(judged.verdict)
        of_part = self._part_verdict(record.part) if record.part else None
        return _VERDICT.pack(
            wire.MAGIC, wire.VERSION, wire.VERDICT, 0, wire.VERDICT_BODY.size, now_ns, record.number, record.part,
            int(judged.reasons) & 0xFFFFFFFF, verdict, verdict if of_part is None else max(verdict, of_part),
        )  # fmt: skip

    def _refuse_record(self, grant: Grant, reason: str, now_ns: int) -> Outcome:
        self.refused.add(grant.model.id, reason, now_ns)
        self.sink.tap_refused(grant.model.id)
        return Outcome.REFUSED

    def _garbage(self, writer: Writer, now_ns: int) -> Outcome:
        writer.garbage += 1
        if writer.grant is None:
            self._end(writer, "garbage", "Speak the record wire of jidoka_tap.", now_ns)
            return Outcome.REFUSED
        outcome = self._refuse_record(writer.grant, "garbage", now_ns)
        return self._end_if_endless(writer, outcome, now_ns)

    def _end_if_endless(self, writer: Writer, outcome: Outcome, now_ns: int) -> Outcome:
        if writer.garbage >= MOST_GARBAGE and writer.grant is not None:
            self._end(writer, "endless garbage", "Speak the record wire of jidoka_tap.", now_ns)
        return outcome

    # ---------------------------------------------------------------- connections

    def _first(self, writer: Writer, kind: int, body: memoryview, now_ns: int) -> Outcome:
        if kind != wire.HELLO:
            raise wire.WireError("the first message must be hello")
        hello = read_hello(body)
        model, reason, remedy = admit(self.plan, hello, writer.user_id, self.writers)
        if reason == "two writers":
            if self.writers[model].is_leaving():
                return Outcome.EARLY
            evidence = {"pid": _small_int(hello.get("pid")), "user_id": writer.user_id}
            self.sink.second_writer(model, evidence, now_ns)
        if reason:
            self._end(writer, reason, remedy, now_ns, model)
            return Outcome.REFUSED
        self._grant(writer, model, {**hello, "model": model}, now_ns)
        return Outcome.HEARD

    def _grant(self, writer: Writer, name: str, hello: Mapping[str, Any], now_ns: int) -> None:
        model, section = self.models[name], self.sections[name]
        welcome = welcome_of(model, section, hello, is_judging=self.is_judging)
        slots, slot_bytes = arena_size(section)
        arena = None
        if slots:
            try:
                arena = self._make_arena(slots, slot_bytes, self._room)
                welcome["arena"] = {"slots": arena.slots, "slot_bytes": arena.slot_bytes}
            except OSError as error:
                welcome["notes"].append(f"large tensors aren't monitored: no arena: {error.strerror}")
        records, size = Allowance(model.records_per_s, now_ns), Allowance(model.bytes_per_s, now_ns)
        writer.grant = Grant(model, records, size, arena)
        writer.shows = hello.get("shows") is True
        self.writers[name] = writer
        self.sink.tap_connected(name, hello, now_ns)
        datagram = wire.encode_json(wire.WELCOME, now_ns, welcome)
        writer.replies.append(Reply(datagram, arena.descriptor if arena is not None else -1))

    def _end(self, writer: Writer, reason: str, remedy: str, now_ns: int, model: str = "") -> None:
        self.refused.add(writer.grant.model.id if writer.grant else model, reason, now_ns, remedy)
        refused = {"reason": reason, "remedy": remedy}
        writer.replies.append(Reply(wire.encode_json(wire.REFUSED, now_ns, refused)))
        writer.is_ended = True


def _small_int(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
