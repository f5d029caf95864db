"""A guard that sends anything at all: can it raise the output without an accepted press?

Each sequence starts where an ordinary agent has brought the PLC (armed, asked for, a rise open, a press under way) and
goes on with frames of valid CRC, right connection, number and stamp, and with anything in their other fields; people
press or don't. All programs run it, and the raw judge watches.
"""

from __future__ import annotations

import copy
import ctypes
import random
import sys
from collections import Counter
from typing import NamedTuple

from jidoka_bridge.registers import Input, Word

from tests.firmware.c_core import CCore
from tests.firmware.scans import PythonCore
from tools.three_answers.judge import Judge, Raw
from tools.three_answers.plant import Plant
from tools.three_answers.scans import SETTINGS, Answer, C, Inputs, Python, sealed
from tools.three_answers.structured import Structured

ROOTS = 300
#: after so many sequences there are new roots
TURN = 100_000
WORDS = (0x5A5A, 0x6996, 0x6996, 0xA5A5, 0xA5A5, 0x3C3C, 0, 0xFFFF)


class Root(NamedTuple):
    """Where a sequence starts: memories of the three programs, the judge, and what stood last."""

    python: PythonCore
    c: tuple[bytes, bytes]
    structured: bytes
    judge: Judge
    given: Inputs
    answer: Answer


class Rig:
    """The three programs side by side, which can go back to a root."""

    def __init__(self) -> None:
        self.python, self.c, self.structured = Python(), C(), Structured()
        self.judge = Judge(SETTINGS.unit, SETTINGS.hold_limit_ms)

    def scan(self, given: Inputs) -> Answer:
        """One scan of all. Raises AssertionError where they differ or the judge finds something."""
        answer = self.python.scan(given, has_c=False)
        assert self.c.scan(given, has_c=False) == answer, given
        assert self.structured.scan(given, has_c=False) == answer, given
        self.judge.see(
            Raw(
                given.now_ms,
                bool(given.inputs & Input.RESET_BUTTON),
                given.block_a,
                answer.block_b,
                answer.output,
            )
        )
        return answer

    def save(self, given: Inputs, answer: Answer) -> Root:
        core = self.c.core
        assert isinstance(core, CCore)
        assert isinstance(self.python.core, PythonCore)
        return Root(
            cloned(self.python.core), (bytes(core.plc), bytes(core.record)), self.structured.save(), self.judge.copy(), given, answer
        )  # fmt: skip

    def restore(self, root: Root) -> None:
        core = self.c.core
        assert isinstance(core, CCore)
        self.python.core = cloned(root.python)
        for struct, saved in zip((core.plc, core.record), root.c, strict=True):
            ctypes.memmove(ctypes.addressof(struct), saved, len(saved))
        self.structured.restore(root.structured)
        self.judge = root.judge.copy()


def cloned(core: PythonCore) -> PythonCore:
    """An independent copy of the reference model; a deep copy takes ten times as long."""
    new = copy.copy(core)
    rule = new.rule = copy.copy(core.rule)
    admission = rule.admission = copy.copy(core.rule.admission)
    admission.counts = admission.counts.copy()
    admission._refused_since_good = admission._refused_since_good.copy()  # noqa: SLF001
    admission._draw = lambda: new._random  # noqa: SLF001
    rule._button = copy.copy(rule._button)  # noqa: SLF001
    new.record = copy.copy(core.record)
    new.record.ring = list(new.record.ring)
    return new


def roots(seed: int, count: int = ROOTS) -> list[Root]:
    """Places along ordinary episodes, one in two where something is asked for or given."""
    rng = random.Random(seed)
    found: list[Root] = []
    while len(found) < count:
        rig, plant = Rig(), Plant(rng.randrange(1 << 30))
        for _ in range(1_500):
            given = plant.given()
            answer = rig.scan(given)
            plant.seen(answer)
            state = answer.block_b[5] >> 8
            if rng.random() < (0.03 if state in (2, 3) else 0.001) and len(found) < count:
                found.append(rig.save(given, answer))
    return found


def run(seed: int, sequences: int, count: int = ROOTS) -> Counter[str]:
    """All sequences. Raises AssertionError at the first that breaks something, with what to repeat it by."""
    seen: Counter[str] = Counter()
    rng = random.Random(seed)
    places = roots(seed, count)
    rig = Rig()
    for number in range(sequences):
        if number and number % TURN == 0:
            places = roots(seed + number, count)
        root = rng.choice(places)
        own = rng.randrange(1 << 30)
        rig.restore(root)
        before = rig.judge.rises, rig.judge.presses
        try:
            seen["scans"] += _sequence(random.Random(own), rig, root)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, sequence {number}, its seed {own}: {error!r}") from error
        seen["sequences"] += 1
        if seen["sequences"] % 100_000 == 0:
            print(f"{seen['sequences']} sequences", file=sys.stderr, flush=True)
        seen["accepted presses"] += rig.judge.presses - before[1]
        seen["rises, each after a press of its own"] += rig.judge.rises - before[0]
    return seen


def _sequence(rng: random.Random, rig: Rig, root: Root) -> int:
    """Some scans of a guard that wants the output up. Returns how many."""
    now_ms, answer, frame = root.given.now_ms, root.answer, root.given.block_a
    last_id = max(rig.python.core.rule.admission._last_id, 0)  # type: ignore[attr-defined]  # noqa: SLF001
    number = answer.block_b[2]
    level = root.given.inputs & Input.RESET_BUTTON
    has_people = rng.random() < 0.4
    fast = rng.random() < 0.5
    scans = rng.choice((3, 4, 5, 6)) if rng.random() < 0.98 else 60
    for _ in range(scans):
        now_ms += rng.randint(5, 25) if fast else rng.randint(20, 140)
        b = answer.block_b
        if rng.random() < 0.9:
            number = (b[2] if rng.random() < 0.8 else number) + rng.choice((1, 1, 1, 1, 2, 8, 9)) & 0xFFFF
            what = rng.randint(1, 7) << 12 | rng.choice((0, 1, 1, 2, 2, 3, 4, 5)) << 8 | rng.randrange(256)
            connection = b[1] if rng.random() < 0.95 else rng.randrange(1 << 16)
            stamp = b[3] - rng.choice((0, 0, 0, 1, 5, 30, -1, -2)) & 0xFFFF
            frame = sealed(
                [0x4100 | rng.choice((31, 31, 255, 0, 1)), connection, number, stamp, what, rng.choice(WORDS)]
            )
        if has_people and rng.random() < 0.25:
            level ^= Input.RESET_BUTTON
        inputs = (root.given.inputs & ~Input.RESET_BUTTON) | level
        actual = answer.output if rng.random() < 0.97 else rng.choice(list(Word))
        draw = rng.randrange(1, 1 << 16)
        given = Inputs(
            now_ms, frame, None, inputs, actual=actual, random=draw if draw != last_id else draw % 0xFFFF + 1
        )
        answer = rig.scan(given)
        last_id = answer.block_b[1] or last_id
    return scans
