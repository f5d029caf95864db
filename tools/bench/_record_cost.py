"""What one inference costs beside its picture: logits, embedding, scores and bets, and all of it through the core."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from crepes.base import p_values_batch
from crepes.martingales import SimpleJumper
from jidoka.config.compile import compile_text
from jidoka.monitor.baseline import Baseline
from jidoka.monitor.core import Monitor
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.drift import Stream
from jidoka.monitor.features.embedding_fit import Fit, fit
from jidoka.monitor.features.table import FeatureSet
from jidoka.monitor.kernels.embedding import AXES, EMBEDDING_FEATURES, J, K, embedding_features
from jidoka.monitor.kernels.output import OUTPUT_FEATURES, classifier_features
from jidoka.monitor.learning import Learner
from jidoka.monitor.terms import Terms
from jidoka.monitor.waiting import MOST
from jidoka_bridge.plan import Plan
from jidoka_tap import wire
from mapie.exchangeability_testing import OnlineMartingaleTest
from mapie.regression import SplitConformalRegressor
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from tools.bench._beside import compared, medians_us, times_faster
from tools.bench._rows import Row

Floats = NDArray[np.float64]
ANSWER_REACH, EMBEDDING_REACH, PEER_REACH = 1 / 7, 1 / 15, 20.0
BATCHED_REACH_NS, INFERENCE_REACH_US = 150.0, 10.0
#: the shipped model's, and ImageNet's
CLASSES = (4, 1000)
DIMENSIONS = 512
BASELINE_RECORDS = 1000
BATCH = 20_000
#: of the shipped model that drift
FEATURES = 6
#: no statistic ever gets there
NEVER = 1e150

MODEL = "surface-inspection"
HELLO: dict[str, Any] = {"model": MODEL, "pid": 1, "boot": "00", "inputs": ["image"], "outputs": ["logits"]}

CONFIGURATION = """\
site: bench
line: kernels
device: here
run_dir: {folder}/run
state_dir: {folder}/state
models:
  - {{id: surface-inspection, bundle: surface-inspection, mode: none}}
risks:
  - {{id: R-01, risk: drift, model: surface-inspection, when: drift(all), false_alarms: 1 per 90 days, response: advise, owner: quality}}
