"""The guard's process: one loop around the pure core, the serial line, two sockets and the latch writer."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from jidoka_bridge import plan as plans
from jidoka_bridge.errors import told
from jidoka_bridge.guard import realtime, self_test
from jidoka_bridge.guard.beating import Watchdog
from jidoka_bridge.guard.black_box import BlackBox
from jidoka_bridge.guard.clock import ClockWatch
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import LatchError
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.log import NeverWaits
from jidoka_bridge.guard.outside import Outside
from jidoka_bridge.guard.peers import Peer
from jidoka_bridge.guard.replay import RecordedOutside
from jidoka_bridge.guard.telling import Telling
from jidoka_bridge.guard.trace import TraceWriter
from jidoka_bridge.guard.watch import MS_NS, PauseWatch
from jidoka_bridge.link.blocks import BlockD
from jidoka_bridge.notify import die_with_parent
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Word

LOG = logging.getLogger("guard")
IDLE_NS = 50 * MS_NS
CLOCK_NS = 1_000 * MS_NS
RETRY_NS = 500 * MS_NS
STOP_NS = 1_500 * MS_NS
PAUSE_WITHOUT_LINK_MS = 2_000
WITHOUT_LATCH = (
    "It is locked out. Before the first start of a new device, run: jidoka guard init CONFIGURATION. "
    "Now, find out why, acknowledge (jidoka ack), and let an engineer unlock (jidoka unlock)."
)


class Process:
    """Everything that does I/O. `turn` is one round of the loop; raises PlainError from its constructor only."""

    def __init__(self, plan: Plan, outside: Outside) -> None:
        self.plan = plan
        self.outside = outside
        self.system = outside.system
        now_ns = self.system.monotonic_ns()
        self.boot = self.system.boot_id()
        found, fault = None, ""
        try:
            found = self.system.read_latch(str(plan.latch_file))
        except LatchError as error:
            fault = str(error)
            LOG.error("latch file lost: %s", told(fault, WITHOUT_LATCH))
        self.writer = outside.writer
        self.monitor = Peer("monitor", outside.monitor, plan.digest)
        self.steward = Peer("steward", outside.steward)
        self.line = Line(plan.link, self.system.first_number()) if plan.link else None
        self.guard = Guard(plan, found, fault, self_test.faults(plan), now_ns, boot=self.boot)
        unfit = self.guard.causes["latch file"]
        if not fault and "why" in unfit.evidence:
            LOG.error("latch file lost: %s", told(str(unfit.evidence["why"]), WITHOUT_LATCH))
        if self.line is not None:  # the PLC arms only for the plan that was approved at it
            self.line.session.record = BlockD(0, digest_prefix=int(plan.digest[:8], 16))
            self.black_box = BlackBox(outside.port(self.line.port))
            self.line.port = cast("Any", self.black_box)
            self.guard.black_box = self.black_box.evidence
        self.pause = PauseWatch((plan.link.hold_ms if plan.link else PAUSE_WITHOUT_LINK_MS) * MS_NS)
        self.clock = ClockWatch()
        self.watchdog = Watchdog()
        self.telling = Telling(self.guard, self.monitor, self.steward, self.line, self.system)
        self.stop_until_ns = 0
        self._submitted = self.guard.latch_written
        self._submitted_ns = 0
        self._clock_ns = 0
        self._wake_ns = now_ns

    def serve(self, on_event: Callable[[dict[str, Any]], None] | None = None) -> None:
        """Run until the outside asks for the stop and it is done. on_event gets each numbered event of the interlock."""
        self.telling.on_event = on_event or self.telling.on_event
        self.telling.held = held = self.system.claim()
        for what, why, remedy in held.lacks:
            LOG.warning("runs without %s: %s", what, told(why, remedy))
        self.system.notify(["READY=1"])
        while not self.is_done:
            self.turn()
            if self.system.is_asked_to_stop() and not self.stop_until_ns:
                self.stop()
        self.close()

    # ------------------------------------------------------------------ one round

    def turn(self) -> None:
        """Wait for the next thing, take everything in, lower at once, then write and tell."""
        ready = self._wait()
        now_ns = self.system.monotonic_ns()
        guard = self.guard
        gap_ns = self.pause.gap_ns(now_ns, self.system.boottime_ns())
        if gap_ns and not guard.stopping:
            guard.gap(now_ns, gap_ns)
        self._look_at_clock(now_ns)
        self._measure(now_ns)
        line = self.line
        if line is not None and "line" in ready:
            self.black_box.now_ns = now_ns
            line.readable(now_ns, guard)
        for peer in (self.monitor, self.steward):
            if peer.name in ready:
                peer.receive(now_ns, guard)
        for number, error in self.writer.results():
            guard.written(now_ns, number, error)
        guard.tick(now_ns)
        if line is not None:
            self.black_box.now_ns = later_ns = self.system.monotonic_ns()
            line.step(later_ns, guard)
            block_c = line.session.block_c
            if block_c is not None and block_c is not guard.block_c:
                guard.remember_plc(block_c)
        self._write_latch(now_ns)
        self.telling.tell(now_ns)
        is_open = line is not None and line.port.is_open
        if self.watchdog.is_due(now_ns, line.beats if line else 0, is_open=is_open):
            self.system.notify(["WATCHDOG=1"])

    def _wait(self) -> list[str]:
        now_ns = self.system.monotonic_ns()
        self._wake_ns = now_ns + IDLE_NS
        if self.line is not None:
            self._wake_ns = min(self._wake_ns, self.line.next_ns)
        # rounded up: a wake-up just before the deadline would spin
        return self.system.wait(max(0, -(-(self._wake_ns - now_ns) // MS_NS)))

    def _look_at_clock(self, now_ns: int) -> None:
        """Once a second: was the wall clock set?"""
        if now_ns - self._clock_ns < CLOCK_NS and self._clock_ns:
            return
        self._clock_ns = now_ns
        step = self.clock.step(self.system.realtime_ns(), self.system.boottime_ns())
        if step is not None and not self.guard.stopping:
            self.guard.clock(now_ns, step)

    def _measure(self, now_ns: int) -> None:
        """How late the loop woke up, at most in the running second; goes into the evidence of a trip."""
        self.telling.delay_ns = max(self.telling.delay_ns, now_ns - self._wake_ns)
        self.guard.loop_delay_ns = self.telling.delay_ns

    def _write_latch(self, now_ns: int) -> None:
        guard = self.guard
        retry = bool(guard.latch_failed) and now_ns - self._submitted_ns > RETRY_NS
        if guard.latch_number > self._submitted or retry:
            self._submitted, self._submitted_ns = guard.latch_number, now_ns
            self.writer.submit(guard.latch(self.boot))

    # ------------------------------------------------------------------ the end

    def stop(self) -> None:
        """Begin the planned stop: withhold, write, tell; `is_done` says when to leave the loop."""
        now_ns = self.system.monotonic_ns()
        self.stop_until_ns = now_ns + STOP_NS
        self.system.notify(["STOPPING=1"])
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
        recorded = not self.steward.seat.is_connected or not guard.recorder.ring.waiting
        written = guard.latch_written >= guard.latch_number
        return (withheld and recorded and written) or self.system.monotonic_ns() > self.stop_until_ns

    def close(self) -> None:
        """Say goodbye, end the threads, close everything."""
        self.telling.goodbye(self.system.monotonic_ns())
        if self.line is not None:
            self.line.close()
        self.writer.close()
        self.outside.close()


def run(plan_file: Path, trace_file: Path | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns 0; raises PlainError where it can't start."""
    die_with_parent()
    logging.basicConfig(
        format="guard: %(message)s", level=logging.INFO, handlers=[NeverWaits(sys.stderr.fileno())]
    )
    plan = plans.load(plan_file)
    realtime.prepare()
    outside = RecordedOutside(plan, TraceWriter(trace_file, plan)) if trace_file else Outside(plan)
    process = Process(plan, outside)
    outside.take_signals()
    try:
        process.serve()
    finally:
        outside.close()
    return 0
