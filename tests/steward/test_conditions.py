"""Which parts are to be sorted again: since the likely onset, until the condition is off again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jidoka.steward.conditions import Conditions
from jidoka_bridge.messages import Condition, Judgement

from tests.steward.site import MODEL, make_plan


def say(conditions: Conditions, judgement: Judgement, revision: int, **evidence: Any) -> None:
    conditions.change(Condition(0, judgement, revision, 0.0, 1.0, 1, 1, 1, 0, evidence))


def test_a_condition_that_is_on_again_has_a_row_of_its_own_and_those_before_it_have_ended(
    tmp_path: Path,
) -> None:
    conditions = Conditions(make_plan(tmp_path))
    say(conditions, Judgement.ON, 1, onset_part=10, last_part=12)
    conditions.went_on(MODEL, 15)
    say(conditions, Judgement.OFF, 2)
    conditions.went_on(MODEL, 30)
    say(conditions, Judgement.ON, 3, onset_part=40, last_part=41)
    conditions.went_on(MODEL, 44)
    assert [(row["first_part"], row["last_part"], row["parts"]) for row in conditions.sort_again] == [
        (10, 15, 6), (40, 44, 5),
    ]  # fmt: skip
