"""Rounds of kill -9 at random instants of steward, broker, worker and PostgreSQL; torn and damaged ledgers by the thousand."""

from __future__ import annotations

import json
import random
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka.steward.ledger.format import FILE_HEADER, Entry, Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.topics import body_of
from jidoka.steward.outbox.cursors import SENT_LANES
from jidoka_bridge.errors import LedgerError
from jidoka_bridge.messages import Judgement

from tests.processes import Program, wait_until
from tests.steward.site import Monitor, Site, transition
from tools.bench._outbox_ledger import BOOT, events
from tools.bench._outbox_world import Aims

SETTLE_S = 240.0
#: a killed program is missed for at most so long before the next round begins
PAUSE_S = 0.6


@dataclass
class Tally:
    """wrong: one sentence each; lost, doubled: messages, once everything has settled."""

    rounds: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)


class Plant:
    """A device, its AIMS, and what happens there between two kills."""

    def __init__(self, place: Site, world: Aims, rng: random.Random) -> None:
        self.place, self.world, self.rng = place, world, rng
        self.number = 0
        self.steward: Program = place.start()
        self.monitor: Monitor | None = None

    def run(self, for_s: float) -> None:
        """Transitions and conditions, some at once, for so long."""
        until_s = time.monotonic() + for_s
        while time.monotonic() < until_s:
            for _ in range(self.rng.randrange(1, 8)):
                self.number += 1
                self.place.guard.transition(transition(self.number))
                self._condition()
            self.place.guard.pump()
            time.sleep(0.02)

    def _condition(self) -> None:
        try:
            if self.monitor is None or not self.monitor.channel.is_connected:
                self.monitor = Monitor(self.place.plan)
            self.monitor.condition(Judgement.ON, self.number)
        except AssertionError:
            self.monitor = None  # the steward is away

    def kill(self, who: str) -> None:
        """SIGKILL; what is killed starts again at once."""
        if who == "PostgreSQL":
            self.world.database.kill()
            return
        program = self.steward if who == "steward" else self.world.programs[who]
        program.signal(signal.SIGKILL)
        program.wait()
        if who == "steward":
            self.steward = self.place.start()
        elif who == "broker":
            self.world.programs[who] = self.world.broker.start()
        else:
            self.world.programs[who] = self.world.worker(who)

    def settle(self) -> None:
        """Until all that happened is recorded, told, committed and acknowledged."""
        place, seen = self.place, [-1, 0.0]

        def is_recorded() -> bool:
            place.guard.pump()
            if place.guard.recorded != seen[0]:
                seen[:] = place.guard.recorded, time.monotonic()
            elif time.monotonic() - seen[1] > 3.0:
                # the played guard sends what a full socket refused only with the next one, by which the gap shows
                seen[1] = time.monotonic()
                self.run(0.05)
            return place.guard.recorded == self.number

        wait_until(is_recorded, "everything is recorded", SETTLE_S)

        def is_committed() -> bool:
            place.guard.pump()
            time.sleep(0.1)
            return not any(place.status()["mqtt"]["backlog"].values()) and self.world.committed(
                place.plan.device
            ) == _last(place.ledger)

        wait_until(is_committed, "everything is committed", SETTLE_S)


def kills(plant: Plant, who: str, rounds: int) -> Tally:
    """Kill one program so often at random instants, let everything settle, and compare ledger and database."""
    tally, before = Tally(rounds), plant.number
    for _ in range(rounds):
        plant.run(plant.rng.uniform(0.0, PAUSE_S))
        plant.kill(who)
    plant.run(0.2)
    plant.settle()
    tally.events = plant.number - before
    compare(plant, tally)
    return tally


def compare(plant: Plant, tally: Tally) -> None:
    """Every number of every lane is in the database once, with the ledger's body; every transition is in the ledger once."""
    wanted = {
        (each.lane.label, each.lane_number): each
        for each in entries(plant.place.ledger)
        if each.lane in SENT_LANES
    }
    rows = plant.world.database.rows("SELECT lane, seq, type, data FROM event")
    there = {(str(lane), int(str(seq))): (str(kind), data) for lane, seq, kind, data in rows}
    tally.lost = len(wanted.keys() - there.keys())
    tally.doubled = len(rows) - len(there) + plant.world.conflicts()
    numbers = [each.json()["number"] for each in wanted.values() if each.kind is Kind.TRANSITION]
    tally.doubled += len(numbers) - len(set(numbers))
    tally.lost += len(set(range(1, plant.number + 1)) - set(numbers))
    for key, entry in wanted.items():
        if key in there and not _is_same(entry, *there[key]):
            tally.wrong.append(f"{key} differs")
    losses = [each.json() for each in wanted.values() if each.kind is Kind.LOSS]
    tally.wrong += [f"told as lost: {each['text']}" for each in losses if each["what"] != "torn tail"]


