"""Delays, dead band and the chatter rule."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, SECOND_NS, Definition
from jidoka.alarms.signal import CHATTER, Signal, read, settle, within_dead_band

DELAYED = Definition("R-05", on_delay_ns=2 * SECOND_NS, off_delay_ns=10 * SECOND_NS)
PROMPT = Definition("R-06", off_delay_ns=0)


def run(
    definition: Definition, edges: list[int], until_ns: int, tick_ns: int = SECOND_NS // 2
) -> list[tuple[int, bool]]:
    """Edges toggle the reading; returns when the alarm's truth changed."""
    signal, changes, left = Signal(), [], list(edges)
    for now_ns in range(0, until_ns + 1, tick_ns):
        while left and left[0] <= now_ns:
            left.pop(0)
            signal = read(signal, not signal.raw, now_ns)
        was, signal = signal, settle(signal, definition, now_ns)
        if was.is_true != signal.is_true:
            changes.append((now_ns, signal.is_true))
    return changes


def test_a_condition_must_last_before_it_counts_and_be_gone_before_it_is_gone() -> None:
    s = SECOND_NS
    assert run(DELAYED, [10 * s, 11 * s], 60 * s) == [], "too short"
    assert run(DELAYED, [10 * s, 20 * s], 60 * s) == [(12 * s, True), (30 * s, False)]
    assert run(DELAYED, [10 * s, 20 * s, 25 * s, 30 * s], 60 * s) == [(12 * s, True), (40 * s, False)]


def test_without_delays_it_follows_at_once() -> None:
    s = SECOND_NS
    assert run(PROMPT, [10 * s, 20 * s], 60 * s) == [(10 * s, True), (20 * s, False)]


def test_a_value_near_its_limit_is_not_gone_yet() -> None:
    banded = Definition("R-07", dead_band=0.1)
    assert within_dead_band(banded, 9.5, 10.0)
    assert not within_dead_band(banded, 9.0, 10.0)
    assert within_dead_band(banded, -10.5, -10.0)
    assert not within_dead_band(PROMPT, 10.0, 10.0)


def test_the_third_strike_in_a_minute_lengthens_the_delays_by_the_declared_rule() -> None:
    s, rule = SECOND_NS, CHATTER[0]
    edges = [at * s for at in (10, 11, 20, 21, 30, 60)]
    changes = run(PROMPT, edges, 20 * MINUTE_NS)
    assert changes[:4] == [(10 * s, True), (11 * s, False), (20 * s, True), (21 * s, False)]
    assert changes[4:] == [(30 * s + rule.on_delay_ns, True), (60 * s + rule.off_delay_ns, False)]


def test_what_comes_again_and_again_more_slowly_has_a_rule_as_well() -> None:
    edges = [at * MINUTE_NS for at in range(0, 240, 4)]
    changes = run(PROMPT, edges, 6 * HOUR_NS, SECOND_NS * 5)
    came = [at for at, is_true in changes if is_true]
    assert len(came) == CHATTER[1].strikes, "then it stays until it was gone for an hour"
    assert changes[-1] == (edges[-1] + CHATTER[1].off_delay_ns, False)


def test_after_quiet_it_is_trusted_again() -> None:
    signal = Signal()
    for at in range(0, 60, 10):
        signal = read(signal, not signal.raw, at * SECOND_NS)
    assert signal.is_chattering
    assert settle(signal, PROMPT, 54 * SECOND_NS).is_chattering
    assert not settle(signal, PROMPT, 40 * SECOND_NS + CHATTER[0].quiet_ns).is_chattering


GAPS = st.lists(st.integers(1, 90), min_size=4, max_size=200)


def came(definition: Definition, gaps: list[int]) -> list[int]:
    """When the alarm came, of a signal that toggles in steps of half a second."""
    edges, at = [], 0
    for gap in gaps:
        at += gap * SECOND_NS // 2
        edges.append(at)
    return [when for when, is_true in run(definition, edges, at + 10 * MINUTE_NS) if is_true]


@settings(deadline=None)
@given(GAPS)
def test_no_signal_makes_an_alarm_come_three_times_in_a_minute(gaps: list[int]) -> None:
    times = came(Definition("R-08"), gaps)
    assert all(third - first >= MINUTE_NS for first, third in zip(times, times[2:], strict=False))


@settings(deadline=None)
@given(GAPS)
def test_without_an_off_delay_the_third_in_a_minute_is_the_last_for_a_while(gaps: list[int]) -> None:
    times = came(PROMPT, gaps)
    assert all(
        fourth - third >= CHATTER[0].off_delay_ns
        for first, third, fourth in zip(times, times[2:], times[3:], strict=False)
        if third - first < MINUTE_NS
    )
