"""The guard's core, line and session joined with the PLC's rule by a wire, in simulated time, against the formulas.

Nothing waits and nothing is measured: wires take what a character takes, the PLC scans each 10 ms, and every moment
of the beat and of the scan is a case. The worst case must not be worse than what `jidoka plan` promises.
"""

from __future__ import annotations

import copyreg
import io
import math
import multiprocessing
import pickle
import random
from dataclasses import dataclass
from typing import Any, cast

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.link.times import LinkTimes, as_set, needed
from jidoka_bridge.messages import Condition, Judgement, Lease
from jidoka_bridge.plan import Link, Plan
from jidoka_bridge.registers import Input, Word

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT
from tests.bridge.guard.guard_rig import plan as guard_plan
from tests.bridge.guard.simulated_line import MS, NEVER, SimulatedPlc, Wire

BAUDS = (9600, 19200, 115200)
BOOT = b"b" * 16
PRESS_MS = 300
#: how often the others speak: lease, condition, recorded (as the monitor and the steward do), and the guard's idle turn
LEASE_NS, CONDITION_NS, RECORDED_NS, IDLE_NS = 100 * MS, 500 * MS, 250 * MS, 50 * MS
#: in the order in which `World._step` asks for their times; of several that are due at once the first comes first
STEPS = ("_scan", "_arrive_at_plc", "_arrive_at_agent", "_lease", "_repeat", "_record", "_turn")


class World:
    """Guard and PLC joined by a wire, and the others' regular messages. scan_shift_ns: of the scans to the beats."""

    def __init__(self, link: Link, scan_shift_ns: int, seed: int) -> None:
        self.link = link
        self.now_ns = 1_000_000 * MS
        self.wire = Wire(link.baud)
        self.plc = SimulatedPlc(link, seed)
        self.guard = Guard(guard_plan(link=link), Latch(1, BOOT, dict(NEW)), "", [], self.now_ns)
        self.line = Line(link, 100)
        self.line.port = cast("Any", self.wire)
        self.says = dict.fromkeys(CONDITIONS, Judgement.OFF)
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
        wire, now_ns = self.wire, self.now_ns
        due_ns = (
            self._scan_ns, wire.to_plc[0], wire.to_agent[0], self._lease_ns, self._condition_ns, self._recorded_ns,
            min(self._turn_ns + IDLE_NS, max(self.line.next_ns, now_ns)),
        )  # fmt: skip
        first_ns = min(due_ns)
        if first_ns > until_ns:
            return False
        self.now_ns = wire.now_ns = max(now_ns, first_ns)
        getattr(self, STEPS[due_ns.index(first_ns)])()
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
        self.plc.requests += self.plc.parser.feed(data)

    def _arrive_at_agent(self) -> None:
        self.line.readable(self.now_ns, self.guard)
        self._turn()

    def _scan(self) -> None:
        self._scan_ns += self.link.scan_ms * MS
        self.plc.scan(self.now_ns, self.wire)

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
            names = {guard.interlock.state.name, guard.offer.target, self.plc.output.name}
            if guard.view.is_press_awaited and guard.offer_held:
                names |= {f"press for {guard.offer.target}"}
            if claim in names:
                return
            self.run(self.now_ns + 10 * MS)
        raise AssertionError(f"never {claim}: {self.guard.interlock.state.name}, {self.guard.offer}")

    def press(self) -> None:
        self.plc.inputs |= Input.RESET_BUTTON
        self.run(self.now_ns + PRESS_MS * MS)
        self.plc.inputs &= ~Input.RESET_BUTTON
        self.run(self.now_ns + PRESS_MS * MS)

    def reach_run(self) -> None:
        """As an operator does where every condition is known to be off: one press."""
        self.wait("press for run")
        self.press()
        self.wait(Word.MACHINE_AND_AI.name)

    def trip(self, loses_reply: bool) -> int:
        """A condition comes now; ns until the output is off. loses_reply: of the exchange that is under way, if one is."""
        began_ns = self.now_ns
        self.wire.loses = loses_reply and self.line.in_transaction
        if self.wire.loses and self.wire.to_agent[0] != NEVER:
            self.wire.to_agent, self.wire.loses = (NEVER, b""), False
        self.says[DRIFT] = Judgement.ON
        self._say()
        self._turn()
        while self.plc.output is Word.MACHINE_AND_AI:
            self._step(NEVER)
        return self.plc.coil_ns - began_ns

    def death(self) -> int:
        """The guard dies now: what it wrote still arrives, then nothing comes; ns until the output is off.

        On copies of wire and PLC: this world goes on.
        """
        wire, plc = pickle.loads(pickle.dumps((self.wire, self.plc)))
        at_ns, scan_ns = self.now_ns, self._scan_ns
        while plc.output is Word.MACHINE_AND_AI:
            arrives_ns, data = wire.to_plc
            at_ns = wire.now_ns = max(at_ns, min(scan_ns, arrives_ns))
            if arrives_ns <= scan_ns:
                wire.to_plc = (NEVER, b"")
                plc.requests += plc.parser.feed(data)
            else:
                scan_ns += self.link.scan_ms * MS
                plc.scan(at_ns, wire)
        return int(plc.coil_ns) - self.now_ns


