"""Send hostile records into the monitor, while another process scribbles over the arena: `python tools/fuzz_records.py`.

Each datagram begins as a good record and is then spoilt in one or several of the ways of MUTATIONS. The monitor's own
intake and core take them; every one must be judged, heard or refused with a reason, and memory must stay bounded.
The scribbler is a process of its own that has the arena's descriptor, as an application has it: it writes into heads
and data, punches holes and tries to change the size, without a pause.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import mmap
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from jidoka.monitor.arena import Arena
from jidoka.monitor.core import Monitor
from jidoka.monitor.intake import Intake, Outcome, Writer
from jidoka.monitor.learning import Learner
from jidoka_bridge.plan import ConditionSpec, Model, Plan, Proving, Times
from jidoka_bridge.refusals import REFUSALS
from jidoka_tap import wire

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools._hostile_records import SIDE, SLOT_BYTES, SLOTS, Application, good_tensors

MODEL = "fuzzed"
SECTION: dict[str, Any] = {
    "bundle": "/nowhere", "file": "/nowhere/x.onnx", "sha256": "ab" * 32, "title": "fuzzed", "task": "classifier",
    "classes": ["ok", "scratch", "pit", "dent"], "good_classes": ["ok"],
    "inputs": [{"name": "image", "dtype": "uint8", "shape": ["batch", 1, SIDE, SIDE], "layout": "NCHW", "colour": "grey",
                "unit": "grey level", "range": [0, 255], "monitored": True}],
    "outputs": [{"name": "logits", "dtype": "float32", "shape": ["batch", 4], "unit": "nat", "role": "logits",
                 "monitored": True}],
    "min_confidence": 0.5, "every": 1, "roi": None, "drives": "nothing", "records_per_s": 10.0, "records_per_part": 1,
    "arena_slots": SLOTS, "largest_record_bytes": SLOT_BYTES,
}  # fmt: skip
DRIFT = f"{MODEL}:drift(all)"
#: kinds of refusals that a record can meet; the others end a connection
OF_CONNECTIONS = ("unknown model", "another model", "wrong user", "two writers", "no hello", "too many taps",
                  "endless garbage")  # fmt: skip


def plan_of() -> Plan:
    """One model with an arena, and one drift condition."""
    return Plan(
        "site", "line", "device", "/nowhere", "/nowhere", "00000000", None, Times(), Proving(),
        (Model(MODEL, "none"),), (ConditionSpec(DRIFT, MODEL, True, 0.0),), (),
        sections={
            "models": {MODEL: SECTION},
            "detectors": {DRIFT: {
                "model": MODEL, "group": "all", "false_alarms": {"count": 1, "per": 1e5, "unit": "records"},
                "off_records": 20, "off_error": 0.01, "min_records": 300}},
            "integrity": {},
        },
    )  # fmt: skip


def learned_monitor(plan: Plan) -> Monitor:
    """A monitor with a baseline of 300 good records, so that what is let through reaches the detectors."""
    rng = np.random.default_rng(1)
    learner = Learner(plan, MODEL, 300)
    learner.tap_connected(MODEL, {"inputs": ["image"], "outputs": ["logits"]}, 0)
    for number in range(300):
        pieces, _ = wire.pack_record(number, number, 1, 1, good_tensors(rng))
        learner.record(MODEL, wire.unpack_record(memoryview(b"".join(pieces))), number * 1_000_000)
    baselines = {(each.recipe, each.position): each for each in learner.baselines("2026-01-01T00:00:00Z")}
    return Monitor(plan, {MODEL: baselines}, 1, 0)


# ---------------------------------------------------------------- the monitor that takes them


@dataclasses.dataclass
class Result:
    """What became of the datagrams. sent = judged + heard + refused."""

    sent: int = 0
    judged: int = 0
    heard: int = 0
    refused: int = 0
    verdicts: int = 0
    connections: int = 0
    reasons: Counter[str] = dataclasses.field(default_factory=Counter)
    seconds: float = 0.0
    rss_mib: list[float] = dataclasses.field(default_factory=list)  # before, and after each tenth
    descriptors_before: int = 0
    descriptors_after: int = 0


class Target:
    """Intake and core of one model, and the connection that is fuzzed, opened again when it is ended."""

    def __init__(self) -> None:
        plan = plan_of()
        self.monitor = learned_monitor(plan)
        self.intake = Intake(plan, self.monitor)
        self.now_ns = 1_000_000_000
        self.result = Result()
        self.connect()

    def connect(self) -> None:
        """HELLO, and the WELCOME with its arena."""
        hello = {"model": MODEL, "pid": 1, "inputs": ["image"], "outputs": ["logits"]}
        self.writer: Writer = self.intake.opened(1000, self.now_ns)
        self.intake.take(self.writer, wire.encode_json(wire.HELLO, 1, hello), self.now_ns)
        assert self.writer.grant is not None, "the plan's own model is welcome"
        self.writer.replies.clear()
        self.result.connections += 1

    @property
    def arena(self) -> Arena | None:
        return self.writer.grant.arena if self.writer.grant else None

    def take(self, datagram: bytes) -> Outcome:
        """One datagram; what the intake says of it must be what was counted."""
        result, state = self.result, self.monitor.models[MODEL]
        before = (state.total, state.refused)
        outcome = self.intake.take(self.writer, datagram, self.now_ns)
        result.sent += 1
        result.judged += outcome is Outcome.JUDGED
        result.heard += outcome is Outcome.HEARD
        result.refused += outcome is Outcome.REFUSED
        result.verdicts += sum(reply.datagram[5] == wire.VERDICT for reply in self.writer.replies)
        self.writer.replies.clear()
        expected = (before[0] + (outcome is Outcome.JUDGED), before[1] + (outcome is Outcome.REFUSED))
        assert (state.total, state.refused) == expected, (outcome, before, expected)
        if result.sent % 256 == 0:
            self.monitor.take_rows(self.now_ns, 0)
            self.monitor.take_changed()
            self.intake.refused.take_news(self.now_ns)
        return outcome

    def settle(self) -> Result:
        """The counts at the end, compared with one another."""
        result = self.result
        self.intake.closed(self.writer)
        counts = self.intake.refused.counts
        result.reasons = Counter({reason: count for (_, reason), count in counts.items()})
        assert set(result.reasons) <= set(REFUSALS)
        of_records = sum(count for reason, count in result.reasons.items() if reason not in OF_CONNECTIONS)
        assert of_records == result.refused, (of_records, result.refused)
        assert result.judged + result.heard + result.refused == result.sent
        return result


def fuzz(records: int, seed: int, *, is_scribbled: bool) -> Result:
    """Send so many records. Raises AssertionError where a count is wrong, and whatever the monitor raises."""
    target, application = Target(), Application(seed)
    result = target.result
    result.descriptors_before = descriptors()
    begun_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        other = Scribbler(seed) if is_scribbled else None
        if other is not None:
            stack.callback(other.close)
        while result.sent < records:
            if other is not None and target.arena is not None:
                other.arena(target.arena)
            application.map(target.arena.descriptor if target.arena else None)
            while result.sent < records and not target.writer.is_ended:
                if result.sent * 10 >= records * len(result.rss_mib):
                    result.rss_mib.append(rss_mib())
                # now and then many at once, so that the quotas are met as well
                target.now_ns += 0 if result.sent % 20_000 < 2_500 else 2_000_000
                target.take(application.datagram())
            if target.writer.is_ended:
                target.intake.closed(target.writer)
                target.connect()
    result.seconds = time.monotonic() - begun_s
    result = target.settle()
    application.memory = None
    result.descriptors_after = descriptors()
    result.rss_mib.append(rss_mib())
    return result


def rss_mib() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * mmap.PAGESIZE / 2**20, 1)


def descriptors() -> int:
    """Open descriptors of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


# ---------------------------------------------------------------- the process that scribbles


class Scribbler:
    """The other process; `arena` gives it the memory of a new connection."""

    def __init__(self, seed: int) -> None:
        self._end, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [
            sys.executable,
            str(Path(__file__).with_name("_scribble.py")),
            str(other.fileno()),
            str(seed),
        ]
        self._process = subprocess.Popen(command, pass_fds=[other.fileno()])
        other.close()

    def arena(self, arena: Arena) -> None:
        """Scribble there from now on."""
        socket.send_fds(self._end, [str(arena.slots).encode()], [arena.descriptor])
        assert self._end.recv(16) == b"sealed", "the arena's size can be changed"

    def close(self) -> None:
        """End the process."""
        self._end.close()
        self._process.wait()


def main() -> None:
    """Run it; the result is printed as JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, default=1_000_000, help="how many (default: a million)")
    parser.add_argument("--seed", type=int, default=1, help="decides which")
    options = parser.parse_args()
    print(json.dumps(vars(fuzz(options.records, options.seed, is_scribbled=True)), indent=1))


if __name__ == "__main__":
    main()