"""


def numpy_answer(logits: Floats, temperature: float) -> tuple[Any, ...]:
    """The same features, each operation once, as somebody who knows numpy writes them."""
    if not np.isfinite(logits).all():
        return (np.nan,) * 6
    top = logits.argmax(axis=1)
    largest = np.take_along_axis(logits, top[:, None], axis=1)
    shifted = (logits - largest) / temperature
    weights = np.exp(shifted)
    totals = weights.sum(axis=1)
    entropy = np.log(totals) - (weights * shifted).sum(axis=1) / totals
    second = np.partition(weights, -2, axis=1)[:, -2]
    energy = largest[:, 0] + temperature * np.log(totals)
    each = (1.0 / totals, entropy, (1.0 - second) / totals, energy, largest[:, 0])
    return (*(float(one.mean()) for one in each), int(top[0]))


def answers(is_quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(2)
    for classes in CLASSES:
        logits, out = rng.normal(0.0, 3.0, (1, classes)), np.empty(len(OUTPUT_FEATURES))
        top, _ = classifier_features(logits, 1.0, out, 0)
        np.testing.assert_allclose([*out, top], numpy_answer(logits, 1.0), rtol=1e-9)
        yield from compared(
            f"all output features, {classes} classes",
            partial(classifier_features, logits, 1.0, out, 0),
            partial(numpy_answer, logits, 1.0),
            rounds=2000 if is_quick else 20_000,
            reach=ANSWER_REACH if classes > 4 else None,
            peer="the same in numpy",
        )


class NumpyEmbedding:
    """The features of the embedding kernel, vectorised."""

    def __init__(self, of: Fit) -> None:
        self.of = of
        self.recent = np.zeros(K + 2 + J)

    def update(self, x: NDArray[np.float32]) -> Floats:
        basis, waves, terms, recent = self.of.basis, self.of.waves, self.of.terms, self.recent
        u = (x - basis[0]) * basis[1]
        z = basis[2:] @ u
        y = z * terms[:K]
        total = u @ u
        outside = max(total - z @ z, 1e-6 * total)
        level = (np.log(outside) - terms[K + 1]) * terms[K + 2]
        phi = np.cos(2 * np.pi * (y.astype(np.float32) @ waves[:K] + waves[K]))
        now = np.concatenate([y, [level], phi - terms[K + 3 :]])
        mean, wave = recent[: K + 1], recent[K + 1 : K + 1 + J]
        lengths = np.sqrt(mean @ mean), np.sqrt(wave @ wave)
        direction = now[: K + 1] @ mean / lengths[0] if lengths[0] else np.nan
        witness = now[K + 1 :] @ wave / lengths[1] if lengths[1] else np.nan
        recent[:-1] += (now - recent[:-1]) / 32
        return np.array(
            [np.sqrt(y @ y + outside / terms[K]), np.sqrt(outside), u.mean(), np.sqrt(total / u.size), *y[:AXES], direction, witness]
        )  # fmt: skip


def embeddings(is_quick: bool) -> Iterator[Row]:
    rng = np.random.default_rng(4)
    mixing = rng.normal(size=(24, DIMENSIONS))
    sample = (rng.normal(size=(2000, 24)) @ mixing + rng.normal(size=(2000, DIMENSIONS))).astype(np.float32)
    found = fit(sample[:1000])
    recent, u, out = np.zeros(K + 2 + J), np.empty(DIMENSIONS, np.float32), np.empty(len(EMBEDDING_FEATURES))
    peer = NumpyEmbedding(found)
    row = sample[1500:1501]
    scratch = u, np.empty(K + 1 + J), np.empty(J, np.float32)
    embedding_features(row, found.basis, found.waves, found.terms, np.zeros(K + 2 + J), *scratch, out, 0)
    np.testing.assert_allclose(
        out[: 4 + AXES], NumpyEmbedding(found).update(row[0])[: 4 + AXES], rtol=1e-3, atol=1e-4
    )
    yield from compared(
        f"embedding, {DIMENSIONS} dimensions: update",
        partial(embedding_features, row, found.basis, found.waves, found.terms, recent, *scratch, out, 0),
        partial(peer.update, row[0]),
        rounds=2000 if is_quick else 20_000,
        reach=EMBEDDING_REACH,
        peer="the same in numpy",
    )


def mapie_test(values: Floats) -> OnlineMartingaleTest:
    """MAPIE's online test as its documentation sets it up, with these as the scores that it knows."""
    nothing = np.zeros((len(values), 1))
    model = SplitConformalRegressor(
        LinearRegression().fit(nothing, values), confidence_level=0.9, prefit=True
    )
    model.conformalize(nothing, values)
    test = OnlineMartingaleTest(
        mapie_estimator=model, task="regression", test_method="jumper_martingale", warn=False
    )
    return test.update(nothing, values)


def bets(is_quick: bool) -> Iterator[Row]:
    """Scores and all bets of a feature, in a batch and one by one; the peers have three bets and no normal score."""
    rng = np.random.default_rng(3)
    learned = rng.normal(size=(BASELINE_RECORDS, 1))
    offline = Offline(("x",), learned, NEVER)
    assert not offline.faults, offline.faults
    stream = rng.normal(size=(BATCH, 1))
    taken = []
    for _ in range(4 if is_quick else 20):
        start_ns = time.perf_counter_ns()
        assert offline.first_alarm(stream) == 0
        taken.append(time.perf_counter_ns() - start_ns)
    yield Row(
        "e-SR update batched, a feature: rank, whitening, 35 bets", statistics.median(taken[1:]) / BATCH, "ns",
        BATCHED_REACH_NS, peer="asked for 8 bets",
    )  # fmt: skip
    names = tuple(f"x{f}" for f in range(FEATURES))
    learned_all = rng.normal(size=(BASELINE_RECORDS, FEATURES))
    baseline = Baseline("m", "", 0, 0, names, learned_all, 10.0, "now")
    features = FeatureSet(names, {"all": names})
    live = Stream(baseline, features, {0: Terms("all", NEVER, 200, 0.01)}, np.random.default_rng(1))
    assert set(live.watches) == {0}, "refused"
    records = rng.normal(size=(BATCH, FEATURES))
    calibration = np.abs(learned_all.T)
    theirs = [mapie_test(column) for column in learned_all.T]
    nothing = np.zeros((1, 1))
    jumper = SimpleJumper()
    turn = {"n": 0}

    def ours_once() -> None:
        turn["n"] = n = (turn["n"] + 1) % BATCH
        live.take(records[n], n, n, n)

    def mapie_public() -> None:
        for f, each in enumerate(theirs):
            each.update(nothing, records[turn["n"], f : f + 1])

    def mapie_once() -> None:
        for f, each in enumerate(theirs):
            each.update_simple_jumper_martingale(
                each.compute_p_value(abs(records[turn["n"], f]), calibration[f])
            )

    def crepes_once() -> None:
        for f in range(FEATURES):
            jumper.apply(p_values_batch(calibration[f], np.abs(records[turn["n"], f : f + 1])))

    ours_us, mapie_us, crepes_us = medians_us((ours_once, mapie_once, crepes_once), 300 if is_quick else 3000)
    title = f"e-SR update of a record through Python, {FEATURES} features"
    # each update makes its list of scores longer, and slower: few rounds
    fresh_us, public_us = medians_us((ours_once, mapie_public), 30 if is_quick else 100)
    yield times_faster(
        f"{title}, beside MAPIE's update",
        fresh_us,
        public_us,
        "public update behind a linear model",
        PEER_REACH,
    )
    yield times_faster(
        f"{title}, beside MAPIE's martingale", ours_us, mapie_us, "p-value and bets, no model", None
    )
    yield times_faster(f"{title}, beside crepes", ours_us, crepes_us, "p-value and simple jumper", PEER_REACH)
    yield Row(title, ours_us, "µs")