def _is_same(entry: Entry, kind: str, data: Any) -> bool:
    if kind == "jidoka.kept.v1":
        return bool(data["size_bytes"] == len(entry.body))
    return bool(data == json.loads(entry.body))


def _last(ledger: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in entries(ledger):
        if entry.lane in SENT_LANES:
            found[entry.lane.label] = entry.lane_number
    return found


# ------------------------------------------------------------ torn and damaged files


@dataclass
class Torn:
    """tried: files; cut: whose tail was cut and told; refused: that were refused with a place; lost: entries that had been
    committed before a torn tail and are gone; silent: changes that nobody told of."""

    tried: int = 0
    cut: int = 0
    refused: int = 0
    lost: int = 0
    silent: int = 0
    wrong: list[str] = field(default_factory=list)


def a_ledger(path: Path, count: int = 60) -> tuple[bytes, list[int]]:
    """The bytes of a ledger, and where its entries end."""
    ledger = Ledger(path, BOOT, lambda *_: None, 1)
    ledger.append(Kind.BOOT, b"{}", 0, 0)
    for second, (kind, value) in enumerate(events(count, count // 5)):
        ledger.append(kind, body_of(kind, value), second, second)
    if not ledger.close():
        raise RuntimeError("the ledger couldn't be written")
    at, ends = FILE_HEADER.size, [FILE_HEADER.size]
    for entry in entries(path):
        at += entry.size
        ends.append(at)
    return path.read_bytes(), ends


def torn_tails(folder: Path, rng: random.Random, count: int) -> Torn:
    """What a power cut leaves: everything that fdatasync confirmed, and behind it a piece of what was being written, with
    any of its sectors missing or old. Nothing confirmed may be lost, and what was cut is told."""
    found, path = Torn(), folder / "torn.jdl"
    data, ends = a_ledger(folder / "whole.jdl")
    for _ in range(count):
        path.unlink(missing_ok=True)
        committed = rng.choice(ends)
        tail = bytearray(data[committed : committed + rng.randrange(1, 6_000)])
        for at in range(0, len(tail), 512):
            fate = rng.random()
            if fate < 0.2:
                tail[at : at + 512] = bytes(len(tail[at : at + 512]))
            elif fate < 0.3:
                tail[at : at + 512] = rng.randbytes(len(tail[at : at + 512]))
        if rng.random() < 0.5 and tail:
            del tail[rng.randrange(len(tail)) :]
        path.write_bytes(data[:committed] + tail)
        # zeros up to the end of a file are no piece of anything
        _open_torn(path, found, ends.index(committed), committed + len(tail.rstrip(b"\0")))
    return found


def _open_torn(path: Path, found: Torn, confirmed: int, size: int) -> None:
    """confirmed: entries; size: of what isn't zeros at the end."""
    found.tried += 1
    seen: list[Entry] = []
    whole = path.stat().st_size
    try:
        ledger = Ledger(path, BOOT, lambda _offset, entry: seen.append(entry), 1)
    except LedgerError as error:
        # sectors that reached the disk out of order: readable entries behind unreadable ones look like damage
        found.refused += 1
        if str(path) not in error.what or "byte" not in error.what:
            found.wrong.append(f"refused without a place: {error.what}")
        return
    told = ledger.torn_bytes if ledger.torn is not None else 0
    ledger.close()
    found.cut += bool(told)
    kept = path.stat().st_size
    if not size - kept <= told <= whole - kept:
        found.silent += 1
    if len(seen) < confirmed:
        found.lost += confirmed - len(seen)
        found.wrong.append(f"{confirmed} were confirmed, {len(seen)} are there")


def damaged_files(folder: Path, rng: random.Random, count: int) -> Torn:
    """A byte, a sector or a stretch of a whole file changes: it is told with its place, whatever the place is."""
    found, path = Torn(), folder / "damaged.jdl"
    data, ends = a_ledger(folder / "whole-2.jdl")
    for _ in range(count):
        path.unlink(missing_ok=True)
        changed = bytearray(data)
        at, length = rng.randrange(len(data)), rng.choice((1, 1, 8, 512, 4096))
        piece = changed[at : at + length]
        changed[at : at + length] = rng.choice(
            (bytes(len(piece)), rng.randbytes(len(piece)), bytes(b ^ 0x10 for b in piece))
        )
        if changed == data:
            continue
        path.write_bytes(changed)
        found.tried += 1
        seen: list[Entry] = []
        try:
            ledger = Ledger(path, BOOT, lambda _offset, entry: seen.append(entry), 1)  # noqa: B023
        except LedgerError:
            found.refused += 1
            if path.read_bytes() != changed:
                found.wrong.append(f"byte {at}: a refused file was changed")
            continue
        told = ledger.torn is not None
        ledger.close()
        found.cut += told
        # what isn't told must be whole
        if not told or len(seen) < sum(end <= at for end in ends) - 1:
            found.silent += 1
            found.wrong.append(f"byte {at}, {length} bytes: not told")
    return found
