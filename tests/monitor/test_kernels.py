"""Every kernel gives what its naive twin in tests/naive.py gives."""

from __future__ import annotations

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.kernels.bets import normal_quantile
from jidoka.monitor.kernels.detections import count_not_finite, detection_features
from jidoka.monitor.kernels.frame import WIDEST, frame_bytes
from jidoka.monitor.kernels.frame_floats import frame_floats
from jidoka.monitor.kernels.frame_found import FINGERPRINT, FOUND, FRAME_FEATURES, HISTOGRAM
from jidoka.monitor.kernels.judge import add_up, level_step
from jidoka.monitor.kernels.output import classifier_features
from jidoka.monitor.kernels.plain import BINS, entry_means, plain_features
from jidoka.monitor.kernels.select import kth_smallest

from tests import naive

SHAPES = st.tuples(st.integers(1, 2), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 3, 4]))
SETTINGS = settings(max_examples=150, deadline=None)


def ours_frame(
    frames: np.ndarray, scale: float = 1.0, offset: float = 0.0, is_planar: bool = False, is_bgr: bool = False
) -> tuple[np.ndarray, int]:
    """frames: (N, H, W, C), handed over as somebody would who has them in another order."""
    shape, found = frames.shape, np.empty(FOUND)
    if is_bgr and shape[3] == 3:
        frames = frames[..., ::-1]
    if is_planar:
        frames = frames.transpose(0, 3, 1, 2)
    kernel = frame_bytes if frames.dtype == np.uint8 else frame_floats
    return found, kernel(
        np.ascontiguousarray(frames).reshape(-1), *shape, is_planar, is_bgr, scale, offset, found
    )


NOISE = FRAME_FEATURES.index("noise")


@SETTINGS
@given(
    SHAPES,
    st.integers(0, 2**32 - 1),
    st.booleans(),
    st.sampled_from([0, 3, 255]),
    st.booleans(),
    st.booleans(),
)
def test_frame_features_equal_the_naive_twin(  # noqa: PLR0917
    shape: tuple[int, ...], seed: int, is_uint8: bool, spread: int, is_planar: bool, is_bgr: bool
) -> None:
    is_uint8 = is_uint8 and shape[3] in {1, 3}
    frames = np.random.default_rng(seed).integers(0, spread + 1, shape)
    # quarters of a grey level, which float32 holds exactly, as it does sums of 256ths
    frames = frames.astype(np.uint8) if is_uint8 else (frames / 4).astype(np.float32)
    expected, _ = naive.frame_features(frames, 1.0, 0.0)
    found, bad = ours_frame(frames, 1.0, 0.0, is_planar, is_bgr)
    assert bad == 0
    compared = np.delete(np.arange(HISTOGRAM), [FINGERPRINT, NOISE])
    np.testing.assert_allclose(found[compared], expected[compared], rtol=1e-5, atol=1e-5)
    # whole grey levels decide the class of a tone and of the median: a rounding error may move a value to the next
    is_exact = is_uint8 or shape[3] in {1, 2, 4}
    np.testing.assert_allclose(found[NOISE], expected[NOISE], rtol=1e-6, atol=1e-9 if is_exact else 0.3)
    np.testing.assert_allclose(
        found[HISTOGRAM:], expected[HISTOGRAM:], atol=1e-9 if is_exact else 2 / frames.size
    )


def test_another_range_of_bytes_is_put_on_grey_levels() -> None:
    frames = np.random.default_rng(3).integers(0, 128, (1, 9, 8, 3)).astype(np.uint8)
    plain, _ = ours_frame(frames)
    found, _ = ours_frame(frames, 2.0, -10.0)
    np.testing.assert_allclose(found[:4], plain[:4] * [2, 2, 4, 2] + [-10, 0, 0, 0])
    np.testing.assert_allclose(found[4:6], 2 * plain[4:6])


@pytest.mark.parametrize("width", [16383, 32768])
def test_the_widest_and_wildest_picture_overflows_nothing(width: int) -> None:
    assert width <= WIDEST
    frames = np.zeros((1, 3, width, 3), np.uint8)
    frames[:, ::2, ::2] = frames[:, 1::2, 1::2] = 255
    expected, _ = naive.frame_features(frames)
    found, _ = ours_frame(frames)
    compared = np.delete(np.arange(FOUND), FINGERPRINT)
    np.testing.assert_allclose(found[compared], expected[compared], rtol=1e-9, atol=1e-12)
    assert found[2] > 1e6


