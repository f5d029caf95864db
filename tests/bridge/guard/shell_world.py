"""The guard's whole loop in simulated time: disk, sockets, line, clocks and signals are parts whose every call can be its last.

`Plant` is what outlives the guard: PLC, wire, the latch file on its disk, a steward that remembers what it was told, a
monitor, a person. `Simulated` is the outside of one guard; `DiesError` ends that guard before or after any of its calls.
"""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.guard import latch as latches
from jidoka_bridge.guard.latch import SLOT_BYTES, Latch, LatchError
from jidoka_bridge.guard.outside import Outside
from jidoka_bridge.guard.process import Process
from jidoka_bridge.guard.realtime import Held
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import Link, Plan
from jidoka_bridge.registers import MAP_DIGEST, Input, Word

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT, plan
from tests.bridge.guard.simulated_line import MS, NEVER, SimulatedPlc, Wire

BOOT = b"b" * 16
LEASE_NS, CONDITION_NS, RECORDED_NS = 100 * MS, 500 * MS, 200 * MS
#: what the disk needs for a write
WRITE_NS = 4 * MS


class DiesError(BaseException):
    """The guard is killed here."""


class Disk:
    """The latch file: two slots, and a write that is under way."""

    def __init__(self) -> None:
        slots = [latches.encode(Latch(number, BOOT, dict(NEW))) for number in (0, 1)]
        self.slots: list[bytes] = slots
        self.writing: Latch | None = None
        self.waiting: Latch | None = None
        self.done_ns = NEVER
        self.results: list[tuple[int, str]] = []
        self.error = ""

    def start(self, now_ns: int, latch: Latch) -> None:
        """A write begins, or waits for the one under way; only the newest waits, as in the writer's thread."""
        if self.writing is not None:
            self.waiting = copy.deepcopy(latch)
            return
        self.writing, self.done_ns = copy.deepcopy(latch), now_ns + WRITE_NS

    def finish(self, now_ns: int) -> None:
        if self.writing is not None:
            if not self.error:
                self.slots[self.writing.number % 2] = latches.encode(self.writing)
            self.results.append((self.writing.number, self.error))
        waiting, self.waiting = self.waiting, None
        self.writing, self.done_ns = None, NEVER
        if waiting is not None:
            self.start(now_ns, waiting)

    def crash(self, how: str) -> None:
        """The guard died while it wrote: the slot is as before, torn, or whole."""
        if self.writing is not None and how != "lost" and not self.error:
            slot = latches.encode(self.writing)
            half = slot[: SLOT_BYTES // 16] + self.slots[self.writing.number % 2][SLOT_BYTES // 16 :]
            self.slots[self.writing.number % 2] = slot if how == "whole" else half
        self.writing, self.waiting, self.done_ns, self.results = None, None, NEVER, []

    def read(self) -> Latch:
        """As `latch.read` does it. Raises LatchError."""
        found = [latch for latch in map(latches.decode, self.slots) if latch is not None]
        if not found:
            raise LatchError("neither slot can be read")
        newest = max(found, key=lambda latch: latch.number)
        return Latch(newest.number, newest.boot_id, newest.content, torn=len(found) < 2)


class Books:
    """What steward and person know: everything that the guard has told, and what was asked of it."""

    def __init__(self) -> None:
        self.transitions: list[tuple[int, int, str, str]] = []
        self.recorded = 0
        self.causes: dict[str, dict[str, Any]] = {}
        self.latched_at: dict[str, int] = {}
        self.acknowledged: dict[str, int] = {}
        self.unlocks = 0
        self.locked_at: int | None = None
        self.mode: dict[str, Any] = {}
        self.asked: dict[str, tuple[Kind, dict[str, Any]]] = {}
        self.answers: dict[str, dict[str, Any]] = {}

    def take(self, datagram: bytes, presses: int) -> None:
        """A message of the guard. presses: that the PLC has accepted so far."""
        message = messages.decode(datagram)
        if message.kind in (Kind.PLC_STATUS, Kind.COUNTERS, Kind.BYE):
            return
        body = message.json()
        if message.kind is Kind.TRANSITION and body["number"] > self.recorded:
            self.recorded = body["number"]
            self.transitions.append((body["number"], body["ns"], body["event"], body["to"]))
            if body["to"] == "LOCKOUT":
                self.locked_at = self.unlocks
        elif message.kind is Kind.CAUSE:
            self.causes[body["id"]] = body
            if body["latched"]:
                self.latched_at[body["id"]] = presses
            else:
                self.latched_at.pop(body["id"], None)
        elif message.kind is Kind.MODE:
            self.mode = body
        elif message.kind is Kind.ANSWER:
            self.answers[body["request"]] = body
            kind, asked = self.asked[body["request"]]
            if body["ok"] and kind is Kind.ACKNOWLEDGE:
                self.acknowledged[asked["cause"]] = max(
                    self.acknowledged.get(asked["cause"], 0), asked["revision"]
                )


class Plant:
    """Everything but the guard. step(until_ns) lets time pass; inbox: datagrams under way to the guard."""

    def __init__(self, link: Link | None = None) -> None:
        self.link = link or Link("wire")
        self.now_ns = 1_000_000 * MS
        self.wire = Wire(self.link.baud)
        self.plc = SimulatedPlc(self.link, 1)
        self.disk = Disk()
        self.books = Books()
        self.says = dict.fromkeys(CONDITIONS, Judgement.OFF)
        self.says[DRIFT] = Judgement.UNKNOWN
        self.run = 0
        self.inbox: dict[str, deque[bytes]] = {"monitor": deque(), "steward": deque()}
        self.is_connected = {"monitor": False, "steward": False}
        self.is_asked_to_stop = False
        #: rises with everything that happens outside: two calls with the same number see the same plant
        self.changes = 0
        self._scan_ns = self._lease_ns = self._condition_ns = self._recorded_ns = self.now_ns

    def next_ns(self) -> int:
        """When something happens next."""
        return min(
            self._scan_ns, self._lease_ns, self._condition_ns, self._recorded_ns,
            self.wire.to_plc[0], self.disk.done_ns,
        )  # fmt: skip

    def step(self) -> None:
        """Let the next thing happen."""
        due = self.next_ns()
        self.now_ns = self.wire.now_ns = max(self.now_ns, due)
        self.changes += 1
        if due == self._scan_ns:
            self._scan_ns += self.link.scan_ms * MS
            self.plc.scan(self.now_ns, self.wire)
        elif due == self.wire.to_plc[0]:
            _, data = self.wire.to_plc
            self.wire.to_plc = (NEVER, b"")
            self.plc.requests += self.plc.parser.feed(data)
        elif due == self.disk.done_ns:
            self.disk.finish(self.now_ns)
        elif due == self._lease_ns:
            self._lease_ns += LEASE_NS
            self.send("monitor", Kind.LEASE, Lease(0, self.now_ns, self.now_ns, 1, 0).pack())
        elif due == self._condition_ns:
            self._condition_ns += CONDITION_NS
            self.say()
        else:
            self._recorded_ns += RECORDED_NS
            self.send("steward", Kind.RECORDED, messages.pack_recorded(self.books.recorded))

    def pass_ms(self, ms: int) -> None:
        """Time passes without a guard."""
        until_ns = self.now_ns + ms * MS
        while self.next_ns() <= until_ns:
            self.step()
        self.now_ns = self.wire.now_ns = until_ns

    def send(self, name: str, kind: Kind, body: bytes) -> None:
        if self.is_connected[name]:
            self.inbox[name].append(messages.encode(kind, 0, self.now_ns, body))

    def say(self) -> None:
        """What the monitor thinks of each condition."""
        for index, name in enumerate(CONDITIONS):
            said = Condition(
                index, self.says[name], 1, judged_ns=self.now_ns, judged_n=3, needed_n=20, run=self.run
            )
            self.send("monitor", Kind.CONDITION, said.pack())

    def ask(self, kind: Kind, **body: Any) -> str:
        """A person does something, through the steward."""
        request = f"r{len(self.books.asked)}"
        who = {"role": "engineer", "person": "p1", "remote": False, "reason": "cause removed"}
        given = {"request": request, **who, **body}
        self.books.asked[request] = (kind, given)
        self.books.unlocks += kind is Kind.UNLOCK
        self.send("steward", kind, json.dumps(given).encode())
        return request

    def guard_died(self, how: str) -> None:
        """Sockets close, what was written to them arrives, the write of the latch file ends as `how` says."""
        self.changes += 1
        for name in self.inbox:
            self.inbox[name].clear()
            self.is_connected[name] = False
        self.wire.close()
        self.wire.to_agent = (NEVER, b"")
        self.disk.crash(how)


class _System:
    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    def monotonic_ns(self) -> int:
        return self.plant.now_ns

    def boottime_ns(self) -> int:
        return self.plant.now_ns

    def realtime_ns(self) -> int:
        return self.plant.now_ns

    def first_number(self) -> int:
        return 100

    def boot_id(self) -> bytes:
        return BOOT

    def read_latch(self, path: str) -> Latch:
        del path
        return self.plant.disk.read()

    def wait(self, timeout_ms: int) -> list[str]:
        """Let the plant go on until something comes for the guard."""
        plant = self.plant
        until_ns = plant.now_ns + timeout_ms * MS
        while not (ready := self._ready()):
            arrives_ns = plant.wire.to_agent[0]
            due = min(plant.next_ns(), arrives_ns)
            if due > until_ns:
                plant.now_ns = plant.wire.now_ns = until_ns
                return []
            if due == arrives_ns:
                plant.now_ns = plant.wire.now_ns = max(plant.now_ns, due)
                continue
            plant.step()
        return ready

    def _ready(self) -> list[str]:
        plant = self.plant
        ready = [name for name, waiting in plant.inbox.items() if waiting or not plant.is_connected[name]]
        if plant.wire.to_agent[0] <= plant.now_ns:
            ready.append("line")
        return ready + (["latch"] if plant.disk.results else [])

    def is_asked_to_stop(self) -> bool:
        return self.plant.is_asked_to_stop

    def claim(self) -> Held:
        return Held(False, False)

    def resident_bytes(self) -> int:
        return 0

    def notify(self, assignments: list[str]) -> None:
        del assignments


class _Seat:
    def __init__(self, plant: Plant, name: str) -> None:
        self.plant, self.name = plant, name
        self.number = 0

    @property
    def is_connected(self) -> bool:
        return self.plant.is_connected[self.name]

    def accept(self) -> str:
        if self.is_connected:
            return ""
        self.plant.is_connected[self.name] = True
        self.plant.changes += 1
        if self.name == "monitor":
            self.plant.send(self.name, Kind.MODE, json.dumps({"plan": plan_of(self.plant).digest}).encode())
        return "new"

    def receive(self) -> list[bytes]:
        waiting = self.plant.inbox[self.name]
        datagrams = list(waiting)
        self.plant.changes += bool(waiting)
        waiting.clear()
        return datagrams

    def send(self, datagram: bytes) -> bool:
        self.number += 1
        if self.name == "steward":
            self.plant.changes += 1
            self.plant.books.take(datagram, self.plant.plc.presses)
        elif messages.decode(datagram).kind is Kind.PLC_STATUS:
            status = messages.PlcStatus.unpack(messages.decode(datagram).body)
            self.plant.run = status.proving_run
        return True

    def close(self) -> None:
        self.plant.is_connected[self.name] = False


class _Writer:
    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    def submit(self, latch: Latch) -> None:
        self.plant.changes += 1
        self.plant.disk.start(self.plant.now_ns, latch)

    def results(self) -> list[tuple[int, str]]:
        found, self.plant.disk.results = self.plant.disk.results, []
        self.plant.changes += bool(found)
        return found

    def close(self) -> None:
        while self.plant.disk.writing is not None:
            self.plant.disk.finish(self.plant.now_ns)


class _Port:
    def __init__(self, plant: Plant) -> None:
        self.plant = plant

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plant.wire, name)

    def read(self) -> bytes:
        self.plant.changes += 1
        return self.plant.wire.read()

    def write(self, data: bytes) -> None:
        self.plant.changes += 1
        self.plant.wire.write(data)


