"""The bench of public policies: its limits, its own word on what is bad, and its rows where the policies are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests import shared_data
from tools.bench import _policy_line as line
from tools.bench._policy_bodies import POLICIES, Policy
from tools.bench._policy_limits import Limits, derive, write_bundle
from tools.bench._policy_truth import bad
from tools.bench.public_models import Steps, in_the_core, judged, learned

PERIOD_S = 0.02
#: ±1, 0.1 a step, a change of 0.1 a step in a step; more than half of two channels at their limits
LIMITS = Limits(
    np.full(2, -1.0), np.full(2, 1.0), np.full(2, 0.1 / PERIOD_S), np.full(2, 0.1 / PERIOD_S**2), 0.5, 0.9
)
QUIET = [[0.0, 0.0]] * 3


def reasons(
    *commands: list[float], passed: list[bool] | None = None, limits: Limits = LIMITS
) -> list[set[str]]:
    """Why each command after QUIET is bad; passed: all those that aren't named false."""
    steps = np.array([*QUIET, *commands])
    given = np.array([True] * len(QUIET) + (passed or [True] * len(commands)))
    found = bad(steps, given, limits, PERIOD_S)
    return [{why for why, mask in found.items() if mask[step]} for step in range(len(QUIET), len(steps))]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ([0.1, -0.1], set()),
        ([np.nan, 0.0], {"not finite"}),
        ([0.0, -np.inf], {"not finite"}),
        ([0.11, 0.0], {"too fast", "too sudden"}),
        ([1.0, 0.0], {"too fast", "too sudden"}),
        ([1.0, -1.0], {"too fast", "too sudden", "saturated"}),
        ([1.1, 0.0], {"too fast", "too sudden", "beyond its range"}),
    ],
)
def test_a_command_is_bad_for_each_reason_by_itself(command: list[float], why: set[str]) -> None:
    assert reasons(command) == [why]


def test_a_command_that_turns_at_once_is_too_sudden_though_it_is_not_too_fast() -> None:
    assert reasons([0.1, 0.0], [0.05, 0.0]) == [set(), {"too sudden"}]


def test_a_rate_is_taken_from_the_last_command_that_passed_over_the_time_since() -> None:
    assert reasons([0.9, 0.0], [0.19, 0.0], passed=[False, True])[1] == set()
    assert reasons([0.9, 0.0], [0.21, 0.0], passed=[False, True])[1] == {"too fast"}


def test_the_limits_hold_the_commands_that_they_came_from_and_a_margin_never_beyond_the_policys_own_end() -> (
    None
):
    steps = np.linspace(0.0, 60.0, 3000)
    commands = np.stack([0.2 * np.sin(steps), 0.9 * np.cos(steps)], axis=1)
    limits = derive(commands, PERIOD_S)
    assert not np.any(list(bad(commands, np.ones(len(commands), bool), limits, PERIOD_S).values()))
    assert limits.high == pytest.approx([0.3, 1.0], rel=1e-3)
    assert limits.low == pytest.approx([-0.3, -1.0], rel=1e-3)
    assert limits.rate * PERIOD_S == pytest.approx(2.5 * np.abs(np.diff(commands, axis=0)).max(0), rel=1e-5)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_body_shows_what_its_policy_takes_and_the_same_seed_shows_the_same(policy: Policy) -> None:
    shown = []
    for _ in range(2):
        body = policy.body(np.random.default_rng(3))
        for step in range(200):
            body.move(np.full(len(policy.joints), np.sin(0.1 * step)))
        shown.append(body.observation())
    assert shown[0].shape == (policy.entries,)
    assert np.isfinite(shown[0]).all()
    assert (shown[0] == shown[1]).all()
    assert np.abs(shown[0]).max() < 10.0


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_no_bad_command_of_a_public_policy_passes_the_core_and_without_it_all_do(
    policy: Policy, tmp_path: Path
) -> None:
    shared_data.folder("policies")
    limits, shown = learned(policy, 600)
    assert len(shown) == 3
    plan = line.plan_for(policy, write_bundle(policy, limits, 600, tmp_path), tmp_path)
    rows = {
        row.name.split(", of ")[0]: row for row in in_the_core(policy, plan, limits, Steps(600, 200, 400, 0))
    }
    assert rows[f"{policy.name}: bad commands passed in all"].holds
    assert rows[f"{policy.name}, NaN in the observation: command is bad"].holds
    faults = line.Faults(23, line.FAULTY)
    ungated = line.drive(policy, 23, 400, line.everything, faults)
    open_rows = {row.name.split(", of ")[0]: row for row in judged(policy, ungated, limits)}
    assert open_rows.keys() == rows.keys() - {f"{policy.name}: clean commands refused"}
    assert open_rows[f"{policy.name}: bad commands passed in all"].value > 0
    assert open_rows[f"{policy.name}, NaN in the observation: bad commands passed"].value > 0
