"""The monitor's shell: one loop over the tap socket, the guard and the steward; clocks and sockets live here."""

from __future__ import annotations

import gc
import json
import logging
import select
import time
from collections.abc import Callable, Mapping
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Kind
from jidoka_bridge.notify import notify
from jidoka_bridge.plan import Plan

from jidoka.monitor.core import Monitor
from jidoka.monitor.intake import Intake
from jidoka.monitor.known_answers import Result, in_words
from jidoka.monitor.saved import Saver
from jidoka.monitor.sink import TimedMonitor
from jidoka.monitor.summary import counters_of, take_summary
from jidoka.monitor.taps import Taps
from jidoka.monitor.trace import Trace

LOG = logging.getLogger("monitor")

LEASE_NS = 100_000_000
REPEAT_NS = 500_000_000
SECOND_NS = 1_000_000_000
SKETCH_NS = 3600 * SECOND_NS
SAVE_NS = 60 * SECOND_NS


class Process:
    """Runs a Monitor until `stop` is set: everything that it says goes to guard and steward at its time."""

    def __init__(self, plan: Plan, monitor: Monitor, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self.plan = plan
        self.monitor = monitor
        self.clock = clock
        self.guard = Channel(plan.guard_monitor_socket)
        self.steward = Channel(plan.steward_socket)
        self.trace = Trace(Channel(plan.record_socket))
        self.sink = TimedMonitor(monitor, self.trace, clock, self.send_news)
        self.intake = Intake(plan, self.sink, part_verdict=monitor.part_verdict)
        self.taps = Taps(plan.tap_socket, self.intake)
        self.is_stopping = False
        self._lost = dict.fromkeys(monitor.models, 0)
        self._told_digests: dict[str, str] = {}
        now_ns = clock()
        self._lease_ns = self._repeat_ns = now_ns
        self._second_ns = now_ns + SECOND_NS
        self._last_second_ns = now_ns
        self._sketch_ns = now_ns + SKETCH_NS
        self._saver = Saver()
        self._save_ns = now_ns + SAVE_NS

    def stop(self, *_: object) -> None:
        """End after this turn; fit to be a signal handler."""
        self.is_stopping = True

    def run(self) -> None:
        """Loop until told to stop; then say goodbye to whoever is connected."""
        # what is there now stays: without this, collections that walk all of numba hold verdicts up
        gc.collect()
        gc.freeze()
        while not self.is_stopping:
            self.turn()
        notify("STOPPING=1")
        now_ns = self.clock()
        self._blocks(now_ns, 0)
        self._sketches(now_ns)
        for channel in (self.guard, self.steward):
            if channel.is_connected:
                self._send(channel, Kind.BYE, now_ns, {"program": "monitor", "reason": "planned stop"})
            channel.close()
        self.taps.close()
        self._saver.finish(self.monitor)
        gc.unfreeze()  # what is frozen isn't collected at the end, of which the sketches' library complains at length

    def turn(self) -> None:
        """One turn: wait for something, serve it, and send what is due."""
        now_ns = self.clock()
        for channel in (self.guard, self.steward):
            if channel.connect(now_ns):
                self.taps.poller.register(channel, select.EPOLLIN)
                self._introduce(channel, now_ns)
        due_ns = min(self._lease_ns, self._repeat_ns, self._second_ns)
        ready = self.taps.poll(due_ns - now_ns, now_ns)
        if self.guard.fileno() in ready:
            self._hear_guard()
        if self.steward.fileno() in ready:
            self.steward.receive()  # the steward has nothing to tell the monitor
        self.taps.turn(ready, self.clock)
        self._send_due(self.clock())

    def _hear_guard(self) -> None:
        for datagram in self.guard.receive():
            self._hear(datagram)
        if not self.guard.is_connected:
            self.sink.guard_gone()

    def _hear(self, datagram: bytes) -> None:
        try:
            message = messages.decode(datagram)
            if message.kind is Kind.PLC_STATUS:
                self.sink.plc_status(messages.PlcStatus.unpack(message.body), self.clock())
            elif message.kind is Kind.KNOWN_ANSWERS:
                self._show_answers(message.json(), self.clock())
        except messages.MessageError as error:
            LOG.warning("the guard sent what can't be read: %s", error)

    def send_news(self, now_ns: int) -> None:
        """Conditions that changed, at once: nothing waits for the end of a turn."""
        for index in self.monitor.take_changed():
            self._condition(index, now_ns, (self.guard, self.steward))

    def _send_due(self, now_ns: int) -> None:
        self.send_news(now_ns)
        if now_ns >= self._lease_ns:
            self._lease_ns = now_ns + LEASE_NS
            self.sink.tick(now_ns)
            if self.trace.channel.connect(now_ns):
                self.trace.begin(self._as_started(), now_ns)
            self.taps.end_overdue(now_ns)
            self._tell_results(now_ns)
            if self._told_digests != self.sink.digests:
                self._tell_digests(now_ns)
            for lease in self.monitor.leases():
                self._send(self.guard, Kind.LEASE, now_ns, lease.pack())
        if now_ns >= self._repeat_ns:
            self._repeat_ns = now_ns + REPEAT_NS
            self._tell_digests(now_ns)
            for index in range(len(self.monitor.conditions)):
                self._condition(index, now_ns, (self.guard, self.steward))
        self._blocks(now_ns, SECOND_NS)
        if now_ns >= self._second_ns:
            self._each_second(now_ns)

    def _tell_digests(self, now_ns: int) -> None:
        """Which file each application has loaded: at once when it says so, and again for a guard that is new."""
        self._told_digests = dict(self.sink.digests)
        for model, digest in self._told_digests.items():
            self._send(self.guard, Kind.MODE, now_ns, {"model": model, "digest": digest})

    def _show_answers(self, body: Mapping[str, Any], now_ns: int) -> None:
        """A person asks for the known answers of a model: its application is to show them."""
        model = str(body.get("model"))
        result = self.sink.rounds.ask(model, now_ns)
        if result is None:
            why = self.taps.show(model, str(body.get("digest")), now_ns)
            result = self.sink.rounds.cannot_show(model, why) if why else None
        if result is not None:
            self._tell_result(result, now_ns)

    def _tell_results(self, now_ns: int) -> None:
        results = [*self.sink.results, *self.sink.rounds.tick(now_ns)]
        self.sink.results.clear()
        for result in results:
            self._tell_result(result, now_ns)

    def _tell_result(self, result: Result, now_ns: int) -> None:
        """To the guard what counts there: wrong ones always, right ones only where a person asked. To the steward all."""
        if result.passed is False or (result.passed and result.asked):
            self._tell_guard(result, now_ns)
        LOG.info("known answers of %s: %s", result.model, text := in_words(result))
        self._event("known answers", text, now_ns, **{**vars(result), "why": result.why[:160]})

    def _tell_guard(self, result: Result, now_ns: int) -> None:
        body = {"model": result.model, "digest": result.digest, "passed": result.passed}
        self._send(self.guard, Kind.KNOWN_ANSWERS, now_ns, body)

    def _each_second(self, now_ns: int) -> None:
        elapsed_ns = now_ns - self._last_second_ns
        self._second_ns, self._last_second_ns = now_ns + SECOND_NS, now_ns
        for name, state in self.monitor.models.items():
            summary = take_summary(self.monitor, state, now_ns, elapsed_ns)
            told = {**summary, "application": self.sink.applications.get(name)}
            self._send(self.steward, Kind.SUMMARY, now_ns, told)
            judge_ns, judged = self.sink.judge_ns, self.sink.judged
            judge_s = judge_ns[name] / judged[name] * 1e-9 if judged[name] else 0.0
            judge_ns[name] = judged[name] = 0
            self._send(self.steward, Kind.COUNTERS, now_ns, counters_of(self.monitor, state, judge_s))
            if state.total_lost > self._lost[name]:
                lost = state.total_lost - self._lost[name]
                self._lost[name] = state.total_lost
                self._event(
                    "loss",
                    f"{lost} records of {name} were numbered but never came",
                    now_ns,
                    model=name,
                    count=lost,
                )
        dropped = self.guard.dropped + self.steward.dropped + self.taps.dropped
        self._count({}, {"9": dropped}, now_ns)
        self._tell_refused(now_ns)
        if now_ns >= self._sketch_ns:
            self._sketch_ns = now_ns + SKETCH_NS
            self._sketches(now_ns)
        if now_ns >= self._save_ns:
            self._save_ns = now_ns + SAVE_NS
            self._saver.save(self.monitor)
        notify("WATCHDOG=1")

    def _tell_refused(self, now_ns: int) -> None:
        refused = self.intake.refused
        for (name, reason), count in refused.counts.items():
            if name:
                self._count({"model": name, "reason": reason}, {"11": count}, now_ns)
            else:
                self._count({"reason": reason}, {"12": count}, now_ns)
        for text in refused.take_news(now_ns):
            LOG.warning("%s", text)
            self._event("refusal", text, now_ns)

    def _count(self, labels: Mapping[str, str], values: Mapping[str, int], now_ns: int) -> None:
        body = {"program": "monitor", "labels": labels, "values": values}
        self._send(self.steward, Kind.COUNTERS, now_ns, body)

    def _as_started(self) -> dict[str, Any]:
        """What a replay must begin with; its seed only if nothing was drawn from it yet."""
        models = self.monitor.models.values()
        is_fresh = not any(
            state.total or state.current or (state.gates is not None and state.gates.have_judged)
            for state in models
        )
        return {
            "plan": json.loads(self.plan.canonical()),
            "seed": str(self.monitor.seed) if is_fresh else None,
            "created_ns": self.monitor.created_ns,
            "baselines": {
                state.model.id: sorted(stream.baseline.digest for stream in state.streams.values())
                for state in models
            },
        }

    def _introduce(self, channel: Channel, now_ns: int) -> None:
        """Whoever connects hears every condition, the guard before them of which plan they are and after them which known
        answers were wrong, and the steward which baselines are in force."""
        if channel is self.guard:
            self._send(channel, Kind.MODE, now_ns, {"plan": self.plan.digest})
        for index in range(len(self.monitor.conditions)):
            self._condition(index, now_ns, (channel,))
        if channel is self.guard:
            for result in self.sink.rounds.wrong.values():
                self._tell_guard(result, now_ns)
        if channel is self.steward:
            for name, state in self.monitor.models.items():
                for (recipe, position), stream in state.streams.items():
                    digest = stream.baseline.digest
                    text = f"baseline of {name}, recipe {recipe}, position {position}: {digest[:16]}…"
                    self._event(
                        "baseline", text, now_ns,
                        model=name, recipe=recipe, position=position, digest=digest,
                        learned_at=stream.baseline.learned_at, records=len(stream.baseline.records),
                    )  # fmt: skip

    def _condition(self, index: int, now_ns: int, channels: tuple[Channel, ...]) -> None:
        body = self.monitor.conditions[index].message().pack()
        for channel in channels:
            self._send(channel, Kind.CONDITION, now_ns, body)

    def _blocks(self, now_ns: int, older_than_ns: int) -> None:
        for model, rows in self.monitor.take_rows(now_ns, older_than_ns):
            body = messages.pack_decisions(model, rows[0].number, rows)
            self._send(self.steward, Kind.DECISIONS, now_ns, body)

    def _sketches(self, now_ns: int) -> None:
        for name, state in self.monitor.models.items():
            state.settle()
            for sketch in state.sketches.take(now_ns):
                self._send(self.steward, Kind.SKETCH, now_ns, {"model": name, **sketch})

    def _event(self, kind: str, text: str, now_ns: int, **more: object) -> None:
        self._send(self.steward, Kind.EVENT, now_ns, {"kind": kind, "text": text, **more})

    def _send(self, channel: Channel, kind: Kind, now_ns: int, body: bytes | dict[str, Any]) -> None:
        if isinstance(body, dict):
            channel.send(messages.encode_json(kind, channel.number, now_ns, body))
        else:
            channel.send(messages.encode(kind, channel.number, now_ns, body))
