"""The steward's process: sockets, signals, clock and ledger around the core."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import socket
import time
from pathlib import Path
from types import FrameType
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.channel import Channel, listen_plainly
from jidoka_bridge.errors import told
from jidoka_bridge.guard.trace import TraceWriter
from jidoka_bridge.messages import Kind as MessageKind
from jidoka_bridge.messages import MessageError
from jidoka_bridge.notify import notify
from jidoka_bridge.plan import Plan

from jidoka.steward.alarm_trace import record
from jidoka.steward.answers import Answers
from jidoka.steward.blocks import Blocks
from jidoka.steward.commands.clock import Clock
from jidoka.steward.commands.inbox import Inbox
from jidoka.steward.core import Core
from jidoka.steward.effects import ConnectAnew, Effect, Live, Record, Reply, Rows, ToGuard
from jidoka.steward.inventory import packages_digest
from jidoka.steward.ledger.format import Entry, Kind, Lane
from jidoka.steward.ledger.people import sealed
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.metrics import alarm_counters, serve, standing_counters
from jidoka.steward.mqtt.bulletin import NO_BROKER
from jidoka.steward.mqtt.topics import body_of, kept_on
from jidoka.steward.opening import (
    boot_event,
    boot_id,
    entry_of_news,
    first_entries,
    loss,
    make_courier,
    make_desk,
)
from jidoka.steward.outbox.figures import backlog_value, counters, room_value, ticket_of
from jidoka.steward.remote import REMOTE, Remote
from jidoka.steward.reviewing import Reviewer
from jidoka.steward.status import answer_value, status_value, trimmed
from jidoka.steward.written import Written

log = logging.getLogger("steward")

BEAT_NS = 200_000_000
SECOND_NS = 1_000_000_000
GUARD = -1
MAX_PEERS = 64


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
        self.blocks = Blocks(self.boot, wall_ns - now_ns)
        self.desk = make_desk(plan)
        self.inbox = None if self.desk is None else Inbox(self._hold_of)
        self.courier = make_courier(plan, self.boot, self._nudge, self.inbox)
        section = plan.sections.get("steward") or {}
        keys = section.get("commands") or {}
        self.remote = Remote(self.core, {name: str(each.get("role", "")) for name, each in keys.items()})
        self._clock = Clock(is_assumed=section.get("clock") == "assumed")
        limit_bytes = int((section.get("record") or {}).get("limit_bytes", 0))
        self.ledger = Ledger(plan.ledger_file, self.boot, self._restore, wall_ns, limit_bytes)
        self.selector = selectors.DefaultSelector()
        self.peers: dict[int, Channel] = {}
        self.guard = Channel(plan.guard_steward_socket)
        self.metrics: dict[str, Any] = {}
        self._next_peer = 1
        self._next_beat_ns = 0
        self._next_second_ns = 0
        self._is_stopping = False
        self._must_drop_guard = False
        self._answers = Answers()
        self._written = Written(plan.ledger_file)
        self._reviewer = Reviewer(plan, now_ns)
        self._begin(now_ns, wall_ns)

    # ------------------------------------------------------------ beginning

    def _restore(self, offset: int, entry: Entry) -> None:
        self._clock.saw(entry.wall_ns)
        self.core.restore(entry)
        self.blocks.restore(entry)
        if self.courier is not None:
            self.courier.index(ticket_of(offset, entry, kept_on(entry.kind, entry.body)))
            if entry.kind is Kind.REMOVED:
                self.courier.outbox.at_least(Lane.HISTORY, removed_of(entry).acknowledged)

    def _begin(self, now_ns: int, wall_ns: int) -> None:
        self._do(first_entries(self.core, self.ledger), now_ns, wall_ns)
        self._do(self.core.alarms.begin(now_ns, wall_ns), now_ns, wall_ns)
        if self.courier is not None:
            self.courier.outbox.runs = self.ledger.pruner.runs
            for told in self.courier.reconcile(self.ledger.lane_numbers):
                self._do([loss("outbox cursor", f"{told}: the ledger is an older copy.")], now_ns, wall_ns)
        models = [model.id for model in self.plan.models]
        for told in self.blocks.resume(self.ledger, models, now_ns, wall_ns):
            self._do([loss("spool", f"An open decision block can't be read: {told}")], now_ns, wall_ns)

    # ------------------------------------------------------------ the loop

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        server = listen_plainly(self.plan.steward_socket, "steward")
        self._serve_metrics()
        self.selector.register(server, selectors.EVENT_READ, "server")
        self.selector.register(self._wake, selectors.EVENT_READ, self._wake)
        self.selector.register(self.ledger.wake, selectors.EVENT_READ, self.ledger.wake)
        if self.courier is not None:
            self.courier.start()
        notify("READY=1")
        log.info("records in %s, listens at %s", self.ledger.path, self.plan.steward_socket)
        try:
            while not self._is_stopping:
                self._turn(server)
        finally:
            self._end(server)

    def _turn(self, server: socket.socket) -> None:
        for key, _ in self.selector.select(self._limit_s()):
            now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
            if key.data == "server":
                self._accept(server)
            elif isinstance(key.data, Channel):
                self._receive(key.data, now_ns, wall_ns)
            else:
                with contextlib.suppress(BlockingIOError):
                    os.read(key.data, 4096)
        now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
        self._connect_guard(now_ns, wall_ns)
        self._take_committed(now_ns)
        self.core.alarms.wall_offset_ns = wall_ns - now_ns
        self._do(self.core.tick(now_ns), now_ns, wall_ns)
        for peer, value in self._answers.due(self.ledger.committed_entries, now_ns):
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

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            connected, _ = server.accept()
            if len(self.peers) >= MAX_PEERS:
                connected.close()
                return
            channel = Channel(connected=connected)
            self.peers[self._next_peer] = channel
            self._next_peer += 1
            self.selector.register(connected, selectors.EVENT_READ, channel)

    def _receive(self, channel: Channel, now_ns: int, wall_ns: int) -> None:
        sock = channel.sock
        peer = GUARD if channel is self.guard else self._number_of(channel)
        for datagram in channel.receive():
            if peer == GUARD and self._must_drop_guard:
                break  # what follows a gap comes again
            try:
                message = messages.decode(datagram)
            except MessageError as error:
                self._do(self.core.on_garbage(peer, str(error)), now_ns, wall_ns)
                continue
            if message.kind is MessageKind.ASK and peer != GUARD:
                self._answer(peer, message)
            elif peer == GUARD:
                self._do(self.core.on_guard(now_ns, message), now_ns, wall_ns)
            else:
                self._do(self.core.on_peer(now_ns, peer, message), now_ns, wall_ns)
        if not channel.is_connected and sock is not None:
            self._lost(channel, sock, now_ns, wall_ns)
        elif self._must_drop_guard:
            self._drop_guard(now_ns, wall_ns)
        self._must_drop_guard = False

    def _lost(self, channel: Channel, sock: socket.socket, now_ns: int, wall_ns: int) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self.selector.unregister(sock)
        if channel is self.guard:
            self._do(self.core.on_guard_lost(now_ns), now_ns, wall_ns)
            return
        peer = self._number_of(channel)
        self.peers.pop(peer, None)
        self._do(self.core.on_peer_lost(peer, now_ns), now_ns, wall_ns)

    def _number_of(self, channel: Channel) -> int:
        return next((number for number, each in self.peers.items() if each is channel), 0)

    def _connect_guard(self, now_ns: int, wall_ns: int) -> None:
        if self.guard.connect(now_ns) and self.guard.sock is not None:
            self.selector.register(self.guard.sock, selectors.EVENT_READ, self.guard)
            self._do(self.core.on_guard_connected(now_ns), now_ns, wall_ns)
            self._next_beat_ns = now_ns

    def _take_committed(self, now_ns: int) -> None:
        self.core.why_not_recording = (
            "" if self.ledger.is_recording(now_ns) else (self.ledger.error or "the disk is slow")
        )
        self.core.remedy = self.ledger.remedy
        is_told = False
        for ticket in self.ledger.take_committed():
            if self.courier is not None:
                self.courier.add(ticket)
            if ticket.tag:
                self.core.transitions.commit(ticket.tag)
                is_told = True
        if is_told:
            self._next_beat_ns = now_ns

    def _beat(self, now_ns: int) -> None:
        """RECORDED: after each commit and as a heart-beat, but only while what is appended reaches the disk."""
        if now_ns < self._next_beat_ns:
            return
        self._next_beat_ns = now_ns + BEAT_NS
        if not self.guard.is_connected or self.core.why_not_recording:
            return
        number = self.core.transitions.to_tell()
        if number is None:
            return
        body = messages.pack_recorded(number)
        self._send(self.guard, messages.encode(MessageKind.RECORDED, self.guard.number, now_ns, body), now_ns)

    def _each_second(self, now_ns: int, wall_ns: int) -> None:
        put, summary = self.core.counters.put, self.core.alarms.annunciator.summary
        put(40, self.ledger.committed_entries, {})
        put(41, self.ledger.committed_bytes, {})
        put(45, summary["unacknowledged"], {})
        put(46, summary["active"], {})
        for number, value in alarm_counters(summary, self.core.alarms.load(now_ns)):
            put(number, value, {})
        for number, standing, labels in standing_counters(
            self.core, is_clock_sure=self._clock.is_sure(wall_ns)
        ):
            put(number, standing, labels)
        if self.courier is not None:
            put(42, int(self.courier.snapshot.is_connected), {})
            put(43, self.courier.snapshot.published, {})
            ends = self.courier.snapshot.ends
            self.core.certificate_days = None if ends is None else ends.days_left(wall_ns / 1e9)
            for lane, count in self.courier.backlog().items():
                put(44, count, {"lane": lane})
        self._keep_within_limit(now_ns, wall_ns)
        self._reviewer.turn(now_ns)
        self.core.findings = self._reviewer.findings
        if self.core.transitions.has_forgotten and not self.core.why_not_recording:
            self._drop_guard(now_ns, wall_ns)
        self._do(self._counted(now_ns) + self.core.each_second(now_ns), now_ns, wall_ns)
        refused, self.ledger.refused = self.ledger.refused, {}
        for kind, count in refused.items():
            text = f"{count} entries ({kind}) found no room while the disk took nothing."
            self._do([loss("ledger", text, count, "entries")], now_ns, wall_ns)

    def _keep_within_limit(self, now_ns: int, wall_ns: int) -> None:
        """What the receiver has may go from the ledger, where room is short."""
        pruner, courier = self.ledger.pruner, self.courier
        pruner.acknowledged(None if courier is None else courier.outbox.lanes[Lane.HISTORY].cursor)
        self.core.is_nearly_full = pruner.room.is_nearly_full
        waiting = {} if courier is None else courier.outbox.backlog(now_ns, wall_ns, self.boot)
        for number, value, labels in counters(pruner.room, waiting):
            self.core.counters.put(number, value, labels)

    # ------------------------------------------------------------ effects

    def _do(self, effects: list[Effect], now_ns: int, wall_ns: int) -> None:
        for effect in effects:
            if isinstance(effect, Record):
                self._record(effect, now_ns, wall_ns)
            elif isinstance(effect, Reply) and effect.peer == REMOTE:
                self._do(self.remote.replied(now_ns, effect.value), now_ns, wall_ns)
            elif isinstance(effect, Reply):
                if effect.is_after_record:
                    self._answers.keep(self.ledger.entries, effect.peer, effect.value, now_ns)
                else:
                    self._reply(effect.peer, effect.value, now_ns)
            elif isinstance(effect, ToGuard):
                datagram = messages.encode_json(effect.kind, self.guard.number, now_ns, effect.value)
                self._send(self.guard, datagram, now_ns)
            elif isinstance(effect, Live):
                if self.courier is not None:
                    self.courier.tell(effect.name, effect.value, now_ns, wall_ns)
            elif isinstance(effect, Rows):
                self.blocks.add(self.ledger, effect.model, effect.rows, now_ns, wall_ns)
            elif isinstance(effect, ConnectAnew):
                self._must_drop_guard = True

    def _record(self, effect: Record, now_ns: int, wall_ns: int) -> None:
        body = body_of(effect.kind, effect.value)
        ticket = self.ledger.append(
            effect.kind,
            body,
            now_ns,
            wall_ns,
            urgent=effect.is_urgent,
            tag=effect.transition,
            secret=effect.secret,
            topic=kept_on(effect.kind, body),
        )
        if ticket is None and effect.transition:
            self.core.transitions.forget(effect.transition)

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
        channel = self.peers.get(peer)
        if channel is None:
            return
        try:
            datagram = messages.encode_json(MessageKind.ANSWER, channel.number, now_ns, value)
        except MessageError:
            value = {**value, "value": trimmed(value["value"])}
            datagram = messages.encode_json(MessageKind.ANSWER, channel.number, now_ns, value)
        self._send(channel, datagram, now_ns)

    def _send(self, channel: Channel, datagram: bytes, now_ns: int) -> None:
        sock = channel.sock
        channel.send(datagram)
        if sock is not None and not channel.is_connected:
            self._lost(channel, sock, now_ns, time.time_ns())

    def _drop_guard(self, now_ns: int, wall_ns: int) -> None:
        sock = self.guard.sock
        if sock is not None:
            self.selector.unregister(sock)
            self.guard.close()
            self._do(self.core.on_guard_lost(now_ns), now_ns, wall_ns)

    def _answer(self, peer: int, message: messages.Message) -> None:
        now_ns = time.monotonic_ns()
        try:
            question = message.json()
        except MessageError as error:
            self._do(self.core.on_garbage(peer, str(error)), now_ns, time.time_ns())
            return
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
        ledger = {
            "entries": self.ledger.committed_entries,
            "waiting": self.ledger.entries - self.ledger.committed_entries,
            "bytes": self.ledger.committed_bytes,
            "boot": self.boot.hex(),
            "file": str(self.ledger.path),
            "recorded": self.core.transitions.recorded,
            "is_recording": self.ledger.is_recording(now_ns),
            "error": self.core.why_not_recording,
            "remedy": self.core.remedy,
            **room_value(self.ledger.pruner.room),
        }
        value = status_value(self.core, now_ns, ledger, self._mqtt_value(), self.metrics)
        return {**value, "clock": self._clock.value(time.time_ns(), is_needed=self.desk is not None)}

    def _mqtt_value(self) -> dict[str, Any]:
        if self.courier is None:
            return NO_BROKER
        waiting = self.courier.outbox.backlog(time.monotonic_ns(), time.time_ns(), self.boot)
        return {**self.courier.snapshot.value(self.courier.backlog()), **backlog_value(waiting)}

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

    def _end(self, server: socket.socket) -> None:
        notify("STOPPING=1")
        self._reviewer.close()
        now_ns = time.monotonic_ns()
        bye = {"program": "steward"}
        for channel in [self.guard, *self.peers.values()]:
            channel.send(messages.encode_json(MessageKind.BYE, channel.number, now_ns, bye))
            channel.close()
        self.blocks.close_all(self.ledger, now_ns, time.time_ns())
        stop = Record(Kind.BOOT, boot_event(self.plan.digest, "stop"), is_urgent=True)
        self._do([*self._counted(now_ns), stop], now_ns, time.time_ns())
        if self._trace is not None:
            self._trace.close()
        is_clean = self.ledger.close()
        for ticket in self.ledger.take_committed():
            if self.courier is not None:
                self.courier.add(ticket)
        if self.courier is not None:
            self.courier.stop()
        server.close()
        with contextlib.suppress(OSError):
            self.plan.steward_socket.unlink()
        log.info("stopped%s", "" if is_clean else "; some entries could not be written")
