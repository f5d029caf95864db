"""The bench asks the live stream for the interval of an onset, and takes no answer for one that isn't given."""

from __future__ import annotations

import numpy as np

from tools.bench._stat_laws import walk
from tools.bench._stat_onset import Stated, stated


def test_a_large_shift_s_onset_lies_in_the_interval_that_the_live_stream_states() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal(2000)
    told = stated(x[:1000], np.concatenate([x[1000:1100], x[1100:] + 3.0]), 1e4, 1)
    assert told is not None
    assert told.at > 100
    assert told.holds(101)
    assert told.length < 20


def test_a_stream_that_stays_as_it_was_states_nothing() -> None:
    x = np.random.default_rng(2).standard_normal(2000)
    assert stated(x[:1000], x[1000:], 1e6, 1) is None


def test_a_baseline_that_may_not_arm_states_nothing() -> None:
    x = walk(np.random.default_rng(3), 1000, 500)
    assert stated(x[:1000], x[1000:] + 50.0, 1e4, 1) is None


def test_an_interval_holds_its_ends_and_nothing_beyond() -> None:
    told = Stated(30, 10, 20)
    assert [told.holds(part) for part in (9, 10, 20, 21)] == [False, True, True, False]
    assert told.length == 11