def answer_of(rng: np.random.Generator) -> NDArray[np.float32]:
    """The scores of one good part."""
    return rng.normal((6.0, 0.0, 0.0, 0.0), 1.0, (1, 4)).astype(np.float32)


def learned(folder: Path) -> tuple[Plan, Baseline, list[wire.Record]]:
    """A plan for the shipped model, a baseline of its scores, and 1024 records like those that it was learned from."""
    plan = compile_text(CONFIGURATION.format(folder=folder), folder)
    rng = np.random.default_rng(5)
    records = []
    for n in range(1, 1025):
        pieces, _ = wire.pack_record(n, n, n * 100_000_000, 1000, [(wire.OUTPUT, 0, answer_of(rng))])
        records.append(wire.unpack_record(memoryview(b"".join(pieces))))
    learner = Learner(plan, MODEL, BASELINE_RECORDS)
    learner.tap_connected(MODEL, HELLO, 0)
    for record in records[:BASELINE_RECORDS]:
        learner.record(MODEL, record, record.start_ns)
    (baseline,) = learner.baselines("2026-01-01T00:00:00Z")
    return plan, baseline, records


def inference(is_quick: bool) -> Iterator[Row]:
    """A record of the shipped model without its picture through the monitor's core: checked, measured, judged."""
    plan, baseline, records = learned(Path("/tmp/jidoka-bench"))  # nothing is written there
    monitor = Monitor(plan, {MODEL: {(0, 0): baseline}}, 1, 0)
    monitor.tap_connected(MODEL, HELLO, 0)
    rounds = 2000 if is_quick else 20_000
    # numbered before, as they come
    numbered = [records[n % len(records)]._replace(number=n) for n in range(1, rounds + 1)]
    taken = []
    for record in numbered:
        start_ns, now_ns = time.perf_counter_ns(), record.number * 100_000_000
        monitor.record(MODEL, record, now_ns)
        if record.number % MOST == 0:
            monitor.take_rows(now_ns, 0)
        taken.append((time.perf_counter_ns() - start_ns) / 1000)
    title = "one inference without its picture, through the core"
    yield Row(title, statistics.median(taken), "µs", INFERENCE_REACH_US)
    # what waits is summed up and sketched with one record of 256, and a median sees nothing of that
    yield Row(f"{title}: on average, with sums and sketches", statistics.mean(taken), "µs")
    summing = statistics.median(sorted(taken)[-(rounds // MOST) :])
    yield Row(f"{title}: the one of {MOST} that sums up", summing, "µs")


def rows(is_quick: bool) -> Iterator[Row]:
    """Logits, embedding, statistic, all together."""
    yield from answers(is_quick)
    yield from embeddings(is_quick)
    yield from bets(is_quick)
    yield from inference(is_quick)
