"""Embeddings: the kernel against its naive twin, the fit, and what is learned and judged by them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.monitor import baseline as files
from jidoka.monitor.core import Monitor
from jidoka.monitor.detectors.offline import Offline
from jidoka.monitor.features import Extractor, feature_set
from jidoka.monitor.features.embedding import Embedding, dimensions_of
from jidoka.monitor.features.embedding_fit import FEWEST, MOST, Fit, Sample, decode, fit, shrinkage
from jidoka.monitor.kernels.embedding import EMBEDDING_FEATURES, FIRST, J, K, embedding_features
from jidoka.monitor.learning import Learner
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Plan
from jidoka_tap import wire

from tests import naive
from tests.monitor import line

D = 24
DRIFT = f"{line.MODEL}:drift(embedding)"
OUTPUT = {"name": "embedding", "dtype": "float32", "shape": ["batch", D], "unit": "1", "role": "embedding", "monitored": True}  # fmt: skip
SECTION: dict[str, Any] = {**line.SECTION, "outputs": [*line.SECTION["outputs"], OUTPUT]}
MIX = np.random.default_rng(9).standard_normal((D, D)) / np.sqrt(np.arange(1, D + 1))[:, None]


def drawn(rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    """(n, D) embeddings of good parts: correlated, skewed as behind a rectifier. shift: in every hidden direction."""
    hidden = rng.standard_normal((n, D)) + shift
    return np.maximum(hidden @ MIX, -0.5).astype(np.float32)


def features_of(block: Embedding, embeddings: np.ndarray) -> np.ndarray:
    """(n, F): each embedding is a record."""
    values = np.full((len(embeddings), len(block.names)), np.nan)
    for row, found in zip(embeddings, values, strict=True):
        assert block.read(row[None], found, 0) == 0
    return values


def scratch_of(dimensions: int) -> tuple[np.ndarray, ...]:
    return np.empty(dimensions, np.float32), np.empty(K + 1 + J), np.empty(J, np.float32)


def fitted(rng: np.random.Generator, n: int = 500) -> Embedding:
    block = Embedding(OUTPUT)
    block.use((0, 0), fit(drawn(rng, n)))
    return block


@pytest.mark.parametrize("dimensions", [2, 3, 64, 512])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_kernel_is_its_naive_twin_over_a_stream(dimensions: int, batch: int) -> None:
    rng = np.random.default_rng(dimensions)
    mixing = rng.standard_normal((dimensions, dimensions))
    found = fit((rng.standard_normal((300, dimensions)) @ mixing).astype(np.float32))
    recent, past, scratch = np.zeros(K + 2 + J), list[np.ndarray](), scratch_of(dimensions)
    for _ in range(2 * FIRST):
        rows = (rng.standard_normal((batch, dimensions)) @ mixing + 0.2).astype(np.float32)
        values = np.zeros(12)
        assert (
            embedding_features(rows, found.basis, found.waves, found.terms, recent, *scratch, values, 1) == 0
        )
        wanted, _ = naive.embedding_features(rows, found.basis, found.waves, found.terms, past)
        # float32 takes the square of what lies along the axes from the whole: little is left of few dimensions
        np.testing.assert_allclose(values[1:11], wanted, rtol=2e-3, atol=1e-2 if dimensions < 4 else 2e-4)
        assert values[0] == values[11] == 0.0  # nothing beside its own place is written
    assert np.isfinite(wanted[8:]).all()


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_counted_and_nothing_is_learned_of_them(worst: float) -> None:
    rng = np.random.default_rng(1)
    found = fit(drawn(rng, 200))
    recent, scratch = np.zeros(K + 2 + J), scratch_of(D)
    rows = drawn(rng, 2)
    rows[1, [0, 7, D - 1]] = worst
    values = np.zeros(10)
    assert embedding_features(rows, found.basis, found.waves, found.terms, recent, *scratch, values, 0) == 3
    assert np.isnan(values).all()
    assert not recent.any()


def test_the_largest_number_of_its_type_gives_finite_features() -> None:
    block = fitted(np.random.default_rng(2))
    values = features_of(block, np.full((40, D), np.finfo(np.float32).max, np.float32))
    assert np.isfinite(values[FIRST:]).all()


def test_a_fit_turns_what_it_saw_into_uncorrelated_coordinates_of_unit_size() -> None:
    embeddings = drawn(np.random.default_rng(3), 4000)
    found = fit(embeddings)
    axes = found.basis[2:].astype(float)
    used = found.terms[:K] > 0
    assert used.sum() == D // 2
    np.testing.assert_allclose(axes[used] @ axes[used].T, np.eye(D // 2), atol=1e-5)
    y = (((embeddings - found.basis[0]) * found.basis[1]) @ axes.T * found.terms[:K])[:, used]
    np.testing.assert_allclose(np.cov(y.T), np.eye(D // 2), atol=0.05)


def test_the_distance_is_that_of_the_shrunk_covariance_where_all_axes_but_one_direction_are_kept() -> None:
    rng = np.random.default_rng(4)
    embeddings = rng.standard_normal((400, 3)).astype(np.float32)
    found = fit(embeddings)  # one axis of three: the other two share a variance
    u = ((embeddings - found.basis[0]) * found.basis[1]).astype(float)
    axis = found.basis[2].astype(float)
    covariance = np.outer(axis, axis) / found.terms[0] ** 2 + found.terms[K] * (
        np.eye(3) - np.outer(axis, axis)
    )
    block = Embedding({**OUTPUT, "shape": [1, 3]})
    block.use((0, 0), found)
    wanted = np.sqrt(np.einsum("ni,ij,nj->n", u, np.linalg.inv(covariance), u))
    np.testing.assert_allclose(features_of(block, embeddings)[:, 0], wanted, rtol=1e-4)


@pytest.mark.parametrize(("n", "dimensions"), [(40, 5), (30, 80)])
def test_the_shrinkage_is_ledoit_and_wolfs(n: int, dimensions: int) -> None:
    u = np.random.default_rng(5).standard_normal((n, dimensions)) * np.linspace(0.2, 2.0, dimensions)
    u -= u.mean(axis=0)
    assert shrinkage(u) == pytest.approx(naive.shrinkage(u), rel=1e-9)


def test_the_same_embeddings_always_give_the_same_fit_and_its_bytes_give_it_back() -> None:
    embeddings = drawn(np.random.default_rng(6), 200)
    found = fit(embeddings)
    data = b"before" + found.encode() + b"behind"
    assert found.encode() == fit(embeddings.copy()).encode()
    again, end = decode(data, 6, D)
    assert data[end:] == b"behind"
    for part in ("basis", "waves", "terms"):
        np.testing.assert_array_equal(getattr(again, part), getattr(found, part))
    with pytest.raises(ValueError, match=r"buffer|smaller"):
        decode(data[:-20], 6, D)
    with pytest.raises(ValueError, match="isn't finite"):
        decode(b"\xff" * len(data), 0, D)


def test_dead_and_constant_dimensions_and_fewer_records_than_dimensions_can_be_fitted() -> None:
    rng = np.random.default_rng(7)
    embeddings = rng.standard_normal((60, 200)).astype(np.float32)
    embeddings[:, 50:] = 0.0
    block = Embedding({**OUTPUT, "shape": [1, 200]})
    block.use((0, 0), fit(embeddings))
    assert np.isfinite(features_of(block, embeddings)[FIRST:]).all()
    block.use((0, 0), fit(np.ones((60, 200), np.float32)))
    assert np.isfinite(features_of(block, embeddings)[:, 0]).all()
    with pytest.raises(ValueError, match="can't be fitted"):
        fit(embeddings[: FEWEST - 1])


def test_a_sample_keeps_few_enough_of_many_and_evenly_spread() -> None:
    sample = Sample()
    for i in range(3 * MOST):
        sample.add(np.full((1, 2), i, np.float32))
    kept = np.array([row[0] for row in sample._rows])
    assert MOST // 2 <= kept.size <= MOST
    assert np.ptp(np.diff(kept)) == 0
    assert Sample().fit() is None


@pytest.mark.parametrize(
    ("shape", "role", "dtype", "dimensions"),
    [
        (["batch", 64], "embedding", "float32", 64), ([1, "tokens", 32], "embedding", "float16", 32),
        ([1, 96, 7, 7], "embedding", "float32", 96), ([1, "d"], "embedding", "float32", 0), ([64], "embedding", "float32", 0),
        ([1, 1], "embedding", "float32", 0), ([1, 64], "other", "float32", 0), ([1, 64], "embedding", "int64", 0),
    ],
)  # fmt: skip
def test_which_outputs_are_embeddings(shape: list[Any], role: str, dtype: str, dimensions: int) -> None:
    assert dimensions_of({"name": "e", "shape": shape, "role": role, "dtype": dtype}) == dimensions


def test_a_feature_map_is_averaged_over_the_picture_and_tokens_over_the_sentence() -> None:
    rng = np.random.default_rng(8)
    embeddings = drawn(rng, 5)
    found = fit(drawn(rng, 200))
    plain = Embedding(OUTPUT)
    plain.use((0, 0), found)
    wanted = features_of(plain, embeddings)
    noise = rng.standard_normal((5, D, 2, 3)).astype(np.float32)
    noise -= noise.mean(axis=(2, 3), keepdims=True)
    for shape, arrays in (
        (["b", D, 2, 3], embeddings[:, :, None, None] + noise),
        (["b", "t", D], (embeddings[:, :, None, None] + noise).reshape(5, D, 6).transpose(0, 2, 1)),
    ):
        block = Embedding({**OUTPUT, "shape": shape})
        block.use((0, 0), found)
        np.testing.assert_allclose(features_of(block, arrays), wanted, rtol=1e-3, atol=1e-4)


def test_a_shift_that_keeps_the_distance_is_seen_by_direction_and_witness() -> None:
    """What Mahalanobis alone is blind to: all records move together, and lie closer together."""
    rng = np.random.default_rng(10)
    block = fitted(rng, 1000)
    clean = features_of(block, drawn(rng, 1000))
    hidden = 0.75 * rng.standard_normal((1000, D)) + 0.66  # as far from the middle on average as before
    moved = features_of(block, np.maximum(hidden @ MIX, -0.5).astype(np.float32))
    at = {name.partition(".")[2]: f for f, name in enumerate(block.names)}
    jump = (np.nanmean(moved[100:], axis=0) - np.nanmean(clean, axis=0)) / np.nanstd(clean, axis=0)
    assert abs(jump[at["distance"]]) < 0.3
    assert jump[at["direction"]] > 1.0
    assert jump[at["witness"]] > 1.0


def test_each_recipe_and_position_has_its_own_fit_and_memory() -> None:
    rng = np.random.default_rng(11)
    block, alone = fitted(rng), Embedding(OUTPUT)
    block.use((1, 0), fit(drawn(rng, 300, shift=3.0)))
    alone.use((0, 0), block._fits[0, 0])
    embeddings = drawn(rng, 60)
    wanted = features_of(alone, embeddings)
    for row, expected in zip(embeddings, wanted, strict=True):
        block.of((1, 0))
        features_of(block, drawn(rng, 1, shift=3.0))
        block.of((0, 0))
        np.testing.assert_array_equal(features_of(block, row[None])[0], expected)
    block.of((5, 5))
    assert np.isnan(features_of(block, embeddings[:1])).all()


def test_nothing_of_a_record_is_held_on_to_unless_it_is_to_be_fitted() -> None:
    block = fitted(np.random.default_rng(12))
    features_of(block, drawn(np.random.default_rng(0), 1))
    assert block.rows is None
    block.is_kept = True
    features_of(block, drawn(np.random.default_rng(0), 1))
    assert block.rows is not None
    block.of((0, 0))
    assert block.rows is None


@pytest.mark.parametrize("n", [300, 1000])
def test_records_that_the_fit_never_saw_alarm_no_more_often_than_the_budget(n: int) -> None:
    """Fit and reference are of different records, and each round has a fresh baseline and a fresh line."""
    limit, rounds, length, alarms = 300.0, 12, 1500, 0
    for seed in range(rounds):
        rng = np.random.default_rng([seed, n])
        block = fitted(rng, n)
        offline = Offline(block.names, features_of(block, drawn(rng, n)), limit)
        assert not offline.faults
        alarms += len(offline.alarms(features_of(block, drawn(rng, length))))
    assert alarms <= rounds * length / limit


def plan_with_embedding(folder: Path) -> Plan:
    plan = line.plan(folder, groups=(line.DRIFT, DRIFT))
    return dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: SECTION}})


def content(rng: np.random.Generator, shift: float = 0.0) -> list[tuple[int, int, np.ndarray]]:
    return [*line.tensors(rng), (wire.OUTPUT, 1, drawn(rng, 1, shift))]


HELLO = {**line.HELLO, "outputs": ["logits", "embedding"]}


def learned(plan: Plan, wanted: int, rng: np.random.Generator) -> files.Baseline:
    learner = Learner(plan, line.MODEL, wanted)
    for n in range(wanted):
        if n in {0, wanted // 4, 3 * wanted // 4}:  # an application that comes again
            learner.tap_connected(line.MODEL, HELLO, 1)
        learner.record(line.MODEL, line.record(n, content(rng), n), 1_000_000 * (n + 1))
    (found,) = learner.baselines("2026-01-01T00:00:00Z")
    return found


def test_the_first_half_of_a_baseline_is_fitted_and_the_second_is_held_against_it(tmp_path: Path) -> None:
    plan = plan_with_embedding(tmp_path)
    found = learned(plan, 800, np.random.default_rng(20))
    columns = [f for f, name in enumerate(found.names) if name.startswith("embedding.")]
    assert len(columns) == len(EMBEDDING_FEATURES)
    assert np.isnan(found.records[:400, columns]).all()
    assert np.isfinite(found.records[400:, columns[:-2]]).all()
    assert np.isfinite(found.records[:, [f for f in range(len(found.names)) if f not in columns]]).all()
    assert set(found.fits) == {"embedding"}

    path = files.path_of(plan, line.MODEL, 0, 0)
    files.save(path, found)
    again = files.load(path, line.MODEL, line.SHA256)
    assert again.fits["embedding"].encode() == found.fits["embedding"].encode()
    np.testing.assert_array_equal(again.records, found.records)
    data = bytearray(path.read_bytes())
    assert data[:8] == b"JDKBASE2"
    data[-40] ^= 1  # in the fit
    path.write_bytes(data)
    with pytest.raises(BaselineError, match="cut or changed"):
        files.load(path, line.MODEL, line.SHA256)


def test_a_baseline_without_embeddings_is_the_file_that_it_always_was() -> None:
    plain = line.baseline(n=50)
    assert files.encode(plain)[:8] == b"JDKBASE1"
    assert b"embeddings" not in files.encode(plain)


def test_a_file_whose_header_tells_of_another_size_is_refused(tmp_path: Path) -> None:
    broken = dataclasses.replace(
        line.baseline(n=50), fits={"embedding": fit(drawn(np.random.default_rng(0), 60))}
    )
    wrong = Fit(
        broken.fits["embedding"].basis[:-1], broken.fits["embedding"].waves, broken.fits["embedding"].terms
    )
    path = tmp_path / "x.baseline"
    files.save(path, dataclasses.replace(broken, fits={"embedding": wrong}))
    with pytest.raises(BaselineError, match="can't be used as a baseline"):
        files.load(path, line.MODEL, line.SHA256)


def test_drift_of_an_embedding_is_found_while_scores_and_pictures_are_as_always(tmp_path: Path) -> None:
    plan, rng = plan_with_embedding(tmp_path), np.random.default_rng(21)
    found = learned(plan, 1200, rng)
    monitor = Monitor(plan, {line.MODEL: {(0, 0): found}}, 1, 1)
    monitor.tap_connected(line.MODEL, HELLO, 1)

    def judged(shift: float, numbers: range) -> Judgement:
        for n in numbers:
            monitor.plc_status(line.status(), 100_000_000 * n)
            monitor.record(line.MODEL, line.record(n, content(rng, shift), n), 100_000_000 * n)
        return next(each for each in monitor.conditions if each.id == DRIFT).judgement

    assert judged(0.0, range(1, 400)) is Judgement.OFF
    assert judged(0.5, range(400, 700)) is Judgement.ON
    condition = next(each for each in monitor.conditions if each.id == DRIFT)
    assert str(condition.evidence["feature"]).startswith("embedding.")


def test_a_model_whose_baseline_has_no_fit_gives_no_embedding_features_and_no_error() -> None:
    extractor = Extractor(SECTION, ["image"], ["logits", "embedding"])
    extract = extractor.extract(line.record(1, content(np.random.default_rng(1)), 1))
    groups = feature_set(SECTION).groups
    places = [feature_set(SECTION).names.index(name) for name in groups["embedding"]]
    assert np.isnan(extract.values[places]).all()
    assert not extract.reasons
    assert set(groups["embedding"]) <= set(groups["all"])
    assert not set(groups["embedding"]) & set(groups["output"])
