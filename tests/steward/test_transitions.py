"""Which transitions are recorded, and what RECORDED may promise."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from jidoka.steward.transitions import Arrival, Transitions


def test_recorded_follows_the_disk_not_the_arrival() -> None:
    known = Transitions()
    assert known.arrive(1, 10) is Arrival.FRESH
    assert known.arrive(2, 20) is Arrival.FRESH
    assert known.recorded == 0
    known.commit(1)
    assert known.recorded == 1


def test_the_same_number_and_time_is_a_duplicate_across_restarts() -> None:
    known = Transitions()
    known.restore(7, 70)
    assert known.recorded == 7
    assert known.arrive(7, 70) is Arrival.DUPLICATE
    assert known.arrive(8, 80) is Arrival.FRESH


def test_the_first_word_to_a_new_guard_waits_for_what_its_predecessor_sent() -> None:
    known = Transitions()
    assert known.to_tell() == 0
    known.arrive(1, 10)
    assert known.to_tell() == 0
    known.connect()
    assert known.to_tell() is None
    known.commit(1)
    assert known.to_tell() == 1


def test_a_gap_asks_once_for_a_new_connection_and_is_then_a_loss() -> None:
    known = Transitions()
    known.restore(3, 30)
    assert known.arrive(6, 60) is Arrival.GAP
    assert known.arrive(6, 60) is Arrival.LOST
    assert known.missing == 2
    assert known.arrive(7, 70) is Arrival.FRESH


def test_a_gap_that_was_filled_after_reconnecting_loses_nothing() -> None:
    known = Transitions()
    known.restore(3, 30)
    assert known.arrive(5, 50) is Arrival.GAP
    assert [known.arrive(n, 10 * n) for n in (4, 5)] == [Arrival.FRESH] * 2


def test_an_empty_ledger_takes_any_first_number() -> None:
    assert Transitions().arrive(912, 1) is Arrival.FRESH


def test_what_found_no_room_may_come_again() -> None:
    known = Transitions()
    known.arrive(1, 10)
    known.arrive(2, 20)
    known.forget(2)
    assert known.arrive(2, 20) is Arrival.FRESH


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=60))
def test_recorded_never_names_what_is_not_committed(steps: list[tuple[int, bool]]) -> None:
    known, committed, under_way = Transitions(), set(), []
    for number, commits in steps:
        if known.arrive(number, number) in {Arrival.FRESH, Arrival.LOST}:
            under_way.append(number)
        if commits and under_way:
            first = under_way.pop(0)
            known.commit(first)
            committed.add(first)
        assert known.recorded in committed | {0}
