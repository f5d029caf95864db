"""Gates: the agreed share on exchangeable records, bounds under drift, constant memory, refusals in plain words."""

from __future__ import annotations

import doctest
import json
import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.gates import Gate, ModelGates, gate_faults
from jidoka.monitor.gates.adaptive import AdaptiveLevel
from jidoka.monitor.gates.conformal import TAILS, records_needed, tails_of
from jidoka.monitor.verdicts import REJECT_BITS, Reason
from jidoka_bridge.errors import BaselineError
from scipy import stats

SIDES = tuple(TAILS)


@pytest.mark.parametrize("name", ["conformal", "adaptive", "gate"])
def test_the_worked_examples_come_out(name: str) -> None:
    found = doctest.testmod(import_module(f"jidoka.monitor.gates.{name}"))
    assert (found.failed, found.attempted > 0) == (0, True)


def naive_p_value(reference: list[float], value: float, side: str) -> float:
    n = len(reference)
    low = (1 + sum(each <= value for each in reference)) / (n + 1)
    high = (1 + sum(each >= value for each in reference)) / (n + 1)
    return {"low": low, "high": high, "both": 2 * min(low, high)}[side]


@given(
    st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=80), st.integers(-22, 22).map(float),
    st.sampled_from(SIDES), st.sampled_from([0.02, 0.1, 0.3]),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_p_values_of_the_tails_are_those_of_the_whole_reference(
    reference: list[float], value: float, side: str, most: float
) -> None:
    naive = naive_p_value(reference, value, side)
    found = tails_of([*reference, math.nan], most, side).p_value(value)
    if naive <= most:
        assert found == pytest.approx(naive)
    else:
        assert found > most


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("adapts", [False, True])
@pytest.mark.parametrize("law", ["normal", "beta", "tied"])
def test_good_records_are_rejected_at_most_as_often_as_agreed(side: str, adapts: bool, law: str) -> None:
    rng = np.random.default_rng(11)
    draw = {
        "normal": rng.standard_normal,
        "beta": lambda size: rng.beta(18, 2, size),
        "tied": lambda size: np.round(rng.beta(18, 2, size), 1),
    }[law]
    rate, runs, records, rejected, excess = 0.02, 150, 800, [], []
    for _ in range(runs):
        gate = Gate(draw(500).tolist(), rate, side, adapts=adapts)
        rejected.append(sum(gate.judge(value) for value in draw(records).tolist()))
        excess.append(rejected[-1] - rate * records)
    mean, error = float(np.mean(rejected)), float(np.std(rejected, ddof=1)) / math.sqrt(runs)
    assert mean <= rate * records + 3 * error
    if law != "tied" and not adapts:
        assert mean > 0.7 * rate * records  # it isn't just blind


@given(st.lists(st.floats(0, 1), max_size=400), st.floats(0.001, 0.2), st.floats(1e-4, 0.05))
@settings(max_examples=100, deadline=None)
def test_the_level_stays_inside_its_bounds_and_rejects_few_too_many_whatever_comes(
    p_values: list[float], rate: float, smallest: float
) -> None:
    level, rejected, was_lowest = AdaptiveLevel(rate, smallest), 0, False
    for t, p in enumerate(p_values, 1):
        is_rejected = p <= level.now
        rejected += is_rejected
        level.update(is_rejected)
        assert level.lowest <= level.now <= level.rate
        was_lowest |= level.now == level.lowest
        if not was_lowest:
            assert rejected <= rate * t + 16 + 1e-9


def test_a_drift_cannot_talk_the_gate_down_below_its_bound() -> None:
    rng = np.random.default_rng(3)
    gate = Gate(rng.standard_normal(2000).tolist(), 0.005)
    rejected = [gate.judge(value) for value in (rng.standard_normal(3000) + 8.0).tolist()]
    assert gate.level.now == gate.level.lowest == 0.00125
    assert sum(rejected[1000:]) / 2000 > 0.99  # what is unlike the baseline stays rejected