@SETTINGS
@given(SHAPES, st.data(), st.booleans())
def test_a_pixel_that_is_not_finite_is_counted_and_never_becomes_a_feature(
    shape: tuple[int, ...], data: st.DataObject, is_planar: bool
) -> None:
    frames = np.ones(shape, np.float32)
    places = data.draw(st.sets(st.tuples(*(st.integers(0, n - 1) for n in shape[:3])), min_size=1))
    for place in places:
        frames[place][0] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    found, bad = ours_frame(frames, is_planar=is_planar)
    assert bad == len(places)
    assert np.isnan(found).all()


@pytest.mark.parametrize("value", [3e38, -3e38, 1e20])
def test_a_picture_in_another_range_altogether_has_finite_features(value: float) -> None:
    frames = np.full((1, 5, 5, 3), 0.5, np.float32)
    frames[0, 2, 2] = value
    found, bad = ours_frame(frames, 255.0)
    assert bad == 0
    assert np.isfinite(found[: len(FRAME_FEATURES)]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
def test_only_the_same_picture_has_the_same_fingerprint(dtype: type, channels: int) -> None:
    frames = np.zeros((1, 12, 17, channels), dtype)
    frames[0, 3:6, 4:9] = 200  # alone on black: moved, it has the same histogram
    others = [np.roll(frames, 1, axis=1), np.roll(frames, 1, axis=2), frames.copy(), frames.copy()]
    others[2][0, 4, 5, 0] += 1
    others[3][0, 0, 16, -1] = 1
    found, again = ours_frame(frames)[0][FINGERPRINT], ours_frame(frames.copy())[0][FINGERPRINT]
    assert found == again
    assert len({found, *(ours_frame(other)[0][FINGERPRINT] for other in others)}) == 5


def test_the_noise_feature_measures_the_noise_and_not_the_edges() -> None:
    rng = np.random.default_rng(1)
    scene = np.where(np.arange(96) // 12 % 2, 60.0, 180.0)[None, :] + np.zeros((96, 96))
    for sigma in (2.0, 5.0, 10.0):
        found, _ = ours_frame(np.float32(scene + sigma * rng.standard_normal((96, 96)))[None, :, :, None])
        assert found[3] == pytest.approx(sigma, rel=0.2)


@SETTINGS
@given(
    st.lists(st.lists(st.floats(-500, 500), min_size=3, max_size=3), min_size=1, max_size=3),
    st.floats(0.1, 10),
)
def test_classifier_features_equal_the_naive_twin(rows: list[list[float]], temperature: float) -> None:
    logits, out = np.array(rows), np.empty(6)
    top, bad = classifier_features(logits, temperature, out, 1)
    expected, expected_top, _ = naive.classifier_features(logits, temperature)
    assert (top, bad) == (expected_top, 0)
    np.testing.assert_allclose(out[1:], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_logit_that_is_not_finite_is_counted_and_never_becomes_a_feature(wrong: float) -> None:
    out = np.empty(5)
    assert classifier_features(np.array([[1.0, wrong, wrong]]), 1.0, out, 0) == (-1, 2)
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


def test_the_off_test_waits_for_every_member_that_was_ever_there() -> None:
    members, sums, taken, limits = np.arange(3), np.zeros((2, 3)), np.zeros(3, np.int64), np.full(3, 1.0)
    z = np.zeros(3)
    z[2] = np.nan
    assert level_step(z, z, members, sums, taken, 2, limits) == (-1, 1)
    z[1] = np.nan
    assert level_step(z, z, members, sums, taken, 2, limits) == (-1, 1), "the second has one score of two"
    z[1] = 5.0
    assert level_step(z, z, members, sums, taken, 2, limits) == (0, 2)
    assert level_step(np.full(3, np.nan), np.full(3, np.nan), members, sums * 0, taken * 0, 2, limits) == (
        -1,
        0,
    )


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
