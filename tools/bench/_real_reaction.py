"""The real guard and PLC over a line that takes its time: trips and deaths, idle and beside busy loops and a disk writer.

The test plays monitor and operator. PLC and line run under SCHED_FIFO where that is allowed, for they stand for hardware;
the guard takes it by itself.
"""

from __future__ import annotations

import json
import random
import select
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.link.times import as_set
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Link

from tests.bridge.guard.guard_rig import DRIFT, MS
from tests.processes import Program, programs
from tools.bench._rows import Row
from tools.bench._withdrawal import link_at
from tools.killing.guard import OFF, Floor, run_first

ROOT = Path(__file__).resolve().parents[2]
BAUDS = (19200, 115200)
TRIPS, DEATHS = 60, 10
#: the local message, and the guard's wake-up for it
IPC_MS = 5.0
WIRE_PRIORITY = 70
BUSY = """
from jidoka_bridge.notify import die_with_parent
die_with_parent()
while True: pass
"""
WRITER = """
import os
from jidoka_bridge.notify import die_with_parent
die_with_parent()
while True:
    with open('load', 'wb') as file:
        for _ in range(8):
            file.write(bytes(1 << 20))
            file.flush()
            os.fsync(file.fileno())
"""


@dataclass
class Seen:
    """Trips and deaths of one setting, ms. unexplained: excess over the formula less the recorded delays, at most."""

    formula_ms: float
    silent_ms: float
    trips: list[float] = field(default_factory=list)
    deaths: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    over: int = 0
    unexplained: float = float("-inf")


class Line(Floor):
    """A floor whose line takes time."""

    def __init__(self, folder: Path, start: Callable[..., Program], baud: int) -> None:
        made = link_at(baud)
        link = Link(**{**vars(made), "port": str(folder / "line")})
        super().__init__(folder, start, random.Random(baud), link)
        self.site_link = link
        self.wire: Program | None = None

    def begin(self) -> None:
        self.make_latch_file()
        self.begin_plc()
        command = ("-m", "tools.bench._wire", str(self.folder_line), str(self.link), str(self.site_link.baud))
        self.wire = self.start(sys.executable, *command, environment={"PYTHONPATH": str(ROOT)})
        self.wire.wait_for_text("ready")
        run_first(self.wire.process.pid, WIRE_PRIORITY)
        self.guard = self.start_guard()

    @property
    def folder_line(self) -> str:
        return self.site_link.port

    def wire_late_ms(self, since_ns: int) -> float:
        """How late the line itself delivered at most since then."""
        assert self.wire is not None
        while select.select([self.wire.process.stdout], [], [], 0)[0]:  # type: ignore[type-var]
            if not self.wire._read(time.monotonic() + 0.05):  # noqa: SLF001
                break
        told = [json.loads(line) for line in self.wire.text.splitlines() if line.endswith("}")]
        return max([0.0, *(float(each["late_ms"]) for each in told if each.get("ns", 0) >= since_ns)])


def rows(is_quick: bool, loads: tuple[str, ...] = ("idle", "loaded")) -> Iterator[Row]:
    for load in loads:
        for baud in BAUDS[:1] if is_quick else BAUDS:
            seen = _measure(
                baud, 2 if is_quick else TRIPS, 1 if is_quick else DEATHS, is_loaded=load == "loaded"
            )
            name = f"real, {baud} baud, {load}"
            peer = f"formula {seen.formula_ms:.1f} ms without relay, {len(seen.trips)} trips"
            yield Row(f"{name}: verdict to coil, worst", max(seen.trips), "ms", peer=peer)
            yield Row(f"{name}: over the formula", seen.over, "trips", peer=peer)
            yield Row(
                f"{name}: excess that no recorded delay explains", seen.unexplained, "ms", 0.0, peer=peer
            )
            yield Row(f"{name}: the guard's loop late, worst", max(seen.delays), "ms")
            dead = f"hold time and two scans, by the PLC's clock; {len(seen.deaths)} deaths"
            yield Row(f"{name}: death to coil, worst", max(seen.deaths), "ms", seen.silent_ms, peer=dead)


def _measure(baud: int, trips: int, deaths: int, *, is_loaded: bool) -> Seen:
    with tempfile.TemporaryDirectory(prefix="jidoka-reaction-") as folder, programs(Path(folder)) as start:
        line = Line(Path(folder), start, baud)
        line.begin()
        link = line.site_link
        seen = Seen(
            as_set(link, before_ms=IPC_MS).withdraw_ms - link.relay_ms, link.hold_ms + 2.0 * link.scan_ms
        )
        if is_loaded:
            for _ in range(4):
                start(sys.executable, "-c", BUSY)
            start(sys.executable, "-c", WRITER)
        while len(seen.trips) < trips:
            _trip(line, seen)
        while len(seen.deaths) < deaths:
            _death(line, seen)
        return seen


def _reach(line: Line) -> bool:
    line.work(30.0, lambda: line.state == "RUN" and line.is_on and not line.is_pressing)
    line.work(line.draw.uniform(0.1, 0.4))
    return line.state == "RUN" and line.is_on


def _off_ns(line: Line, since_ns: int) -> int | None:
    return next(
        (each["ns"] for each in line.changes() if each["ns"] > since_ns and each["word"] in OFF), None
    )


def _trip(line: Line, seen: Seen) -> None:
    """The monitor judges the drift on; a trip by anything else, which load may bring, isn't measured."""
    if not _reach(line):
        return
    known = len(line.transitions)
    began_ns = time.monotonic_ns()
    line.says[DRIFT] = Judgement.ON
    line.tell_conditions()
    line.until(lambda: any(each["event"] == "withdrawn" for each in line.transitions[known:]), "withdrawn")
    told = line.transitions[known:]
    trip = next((each for each in told if each["cause"] == "R-1" and each["from"] == "RUN"), None)
    off_ns = _off_ns(line, began_ns)
    if trip is None or off_ns is None:
        return
    took_ms = (off_ns - began_ns) / MS
    guard_ms = max(_delay(each) for each in told)
    delay_ms = guard_ms + line.wire_late_ms(began_ns)
    seen.trips.append(took_ms)
    seen.delays.append(guard_ms)
    seen.over += took_ms > seen.formula_ms
    # delays are recorded in whole ms
    seen.unexplained = max(seen.unexplained, took_ms - seen.formula_ms - delay_ms - 1.0 * (delay_ms > 0))


def _delay(event: dict[str, Any]) -> float:
    return float((event.get("evidence") or {}).get("loop_delay_ms", 0))


def _death(line: Line, seen: Seen) -> None:
    if not _reach(line) or line.guard is None:
        return
    killed_ns = time.monotonic_ns()
    line.guard.signal(signal.SIGKILL)
    line.guard.wait()
    line.until(lambda: _off_ns(line, killed_ns) is not None, "the output is off")
    seen.deaths.append(((_off_ns(line, killed_ns) or 0) - killed_ns) / MS)
    line.causes.clear()
    line.guard = line.start_guard()
