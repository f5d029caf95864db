"""Scans that tell near misses apart: what only shows where two things happen in one scan, or in an order that is rare."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge.registers import Phase, Word

from tools.three_answers.exact import HOUR_MS, Script, head
from tools.three_answers.scans import Inputs

BOTH = Word.MACHINE_AND_AI


def edges(_: int = 0) -> Iterator[Inputs]:
    """All of it, one after the other, on one PLC."""
    script = Script((1 << 32) - 20_000)
    for part in (_rises, _faults, _frames, _first_frames, _presses, _ids, _heads):
        yield from part(script)


def held_at_start(_: int = 0) -> Iterator[Inputs]:
    """The button is down at power-up: its release is no press; the next press is one."""
    script = Script(5_000)
    for level in (*(True,) * 30, *(False,) * 30, *(True,) * 30, *(False,) * 30):
        yield script.scan(10, level=level)


def same_id() -> Iterator[Inputs]:
    """An id is never offered twice in a row, and never 0."""
    script = Script(5_000)
    yield from script.armed()
    yield script.scan(20, Phase.WITHDRAW)
    script.connection, own = 0, script.draw
    for draw in (own, 0, own, own + 1):
        script.draw = draw
        for _ in range(24):
            yield script.scan(51, Phase.IDLE)
    script.connection = script.draw
    yield script.scan(50, Phase.IDLE)


def _offered(script: Script, frames: int = 21, spacing_ms: int = 51) -> Iterator[Inputs]:
    """A run of frames up to the offer, without a pause before it, and without the first frame with the id."""
    script.connection, script.draw = 0, script.draw + 1
    for _ in range(frames):
        yield script.scan(spacing_ms, Phase.IDLE)
    script.connection = script.draw


def _asked(script: Script) -> Iterator[Inputs]:
    yield from script.armed()
    yield script.scan(50, Phase.ARM_REQUEST)


def _rises(script: Script) -> Iterator[Inputs]:
    """A rise that is open when key or relays end the session isn't open in the next; a lower word closes one."""
    for actual, inputs in ((Word.WITHHOLD, 0), (Word.MACHINE, 1)):
        yield from _asked(script)
        yield from script.pressed()
        yield script.scan(5, inputs=inputs, actual=actual)
        yield script.scan(36, inputs=inputs, actual=actual)
        yield from _offered(script)
        yield script.scan(30, Phase.ARMED, Word.MACHINE)
        yield script.scan(30, Phase.ARMED, Word.MACHINE)
    yield from _asked(script)
    yield from script.pressed()
    yield script.scan(20, Phase.ARMED, BOTH)
    for passed_ms, level in ((50, False), (50, True), (100, True), (50, True), (20, False), (20, False)):
        yield script.scan(passed_ms, Phase.ARM_REQUEST, BOTH, level=level)
    yield script.scan(20, Phase.ARMED, Word.MACHINE)
    yield script.scan(20, Phase.ARMED, BOTH)


def _faults(script: Script) -> Iterator[Inputs]:
    """A fault stands until a press, also where the key ends the next session."""
    yield from _asked(script)
    yield script.scan(50, Phase.ARMED, Word.MACHINE)
    yield from _asked(script)
    yield script.scan(10, inputs=0)
    yield script.scan(10)


def _frames(script: Script) -> Iterator[Inputs]:
    """Only the last word of a frame differs; a frame of the next session comes in the scan that ends this one."""
    yield from script.armed()
    given = script.scan(50, Phase.IDLE)
    yield given
    assert given.block_a is not None
    script.stands((*given.block_a[:7], given.block_a[7] ^ 1))
    yield script.scan(10)
    yield script.scan(10)
    yield from _asked(script)
    script.connection, script.draw = 0, script.draw + 1
    yield script.scan(10, Phase.IDLE, inputs=0)
    for _ in range(20):
        yield script.scan(60, Phase.IDLE)


def _first_frames(script: Script) -> Iterator[Inputs]:
    """The first frame with the id counts by its stamp: younger than its hold time, exactly as old, older."""
    for age in (17, 18, 19, 20, 21, 40):
        yield script.scan(5_000)
        yield from _offered(script)
        script.now_ms += -script.now_ms % 10
        yield script.scan(10, Phase.IDLE, hold=20, age=age)
        for _ in range(3):
            yield script.scan(1)
        yield script.scan(300)


def _presses(script: Script) -> Iterator[Inputs]:
    """A press that began 1 ms before the request, and one in the same scan."""
    for early_ms in (1, 0):
        yield from script.armed()
        yield script.scan(50, Phase.IDLE)
        yield script.scan(10, Phase.IDLE if early_ms else Phase.ARM_REQUEST, level=True)
        yield script.scan(1, Phase.ARM_REQUEST, level=True)
        for passed_ms, level in ((100, True), (50, True), (20, False), (20, False)):
            yield script.scan(passed_ms, Phase.ARM_REQUEST, level=level)


def _ids(script: Script) -> Iterator[Inputs]:
    """1 is an id as any other."""
    kept, script.draw = script.draw, 0
    yield from script.armed()
    script.draw = kept
    yield script.scan(50, Phase.WITHDRAW)


def _heads(script: Script) -> Iterator[Inputs]:
    """Sizes of the ledger on both sides of a full word, hour by hour."""
    script.connection = 0
    yield script.scan(5_000)
    for size in (0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x1FFFF):
        yield script.scan(20, d=head(size, (1, 2, 3, size & 0xFFFF)))
        yield script.scan(HOUR_MS)
    for _ in range(10):
        yield script.scan(20)
