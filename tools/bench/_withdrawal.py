"""From a condition to the coil in simulated time: the real guard, line, session and PLC rule, against the formula.

Nothing waits and nothing is measured: wires take what a character takes, the PLC scans each 10 ms, and every moment
of the beat and of the scan is a case. The worst case must not be worse than what `jidoka plan` promises.
"""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.link.times import LinkTimes, as_set, character_ms, needed
from jidoka_bridge.messages import Condition, Judgement, Lease
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT
from tests.bridge.guard.guard_rig import plan as guard_plan
from tools.bench._rows import Row

MS = 1_000_000
BAUDS = (9600, 19200, 115200)
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
BOOT = b"b" * 16
NEVER = 2**63
PRESS_MS = 300
#: how often the others speak: lease, condition, recorded (as the monitor and the steward do), and the guard's idle turn
LEASE_NS, CONDITION_NS, RECORDED_NS, IDLE_NS = 100 * MS, 500 * MS, 250 * MS, 50 * MS


class Wire:
    """Stands where the serial port does: what is written arrives when its last character would."""

    def __init__(self, baud: int) -> None:
        self.is_open = False
        self.error = ""
        self.now_ns = 0
        self.to_plc: tuple[int, bytes] = (NEVER, b"")
        self.to_agent: tuple[int, bytes] = (NEVER, b"")
        self.loses = False
        self._character_ns = int(character_ms(baud) * MS)

    def open(self, now_ns: int) -> bool:
        del now_ns
        self.is_open = True
        return True

    def fileno(self) -> int:
        return -1

    def drain(self) -> None:
        """Nothing is ever left over here."""

    def read(self) -> bytes:
        _, data = self.to_agent
        self.to_agent = (NEVER, b"")
        return data

    def write(self, data: bytes) -> None:
        if data:
            self.to_plc = (self.now_ns + len(data) * self._character_ns, data)

    def answer(self, data: bytes) -> None:
        """What the PLC writes."""
        if data and not self.loses:
            self.to_agent = (self.now_ns + len(data) * self._character_ns, data)
        self.loses = False

    def close(self) -> None:
        self.is_open = False