class _Cut:
    """One part; each of its calls is told to `on_call` before and after."""

    def __init__(self, name: str, part: Any, on_call: Callable[[str], None]) -> None:
        self._name, self._part, self._on_call = name, part, on_call

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        if not callable(value):
            return value

        def call(*arguments: Any) -> Any:
            self._on_call(f"before {self._name}.{name}")
            result = value(*arguments)
            self._on_call(f"after {self._name}.{name}")
            return result

        return call


class Simulated(Outside):
    """The outside of one guard in a plant. on_call(what): before and after each call; raise DiesError there."""

    def __init__(self, plant: Plant, on_call: Callable[[str], None] = lambda _what: None) -> None:
        self._on_call = on_call
        self._plant = plant
        self.system = self._kept("system", _System(plant))
        self.writer = self._kept("latch", _Writer(plant))
        self.monitor = self._kept("monitor", _Seat(plant, "monitor"))
        self.steward = self._kept("steward", _Seat(plant, "steward"))

    def port(self, port: Any) -> Any:
        del port
        return self._kept("line", _Port(self._plant))

    def _kept(self, name: str, part: Any) -> Any:
        return _Cut(name, part, self._on_call)


def plan_of(plant: Plant) -> Plan:
    return plan(link=plant.link, map_digest=MAP_DIGEST.hex(), state_dir=str(Path("/nowhere")))


