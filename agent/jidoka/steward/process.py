"""The steward's process: signals, clock, sockets, ledger and broker around the core."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.errors import told
from jidoka_bridge.guard.trace import TraceWriter
from jidoka_bridge.messages import Kind as MessageKind
from jidoka_bridge.messages import MessageError
from jidoka_bridge.notify import notify
from jidoka_bridge.plan import Plan

from jidoka.steward import gauges
from jidoka.steward.alarm_trace import record
from jidoka.steward.answers import Answers
from jidoka.steward.commands.clock import Clock
from jidoka.steward.commands.inbox import Inbox
from jidoka.steward.core import Core
from jidoka.steward.effects import ConnectAnew, Effect, Live, Record, Reply, Rows, ToGuard
from jidoka.steward.inventory import packages_digest
from jidoka.steward.ledger.format import Entry, Kind
from jidoka.steward.ledger.people import sealed
from jidoka.steward.metrics import serve
from jidoka.steward.opening import (
    boot_event,
    boot_id,
    entry_of_news,
    first_entries,
    make_courier,
    make_desk,
)
from jidoka.steward.peers import Encode, Peers
from jidoka.steward.presence import GUARD
from jidoka.steward.records import Records
from jidoka.steward.remote import REMOTE, Remote
from jidoka.steward.reviewing import Reviewer
from jidoka.steward.status import answer_value, shorter, status_value
from jidoka.steward.written import Written

log = logging.getLogger("steward")

BEAT_NS = 200_000_000
SECOND_NS = 1_000_000_000


class Steward:
    """Made from a plan; `run` returns when it was told to stop. Raises PlainError if it can't begin."""

    def __init__(self, plan: Plan, alarm_trace: Path | None = None) -> None:
        self.plan = plan
        self.boot = boot_id()
        self._wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        self.core = Core(plan, self.boot, sealed)
        self._trace: TraceWriter | None = None
        if alarm_trace is not None:
            alarms = self.core.alarms
            alarms.annunciator, self._trace = record(alarms.annunciator, alarm_trace, plan, time.monotonic_ns)
        self.core.inventory.packages = packages_digest()
        self.desk = make_desk(plan)
        self.inbox = None if self.desk is None else Inbox(self._hold_of)
        self.courier = make_courier(plan, self.boot, self._nudge, self.inbox)
        section = plan.sections.get("steward") or {}
        keys = section.get("commands") or {}
        self.remote = Remote(self.core, {name: str(each.get("role", "")) for name, each in keys.items()})
        self._clock = Clock(is_assumed=section.get("clock") == "assumed")
        self.records = Records(
            self.core, self.boot, self.courier, self._restore, now_ns=now_ns, wall_ns=wall_ns
        )
        self.peers = Peers(plan)
        self.metrics: dict[str, Any] = {}
        self._next_beat_ns = 0
        self._next_second_ns = 0
        self._is_stopping = False
        self._answers = Answers()
        self._written = Written(plan.ledger_file)
        self._reviewer = Reviewer(plan, now_ns)
        self._does: dict[type[Effect], Callable[[Any, int, int], None]] = {
            Record: self.records.append,
            Reply: self._give,
            ToGuard: self._tell_guard,
            Live: self._tell_broker,
            Rows: self.records.spool,
            ConnectAnew: self._connect_anew,
        }
        self._begin(now_ns, wall_ns)

    # ------------------------------------------------------------ beginning

    def _restore(self, entry: Entry) -> None:
        self._clock.saw(entry.wall_ns)
        self.core.restore(entry)

    def _begin(self, now_ns: int, wall_ns: int) -> None:
        self._do(first_entries(self.core, self.records.ledger), now_ns, wall_ns)
        self._do(self.core.alarms.begin(now_ns, wall_ns), now_ns, wall_ns)
        self._do(self.records.begin(now_ns, wall_ns), now_ns, wall_ns)

    # ------------------------------------------------------------ the loop

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        self.peers.open(self._wake, self.records.ledger.wake)
        self._serve_metrics()
        if self.courier is not None:
            self.courier.start()
        notify("READY=1")
        log.info("records in %s, listens at %s", self.records.ledger.path, self.plan.steward_socket)
        try:
            while not self._is_stopping:
                self._turn()
        finally:
            self._end()

    def _turn(self) -> None:
        for peer, datagram in self.peers.turn(self._limit_s()):
            self._take(peer, datagram, time.monotonic_ns(), time.time_ns())
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        if self.peers.connect_guard(now_ns):
            self._do(self.core.on_guard_connected(now_ns), now_ns, wall_ns)
            self._next_beat_ns = now_ns
        if self.records.take_committed(now_ns):
            self._next_beat_ns = now_ns
        self.core.alarms.wall_offset_ns = wall_ns - now_ns
        self._do(self.core.tick(now_ns), now_ns, wall_ns)
        for peer, value in self._answers.due(self.records.ledger.committed_entries, now_ns):
            self._reply(peer, value, now_ns)
        self._beat(now_ns)
        self._take_commands(now_ns, wall_ns)
        if self.courier is not None:
            for news in self.courier.take_news():
                log.info("broker: %s", told(news.text, news.remedy))
                self._do([entry_of_news(news, now_ns)], now_ns, wall_ns)
        if now_ns >= self._next_second_ns:
            self._next_second_ns = now_ns + SECOND_NS
            self._each_second(now_ns, wall_ns)

    def _limit_s(self) -> float:
        return max(0.0, min(0.1, (self._next_beat_ns - time.monotonic_ns()) / 1e9))

    def _take(self, peer: int, datagram: bytes | None, now_ns: int, wall_ns: int) -> None:
        """A datagram, or None where somebody has gone."""
        core = self.core
        if datagram is None:
            self._do(
                core.on_guard_lost(now_ns) if peer == GUARD else core.on_peer_lost(peer, now_ns),
                now_ns,
                wall_ns,
            )
            return
        try:
            message = messages.decode(datagram)
            if message.kind is MessageKind.ASK and peer != GUARD:
                self._answer(peer, message.json(), now_ns)
                return
        except MessageError as error:
            self._do(core.on_garbage(peer, str(error)), now_ns, wall_ns)
            return
        self._do(
            core.on_guard(now_ns, message) if peer == GUARD else core.on_peer(now_ns, peer, message),
            now_ns,
            wall_ns,
        )

    def _beat(self, now_ns: int) -> None:
        """RECORDED: after each commit and as a heart-beat, but only while what is appended reaches the disk."""
        if now_ns < self._next_beat_ns:
            return
        self._next_beat_ns = now_ns + BEAT_NS
        number = None if self.core.why_not_recording else self.core.transitions.to_tell()
        if number is not None and self.peers.guard.is_connected:
            body = messages.pack_recorded(number)
            self._send(GUARD, lambda at: messages.encode(MessageKind.RECORDED, at, now_ns, body), now_ns)

    def _each_second(self, now_ns: int, wall_ns: int) -> None:
        core, records = self.core, self.records
        lost = records.each_second(wall_ns)
        self._reviewer.turn(now_ns)
        core.findings = self._reviewer.findings
        for each in (
            gauges.of_core(core, now_ns, is_clock_sure=self._clock.is_sure(wall_ns)),
            records.gauges(now_ns, wall_ns),
        ):
            for number, value, labels in each:
                core.counters.put(number, value, labels)
        if core.transitions.has_forgotten and not core.why_not_recording and self.peers.drop_guard():
            self._do(core.on_guard_lost(now_ns), now_ns, wall_ns)
        self._do([*self._counted(now_ns), *core.each_second(now_ns), *lost], now_ns, wall_ns)

    # ------------------------------------------------------------ effects

    def _do(self, effects: Sequence[Effect], now_ns: int, wall_ns: int) -> None:
        for effect in effects:
            self._does[type(effect)](effect, now_ns, wall_ns)

    def _give(self, effect: Reply, now_ns: int, wall_ns: int) -> None:
        if effect.peer == REMOTE:
            self._do(self.remote.replied(now_ns, effect.value), now_ns, wall_ns)
        elif effect.is_after_record:
            self._answers.keep(self.records.ledger.entries, effect.peer, effect.value, now_ns)
        else:
            self._reply(effect.peer, effect.value, now_ns)

    def _tell_guard(self, effect: ToGuard, now_ns: int, wall_ns: int) -> None:
        del wall_ns
        self._send(GUARD, lambda at: messages.encode_json(effect.kind, at, now_ns, effect.value), now_ns)

    def _tell_broker(self, effect: Live, now_ns: int, wall_ns: int) -> None:
        if self.courier is not None:
            self.courier.tell(effect.name, effect.value, now_ns, wall_ns)

    def _connect_anew(self, effect: ConnectAnew, now_ns: int, wall_ns: int) -> None:
        del effect, now_ns, wall_ns
        self.peers.connect_anew()

    def _take_commands(self, now_ns: int, wall_ns: int) -> None:
        """Commands from elsewhere, each judged before anything is done."""
        if self.desk is None or self.inbox is None or self.inbox.is_empty:
            return
        is_clock_sure = self._clock.is_sure(wall_ns)
        for command in self.inbox.take():
            judged = self.desk.judge(
                command, now_ns=now_ns, wall_s=wall_ns / 1e9, is_clock_sure=is_clock_sure
            )
            self._do(self.remote.take(now_ns, judged), now_ns, wall_ns)
        if not self.inbox.is_empty:
            self._nudge()

    def _hold_of(self, message: bytes) -> tuple[str, int] | None:
        """For the inbox, on the courier's thread."""
        wall_ns = time.time_ns()
        if self.desk is None:
            return None
        return self.desk.hold_of(message, wall_ns / 1e9, self._clock.is_sure(wall_ns))

    def _counted(self, now_ns: int) -> list[Effect]:
        """Commands that were refused and have no entry of their own."""
        turned_away = self.inbox.turned_away() if self.inbox is not None else {}
        return self.remote.counted(now_ns, turned_away)

    def _reply(self, peer: int, value: dict[str, Any], now_ns: int) -> None:
        def encode(at: int) -> bytes:
            try:
                return messages.encode_json(MessageKind.ANSWER, at, now_ns, value)
            except MessageError as error:
                for told in shorter(value["value"]):
                    with contextlib.suppress(MessageError):
                        return messages.encode_json(MessageKind.ANSWER, at, now_ns, {**value, "value": told})
                refused = {
                    "ok": False, "refused": f"there is more to tell than a message holds: {error}",
                    "remedy": "Acknowledge what you know of: jidoka ack", "value": {},
                }  # fmt: skip
                return messages.encode_json(MessageKind.ANSWER, at, now_ns, {**value, **refused})

        self._send(peer, encode, now_ns)

    def _send(self, peer: int, encode: Encode, now_ns: int) -> None:
        if not self.peers.send(peer, encode):
            self._take(peer, None, now_ns, time.time_ns())

    def _answer(self, peer: int, question: dict[str, Any], now_ns: int) -> None:
        self._written.refresh(self.core.alarms)
        value = answer_value(str(question.get("what")), self.status(now_ns), self.core.alarms.annunciator)
        answer: dict[str, Any] = {
            "request": str(question.get("request", "")), "ok": value is not None, "refused": "", "remedy": "",
            "value": value or {},
        }  # fmt: skip
        if value is None:
            answer["refused"] = f"nobody knows {question.get('what')!r}"
            answer["remedy"] = "Ask for: status, alarms or sort again."
        self._reply(peer, answer, now_ns)

    def status(self, now_ns: int) -> dict[str, Any]:
        """The answer to ASK status."""
        ledger, mqtt = self.records.ledger_value(now_ns), self.records.mqtt_value(now_ns)
        value = status_value(self.core, now_ns, ledger, mqtt, self.metrics)
        return {**value, "clock": self._clock.value(time.time_ns(), is_needed=self.desk is not None)}

    # ------------------------------------------------------------ small parts

    def _serve_metrics(self) -> None:
        options = (self.plan.sections.get("steward") or {}).get("metrics")
        if options:
            host, port = str(options.get("host", "127.0.0.1")), int(options.get("port", 0))
            self.metrics = {"host": host, "port": serve(self.core.counters, host, port)}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._is_stopping = True

    def _nudge(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._wake_writer, b"\0")

    def _end(self) -> None:
        notify("STOPPING=1")
        self._reviewer.close()
        now_ns = time.monotonic_ns()
        bye = {"program": "steward"}
        self.peers.close(lambda at: messages.encode_json(MessageKind.BYE, at, now_ns, bye))
        self.records.end_blocks(now_ns, time.time_ns())
        stop = Record(Kind.BOOT, boot_event(self.plan.digest, "stop"), is_urgent=True)
        self._do([*self._counted(now_ns), stop], now_ns, time.time_ns())
        if self._trace is not None:
            self._trace.close()
        is_clean = self.records.close()
        log.info("stopped%s", "" if is_clean else "; some entries could not be written")