class Copier:
    """Copies of a world as it stands now. What never changes is shared: the plan, and what it consists of."""

    def __init__(self, plan: Plan) -> None:
        self._shared: list[Any] = [plan, plan.link, *plan.models, *plan.conditions, *plan.causes]
        self._places = {id(each): place for place, each in enumerate(self._shared)}
        kinds = {type(each) for each in self._shared}
        self._table = {**copyreg.dispatch_table, **dict.fromkeys(kinds, self._by_place)}

    def _by_place(self, each: Any) -> tuple[Any, ...]:
        place = self._places.get(id(each))
        reduced: tuple[Any, ...] = each.__reduce_ex__(5) if place is None else (_shared, (place,))
        return reduced

    def copy(self, world: World) -> World:
        stream = io.BytesIO()
        pickler = pickle.Pickler(stream, 5)
        pickler.dispatch_table = self._table
        pickler.dump(world)
        SHARED[:] = self._shared
        copied: World = pickle.loads(stream.getbuffer())
        return copied


#: of the copier at work: what is pickled names it by its place
SHARED: list[Any] = []


def _shared(place: int) -> Any:
    return SHARED[place]


@dataclass
class Worst:
    """The longest reactions on one link, in ms, the relay's time included. times: what is promised."""

    link: Link
    trips: int = 0
    withdraw_ms: float = 0.0
    silent_ms: float = 0.0

    @property
    def times(self) -> LinkTimes:
        return as_set(self.link)


def link_at(baud: int) -> Link:
    """The shortest whole times that this line allows, as a site would have them."""
    least = needed(Link("wire", baud=baud))
    return Link(
        "wire", baud=baud, beat_ms=math.ceil(least.beat_ms), reply_timeout_ms=math.floor(least.reply_timeout_ms),
        hold_ms=math.ceil(least.hold_ms / 10) * 10,
    )  # fmt: skip


def worst(link: Link, shifts: range, of_shifts: int, moments: int) -> Worst:
    """Trips and deaths at every moment: places of the scan within the beat × moments in four beats; each second trip
    loses the reply that is under way. shifts: which of the of_shifts places are tried here."""
    found = Worst(link)
    draw = random.Random(link.baud * 1000 + shifts.start)
    beats_ns = 4 * link.beat_ms * MS
    for n in shifts:
        world = World(link, int((n + draw.random()) / of_shifts * link.scan_ms * MS), seed=n + 1)
        world.reach_run()
        copier = Copier(world.guard.plan)
        began_ns = world.now_ns
        for k in range(moments):
            world.run(began_ns + int((k + draw.random()) / moments * beats_ns))
            found.silent_ms = max(found.silent_ms, world.death() / MS + link.relay_ms)
            trip_ns = copier.copy(world).trip(loses_reply=k % 2 == 1)
            found.withdraw_ms = max(found.withdraw_ms, trip_ns / MS + link.relay_ms)
            found.trips += 1
    return found


def _worst_of(given: tuple[Link, range, int, int]) -> Worst:
    return worst(*given)


def all_phases(link: Link, of_shifts: int, moments: int, workers: int) -> Worst:
    """`worst` over all places, in so many processes."""
    pieces = [(link, range(n, min(n + 2, of_shifts)), of_shifts, moments) for n in range(0, of_shifts, 2)]
    found = Worst(link)
    with multiprocessing.Pool(workers) as pool:
        for each in pool.imap_unordered(_worst_of, pieces):
            found.trips += each.trips
            found.withdraw_ms = max(found.withdraw_ms, each.withdraw_ms)
            found.silent_ms = max(found.silent_ms, each.silent_ms)
    return found
