"""What monitor, steward and the service manager are told, and when: nothing before the latch file has it, unless the disk hangs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.peers import Peer
from jidoka_bridge.guard.realtime import Held
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.messages import Kind, PlcStatus
from jidoka_bridge.registers import Word

LOG = logging.getLogger("guard")
STATUS_NS = 500 * MS_NS
COUNTERS_NS = 1_000 * MS_NS
#: what others are told is in the latch file by then, unless the disk takes longer than this
PATIENCE_NS = 250 * MS_NS
#: the answer to an act that counts now but would be forgotten by a restart
NOT_KEPT = {
    "ok": False,
    "refused": "it counts only until the guard's next start, for the latch file can't be written",
    "remedy": "Check the disk of the state directory, then do it again.",
}


class Telling:
    """Tells whoever is there. delay_ns: how late the loop woke up, at most since the last counters."""

    def __init__(self, guard: Guard, monitor: Peer, steward: Peer, line: Line | None, system: Any) -> None:
        self.guard = guard
        self.monitor, self.steward, self.line = monitor, steward, line
        self.system = system
        self.held = Held(False, False)
        self.delay_ns = 0
        self.on_event: Callable[[dict[str, Any]], None] = lambda _event: None
        self._behind_ns = 0
        self._told: tuple[int, ...] = ()
        self._status_ns = self._counters_ns = 0
        self._state = ""

    def tell(self, now_ns: int) -> None:
        """Everything that is due."""
        if self._may_tell(now_ns):
            self._tell_events(now_ns)
        self.monitor.flush(now_ns)
        self.steward.flush(now_ns)
        self._tell_status(now_ns)
        if now_ns - self._counters_ns >= COUNTERS_NS:
            self._counters_ns = now_ns
            self.steward.send_json(now_ns, Kind.COUNTERS, self._counters())
            self.delay_ns = 0
        interlock = self.guard.interlock
        if interlock.state.name != self._state:
            self._state = interlock.state.name
            LOG.info("%s%s", self._state, " (proving run)" if interlock.proving else "")
            self.system.notify([f"STATUS={self._state}"])

    def goodbye(self, now_ns: int) -> None:
        """A planned end."""
        for peer in (self.monitor, self.steward):
            peer.send_json(now_ns, Kind.BYE, {"program": "guard"})
            peer.close()

    def _may_tell(self, now_ns: int) -> bool:
        """What was told must not be forgotten by a death a moment later: the disk first, unless it hangs."""
        if self.guard.latch_written >= self.guard.latch_number:
            self._behind_ns = 0
            return True
        self._behind_ns = self._behind_ns or now_ns
        return now_ns - self._behind_ns >= PATIENCE_NS

    def _tell_events(self, now_ns: int) -> None:
        """Messages that wait, answers to acts, transitions that the steward hasn't got."""
        guard = self.guard
        for out in guard.take_outbox():
            if out.kind is Kind.TRANSITION:
                self.on_event(out.body)
            (self.monitor if out.to == "monitor" else self.steward).send_json(now_ns, out.kind, out.body)
        for kind, answer in self.steward.take_answers():
            # a hold is obeyed, kept or not
            is_lost = self._behind_ns and answer["ok"] and kind is not Kind.HOLD
            self.steward.send_json(now_ns, Kind.ANSWER, {**answer, **NOT_KEPT} if is_lost else answer)
        if self.steward.flush(now_ns):
            for event in guard.recorder.ring.unsent():
                self.steward.send_json(now_ns, Kind.TRANSITION, event)
                guard.recorder.ring.sent()

    def _tell_status(self, now_ns: int) -> None:
        """On change of anything but the times and the count down, and each 500 ms."""
        status = self.guard.status()
        essence = _essence(status)
        if now_ns - self._status_ns < STATUS_NS and essence == self._told:
            return
        self._told, self._status_ns = essence, now_ns
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
            29: self.delay_ns / 1e9,
            30: int(self.held.is_fifo),
            31: self.system.resident_bytes() if self.held.is_locked else 0,
        }
        return {
            "program": "guard",
            "labels": {},
            "values": {str(index): value for index, value in values.items()},
        }


def _essence(status: PlcStatus) -> tuple[int, ...]:
    """What of a status counts as a change."""
    return (
        status.inputs, status.actual, status.state_fault, status.interlock, status.phase, status.recipe,
        status.part_count, status.word, status.accepted, status.proving_run, status.flags,
    )  # fmt: skip
