"""Ends that survive restarts and clocks that jump."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.alarms.until import SECOND_NS, Clock, Until

HOUR = 3600 * SECOND_NS
SHELF = Until(100 * SECOND_NS, 10_000 * SECOND_NS, HOUR)


def later(ns: int, jump_ns: int = 0) -> Clock:
    return Clock(SHELF.set_ns + ns, SHELF.set_wall_ns + ns + jump_ns)


def test_it_ends_when_its_time_is_over_on_both_clocks() -> None:
    assert SHELF.left_ns(later(0)) == HOUR
    assert SHELF.left_ns(later(HOUR - 1)) == 1
    assert SHELF.left_ns(later(HOUR)) == 0
    assert (SHELF.end_ns, SHELF.end_wall_ns) == (later(HOUR).ns, later(HOUR).wall_ns)


def test_a_clock_that_is_set_ends_it_at_once_and_one_that_is_slewed_does_not() -> None:
    for jump_s in (-7200, -2, 2, 7200):
        assert SHELF.left_ns(later(SECOND_NS, jump_s * SECOND_NS)) == 0
    for jump_ms in (-900, 900):
        assert SHELF.left_ns(later(SECOND_NS, jump_ms * 1_000_000)) > 0
    assert SHELF.left_ns(later(HOUR // 2, 2 * SECOND_NS)) > 0, "slewed within half an hour"
    assert SHELF.left_ns(Clock(SHELF.set_ns - 1, SHELF.set_wall_ns)) == 0


def test_after_another_boot_the_wall_clock_says_how_long_it_was_off() -> None:
    booted = SHELF.after_boot(Clock(5, SHELF.set_wall_ns + HOUR // 4))
    assert booted.left_ns(Clock(5, SHELF.set_wall_ns + HOUR // 4)) == HOUR * 3 // 4
    assert SHELF.after_boot(Clock(5, SHELF.set_wall_ns + 2 * HOUR)).length_ns == 0
    assert SHELF.after_boot(Clock(5, SHELF.set_wall_ns)).length_ns == HOUR
    assert SHELF.after_boot(Clock(5, SHELF.set_wall_ns - 1)).length_ns == 0, "the clock was set back"


@settings(deadline=None)
@given(st.integers(0, 2 * HOUR), st.integers(-3 * HOUR, 3 * HOUR), st.integers(-3 * HOUR, 3 * HOUR))
def test_no_clock_and_no_restart_makes_it_longer(spent_ns: int, jump_ns: int, boot_jump_ns: int) -> None:
    assert SHELF.left_ns(later(spent_ns, jump_ns)) <= max(0, HOUR - spent_ns)
    now = Clock(7, SHELF.set_wall_ns + spent_ns + boot_jump_ns)
    assert SHELF.after_boot(now).length_ns <= HOUR
