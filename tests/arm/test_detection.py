"""The arm before the monitor's real learner and core, in simulated time: what is found, what is harmless, what passes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
from jidoka.arm.knobs import COMMISSIONED, Knobs
from jidoka.arm.motion import CYCLE_STEPS
from jidoka.arm.plant import PERIOD_S
from jidoka.config.manifest import load_bundle
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.verdicts import Verdict

from tools.bench._arm_line import MODEL, Line, Run, learn, run, session
from tools.bench.arm import DRIFT, FAULTS, NOISE, error_mrad, find

RATES_NM_S = np.array([channel.rate for channel in load_bundle(MODEL).outputs[0].channels], float)


@lru_cache(maxsize=1)
def baseline() -> Baseline:
    return learn(1000)


@pytest.mark.parametrize(
    "name", ["payload 0.2 kg", "payload 0.5 kg", "motor gain 0.95", "dry friction 0.5 Nm"]
)
def test_what_changes_the_arm_is_found_within_sixty_cycles(name: str) -> None:
    found = find(baseline(), 3, FAULTS[name])
    assert found.steps is not None
    assert found.steps < 60 * CYCLE_STEPS
    assert found.residual > 0.3


def test_the_plants_own_program_shows_the_same_faults_while_the_policy_watches() -> None:
    line = Line(baseline())
    list(line.take(run(4, 30, 1, is_shadow=True)))
    assert not line.is_on(DRIFT)
    list(line.take(run(5, 30, 1, Knobs(payload_kg=0.5), is_shadow=True)))
    assert line.is_on(DRIFT)


def test_a_clean_arm_is_judged_good_under_the_policy_as_in_its_shadow() -> None:
    for is_shadow in (False, True):
        line = Line(baseline())
        verdicts = {decision.verdict for decision in line.take(run(6, 60, 1, is_shadow=is_shadow))}
        assert verdicts == {Verdict.PASS}
        assert line.condition(DRIFT).judged_n >= 20
        assert not line.is_on(DRIFT)


def test_a_noisy_encoder_is_drift_without_damage_and_the_evidence_shows_which() -> None:
    knobs = NOISE["encoder noise 2 mrad"]
    found = find(baseline(), 7, knobs)
    assert found.steps is not None
    assert found.feature in {"chatter", "shoulder.rate", "elbow.rate"}
    assert found.residual < 0.5
    assert found.refused == 0
    clean, noisy = (error_mrad(run(8, 40, 2, each)).mean() for each in (COMMISSIONED, knobs))
    assert noisy < 1.05 * clean


@pytest.mark.parametrize("entry", range(10))
def test_any_entry_that_is_no_number_makes_every_command_one_that_is_refused(entry: int) -> None:
    line = Line(baseline())
    decisions = list(line.take(run(9, 2, 1, Knobs(lost_entry=entry))))
    assert all(decision.verdict == Verdict.REJECT for decision in decisions)
    assert line.is_on("implausible command")
    assert line.is_on("repeated refusals")


def test_the_command_after_a_pause_is_measured_from_the_time_it_took_and_not_from_one_step() -> None:
    # an arm that was stopped in the middle of a motion begins again from rest
    rest, moving = run(11, 1, 1), run(10, 60, 1)
    jumps = np.abs(moving.commands - rest.commands[0, 0]) / (RATES_NM_S * PERIOD_S)
    step, arm = np.unravel_index(int(jumps.max(axis=2).argmax()), jumps.shape[:2])
    stopped = Run(*(each[: step + 1, arm : arm + 1] for each in moving))
    for pause_steps, first in ((0, Verdict.REJECT), (50, Verdict.PASS)):
        line = Line(baseline())
        assert {decision.verdict for decision in line.take(stopped)} == {Verdict.PASS}
        line.pause(pause_steps)
        verdicts = [decision.verdict for decision in line.take(rest)]
        assert verdicts[0] == first
        assert verdicts[10:] == [Verdict.PASS] * (len(verdicts) - 10)


def test_a_command_is_finite_wherever_the_observation_is_and_refused_where_it_is_wild() -> None:
    line = Line(baseline())
    clean = run(12, 3, 1)
    wild = clean.observations * 30
    (command,) = session().run(["command"], {"obs": wild.reshape(-1, 10)})
    decisions = list(
        line.take(clean._replace(observations=wild, commands=command.reshape(clean.commands.shape)))
    )
    assert math.isfinite(float(np.abs(command).max()))
    assert all(decision.verdict == Verdict.REJECT for decision in decisions)
