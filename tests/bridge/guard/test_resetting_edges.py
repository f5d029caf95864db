"""From when on a press counts: the same on offer, and the button up, for as long as the PLC takes to tell of a press."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jidoka_bridge.guard import resetting
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.guard_condition import NONE, RUN, Offer
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Input

from tests.bridge.guard.guard_rig import MS, Rig, plan

BEAT_NS = 5_000 * MS


def offering(scan_ms: int = 10) -> Guard:
    """A guard that has just begun to offer a reset; the button is up."""
    guard = Rig(plan(link=Link(port="/nowhere", scan_ms=scan_ms))).guard
    guard.offer, guard.offer_held, guard.up_since_ns = Offer(RUN, ()), False, 0
    return guard


def shows(guard: Guard, after_ns: int, *, is_down: bool = False, is_own: bool = True) -> None:
    """A good beat, so long after the first one."""
    pressed = Input.RESET_BUTTON if is_down else Input(0)
    guard.view = replace(guard.view, good=True, is_own=is_own, inputs=pressed, beat_ns=BEAT_NS + after_ns)
    resetting.hold_offer(guard)


@pytest.mark.parametrize(("scan_ms", "told_ms"), [(1, 23), (10, 50), (40, 140)])
@pytest.mark.parametrize(("early_ns", "is_held"), [(0, True), (1, False)])
def test_a_press_counts_from_the_moment_on_at_which_an_earlier_one_would_have_been_told(
    scan_ms: int, told_ms: int, early_ns: int, is_held: bool
) -> None:
    guard = offering(scan_ms)
    shows(guard, 0)
    assert (guard.up_since_ns, guard.offer_held) == (BEAT_NS, False)
    shows(guard, told_ms * MS - early_ns)
    assert (guard.up_since_ns, guard.offer_held) == (BEAT_NS, is_held)


def test_a_button_that_went_down_begins_the_time_anew() -> None:
    guard = offering()
    shows(guard, 0)
    shows(guard, 20 * MS, is_down=True)
    assert (guard.up_since_ns, guard.offer_held) == (0, False)
    shows(guard, 40 * MS)
    shows(guard, 60 * MS)
    assert (guard.up_since_ns, guard.offer_held) == (BEAT_NS + 40 * MS, False)


def test_nothing_on_offer_is_held() -> None:
    guard = offering()
    guard.offer = Offer(NONE, ("something lacks",))
    shows(guard, 0)
    shows(guard, 90 * MS)
    assert (guard.up_since_ns, guard.offer_held) == (0, False)


def test_a_beat_without_its_own_block_says_nothing_of_the_button() -> None:
    guard = offering()
    shows(guard, 0, is_own=False)
    assert guard.up_since_ns == 0
    shows(guard, 10 * MS)
    shows(guard, 90 * MS, is_own=False)
    assert (guard.up_since_ns, guard.offer_held) == (BEAT_NS + 10 * MS, False)


def test_what_is_held_stays_so_while_the_button_is_down_and_after_it_was_let_go() -> None:
    guard = offering()
    shows(guard, 0)
    shows(guard, 50 * MS)
    shows(guard, 100 * MS, is_down=True)
    shows(guard, 300 * MS)
    assert guard.offer_held
    resetting.offer_changed(guard)
    assert (guard.up_since_ns, guard.offer_held) == (0, False)


def test_without_a_plc_there_is_no_button() -> None:
    guard = Rig(plan(link=None)).guard
    guard.offer = Offer(RUN, ())
    shows(guard, 0)
    shows(guard, 90 * MS)
    assert (guard.up_since_ns, guard.offer_held) == (0, False)
