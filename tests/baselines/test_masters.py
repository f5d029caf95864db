"""Master parts: what is kept, what a later showing is held against, and what a person is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from jidoka.baselines.masters import (
    Showing,
    confused,
    differences,
    keep,
    kept,
    latest,
    masters_file,
    missing,
    showings,
    shown,
)
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.plan import Plan

from tests.monitor import line

BASELINE = line.baseline(n=400)
MEANS = {name: float(np.nanmean(BASELINE.records[:, f])) for f, name in enumerate(BASELINE.names)}
SIGMAS = {name: float(np.nanstd(BASELINE.records[:, f])) for f, name in enumerate(BASELINE.names)}
FIRST = Showing(
    "golden", "good", "digest", 0, 0, 20, "ok", 1.0, MEANS, "quality", "qa-1", "2026-01-02T06:00:00Z", True
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return line.plan(tmp_path)


def test_the_mean_of_each_feature_and_the_answer_of_most_records_are_kept() -> None:
    rows = [[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]]
    assert shown(rows, ("a", "b", "never"), ["ok", "ok"]) == ("ok", 1.0, {"a": 2.0, "b": 5.0})
    answer, share, _ = shown([[1.0]] * 3, ("a",), ["ok", "scratch", "ok"])
    assert (answer, round(share, 2)) == ("ok", 0.67)


def test_a_part_that_is_seen_and_answered_as_before_differs_in_nothing() -> None:
    assert (
        differences(FIRST, "ok", {name: mean + 0.9 * SIGMAS[name] for name, mean in MEANS.items()}, BASELINE)
        == []
    )


def test_another_answer_and_a_feature_that_moved_are_told_in_words() -> None:
    moved = {**MEANS, "brightness": MEANS["brightness"] - 1.5 * SIGMAS["brightness"]}
    answer, feature = differences(FIRST, "scratch", moved, BASELINE)
    assert answer == "the answer was ok and is scratch"
    assert feature.startswith("brightness was ")
    assert feature.endswith("(-1.5 σ of production)")


def test_a_feature_that_is_missing_or_new_is_told() -> None:
    less = {name: mean for name, mean in MEANS.items() if name != "brightness"}
    assert differences(FIRST, "ok", less, BASELINE) == ["brightness is missing"]
    assert differences(replace(FIRST, features=less), "ok", MEANS, BASELINE) == ["brightness is new"]


def test_what_never_varied_in_production_must_not_move_at_all() -> None:
    still = BASELINE.records.copy()
    still[:, BASELINE.names.index("brightness")] = MEANS["brightness"]
    found = differences(
        FIRST, "ok", {**MEANS, "brightness": MEANS["brightness"] + 0.01}, replace(BASELINE, records=still)
    )
    assert len(found) == 1
    assert "it never varied in production" in found[0]


def test_a_bad_part_that_is_answered_as_the_good_one_is_confused_with_it() -> None:
    bad = replace(FIRST, name="scratch-1", kind="bad")
    assert confused({"golden": FIRST}, bad) == ["golden"]
    assert confused({"golden": FIRST}, replace(bad, answer="scratch")) == []
    assert confused({"golden": FIRST}, replace(bad, recipe=7)) == [], "another recipe makes another part"
    assert confused({"golden": replace(FIRST, answer="")}, replace(bad, answer="")) == [], (
        "the model names no classes"
    )


def test_which_kind_is_still_missing_is_told_for_each_recipe() -> None:
    assert missing({}, (0, 0)) == ["good", "bad"]
    assert missing({"golden": FIRST}, (0, 0)) == ["bad"]
    assert missing({"golden": FIRST}, (7, 0)) == ["good", "bad"]


def test_showings_are_kept_in_order_and_another_model_file_begins_anew(plan: Plan) -> None:
    keep(plan, line.MODEL, FIRST)
    keep(plan, line.MODEL, replace(FIRST, is_kept=False, differs=["the answer was ok and is scratch"]))
    given = showings(plan, line.MODEL)
    assert [each.is_kept for each in given] == [True, False]
    assert kept(given, "digest")["golden"].differs == []
    assert kept(given, "another model") == {}
    newest = latest(given, "golden")
    assert newest is not None
    assert newest.differs


def test_a_line_that_was_changed_or_taken_away_shows(plan: Plan) -> None:
    for _ in range(3):
        keep(plan, line.MODEL, FIRST)
    path = masters_file(plan, line.MODEL)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])
    with pytest.raises(BaselineError, match=r"masters\.jsonl:2: doesn't follow from the line before"):
        showings(plan, line.MODEL)
    path.write_bytes(b'{"name": "golden", "previous": ""}\n')
    with pytest.raises(BaselineError, match=r"masters\.jsonl:1: isn't a showing of a master part"):
        showings(plan, line.MODEL)
    path.write_bytes(b"not JSON\n")
    with pytest.raises(BaselineError, match=r"masters\.jsonl:1"):
        keep(plan, line.MODEL, FIRST)