def test_an_unlucky_baseline_is_answered() -> None:
    rng = np.random.default_rng(4)
    narrow = (0.9 * rng.standard_normal(2000)).tolist()  # as if the tails had been missed while learning
    shares = {}
    for adapts in (False, True):
        gate = Gate(narrow, 0.02, adapts=adapts)
        good = np.random.default_rng(5).standard_normal(20_000).tolist()
        shares[adapts] = sum(gate.judge(value) for value in good) / 20_000
    assert shares[False] > 0.03
    assert shares[True] < 0.022


def test_a_record_of_a_machine_that_stands_is_judged_but_teaches_nothing() -> None:
    gate = Gate(range(1, 1000), 0.01)
    assert gate.judge(-5.0, is_fed=False)
    assert (gate.judged, gate.level.now) == (0, 0.01)


def test_memory_stays_the_same() -> None:
    gate = Gate(np.random.default_rng(1).standard_normal(10_000).tolist(), 0.005)
    assert (len(gate.tails.low), len(gate.tails.high)) == (25, 25)
    before = set(vars(gate))
    for value in np.random.default_rng(2).standard_normal(1000).tolist():
        gate.judge(value)
    assert set(vars(gate)) == before
    assert len(json.dumps(gate.state())) < 250


def test_a_restart_goes_on_where_it_was() -> None:
    rng = np.random.default_rng(6)
    reference, values = rng.standard_normal(1000).tolist(), (2 * rng.standard_normal(600)).tolist()
    through = Gate(reference, 0.01, digest="a")
    whole = [through.judge(value) for value in values]
    first = Gate(reference, 0.01, digest="a")
    halves = [first.judge(value) for value in values[:300]]
    second = Gate(reference, 0.01, digest="a")
    second.restore(json.loads(json.dumps(first.state())))
    assert halves + [second.judge(value) for value in values[300:]] == whole
    assert second.state() == through.state()


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "b"},
        {"rate": 0.02},
        {"format": 2},
        {"level": 0.5},
        {"level": "x"},
        {"judged": -1},
        {"rejected": None},
    ],
)
def test_a_state_of_something_else_is_refused_and_changes_nothing(change: dict[str, Any]) -> None:
    gate = Gate(range(1000), 0.01, digest="a")
    gate.judge(-1.0)
    before = gate.state()
    with pytest.raises(BaselineError):
        gate.restore({**before, **change})
    assert gate.state() == before


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("rate", [0.005, 0.01, 0.0317])
def test_the_shortest_baseline_can_reject_and_one_record_less_cannot(side: str, rate: float) -> None:
    n = records_needed(rate, side)
    extreme = math.inf if side == "high" else -math.inf
    assert tails_of(range(n), rate, side).p_value(extreme) <= rate
    assert tails_of(range(n - 1), rate, side).p_value(extreme) > rate


def ar1(rng: np.random.Generator, n: int, rho: float) -> np.ndarray:
    values, last = np.empty(n), float(rng.standard_normal())
    for i, noise in enumerate((math.sqrt(1 - rho * rho) * rng.standard_normal(n)).tolist()):
        values[i] = last = rho * last + noise
    return values


@pytest.mark.parametrize("tau", [1.0, 3.0, 7.5])
@pytest.mark.parametrize("side", SIDES)
def test_records_that_resemble_their_neighbours_count_as_tau_each(tau: float, side: str) -> None:
    rng = np.random.default_rng(13)
    reference = rng.standard_normal(400).tolist()
    tails = tails_of(reference, 0.1, side, tau)
    for value in rng.standard_normal(200).tolist():
        low = (tau + sum(each <= value for each in reference)) / (400 + tau)
        high = (tau + sum(each >= value for each in reference)) / (400 + tau)
        naive = {"low": low, "high": high, "both": 2 * min(low, high)}[side]
        assert tails.p_value(value) == pytest.approx(naive) if naive <= 0.1 else tails.p_value(value) > 0.1


