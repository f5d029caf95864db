"""The monitor's side of the record wire, without I/O: who may write, quotas, and everything that is refused, counted.

Nothing that an application sends can raise here: a datagram gives replies, a record for the sink, or a counted
refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from jidoka_bridge.plan import Model, Plan
from jidoka_tap import wire

#: a connection that sends this much that can't be read is ended: it costs time that others need
MOST_GARBAGE = 1000
HELLO_LIMIT_NS = 5_000_000_000


class Sink(Protocol):
    """Whoever wants the records: the monitor's core, or the learner of a baseline."""

    def tap_connected(self, model: str, hello: Mapping[str, Any], now_ns: int) -> None: ...

    def tap_gone(self, model: str) -> None: ...

    def tap_beat(self, model: str, now_ns: int) -> None: ...

    def tap_refused(self, model: str) -> None: ...

    def second_writer(self, model: str, evidence: dict[str, Any], now_ns: int) -> None: ...

    def record(self, model: str, record: wire.Record, now_ns: int) -> object: ...


class Allowance:
    """A token bucket of one second's worth: rate a second, at most that much at once."""

    def __init__(self, rate: float, now_ns: int) -> None:
        self.rate = rate
        self.left = rate
        self.at_ns = now_ns

    def take(self, amount: float, now_ns: int) -> bool:
        self.left = min(self.rate, self.left + (now_ns - self.at_ns) * 1e-9 * self.rate)
        self.at_ns = now_ns
        if amount > self.left:
            return False
        self.left -= amount
        return True


@dataclass
class Writer:
    """One connection. model: None until its HELLO was accepted."""

    opened_ns: int
    user_id: int | None
    model: Model | None = None
    records_left: Allowance | None = None
    bytes_left: Allowance | None = None
    garbage: int = 0
    is_ended: bool = False
    replies: list[bytes] = field(default_factory=list)


class Intake:
    """Every tap connection of a monitor.

    refusals: (model or "", reason) -> count, reasons from a fixed set; news: sentences for the ledger.
    """

    def __init__(self, plan: Plan, sink: Sink) -> None:
        self.plan = plan
        self.sink = sink
        self.models = {model.id: model for model in plan.models}
        self.writers: dict[str, Writer] = {}
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.news: list[str] = []

    def opened(self, user_id: int | None, now_ns: int) -> Writer:
        """A connection was accepted; user_id: its peer's, from the kernel."""
        return Writer(now_ns, user_id)

    def closed(self, writer: Writer) -> None:
        """The connection ended, whoever ended it."""
        writer.is_ended = True
        if writer.model is not None and self.writers.get(writer.model.id) is writer:
            del self.writers[writer.model.id]
            self.sink.tap_gone(writer.model.id)

    def is_overdue(self, writer: Writer, now_ns: int) -> bool:
        """True for a connection that never said who it is."""
        return writer.model is None and now_ns - writer.opened_ns > HELLO_LIMIT_NS

    def take(self, writer: Writer, datagram: bytes, now_ns: int) -> None:
        """One datagram. Replies are left in `writer.replies`; `writer.is_ended` says to close after sending them."""
        try:
            kind, _, body = wire.decode(datagram)
            if writer.model is None:
                self._first(writer, kind, body, now_ns)
            elif kind == wire.RECORD:
                self._record(writer, writer.model, datagram, body, now_ns)
            elif kind == wire.BEAT:
                if len(body) != wire.BEAT_BODY.size:
                    raise wire.WireError(f"beat of {len(body)} bytes")
                self.sink.tap_beat(writer.model.id, now_ns)
            elif kind == wire.GOODBYE:
                writer.is_ended = True
            else:
                raise wire.WireError(f"{wire.KINDS[kind]} isn't a tap's to send")
        except (wire.WireError, RecursionError):
            self._garbage(writer, now_ns)

    def _garbage(self, writer: Writer, now_ns: int) -> None:
        writer.garbage += 1
        self._count(writer, "garbage")
        if writer.garbage >= MOST_GARBAGE or writer.model is None:
            self._refuse(writer, "garbage", "Speak the record wire of jidoka_tap.", now_ns)

    def _record(self, writer: Writer, model: Model, datagram: bytes, body: memoryview, now_ns: int) -> None:
        assert writer.records_left is not None
        assert writer.bytes_left is not None
        if not (writer.records_left.take(1.0, now_ns) and writer.bytes_left.take(len(datagram), now_ns)):
            self._count(writer, "quota")
            return
        self.sink.record(model.id, wire.unpack_record(body), now_ns)

    def _first(self, writer: Writer, kind: int, body: memoryview, now_ns: int) -> None:
        if kind != wire.HELLO:
            raise wire.WireError("the first message must be hello")
        hello = wire.decode_json(body)
        names = [hello.get("inputs"), hello.get("outputs")]
        if not all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in names):
            raise wire.WireError("hello without lists of names")
        wanted = hello.get("model")
        model = self.models.get(wanted) if isinstance(wanted, str) else None
        if model is None:
            known = ", ".join(self.models)
            self._refuse(
                writer, "unknown model", f"The plan has {known}; the tap said {str(wanted)[:80]!r}.", now_ns
            )
        elif model.user_id is not None and writer.user_id != model.user_id:
            remedy = f"The plan lets user {model.user_id} write {model.id}, this is user {writer.user_id}."
            self._refuse(writer, "wrong user", remedy, now_ns, model.id)
        elif model.id in self.writers:
            evidence = {"pid": _small_int(hello.get("pid")), "user_id": writer.user_id}
            self.sink.second_writer(model.id, evidence, now_ns)
            self._refuse(writer, "two writers", f"Another application writes {model.id}.", now_ns, model.id)
        else:
            writer.model = model
            writer.records_left = Allowance(model.records_per_s, now_ns)
            writer.bytes_left = Allowance(model.bytes_per_s, now_ns)
            self.writers[model.id] = writer
            self.sink.tap_connected(model.id, hello, now_ns)
            section = self.plan.sections["models"][model.id]
            welcome = {
                "model": model.id,
                "every": int(section.get("every", 1)),
                "roi": section.get("roi"),
                "inline_limit_bytes": wire.INLINE_LIMIT_BYTES,
            }
            writer.replies.append(wire.encode_json(wire.WELCOME, now_ns, welcome))

    def _refuse(self, writer: Writer, reason: str, remedy: str, now_ns: int, model: str = "") -> None:
        if reason != "garbage":
            self.refusals[model, reason] += 1
        if self.refusals[model, reason] == 1 and len(self.news) < 100:
            self.news.append(f"a tap was refused: {reason}. {remedy}")
        writer.replies.append(wire.encode_json(wire.REFUSED, now_ns, {"reason": reason, "remedy": remedy}))
        writer.is_ended = True

    def _count(self, writer: Writer, reason: str) -> None:
        name = writer.model.id if writer.model else ""
        self.refusals[name, reason] += 1
        if self.refusals[name, reason] == 1 and len(self.news) < 100:
            self.news.append(f"a message of {name or 'an unknown tap'} was refused: {reason}")
        if writer.model:
            self.sink.tap_refused(name)


def _small_int(value: Any) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**31 else 0
