"""Recipes that alternate: each is judged on all of its own records, however short its turns are."""

from __future__ import annotations

import pytest
from jidoka_bridge.messages import Judgement

from tests.monitor import line
from tests.monitor.test_core import BASELINE, OTHER, Bench


@pytest.mark.parametrize("turn", [1, 2, 5])
def test_drift_of_one_recipe_is_seen_although_another_comes_in_between(turn: int) -> None:
    bench = Bench("none", 1e5, BASELINE, OTHER)
    said = set()
    for _ in range(300 // turn):
        for recipe, gain in ((0, 1.0), (7, 0.5)):
            for _ in range(turn):
                bench.take(gain=gain, recipe=recipe)
                said.add(bench.judgement(line.DRIFT))
    assert Judgement.ON in said


def test_drift_of_one_recipe_stays_on_while_another_is_made() -> None:
    bench = Bench("none", 1e5, BASELINE, OTHER)
    for _ in range(60):
        bench.take(gain=0.5)
    assert bench.judgement(line.DRIFT) is Judgement.ON
    for _ in range(60):
        bench.take(recipe=7)
    assert bench.judgement(line.DRIFT) is Judgement.ON
    for _ in range(60):
        bench.take()
    assert bench.judgement(line.DRIFT) is Judgement.OFF


def test_alternating_recipes_that_are_good_are_judged_off() -> None:
    bench = Bench("none", 1e5, BASELINE, OTHER)
    for _ in range(30):
        bench.take()
        bench.take(recipe=7)
    assert bench.judgement(line.DRIFT) is Judgement.OFF
