"""The guard's process: one select loop around the pure core, the serial line, two sockets and the latch writer."""

from __future__ import annotations

import gc
import logging
import secrets
import select
import signal
import sys
import time
from pathlib import Path

from jidoka_bridge import plan as plans
from jidoka_bridge.errors import told
from jidoka_bridge.guard import latch as latches
from jidoka_bridge.guard import self_test
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import LatchError, Writer
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.peers import Peer
from jidoka_bridge.guard.watch import MS_NS, PauseWatch
from jidoka_bridge.link.blocks import BlockD
from jidoka_bridge.messages import Kind, PlcStatus
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Word

LOG = logging.getLogger("guard")
IDLE_NS = 50 * MS_NS
STATUS_NS = 500 * MS_NS
COUNTERS_NS = 1_000 * MS_NS
RETRY_NS = 500 * MS_NS
STOP_NS = 1_500 * MS_NS
PAUSE_WITHOUT_LINK_MS = 2_000
WITHOUT_LATCH = (
    "It is locked out. Before the first start of a new device, run: jidoka guard init CONFIGURATION. "
    "Now, find out why, acknowledge (jidoka ack), and let an engineer unlock (jidoka unlock)."
)


class Process:
    """Everything that does I/O. `turn` is one round of the loop; raises PlainError from its constructor only."""

    def __init__(self, plan: Plan, now_ns: int) -> None:
        self.plan = plan
        self.boot = latches.boot_id()
        found, fault = None, ""
        try:
            found = latches.read(plan.latch_file)
        except LatchError as error:
            fault = str(error)
            LOG.error("latch file lost: %s", told(fault, WITHOUT_LATCH))
        self.writer = Writer(plan.latch_file)
        self.monitor = Peer("monitor", plan.guard_monitor_socket)
        self.steward = Peer("steward", plan.guard_steward_socket)
        self.line = Line(plan.link, secrets.randbelow(0xFFFF) + 1) if plan.link else None
        if self.line is not None:  # the PLC arms only for the plan that was approved at it
            self.line.session.record = BlockD(0, digest_prefix=int(plan.digest[:8], 16))
        self.guard = Guard(plan, found, fault, self_test.faults(plan), now_ns)
        self.pause = PauseWatch((plan.link.hold_ms if plan.link else PAUSE_WITHOUT_LINK_MS) * MS_NS)
        self.stop_until_ns = 0
        self._submitted = self.guard.latch_written
        self._submitted_ns = 0
        self._status: PlcStatus | None = None
        self._status_ns = self._counters_ns = now_ns
        self._wake_ns = now_ns
        self._delay_ns = 0
        self._state = ""

    # ------------------------------------------------------------------ one round

    def turn(self) -> None:
        """Wait for the next thing, take everything in, lower at once, then write and tell."""
        ready = self._wait()
        now_ns = time.monotonic_ns()
        guard = self.guard
        gap_ns = self.pause.gap_ns(now_ns, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        if gap_ns and not guard.stopping:
            guard.gap(now_ns, gap_ns)
        self._measure(now_ns)
        line = self.line
        if line is not None and line.fileno() in ready:
            line.readable(now_ns, guard)
        for peer in (self.monitor, self.steward):
            if any(descriptor in ready for descriptor in peer.descriptors()):
                peer.receive(now_ns, guard)
        for number, error in self.writer.results():
            guard.written(now_ns, number, error)
        guard.tick(now_ns)
        if line is not None:
            line.step(time.monotonic_ns(), guard)
        self._write_latch(now_ns)
        self._tell(now_ns)

    def _wait(self) -> set[int]:
        now_ns = time.monotonic_ns()
        self._wake_ns = now_ns + IDLE_NS
        poller = select.poll()
        descriptors = [self.writer.finished, *self.monitor.descriptors(), *self.steward.descriptors()]
        if self.line is not None:
            self._wake_ns = min(self._wake_ns, self.line.next_ns)
            descriptors.append(self.line.fileno())
        for descriptor in descriptors:
            if descriptor >= 0:
                poller.register(descriptor, select.POLLIN)
        # rounded up: a wake-up just before the deadline would spin
        timeout_ms = max(0, -(-(self._wake_ns - now_ns) // MS_NS))
        return {descriptor for descriptor, _ in poller.poll(timeout_ms)}

    def _measure(self, now_ns: int) -> None:
        """How late the loop woke up, at most in the running second; goes into the evidence of a trip."""
        self._delay_ns = max(self._delay_ns, now_ns - self._wake_ns)
        self.guard.loop_delay_ns = self._delay_ns

    def _write_latch(self, now_ns: int) -> None:
        guard = self.guard
        retry = bool(guard.latch_failed) and now_ns - self._submitted_ns > RETRY_NS
        if guard.latch_number > self._submitted or retry:
            self._submitted, self._submitted_ns = guard.latch_number, now_ns
            self.writer.submit(guard.latch(self.boot))

    # ------------------------------------------------------------------ telling

    def _tell(self, now_ns: int) -> None:
        guard = self.guard
        for out in guard.take_outbox():
            (self.monitor if out.to == "monitor" else self.steward).send_json(now_ns, out.kind, out.body)
        self.monitor.flush(now_ns)
        if self.steward.flush(now_ns):
            for event in guard.recorder.ring.unsent():
                self.steward.send_json(now_ns, Kind.TRANSITION, event)
                guard.recorder.ring.sent()
        self._tell_status(now_ns)
        if now_ns - self._counters_ns >= COUNTERS_NS:
            self._counters_ns = now_ns
            self.steward.send_json(now_ns, Kind.COUNTERS, self._counters())
            self._delay_ns = 0
        if guard.interlock.state.name != self._state:
            self._state = guard.interlock.state.name
            LOG.info("%s%s", self._state, " (proving run)" if guard.interlock.proving else "")
            notify(f"STATUS={self._state}")

    def _tell_status(self, now_ns: int) -> None:
        """On change of anything but the times and the count down, and each 500 ms."""
        status = self.guard.status()
        if now_ns - self._status_ns < STATUS_NS and _essence(status) == _essence(self._status):
            return
        self._status, self._status_ns = status, now_ns
        for peer in (self.monitor, self.steward):
            peer.send(now_ns, Kind.PLC_STATUS, status.pack())

    def _counters(self) -> dict[str, object]:
        """By index of jidoka_bridge.metrics."""
        guard, line = self.guard, self.line
        word = guard.word
        values = {
            20: line.beats if line else 0,
            21: line.good if line else 0,
            22: line.lost if line else 0,
            23: guard.view.rtt_ns / 1e9,
            24: int(guard.interlock.state),
            25: int(word in (Word.MACHINE, Word.MACHINE_AND_AI)),
            26: int(word is Word.MACHINE_AND_AI),
            27: guard.recorder.trips,
            28: guard.recorder.resets_refused,
            29: self._delay_ns / 1e9,
        }
        return {
            "program": "guard",
            "labels": {},
            "values": {str(index): value for index, value in values.items()},
        }

    # ------------------------------------------------------------------ the end

    def stop(self) -> None:
        """Begin the planned stop: withhold, write, tell; `is_done` says when to leave the loop."""
        now_ns = time.monotonic_ns()
        self.stop_until_ns = now_ns + STOP_NS
        notify("STOPPING=1")
        self.guard.stop(now_ns)

    @property
    def is_done(self) -> bool:
        """Stopping, and withheld, written and recorded; or out of time."""
        if not self.stop_until_ns:
            return False
        guard = self.guard
        withheld = (
            self.line is None or not guard.view.is_up or guard.view.actual in (Word.WITHHOLD, Word.ABSTAIN)
        )
        recorded = not self.steward.channel.is_connected or not guard.recorder.ring.waiting
        written = guard.latch_written >= guard.latch_number
        return (withheld and recorded and written) or time.monotonic_ns() > self.stop_until_ns

    def close(self) -> None:
        """Say goodbye, end the thread, close everything."""
        now_ns = time.monotonic_ns()
        for peer in (self.monitor, self.steward):
            peer.send_json(now_ns, Kind.BYE, {"program": "guard"})
            peer.close()
        if self.line is not None:
            self.line.close()
        self.writer.close()


def _essence(status: PlcStatus | None) -> tuple[int, ...]:
    """What of a status counts as a change."""
    if status is None:
        return ()
    return (
        status.inputs, status.actual, status.state_fault, status.interlock, status.phase, status.recipe,
        status.part_count, status.word, status.accepted, status.proving_run, status.flags,
    )  # fmt: skip


def run(plan_file: Path) -> int:
    """Run until SIGTERM or SIGINT. Returns 0; raises PlainError where it can't start."""
    die_with_parent()
    logging.basicConfig(format="guard: %(message)s", level=logging.INFO, stream=sys.stderr)
    process = Process(plans.load(plan_file), time.monotonic_ns())
    asked: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _: asked.append(given))
    notify("READY=1")
    # what lives until the end is never looked through again: no pause of the collector between two beats
    gc.collect()
    gc.freeze()
    while not process.is_done:
        process.turn()
        if asked and not process.stop_until_ns:
            process.stop()
    process.close()
    return 0
