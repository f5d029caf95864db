"""Slices: who belongs where, gaps that are found and lines without one that are left in peace; never `fair`."""

from __future__ import annotations

import doctest
import math
from datetime import timedelta, timezone
from importlib import import_module

import numpy as np
import pytest
from jidoka.monitor.slices import MEASURES, Disparity, SliceKeys, Slices
from jidoka.monitor.slices.disparity import ALPHA, DIFFERS, NONE_SEEN, NOT_ENOUGH, half_width
from jidoka.monitor.slices.rates import MOST_SLICES
from jidoka_bridge.messages import Decision
from scipy import stats


@pytest.mark.parametrize("name", ["keys", "disparity", "rates"])
def test_the_worked_examples_come_out(name: str) -> None:
    found = doctest.testmod(import_module(f"jidoka.monitor.slices.{name}"))
    assert (found.failed, found.attempted > 0) == (0, True)


def row(recipe: int = 7, position: int = 2) -> Decision:
    return Decision(1, 1, 0, 0, 0, 0, 0, 0, position, recipe, 0.9, 0.0, 0.0)


@pytest.mark.parametrize(
    ("hour", "minute", "shift"),
    [
        (6, 0, "06:00"),
        (5, 59, "22:00"),
        (13, 59, "06:00"),
        (14, 0, "14:00"),
        (22, 0, "22:00"),
        (0, 0, "22:00"),
    ],
)
def test_a_shift_begins_on_its_minute_and_the_last_one_lasts_until_morning(
    hour: int, minute: int, shift: str
) -> None:
    keys = SliceKeys(("shift",), (360, 840, 1320))
    assert keys.of(row(), (hour * 60 + minute) * 60 * 10**9) == (("shift", shift),)


def test_the_plants_clock_decides_and_without_shifts_there_is_no_such_slice() -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    assert SliceKeys(("shift",), (360,), zone).of(row(), 0) == (("shift", "06:00"),)
    assert SliceKeys(("shift", "recipe"), ()).of(row(), 0) == (("recipe", "7"),)


def first_found(rng: np.random.Generator, rates: list[float], parts: int, alpha: float) -> int:
    """1-based part at which a gap is first seen when one looks after every part; 0 = never."""
    m = len(rates)
    where = rng.integers(0, m, parts)
    events = rng.random(parts) < np.asarray(rates)[where]
    n = (where[:, None] == np.arange(m)).astype(float)
    k = (n * events[:, None]).cumsum(axis=0)
    n = n.cumsum(axis=0)
    all_n, all_k = np.arange(1.0, parts + 1)[:, None], k.sum(axis=1, keepdims=True)
    width = half_width(all_k, all_n, n, alpha)
    with np.errstate(invalid="ignore", divide="ignore"):
        seen = (np.abs(k / n - (all_k - k) / (all_n - n)) > width).any(axis=1)
    return int(seen.argmax()) + 1 if seen.any() else 0


@pytest.mark.parametrize(("slices", "comparisons"), [(2, 1), (12, 12)])
def test_a_line_without_a_gap_is_left_in_peace_however_often_one_looks(slices: int, comparisons: int) -> None:
    rng = np.random.default_rng(21)
    told = sum(first_found(rng, [0.03] * slices, 10_000, ALPHA / comparisons) > 0 for _ in range(120))
    assert stats.binom.sf(told - 1, 120, ALPHA) > 1e-3, told


def test_a_gap_of_half_as_many_again_is_seen_in_time() -> None:
    rng = np.random.default_rng(22)
    at = [first_found(rng, [0.03, 0.045], 20_000, ALPHA) or 10**9 for _ in range(60)]
    assert float(np.median(at)) <= 6000


def test_the_class_sees_what_the_formula_sees() -> None:
    rng = np.random.default_rng(23)
    disparity = Disparity(0.0, 3, 3)
    counts = np.zeros((3, 2))
    for _ in range(3000):
        which, is_event = int(rng.integers(3)), bool(rng.random() < 0.1)
        disparity.add(f"s{which}", is_event=is_event)
        counts[which] += is_event, 1
    found = {each.name: each for each in disparity.findings()}
    k, n = counts.sum(axis=0)
    for which, (own_k, own_n) in enumerate(counts.tolist()):
        each, p = found[f"s{which}"], (k + 0.5) / (n + 1)
        v = own_n * (n - own_n) / n
        gap = own_k / own_n - (k - own_k) / (n - own_n)
        half = math.sqrt(
            p * (1 - p) / v * (1 + 200 / v) * (math.log1p(v / 200) - 2 * math.log(0.7 * ALPHA / 3))
        )
        assert (each.low, each.high) == pytest.approx((gap - half, gap + half))
        assert each.smallest_gap == pytest.approx(half)
        assert each.word == NONE_SEEN


def test_a_gap_that_is_real_but_tiny_is_information_and_no_finding() -> None:
    for least, word in ((0.0, DIFFERS), (0.02, NONE_SEEN)):
        disparity = Disparity(least, 2, 1)
        disparity.add_many("a", 3000, 100_000)
        disparity.add_many("b", 4000, 100_000)
        assert [each.word for each in disparity.findings()] == [word, word]


def test_a_finding_keeps_when_it_was_first_seen() -> None:
    disparity = Disparity(0.0, 2, 1)
    disparity.add_many("a", 300, 1000)
    disparity.add_many("b", 100, 1000)
    disparity.findings()
    disparity.add_many("b", 200, 1000)
    disparity.findings()
    assert disparity.found == {"a": 2000, "b": 2000}


@pytest.mark.parametrize(("events", "parts"), [(0, 5), (0, 100_000), (3, 90), (100_000, 100_000)])
def test_too_little_to_tell_is_called_so(events: int, parts: int) -> None:
    disparity = Disparity(0.0, 2, 1)
    disparity.add_many("a", events, parts)
    assert [each.word for each in disparity.findings()] == [NOT_ENOUGH]  # a slice alone has no rest
    disparity.add_many("b", 0, 3)
    assert {each.word for each in disparity.findings()} == {NOT_ENOUGH}
    assert all(-1.0 <= each.low <= each.high <= 1.0 for each in disparity.findings())


def test_nobody_is_ever_called_fair() -> None:
    words = (NOT_ENOUGH, DIFFERS, NONE_SEEN)
    assert not any("fair" in word or word in {"ok", "equal", "good"} for word in words)


def test_slices_beyond_those_that_were_declared_count_as_one() -> None:
    slices = Slices({"recipe": 99}, 0.0)
    for recipe in range(300):
        slices.add((("recipe", str(recipe)),), is_rejected=False, is_unsure=False)
    names = [each.name for _, measure, each in slices.findings() if measure == "rejected"]
    assert len(names) == MOST_SLICES + 1
    assert names[-1] == "others"
    assert {measure for _, measure, _ in slices.findings()} <= set(MEASURES)