def test_a_slow_process_is_rejected_at_most_as_often_as_agreed_or_refused() -> None:
    rng = np.random.default_rng(14)
    shares = []
    for _ in range(40):
        made = Baseline("m", "", 0, 0, ("top1_confidence",), ar1(rng, 3000, 0.6)[:, None], 1.0, "now", "d")
        gates = ModelGates(section(reject_at_most=0.02), made.names, {(0, 0): made}).gates.values()
        shares += [sum(gate.judge(value) for value in ar1(rng, 2000, 0.6).tolist()) / 2000 for gate in gates]
    assert len(shares) > 30
    assert float(np.mean(shares)) <= 0.02 + 3 * float(np.std(shares)) / math.sqrt(len(shares))
    slow = Baseline("m", "", 0, 0, ("top1_confidence",), ar1(rng, 500, 0.95)[:, None], 1.0, "now", "d")
    (fault,) = gate_faults(slow, section(reject_at_most=0.02))
    assert "it remembers about" in fault


# ---------------------------------------------------------------- of a model


def section(**gate: Any) -> dict[str, Any]:
    setting = {"feature": "top1_confidence", "reject_at_most": 0.005, "side": "both", "adapts": True, **gate}
    return {"gate": setting, "records_per_part": 1}


def baseline(n: int = 1000, judged: str = "record", position: int = 0) -> Baseline:
    rng = np.random.default_rng(8)
    records = np.column_stack([rng.normal(100, 1, n), rng.beta(18, 2, n)])
    return Baseline(
        "m", "ab", 0, position, ("brightness", "top1_confidence"), records, 10.0, "now", "d1", judged
    )


def test_a_models_gates_reject_by_recipe_and_position() -> None:
    gates = ModelGates(section(), ("brightness", "top1_confidence"), {(0, 0): baseline()})
    usual, odd = np.array([100.0, 0.9]), np.array([100.0, 0.05])
    assert gates.judge((0, 0), usual, is_fed=True) == 0
    assert gates.judge((0, 0), odd, is_fed=True) == Reason.UNUSUAL_RECORD
    assert (
        gates.judge((0, 0), np.array([100.0, 1.0]), is_fed=True) == Reason.UNUSUAL_RECORD
    )  # too sure is as odd
    assert gates.judge((7, 0), odd, is_fed=True) == 0
    assert gates.judge((0, 0), np.array([100.0, np.nan]), is_fed=True) == 0
    assert Reason.UNUSUAL_RECORD & REJECT_BITS


def test_without_the_setting_nothing_is_judged() -> None:
    gates = ModelGates({"gate": None}, ("brightness", "top1_confidence"), {(0, 0): baseline()})
    assert gates.judge((0, 0), np.array([0.0, 0.0]), is_fed=True) == 0
    assert not gates.gates
    assert not gate_faults(baseline(), {"gate": None})


@pytest.mark.parametrize(
    ("given", "what", "says"),
    [
        (baseline(200), section(), "at least 199 more are needed"),
        (baseline(), section(feature="top1_margin"), "has no feature top1_margin"),
        (baseline(judged="part"), section(), "means over parts"),
        (baseline(1000), {**section(), "records_per_part": 10}, "at least 2999 more"),
    ],
)
def test_a_baseline_that_cannot_carry_the_gate_says_why(
    given: Baseline, what: dict[str, Any], says: str
) -> None:
    (fault,) = gate_faults(given, what)
    assert says in fault
    gates = ModelGates(what, given.names, {(0, 0): given})
    assert gates.refused == {(0, 0): [fault]}
    assert gates.judge((0, 0), np.array([0.0, 0.0]), is_fed=True) == 0


def test_of_parts_with_several_views_at_most_the_agreed_share_is_rejected() -> None:
    rng = np.random.default_rng(12)
    what = {**section(reject_at_most=0.05), "records_per_part": 4}
    parts = 0
    for _ in range(40):
        reference = Baseline(
            "m", "ab", 0, 0, ("x", "top1_confidence"), rng.standard_normal((1000, 2)), 1.0, "now", "d"
        )
        gates = ModelGates(what, reference.names, {(0, 0): reference})
        for _ in range(100):
            views = [gates.judge((0, 0), rng.standard_normal(2), is_fed=True) for _ in range(4)]
            parts += any(views)
    assert stats.binom.sf(parts - 1, 4000, 0.05) > 1e-3, parts
