"""The guard's two sockets: one monitor and one steward at a time, each with the kinds of message that it may send."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from jidoka_bridge.guard.acts import ACTS
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.outside import Seat
from jidoka_bridge.guard.panel import PANEL
from jidoka_bridge.messages import (
    Condition,
    Kind,
    Lease,
    Message,
    MessageError,
    decode,
    encode,
    encode_json,
    unpack_recorded,
)

#: which kinds each peer may send; anything else is refused and recorded
ALLOWED: dict[str, frozenset[Kind]] = {
    "monitor": frozenset({Kind.LEASE, Kind.CONDITION, Kind.MODE, Kind.KNOWN_ANSWERS, Kind.BYE}),
    "steward": frozenset({Kind.RECORDED, *ACTS, Kind.LEDGER_HEAD, Kind.BYE}),
}
#: what whoever asked is told when an act met an error inside the guard, which then locked out
FAILED = {
    "request": "",
    "ok": False,
    "refused": "an error inside the guard",
    "remedy": "See: jidoka status",
    "value": {},
}
LOG = logging.getLogger("guard")
QUEUE_LENGTH = 4096
REFUSALS_EVERY_NS = 1_000_000_000


class Peer:
    """One of the two ends. Messages that a full socket doesn't take wait, and are forgotten when the peer goes.

    plan_digest: what it must say of its plan before anything of it counts, "" = nothing; answers: to acts, until
    `take_answers`: the shell gives them out when what they say can't be lost any more.
    """

    def __init__(self, name: str, seat: Seat, plan_digest: str = "") -> None:
        self.name = name
        self.seat = seat
        self._plan_digest = self._lacks = plan_digest
        self.answers: list[tuple[Kind, dict[str, Any]]] = []
        self._waiting: deque[Callable[[int, int], bytes]] = deque(maxlen=QUEUE_LENGTH)
        self._refused = 0
        self._told_ns = -REFUSALS_EVERY_NS

    def receive(self, now_ns: int, guard: Guard) -> None:
        """Hand everything that came to the guard; then let a new peer in if the old one is gone."""
        for datagram in self.seat.receive():
            self._take_or_refuse(now_ns, datagram, guard)
        self._accept(now_ns, guard)

    def take_answers(self) -> list[tuple[Kind, dict[str, Any]]]:
        """(kind of the act, answer) of each act since the last call."""
        answers, self.answers = self.answers, []
        return answers

    def _accept(self, now_ns: int, guard: Guard) -> None:
        came = self.seat.accept()
        if came == "second":
            self._refuse(now_ns, guard, "a second one tried to connect")
        if came != "new":
            return
        self._waiting.clear()
        self.answers.clear()
        self._lacks = self._plan_digest
        if self.name == "monitor":
            guard.monitor_connected(now_ns)
        else:
            guard.steward_connected(now_ns)

    def _take_or_refuse(self, now_ns: int, datagram: bytes, guard: Guard) -> None:
        try:
            self._take(now_ns, decode(datagram), guard)
        except Exception as error:  # noqa: BLE001 - no message may end the beats
            why = str(error) if isinstance(error, MessageError) else f"{type(error).__name__}: {error}"
            self._refuse(now_ns, guard, why)

    def _take(self, now_ns: int, message: Message, guard: Guard) -> None:
        kind = message.kind
        if kind not in ALLOWED[self.name]:
            raise MessageError(f"it may not send {kind.name}")
        if self._lacks:
            self._is_of_this_plan(message)
        elif kind is Kind.LEASE:
            guard.lease(now_ns, Lease.unpack(message.body))
        elif kind is Kind.CONDITION:
            guard.condition(now_ns, Condition.unpack(message.body))
        elif kind is Kind.RECORDED:
            guard.recorded(now_ns, unpack_recorded(message.body))
        elif kind is Kind.MODE and self.name == "monitor":
            guard.model_digest(now_ns, message.json())
        elif kind is Kind.KNOWN_ANSWERS and self.name == "monitor":
            guard.answers(now_ns, message.json())
        elif kind in ACTS:
            # at the PLC's own panel is only what its block B says
            body = {**message.json(), "at": PANEL}
            self.answers.append((kind, guard.act(now_ns, kind, body) or FAILED))
        else:
            message.json()  # a goodbye, or what is reserved: to be readable is all that it must

    def _is_of_this_plan(self, message: Message) -> None:
        """Conditions are numbered by the plan: of another one, "off" may be said of something else. Raises MessageError."""
        if message.kind is Kind.BYE:
            return
        plan = str(message.json().get("plan") or "") if message.kind is Kind.MODE else ""
        if plan != self._lacks:
            runs = f"runs the plan {plan[:12]}…" if plan else "doesn't say which plan it runs"
            raise MessageError(f"it {runs}, this guard {self._lacks[:12]}…: start both anew")
        self._lacks = ""

    def _refuse(self, now_ns: int, guard: Guard, why: str) -> None:
        """Recorded at most once a second with the count: a flood must not fill the ring of transitions."""
        self._refused += 1
        if now_ns - self._told_ns >= REFUSALS_EVERY_NS:
            guard.refuse(now_ns, f"{self.name}: {why} ({self._refused} refused so far)")
            LOG.warning("%s: %s", self.name, why)
            self._told_ns = now_ns

    def send_json(self, now_ns: int, kind: Kind, body: dict[str, Any]) -> None:
        """Queue a JSON message; forgotten while nobody is connected."""
        self._queue(now_ns, lambda number, at_ns: encode_json(kind, number, at_ns, body))

    def send(self, now_ns: int, kind: Kind, body: bytes) -> None:
        """Queue a packed message; forgotten while nobody is connected."""
        self._queue(now_ns, lambda number, at_ns: encode(kind, number, at_ns, body))

    def _queue(self, now_ns: int, make: Callable[[int, int], bytes]) -> None:
        if self.seat.is_connected:
            self._waiting.append(make)
            self.flush(now_ns)

    def flush(self, now_ns: int) -> bool:
        """Send what waits. False: the socket is full, or nobody is there."""
        while self._waiting and self.seat.is_connected:
            try:
                datagram = self._waiting[0](self.seat.number, now_ns)
            except (MessageError, ValueError, TypeError, RecursionError) as error:
                LOG.error("a message to the %s can't be sent: %s", self.name, error)
                self._waiting.popleft()
                continue
            if not self.seat.send(datagram):
                break
            self._waiting.popleft()
        return not self._waiting and self.seat.is_connected

    def close(self) -> None:
        self.seat.close()
