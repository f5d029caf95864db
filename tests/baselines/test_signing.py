"""Signatures: who may sign, how many must, and that a line that was changed shows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jidoka.baselines.signing import (
    copy_of,
    first_signed,
    is_signed,
    persons_needed,
    sign,
    signatures,
    signatures_file,
)
from jidoka.monitor import baseline as files
from jidoka.monitor.baseline import Baseline
from jidoka_bridge.errors import BaselineError, RefusedError
from jidoka_bridge.plan import Plan

from tests.monitor import line

WHEN = "2026-01-02T00:00:00Z"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return line.plan(tmp_path)


def learned(plan: Plan, seed: int = 1, recipe: int = 0) -> Baseline:
    """A baseline in its place, as `jidoka baseline learn` leaves it."""
    made = line.baseline(seed, n=200, recipe=recipe)
    return replace(made, digest=files.save(files.path_of(plan, line.MODEL, recipe, 0), made))


def signed(plan: Plan, baseline: Baseline, person: str = "qa-1", role: str = "quality") -> None:
    sign(plan, baseline, role=role, person=person, reason="good parts", signed_at=WHEN)


def test_the_first_baseline_needs_one_person(plan: Plan) -> None:
    baseline = learned(plan)
    assert not is_signed(signatures(plan, line.MODEL), baseline)
    signed(plan, baseline)
    assert is_signed(signatures(plan, line.MODEL), baseline)


def test_one_that_replaces_a_signed_one_needs_two_different_persons(plan: Plan) -> None:
    signed(plan, learned(plan))
    later = learned(plan, seed=2)
    assert persons_needed(signatures(plan, line.MODEL), later) == 2
    signed(plan, later, "qa-1")
    with pytest.raises(RefusedError, match="already"):
        signed(plan, later, "qa-1", role="engineer")
    assert not is_signed(signatures(plan, line.MODEL), later)
    signed(plan, later, "eng-2", role="engineer")
    assert is_signed(signatures(plan, line.MODEL), later)


def test_each_recipe_has_a_first_baseline_of_its_own(plan: Plan) -> None:
    signed(plan, learned(plan, recipe=1))
    assert persons_needed(signatures(plan, line.MODEL), learned(plan, seed=2, recipe=2)) == 1


@pytest.mark.parametrize("role", ["operator", "auditor", "viewer", "maintenance", "nobody"])
def test_other_roles_may_not_sign(plan: Plan, role: str) -> None:
    with pytest.raises(RefusedError, match="may not sign"):
        signed(plan, learned(plan), role=role)
    assert signatures(plan, line.MODEL) == []


def test_a_signature_needs_a_person(plan: Plan) -> None:
    with pytest.raises(RefusedError, match="needs a person"):
        signed(plan, learned(plan), person="")


def test_the_first_signed_one_is_kept_through_every_later_one(plan: Plan) -> None:
    first = learned(plan)
    assert first_signed(plan, first) is None
    signed(plan, first)
    for seed in (2, 3):
        later = learned(plan, seed)
        signed(plan, later, f"qa-{seed}")
        found = first_signed(plan, later)
        assert found is not None
        assert found.digest == first.digest
        assert (found.records == first.records).all()


@pytest.mark.parametrize("line_number", [0, 1])
def test_a_line_that_was_changed_or_taken_away_shows(plan: Plan, line_number: int) -> None:
    baseline = learned(plan)
    signed(plan, baseline, "qa-1")
    for person in ("qa-2", "qa-3"):
        signed(plan, baseline, person)
    path = signatures_file(plan, line.MODEL)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:line_number] + lines[line_number + 1 :]))
    with pytest.raises(BaselineError, match="line before"):
        signatures(plan, line.MODEL)
    lines[line_number] = lines[line_number].replace(b"good", b"poor")
    path.write_bytes(b"".join(lines))
    with pytest.raises(BaselineError, match="line before"):
        signatures(plan, line.MODEL)


def test_a_copy_that_isn_t_what_was_signed_is_refused(plan: Plan) -> None:
    first = learned(plan)
    signed(plan, first)
    later = learned(plan, seed=2)
    copy_of(plan, line.MODEL, first.digest).write_bytes(files.path_of(plan, line.MODEL, 0, 0).read_bytes())
    with pytest.raises(BaselineError, match="isn't what was signed"):
        first_signed(plan, later)
