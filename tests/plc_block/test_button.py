"""Presses: accepted exactly by the written rule, by a judge that knows the waveform only."""

from __future__ import annotations

import pytest

from tools.three_answers import button
from tools.three_answers.button import STORIES, Sample, judged
from tools.three_answers.scans import Answer, C, Inputs, Program, Python
from tools.three_answers.structured import Structured


def test_waveforms_of_every_kind_are_accepted_exactly_by_the_rule() -> None:
    seen = button.run(seed=9, waveforms=5 * len(STORIES), makers=(Python, C, Structured))
    assert all(seen[f"{story.__name__.replace('_', ' ')}: accepted"] for story in STORIES), seen


def wave(
    *runs: tuple[bool, int], requests: range = range(100_000), key_off: range = range(0)
) -> list[Sample]:
    """Samples every 10 ms: levels with their lengths, an arm-request every 100 ms within `requests`."""
    samples = []
    for level, length_ms in runs:
        for _ in range(length_ms // 10):
            now_ms = 10 * len(samples)
            is_request = now_ms % 100 == 0 and now_ms in requests
            samples.append(Sample(now_ms, level, is_request, now_ms not in key_off, 9, False))
    return samples


@pytest.mark.parametrize(
    ("samples", "accepted"),
    [
        (wave((False, 200), (True, 100), (False, 100)), [32]),
        (wave((False, 200), (True, 90), (False, 100)), []),
        (wave((False, 200), (True, 5_000), (False, 100)), [522]),
        (wave((False, 200), (True, 5_010), (False, 100)), []),
        (wave((True, 300), (False, 100)), []),
        (wave((False, 200), (True, 50), (False, 10), (True, 50), (False, 100)), [33]),
        (wave((False, 200), (True, 10), (False, 200)), []),
        (wave((False, 200), (True, 300), (False, 100), requests=range(300, 900)), []),
        (wave((False, 200), (True, 1_500), (False, 100), requests=range(400)), []),
        (wave((False, 200), (True, 300), (False, 100), key_off=range(300, 310)), []),
        (wave((False, 200), (True, 200), (False, 200), (True, 200), (False, 200)), [42, 82]),
    ],
)  # fmt: skip
def test_the_judge_by_hand(samples: list[Sample], accepted: list[int]) -> None:
    assert judged(samples) == accepted


class Eager(Structured):
    """A PLC that accepts when it shouldn't: it shows every scan with the button down as an accepted press."""

    def scan(self, given: Inputs, has_c: bool = True) -> Answer:
        return super().scan(given, has_c)._replace(accepted=bool(given.inputs & 4))


def test_a_program_that_accepts_otherwise_is_told() -> None:
    makers: tuple[type[Program], ...] = (Python, Eager)
    with pytest.raises(AssertionError, match="Eager accepts in scans"):
        button.run(seed=5, waveforms=3, makers=makers)
