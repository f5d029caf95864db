"""A guard that sends anything: no rise without a press; and the judge that says so can say otherwise."""

from __future__ import annotations

import pytest

from tools.three_answers import hostile
from tools.three_answers.judge import BrokenError, Judge, Raw
from tools.three_answers.scans import sealed

OFF, MACHINE, BOTH = 0x5A5A, 0x6996, 0xA5A5


def test_no_guard_raises_the_output_without_an_accepted_press() -> None:
    seen = hostile.run(seed=11, sequences=250, count=25)
    assert seen["sequences"] == 250
    assert seen["rises, each after a press of its own"] > 0


class Bench:
    """A PLC that does as it is told, before the judge."""

    def __init__(self) -> None:
        self.judge = Judge(7, 310)
        self.now_ms = 10_000
        self.number = 0

    def scan(
        self,
        output: int,
        word: int = OFF,
        *,
        phase: int = 1,
        level: bool = False,
        is_sent: bool = True,
        age: int = 0,
    ) -> None:
        self.now_ms += 50
        counter = self.now_ms // 10
        self.number += is_sent
        frame = sealed([0x411F, 99, self.number, counter - age, 0x2000 | phase << 8, word])
        self.last = frame if is_sent else self.last
        shown = (0, 99, self.number, counter & 0xFFFF, *(0,) * 12)
        self.judge.see(Raw(self.now_ms, level, self.last, shown, output))

    def repeat(self, times: int, output: int, word: int = OFF, **further: int | bool) -> None:
        for _ in range(times):
            self.scan(output, word, **further)

    def pressed(self) -> Bench:
        for level in (False, False, True, True, True, True, False, False):
            self.scan(OFF, level=level)
        return self


def test_the_judge_lets_one_rise_through_after_a_press() -> None:
    bench = Bench().pressed()
    bench.scan(MACHINE, MACHINE, phase=2)
    assert (bench.judge.rises, bench.judge.presses) == (1, 1)
    with pytest.raises(BrokenError, match="J3"):
        bench.scan(BOTH, BOTH, phase=2)


def test_the_judge_finds_a_rise_without_a_press() -> None:
    bench = Bench()
    for _ in range(10):
        bench.scan(OFF)
    with pytest.raises(BrokenError, match="J3"):
        bench.scan(MACHINE, MACHINE, phase=2)


def test_the_judge_finds_more_than_was_asked_for() -> None:
    bench = Bench().pressed()
    with pytest.raises(BrokenError, match="J1"):
        bench.scan(BOTH, MACHINE, phase=2)


def test_the_judge_finds_an_output_that_outlives_the_hold_time() -> None:
    bench = Bench().pressed()
    bench.scan(MACHINE, MACHINE, phase=2)
    with pytest.raises(BrokenError, match="J2"):
        bench.repeat(8, MACHINE, is_sent=False)


def test_the_judge_finds_a_delayed_frame_that_renews() -> None:
    bench = Bench().pressed()
    bench.scan(MACHINE, MACHINE, phase=2)
    with pytest.raises(BrokenError, match="J2"):
        bench.repeat(8, MACHINE, MACHINE, phase=2, age=200)


def test_the_judge_gives_nothing_for_a_press_that_began_before_the_request() -> None:
    bench = Bench()
    for level in (False, True, True):
        bench.scan(OFF, phase=0, level=level)
    for level in (True, True, False, False):
        bench.scan(OFF, phase=1, level=level)
    assert bench.judge.presses == 0
