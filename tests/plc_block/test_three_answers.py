"""Python, C and Structured Text: the same in every scan; and the check finds one that isn't."""

from __future__ import annotations

import pytest

from tools.structured_text.blocks import Compiled, load
from tools.three_answers.agreement import DifferError, agree, long_ones
from tools.three_answers.scans import C, Python
from tools.three_answers.structured import BLOCK, Structured


def test_they_agree_in_every_output_across_the_wrap() -> None:
    seen = agree((Python, C, Structured), seed=40, scans=9_000, c_every=10)
    assert seen["scans"] == 9_000
    assert seen["across the wrap"] >= 2
    assert seen["accepted presses"] >= 5
    assert any(name.startswith("output WITHHOLD -> ") for name in seen)


def test_they_agree_over_refused_frames_endless_presses_and_long_times() -> None:
    assert long_ones((Python, C, Structured), scans=600)["accepted presses"] > 100


def test_a_block_with_a_fault_is_told_with_the_scan_and_the_words() -> None:
    text = BLOCK.read_text(encoding="utf-8")
    faulty = text.replace("DEBOUNCE_MS : UDINT := 20;", "DEBOUNCE_MS : UDINT := 60;")
    assert faulty != text
    program = Compiled(load(faulty))
    with pytest.raises(DifferError, match=r"(?s)scan \d+ of an episode.*block_b\["):
        agree((Python, lambda: Structured(program)), seed=40, scans=9_000)