class World:
    """Guard and PLC joined by a wire, and the others' regular messages. scan_shift_ns: of the scans to the beats."""

    def __init__(self, link: Link, scan_shift_ns: int, seed: int) -> None:
        self.link = link
        self.now_ns = 1_000_000 * MS
        self.wire = Wire(link.baud)
        self.guard = Guard(guard_plan(link=link), Latch(1, BOOT, dict(NEW)), "", [], self.now_ns)
        self.line = Line(link, 100)
        self.line.port = self.wire  # type: ignore[assignment]
        numbers = random.Random(seed)
        self.rule = PlcRule(lambda: numbers.randint(1, 0xFFFF), link.unit, link.hold_ms)
        self.registers = Registers(lambda: PlcRecord().block(self.rule.admission, 0).encode(link.unit))
        self.parser = RequestParser(link.unit)
        self.requests: list[bytes] = []
        self.inputs = READY
        self.says = dict.fromkeys(CONDITIONS, Judgement.OFF)
        self.coil_ns = 0
        self._submitted = self.guard.latch_written
        self._scan_ns = self.now_ns + scan_shift_ns
        self._lease_ns = self._condition_ns = self._recorded_ns = self.now_ns
        self._turn_ns = self.now_ns

    def run(self, until_ns: int) -> None:
        """Let time pass: whatever is due first, happens first."""
        while self._step(until_ns):
            pass
        self.now_ns = self.wire.now_ns = until_ns

    def _step(self, until_ns: int) -> bool:
        due = {
            self._scan: self._scan_ns,
            self._arrive_at_plc: self.wire.to_plc[0],
            self._arrive_at_agent: self.wire.to_agent[0],
            self._lease: self._lease_ns,
            self._repeat: self._condition_ns,
            self._record: self._recorded_ns,
            self._turn: min(self._turn_ns + IDLE_NS, max(self.line.next_ns, self.now_ns)),
        }
        what = min(due, key=lambda each: due[each])
        if due[what] > until_ns:
            return False
        self.now_ns = self.wire.now_ns = max(self.now_ns, due[what])
        what()
        return True

    def _turn(self) -> None:
        """One round of the guard's loop, as its process does it: lower at once, then write."""
        guard = self.guard
        self._turn_ns = self.now_ns
        guard.tick(self.now_ns)
        self.line.step(self.now_ns, guard)
        if guard.latch_number > self._submitted:
            self._submitted = guard.latch_number
            guard.written(self.now_ns, self._submitted, "")
        guard.take_outbox()

    def _arrive_at_plc(self) -> None:
        _, data = self.wire.to_plc
        self.wire.to_plc = (NEVER, b"")
        self.requests += self.parser.feed(data)

    def _arrive_at_agent(self) -> None:
        self.line.readable(self.now_ns, self.guard)
        self._turn()

    def _scan(self) -> None:
        self._scan_ns += self.link.scan_ms * MS
        requests, self.requests = self.requests, []
        exceptions = [self.registers.write(request) for request in requests]
        done = self.rule.scan(self.now_ns // MS, self.registers.block("A"), self.inputs)
        if done.output != done.was:
            self.coil_ns = self.now_ns
        self.registers.set("B", self.rule.block(0).encode(self.link.unit))
        for request, exception in zip(requests, exceptions, strict=True):
            self.wire.answer(self.registers.reply(request, exception))

    def _lease(self) -> None:
        self._lease_ns = self.now_ns + LEASE_NS
        self.guard.lease(self.now_ns, Lease(0, self.now_ns, self.now_ns, 1, 0))
        self._turn()

    def _repeat(self) -> None:
        self._condition_ns = self.now_ns + CONDITION_NS
        self._say()
        self._turn()

    def _say(self) -> None:
        run = self.guard.run.number
        for index, name in enumerate(CONDITIONS):
            said = Condition(
                index, self.says[name], 1, judged_ns=self.now_ns, judged_n=30, needed_n=20, run=run
            )
            self.guard.condition(self.now_ns, said)

    def _record(self) -> None:
        self._recorded_ns = self.now_ns + RECORDED_NS
        self.guard.recorded(self.now_ns, self.guard.recorder.ring.last_number)
        self._turn()

    def wait(self, claim: str, limit_ms: int = 20_000) -> None:
        """Let time pass until the guard's state, offer or phase has this name."""
        for _ in range(limit_ms // 10):
            guard = self.guard
            names = {guard.interlock.state.name, guard.offer.target, self.rule.output.name}
            if guard.view.is_press_awaited:
                names |= {f"press for {guard.offer.target}"}
            if claim in names:
                return
            self.run(self.now_ns + 10 * MS)
        raise AssertionError(f"never {claim}: {self.guard.interlock.state.name}, {self.guard.offer}")

    def press(self) -> None:
        self.inputs |= Input.RESET_BUTTON
        self.run(self.now_ns + PRESS_MS * MS)
        self.inputs &= ~Input.RESET_BUTTON
        self.run(self.now_ns + PRESS_MS * MS)

    def reach_run(self) -> None:
        """As an operator does where every condition is known to be off: one press."""
        self.wait("press for run")
        self.press()
        self.wait(Word.MACHINE_AND_AI.name)

    def trip(self, after_ns: int, loses_reply: bool) -> int:
        """A condition comes `after_ns` from now; ns from there until the output is off."""
        self.run(self.now_ns + after_ns)
        began_ns = self.now_ns
        # the reply of the exchange that is under way, if one is; the withdrawing request itself gets through
        self.wire.loses = loses_reply and self.line.in_transaction
        if self.wire.loses and self.wire.to_agent[0] != NEVER:
            self.wire.to_agent, self.wire.loses = (NEVER, b""), False
        self.says[DRIFT] = Judgement.ON
        self._say()
        self._turn()
        while self.rule.output is Word.MACHINE_AND_AI:
            self.run(self.now_ns + MS)
        return self.coil_ns - began_ns


@dataclass(frozen=True)
class Worst:
    """The longest of the trips at one baud rate, in ms, the relay's time included; times: the formula's."""

    times: LinkTimes
    worst_ms: float
    trips: int


def link_at(baud: int) -> Link:
    """The shortest whole times that this line allows, as a site would have them."""
    least = needed(Link("wire", baud=baud))
    return Link(
        "wire", baud=baud, beat_ms=math.ceil(least.beat_ms), reply_timeout_ms=math.floor(least.reply_timeout_ms),
        hold_ms=math.ceil(least.hold_ms / 10) * 10,
    )  # fmt: skip


def worst(baud: int, scan_shifts: int, moments: int) -> Worst:
    """Trips at every moment: `scan_shifts` places of the scan within the beat × `moments` of the condition × lost or not."""
    link = link_at(baud)
    draw = random.Random(baud)
    longest_ns, trips = 0, 0
    for n in range(scan_shifts):
        world = World(link, int((n + draw.random()) / scan_shifts * link.scan_ms * MS), seed=n + 1)
        world.reach_run()
        beats_ns = 4 * link.beat_ms * MS
        for k in range(moments):
            after_ns = int((k + draw.random()) / moments * beats_ns)
            for loses_reply in (False, True):
                longest_ns = max(longest_ns, copy.deepcopy(world).trip(after_ns, loses_reply))
                trips += 1
    return Worst(as_set(link), longest_ns / MS + link.relay_ms, trips)


def rows(is_quick: bool) -> Iterator[Row]:
    """For each baud rate: the worst that was seen as a share of the formula, and the other way round."""
    for baud in BAUDS:
        found = worst(baud, 2 if is_quick else 10, 30 if is_quick else 100)
        formula = found.times.withdraw_ms
        peer = f"R_cmd = {formula:.1f} ms, {found.trips} simulated trips at every moment of beat and scan"
        yield Row(
            f"withdrawal, {baud} baud: worst / formula", found.worst_ms / formula, "ratio", 1.0, peer=peer
        )
        yield Row(f"withdrawal, {baud} baud: formula / worst", formula / found.worst_ms, "ratio")
