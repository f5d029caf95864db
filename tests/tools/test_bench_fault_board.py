"""How the bench of the faulty line judges an emulated board: by the scan that an answer is of."""

from __future__ import annotations

from typing import Any, cast

from tools.bench._fault_board import COUNTER_MS, BoardPlc


def _board(*changes: tuple[int, int]) -> BoardPlc:
    board = BoardPlc(cast("Any", None))
    board.history.extend(changes)
    return board


def test_an_answer_of_the_scan_that_lowered_the_output_is_held_against_the_lowered_one() -> None:
    board = _board((1_000, 2), (1_234, 0))
    assert board.rank_after(1_220 // 10) == 2
    assert board.rank_after(1_234 // 10) == 0
    assert board.rank_after(1_250 // 10) == 0


def test_an_answer_of_the_scan_before_a_rise_is_held_against_what_was_before() -> None:
    board = _board((1_000, 2))
    assert board.rank_after(99) == 0
    assert board.rank_after(100) == 2


def test_the_boards_counter_may_wrap_between_a_change_and_the_answer() -> None:
    board = _board((COUNTER_MS - 15, 1), (COUNTER_MS + 7, 2))
    assert board.rank_after(0xFFFE) == 1
    assert board.rank_after(0xFFFF) == 1
    assert board.rank_after(0) == 2