def started(plant: Plant, on_call: Callable[[str], None] = lambda _what: None) -> Process:
    return Process(plan_of(plant), Simulated(plant, on_call))


def play(plant: Plant, process: Process, ms: int) -> None:
    """Let the guard run for so long."""
    until_ns = plant.now_ns + ms * MS
    while plant.now_ns < until_ns and not process.is_done:
        process.turn()
        if plant.is_asked_to_stop and not process.stop_until_ns:
            process.stop()


def wait(
    plant: Plant, process: Process, claim: Callable[[], bool], what: str, limit_ms: int = 15_000
) -> None:
    until_ns = plant.now_ns + limit_ms * MS
    while not claim():
        if plant.now_ns > until_ns:
            raise AssertionError(f"never {what}: {process.guard.interlock.state.name}, {plant.books.mode}")
        process.turn()


def press(plant: Plant, process: Process) -> None:
    plant.plc.inputs |= Input.RESET_BUTTON
    play(plant, process, 250)
    plant.plc.inputs &= ~Input.RESET_BUTTON
    play(plant, process, 150)


def reach_run(plant: Plant, process: Process) -> None:
    """Acknowledge what waits, press, prove, press: as an operator does."""
    wait(plant, process, lambda: bool(plant.books.mode), "the mode is told")
    play(plant, process, 300)
    for cause in list(plant.books.causes.values()):
        if cause["latched"] and cause["acknowledged_revision"] != cause["revision"]:
            plant.ask(Kind.ACKNOWLEDGE, cause=cause["id"], revision=cause["revision"])
    mode = plant.books

    def is_offered(*targets: str) -> bool:
        return mode.mode.get("offer") in targets and bool(mode.mode.get("ready"))

    wait(plant, process, lambda: is_offered("proving", "run"), "a reset is on offer")
    if mode.mode["offer"] == "proving":
        press(plant, process)
        wait(plant, process, lambda: process.guard.interlock.proving, "a proving run")
        plant.says[DRIFT] = Judgement.OFF
        wait(plant, process, lambda: is_offered("run"), "judged good")
    press(plant, process)
    wait(plant, process, lambda: plant.plc.output is Word.MACHINE_AND_AI, "RUN")
