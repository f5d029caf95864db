"""A ledger of a trip as the real guard told it, in simulated time: its messages, a minute of verdicts, people's acts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jidoka.steward.ledger import format as ledger
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import LANE_OF, Entry, FileHeader, Kind, Lane
from jidoka.steward.ledger.spool import OpenBlock, spool_path
from jidoka_bridge import messages
from jidoka_bridge.guard.process import Process
from jidoka_bridge.messages import Condition, Decision, Judgement
from jidoka_bridge.registers import Word

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT
from tests.bridge.guard.shell_world import Books, Plant, play, reach_run, started, wait
from tests.bridge.guard.simulated_line import MS

BOOT = b"B" * 16
#: wall minus monotonic clock
OFFSET_NS = 1_795_000_000_000_000_000
PART_NS = 100 * MS
FIRST_PART = 500
KINDS = {messages.Kind.TRANSITION: Kind.TRANSITION, messages.Kind.CAUSE: Kind.CAUSE}


class Recording(Books):
    """A steward that keeps everything as ledger entries, with the moment."""

    def __init__(self, plant: Plant) -> None:
        super().__init__()
        self.plant = plant
        self.entries: list[tuple[int, Kind, dict[str, Any]]] = []

    def take(self, datagram: bytes, presses: int) -> None:
        message = messages.decode(datagram)
        kind = KINDS.get(message.kind)
        if kind is not None:
            self.entries.append((self.plant.now_ns, kind, message.json()))
        super().take(datagram, presses)

    def note(self, kind: Kind, **body: Any) -> None:
        self.entries.append((self.plant.now_ns, kind, body))


class Recorded:
    """Reach RUN, drift, trip, acknowledge, reset: and the ledger that is left. onset_ns, trip_ns: of the drift."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "ledger.jdl"
        self.plant = Plant()
        self.books = self.plant.books = Recording(self.plant)
        self.books.note(
            Kind.BOOT, program="steward", version="9.9", event="start", plan="p" * 64, previous="none"
        )
        self.books.note(Kind.BASELINE, text="learned", model="m", recipe=0, position=0, digest="b" * 64)
        self.process: Process = started(self.plant)
        reach_run(self.plant, self.process)
        self.first_ns = self.plant.now_ns
        play(self.plant, self.process, 4_000)
        self.onset_ns = self.plant.now_ns - 10 * PART_NS

    def part_at(self, ns: int) -> int:
        return FIRST_PART + (ns - self.first_ns) // PART_NS

    def drift(self) -> None:
        """The monitor judges the drift on, with an onset ten parts ago."""
        part = self.part_at(self.onset_ns)
        evidence = {
            "feature": "sharpness", "direction": "down", "z": -3.25, "onset_part": part, "onset_low_part": part - 2,
            "onset_high_part": part + 1, "last_part": part + 9, "onset_ns": self.onset_ns,
            "record_ns": self.plant.now_ns - MS, "records_since_onset": 10, "shares": {"sharpness": 12.5, "noise": 1.0},
        }  # fmt: skip
        self.plant.says[DRIFT] = Judgement.ON
        self.books.note(Kind.CONDITION, id=DRIFT, model="m", judgement="on", revision=2, evidence=evidence)
        said = Condition(
            CONDITIONS.index(DRIFT),
            Judgement.ON,
            2,
            2e7,
            1e7,
            self.plant.now_ns,
            3,
            20,
            self.plant.run,
            evidence,
        )
        self.plant.send("monitor", messages.Kind.CONDITION, said.pack())
        wait(self.plant, self.process, lambda: self.plant.plc.output is Word.WITHHOLD, "the trip")
        play(self.plant, self.process, 300)

    def recover(self) -> None:
        """Acknowledge, a proving run, RUN; each act is recorded as the steward does it."""
        self.books.note(
            Kind.ACT,
            act="acknowledge",
            cause="R-1",
            revision=1,
            role="operator",
            pseudonym="p7",
            reason="lamp replaced",
        )
        self.plant.says[DRIFT] = Judgement.UNKNOWN
        reach_run(self.plant, self.process)

    def write(self) -> Path:
        """Header, entries in order of time, one whole decision block and an open one."""
        rows = [self._row(n) for n in range((self.plant.now_ns - self.first_ns) // PART_NS)]
        half = len(rows) // 2
        block = Block("m", 1, BOOT, OFFSET_NS, tuple(rows[:half]))
        spool_path(self.file, "m").write_bytes(OpenBlock("m", 2, BOOT, OFFSET_NS, rows[half:]).encode())
        lanes = dict.fromkeys(Lane, 0)
        data = FileHeader(OFFSET_NS, b"i" * 16).encode()
        bodies = [(ns, kind, json.dumps(body).encode()) for ns, kind, body in self.books.entries]
        bodies.append((self.plant.now_ns, Kind.DECISIONS, block.encode()))
        for index, (ns, kind, body) in enumerate(bodies):
            lane = LANE_OF[kind]
            lanes[lane] += 1
            data += ledger.encode(Entry(kind, lane, index, lanes[lane], ns, ns + OFFSET_NS, BOOT, body))
        self.file.write_bytes(data)
        return self.file

    def _row(self, n: int) -> Decision:
        ns = self.first_ns + n * PART_NS
        return Decision(n + 1, FIRST_PART + n, ns, ns + MS, 0, 1, 0, 0, 0, 0, 0.9, n / 10, 0.0)
