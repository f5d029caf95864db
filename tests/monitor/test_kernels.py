"""Every kernel gives what its naive twin in tests/naive.py gives."""

from __future__ import annotations

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.kernels.band import beta_cdf, tail_bounds
from jidoka.monitor.kernels.bets import SHIFTS, advance, normal_quantile, rank_scores
from jidoka.monitor.kernels.detections import count_not_finite, detection_features
from jidoka.monitor.kernels.frame import frame_features
from jidoka.monitor.kernels.judge import add_up, judge, level_step
from jidoka.monitor.kernels.output import classifier_features
from jidoka.monitor.kernels.plain import BINS, entry_means, plain_features
from jidoka.monitor.kernels.select import kth_smallest
from scipy import special

from tests import naive

SHAPES = st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4]))
SETTINGS = settings(max_examples=150, deadline=None)


def ours_frame(frames: np.ndarray, scale: float = 1.0, offset: float = 0.0) -> tuple[np.ndarray, int]:
    out = np.empty(4)
    return out, frame_features(frames, scale, offset, out)


@SETTINGS
@given(SHAPES, st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([0, 3, 255]))
def test_frame_features_equal_the_naive_twin(
    shape: tuple[int, ...], seed: int, is_uint8: bool, spread: int
) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, spread + 1, shape)
    frames = frames.astype(np.uint8) if is_uint8 else (frames / 255).astype(np.float32)
    scale = 1.0 if is_uint8 else 255.0
    expected, _ = naive.frame_features(frames, scale)
    found, bad = ours_frame(frames, scale)
    assert bad == 0
    np.testing.assert_allclose(found[:3], expected[:3], rtol=1e-9, atol=1e-8)
    # whole grey levels decide the class of the median: a rounding error may move a value to the next class
    np.testing.assert_allclose(
        found[3], expected[3], rtol=1e-6, atol=0.3 if not is_uint8 or shape[3] > 1 else 1e-9
    )


@SETTINGS
@given(SHAPES, st.data())
def test_a_pixel_that_is_not_finite_is_counted_and_never_becomes_a_feature(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    frames = np.ones(shape, np.float32)
    places = data.draw(st.sets(st.tuples(*(st.integers(0, n - 1) for n in shape[:3])), min_size=1))
    for place in places:
        frames[place][0] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    found, bad = ours_frame(frames)
    assert bad == len(places)
    assert np.isnan(found).all()


def test_the_noise_feature_measures_the_noise_and_not_the_edges() -> None:
    rng = np.random.default_rng(1)
    scene = np.where(np.arange(96) // 12 % 2, 60.0, 180.0)[None, :] + np.zeros((96, 96))
    for sigma in (2.0, 5.0, 10.0):
        found, _ = ours_frame(np.float32(scene + sigma * rng.standard_normal((96, 96)))[None, :, :, None])
        assert found[3] == pytest.approx(sigma, rel=0.2)


def test_strided_views_of_any_layout_give_the_same() -> None:
    frames = np.random.default_rng(2).integers(0, 256, (1, 12, 10, 3)).astype(np.uint8)
    planes = np.ascontiguousarray(frames.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(ours_frame(frames)[0], ours_frame(planes.transpose(0, 2, 3, 1))[0])


@SETTINGS
@given(
    st.lists(st.lists(st.floats(-500, 500), min_size=3, max_size=3), min_size=1, max_size=3),
    st.floats(0.1, 10),
)
def test_classifier_features_equal_the_naive_twin(rows: list[list[float]], temperature: float) -> None:
    logits, out = np.array(rows), np.empty(2)
    top, bad = classifier_features(logits, temperature, out)
    expected, expected_top, _ = naive.classifier_features(logits, temperature)
    assert (top, bad) == (expected_top, 0)
    np.testing.assert_allclose(out, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_is_counted_and_never_becomes_a_feature(wrong: float) -> None:
    out = np.empty(2)
    assert classifier_features(np.array([[1.0, wrong, wrong]]), 1.0, out) == (-1, 2)
    assert np.isnan(out).all()


@SETTINGS
@given(st.floats(1e-300, 1 - 1e-16))
def test_the_normal_quantile_is_that_of_the_standard_library(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(NormalDist().inv_cdf(p), rel=1e-14, abs=1e-15)


def test_the_normal_quantile_ends_in_infinities() -> None:
    assert normal_quantile(0.0) == -np.inf
    assert normal_quantile(1.0) == np.inf
    assert np.isnan(normal_quantile(1.1))


@SETTINGS
@given(st.floats(1e-9, 1 - 1e-9), st.floats(1, 2000), st.floats(1, 2000))
def test_the_incomplete_beta_function_is_scipys(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-13)


@pytest.mark.parametrize(("n", "alpha"), [(1, 0.05), (20, 0.01), (300, 1e-4), (3000, 5e-5)])
def test_the_tail_bounds_are_scipys(n: int, alpha: float) -> None:
    np.testing.assert_allclose(tail_bounds(n, alpha), naive.tail_bounds(n, alpha), rtol=1e-11)


@SETTINGS
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.floats(-1, 7),
    st.booleans(),
    st.floats(0.001, 0.999),
)
def test_ranks_and_scores_equal_the_naive_twin_ties_included(
    values: list[int], x: float, is_tie: bool, u: float
) -> None:
    reference = np.sort(np.array(values, float))
    value = float(round(x)) if is_tie else x
    bounds, z = naive.tail_bounds(reference.size, 0.05), np.empty((1, 3))
    rank_scores(
        np.array([value]), reference[None], np.array([reference.size]), bounds[None], np.array([u]), z
    )
    np.testing.assert_allclose(z[0], naive.scores(value, reference, bounds, u), rtol=1e-7, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=1, max_size=8))
def test_the_recursion_is_the_sum_over_every_start(rows: list[list[float]]) -> None:
    z = np.array(rows).reshape(-1, 2, 2)
    bets, found = np.zeros((2, 2, len(SHIFTS))), []
    for row in z:
        scores = np.column_stack([row, np.zeros(2)])
        found.append(advance(bets, scores, np.arange(2)))
    np.testing.assert_allclose(found, naive.shiryaev_roberts(z), rtol=1e-9)


def test_a_feature_without_a_score_keeps_its_statistic() -> None:
    bets = np.ones((1, 2, len(SHIFTS)))
    assert advance(bets, np.full((1, 3), np.nan), np.array([0])) == 1.0
    assert (bets == 1.0).all()


def test_a_statistic_never_overflows() -> None:
    bets, z = np.zeros((1, 2, len(SHIFTS))), np.array([[30.0, -np.inf, 0.0]])
    for _ in range(100):
        assert np.isfinite(advance(bets, z, np.array([0])))


@SETTINGS
@given(st.lists(st.sampled_from([0.0, 1.0, -1.0, 2.5, -0.0, 1e30]), min_size=1, max_size=40), st.data())
def test_selection_gives_what_sorting_gives(numbers: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(numbers) - 1))
    assert kth_smallest(np.array(numbers), k) == np.sort(numbers)[k]


BOXES = st.tuples(st.integers(1, 2), st.integers(0, 60), st.integers(1, 4))


@settings(max_examples=200, deadline=None)
@given(
    BOXES,
    st.integers(0, 2**32 - 1),
    st.sampled_from([(4, 5), (4, -1), (-1, 4)]),
    st.booleans(),
    st.sampled_from([0.0, 0.05, 0.3, 0.9, 2.0]),
)
def test_detection_features_equal_the_naive_twin(
    shape: tuple[int, int, int], seed: int, columns: tuple[int, int], is_corners: bool, min_score: float
) -> None:
    score, classes = columns
    rng = np.random.default_rng(seed)
    pictures, anchors, kinds = shape
    width = {(4, 5): 5 + kinds, (4, -1): 5, (-1, 4): 4 + kinds}[columns]
    boxes = rng.random((pictures, anchors, width)).astype(np.float32)
    boxes[..., :4] *= 100
    boxes[..., 4:] **= rng.choice([0.2, 1, 8])
    boxes[..., 4:] *= rng.random(boxes[..., 4:].shape) > 0.1
    expected, bad = naive.detection_features(boxes, score, classes, is_corners, (64.0, 48.0), min_score)
    out = np.empty(13)
    assert detection_features(boxes, score, classes, is_corners, 64.0, 48.0, min_score, out, 1) == bad == 0
    np.testing.assert_allclose(out[1:12], expected, rtol=1e-6, atol=1e-9)


def test_a_number_of_a_detector_that_is_not_finite_is_counted_and_never_becomes_a_feature() -> None:
    boxes, out = np.ones((1, 7, 85), np.float32), np.empty(11)
    boxes[0, 3, 80], boxes[0, 0, 0] = np.nan, -np.inf
    assert detection_features(boxes, 4, 5, False, 1.0, 1.0, 0.3, out, 0) == 2
    assert np.isnan(out).all()


@SETTINGS
@given(st.sampled_from([1, 2, 99, 100, 101, 2048, 2049, 5000]), st.integers(0, 2**32 - 1), st.sampled_from(["normal", "cauchy", "few"]))  # fmt: skip
def test_plain_features_equal_the_naive_twin(n: int, seed: int, law: str) -> None:
    rng = np.random.default_rng(seed)
    numbers = {"normal": rng.standard_normal, "cauchy": rng.standard_cauchy, "few": lambda k: rng.integers(-2, 3, k)}[law](n)  # fmt: skip
    numbers = np.float32(numbers)
    out, scratch = np.empty(7), np.zeros(BINS, np.uint32)
    assert plain_features(numbers, scratch, out, 2) == 0
    expected, _ = naive.plain_features(numbers)
    np.testing.assert_allclose(out[[2, 3, 6]], expected[[0, 1, 4]], rtol=1e-6, atol=1e-7)
    # beyond EXACT numbers a level is that of its class, 1/128 wide
    np.testing.assert_allclose(out[4:6], expected[2:4], rtol=1e-7 if n <= 2048 else 1 / 128, atol=1e-30)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_numbers_that_are_not_finite_are_counted(dtype: type) -> None:
    numbers = np.zeros(1000, dtype)
    numbers[[3, 500, 999]] = np.nan, np.inf, -np.inf
    assert count_not_finite(numbers) == 3
    assert count_not_finite(np.full(1000, np.finfo(dtype).max)) == 0
    out = np.empty(5)
    assert plain_features(np.float32(numbers), np.zeros(BINS, np.uint32), out, 0) == 3
    assert np.isnan(out).all()
    assert entry_means(np.float32(numbers[:4].reshape(2, 2)), out, 0) == 1
    assert np.isnan(out[:2]).all()


def test_entries_are_means_over_the_rows() -> None:
    out = np.empty(3)
    assert entry_means(np.float32([[1, 2], [3, 6]]), out, 1) == 0
    np.testing.assert_array_equal(out[1:], [2.0, 4.0])


def test_one_call_judges_a_record_as_the_kernels_one_by_one_would() -> None:
    rng = np.random.default_rng(4)
    reference = np.sort(rng.standard_normal((3, 50)), axis=1)
    counts, tails = np.array([50, 50, 50]), np.tile(naive.tail_bounds(50, 0.05), (3, 1))
    values, columns = rng.standard_normal(6), np.array([4, -1, 2])
    u, z, expected = rng.random(3), np.empty((3, 3)), np.empty((3, 3))
    members, spans = np.array([0, 1, 2, 1]), np.array([0, 3, 4])
    bets, alone = np.zeros((4, 2, 7)), np.zeros((4, 2, 7))
    statistics, history = np.empty(2), np.zeros((5, 3, 3), np.float32)
    judge(values, columns, reference, counts, tails, u, z, bets, members, spans, statistics, history, 4)
    x = np.array([values[4], np.nan, values[2]])
    rank_scores(x, reference, counts, tails, u, expected)
    np.testing.assert_array_equal(z, expected)
    np.testing.assert_array_equal(history[4], np.float32(expected))
    assert statistics[0] == advance(alone[:3], expected, members[:3])
    assert np.isnan(statistics[1]), "the second watch has only a feature that isn't there"
    np.testing.assert_array_equal(bets, alone)


def test_the_off_test_waits_for_every_member_that_was_ever_there() -> None:
    members, sums, taken, limits = np.arange(3), np.zeros(3), np.zeros(3, np.int64), np.full(3, 1.0)
    z = np.zeros((3, 3))
    z[2, 2] = np.nan
    assert level_step(z, members, sums, taken, 2, limits) == (-1, 1)
    z[1, 2] = np.nan
    assert level_step(z, members, sums, taken, 2, limits) == (-1, 1), "the second has one score of two"
    z[1, 2] = 5.0
    assert level_step(z, members, sums, taken, 2, limits) == (0, 2)
    assert level_step(np.full((3, 3), np.nan), members, sums * 0, taken * 0, 2, limits) == (-1, 0)


def test_sums_are_of_what_is_there() -> None:
    sums, counts = np.ones(2), np.ones(2, np.int64)
    add_up(np.array([2.0, np.nan]), sums, counts)
    assert (sums.tolist(), counts.tolist()) == ([3.0, 1.0], [2, 1])


def test_once_warm_every_kind_of_record_finds_its_kernel_and_none_compiles_again() -> None:
    code = """
from itertools import product
import numpy as np
from jidoka.monitor.kernels.warm import KERNELS, warm
warm()
from jidoka.monitor.core import Monitor
from tests.monitor import line, robot
names, arrays = [], {}
def spec(name, dtype, shape, **more):
    arrays[name] = np.ones(shape, dtype)
    return {"name": name, "dtype": np.dtype(dtype).name, "shape": list(shape), "monitored": True, **more}
FLOATS = (np.float32, np.float64, np.float16)
pictures = [spec(f"p{d}{l}{c}", d, (1, 3, 6, 5) if l == "NCHW" else (1, 6, 5, 3), layout=l, colour=c)
            for d, l, c in product(("u1", "f4", "f8", "f2", "i8", "?"), ("NCHW", "NHWC"), ("RGB", "BGR"))]
pictures.append(spec("grey", "u1", (1, 1, 6, 5), layout="NCHW", colour="grey"))
numbers = [spec(f"n{d.__name__}", d, (1, 4)) for d in FLOATS]
entries = [spec(f"e{d.__name__}", d, (1, 2), channels=["a", "b"]) for d in FLOATS]
outputs = [spec(f"{r}{d.__name__}", d, s, role=r, **m) for d in FLOATS for r, s, m in (
    ("logits", (1, 4), {}), ("detections", (1, 9, 6), {"boxes": {"size": [4, 4], "score": 4, "classes": 5}}), ("command", (1, 2), {}),
    ("other", (1, 3000), {}), ("embedding", (1, 7), {"monitored": False}))]
track = {"state": {"input": "efloat32", "entries": [0]}, "target": {"input": "nfloat64", "entries": [1]}, "limit": 9.0}
signatures = sum(len(kernel.signatures) for kernel, _ in KERNELS)
for picture, is_writable, is_odd in product(pictures, (True, False), (True, False)):
    section = robot.section(inputs=[picture, *numbers, *entries], outputs=outputs, tracking=track)
    ins, outs = [each["name"] for each in section["inputs"]], [each["name"] for each in outputs]
    monitor = Monitor(robot.plan(section), {}, 1, 0)
    monitor.tap_connected(robot.MODEL, {"inputs": ins, "outputs": outs}, 0)
    def content(name):
        array = arrays[name]
        if is_odd:  # as in a datagram where it doesn't begin at a multiple of its size
            array = np.frombuffer(bytearray(1) + array.tobytes(), array.dtype, array.size, 1).reshape(array.shape)
        array = array.view()
        array.flags.writeable = is_writable
        return array
    from jidoka_tap import wire
    tensors = [wire.Tensor(role, i, content(n).shape, content(n).dtype, content(n))
               for role, names in ((1, outs), (0, ins)) for i, n in enumerate(names)]
    tensors.append(wire.Tensor(0, wire.THUMBNAIL, (4, 4), np.dtype("u1"), np.ones((4, 4), np.uint8)))
    for end in (len(tensors) - 1, len(tensors)):
        row = monitor.record(robot.MODEL, wire.Record(1, 1, 1, 1, 0, 0, tensors[:end]), 1)
        assert row.verdict == 0, (row, picture)
print(sum(len(kernel.signatures) for kernel, _ in KERNELS) - signatures)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert found.stdout == "0\n", found.stderr
