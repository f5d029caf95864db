"""Which features a model has, and what a record of it gives: pictures, answers, boxes, numbers, commands."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.features import Extractor, feature_set
from jidoka.monitor.features.picture import Picture
from jidoka.monitor.kernels.frame_found import BRIGHT_AT, DARK_AT, GREY_FEATURES
from jidoka.monitor.verdicts import Reason, Verdict, verdict_of
from jidoka_tap import wire

from tests import naive
from tests.monitor import line, robot

PICTURE = GREY_FEATURES
COLOUR = ("colour_blue", "colour_red")


def spec(name: str, shape: list[Any], role: str = "other", **more: Any) -> dict[str, Any]:
    return {"name": name, "dtype": "float32", "shape": shape, "role": role, **more}


def section(outputs: list[dict[str, Any]], inputs: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {**line.SECTION, "outputs": outputs, "inputs": [] if inputs is None else inputs}


def extract(of: dict[str, Any], *, thumbnail: Any = None, part: int = 1, **arrays: Any) -> Any:
    """One record with these arrays, by the names of the section's inputs and outputs."""
    inputs, outputs = ([each["name"] for each in of[side]] for side in ("inputs", "outputs"))
    content = [
        (wire.OUTPUT, outputs.index(name), np.asarray(array))
        for name, array in arrays.items()
        if name in outputs
    ]
    content += [
        (wire.INPUT, inputs.index(name), np.asarray(array))
        for name, array in arrays.items()
        if name in inputs
    ]
    if thumbnail is not None:
        content.append((wire.INPUT, wire.THUMBNAIL, thumbnail))
    return Extractor(of, inputs, outputs).extract(line.record(1, content, part))


def named(of: dict[str, Any], found: Any) -> dict[str, float]:
    return dict(zip(feature_set(of).names, found.values.tolist(), strict=True))


def test_a_classifier_with_a_picture_has_the_features_that_baselines_were_learned_with() -> None:
    features = feature_set(line.SECTION)
    assert features.names == (*PICTURE, "top1_confidence", "entropy", "margin", "energy", "max_logit")
    assert features.groups["input"] == PICTURE
    assert features.groups["confidence"] == ("top1_confidence", "entropy")
    assert features.groups["output"] == (), "class scores are confidence, not output"
    assert features.groups["all"] == (*PICTURE, "top1_confidence", "entropy"), "the others don't drift sooner"
    assert features.groups["command"] == ()
    assert features.names[features.confidence] == "top1_confidence"


DETECTOR = section(
    [spec("boxes", [1, "anchors", 7], "detections", min_score=0.5,
          boxes={"format": "cxcywh", "size": [100, 50], "score": 4, "classes": 5})]
)  # fmt: skip


def test_a_detector_tells_what_it_found_and_how_sure_it_is() -> None:
    boxes = np.zeros((1, 3, 7), np.float32)
    boxes[0, 0] = [50, 10, 20, 10, 0.9, 0.8, 0.1]
    boxes[0, 1] = [20, 30, 10, 10, 1.0, 0.1, 0.6]
    found = named(DETECTOR, extract(DETECTOR, boxes=boxes))
    assert found["count"] == 2
    assert found["empty"] == 0
    assert found["top_score"] == pytest.approx(0.72)
    assert found["class_confidence"] == pytest.approx(0.7)
    assert found["box_area"] == pytest.approx((200 + 100) / 2 / 5000)
    assert (found["box_x"], found["box_y"]) == pytest.approx((0.35, 0.4))
    features = feature_set(DETECTOR)
    assert features.names[features.confidence] == "top_score"
    assert set(features.groups["confidence"]) < set(features.groups["output"])


@pytest.mark.parametrize("anchors", [0, 4])
def test_no_box_at_all_is_a_feature_and_no_fault(anchors: int) -> None:
    assert DETECTOR["min_confidence"] == 0.5
    record = extract(DETECTOR, boxes=np.zeros((1, anchors, 7), np.float32))
    found = named(DETECTOR, record)
    assert record.reasons == 0
    assert (found["count"], found["empty"]) == (0, 1)
    assert np.isnan([found["box_area"], found["class_confidence"]]).all()


def test_other_numbers_have_plain_features_under_their_own_name() -> None:
    of = section([spec("depth", [1, "rows", 4], monitored=True), spec("hidden", [1, 2])])
    numbers = np.random.default_rng(1).standard_normal((1, 3, 4)).astype(np.float32)
    found = named(of, extract(of, depth=numbers))
    expected, _ = naive.plain_features(numbers)
    assert [found[f"depth.{name}"] for name in ("mean", "std", "low", "high", "max_abs")] == pytest.approx(
        expected.tolist(), rel=1e-6
    )
    assert found["depth.size"] == 12
    assert not any(name.startswith("hidden") for name in found)
    nothing = extract(of, depth=np.zeros((1, 0, 4), np.float32))
    assert nothing.reasons == 0
    assert named(of, nothing)["depth.size"] == 0


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_numbers_of_any_width_are_read(dtype: str) -> None:
    of = section([spec("x", [1, 3], monitored=True, dtype=dtype)])
    found = named(of, extract(of, x=np.array([[1, 2, 6]], dtype)))
    assert (found["x.mean"], found["x.max_abs"]) == (3.0, 6.0)


def test_a_number_too_large_for_float32_is_no_infinity() -> None:
    of = section([spec("x", [1, 2], monitored=True, dtype="float64")])
    assert extract(of, x=np.array([[1e300, 0.0]])).reasons == 0
    assert extract(of, x=np.array([[np.inf, 0.0]])).reasons == Reason.OUTPUT_NOT_FINITE


def test_a_command_has_each_channel_its_rate_and_what_all_channels_do() -> None:
    of = robot.section(2)
    extractor = Extractor(of, ["obs"], ["action"])
    for number, command in enumerate(([0.0, 0.5], [0.1, 0.5], [0.0, 0.99])):
        found = extractor.extract(line.record(number, [(wire.OUTPUT, 0, np.float32([command]))]))
    values = named(of, found)
    assert values["joint1"] == pytest.approx(0.99)
    assert values["joint0.rate"] == pytest.approx(5.0, rel=1e-5)
    assert values["saturation_share"] == pytest.approx(1 / 6)
    assert values["chatter"] == pytest.approx(1 / 3)
    features = feature_set(of)
    assert features.groups["command"] == features.names[4:] == features.groups["output"]


def test_of_several_outputs_the_first_of_a_kind_has_the_short_names() -> None:
    of = section(
        [spec("a", [1, 3], "logits"), spec("b", [1, 3], "logits"), spec("z", [1, 2], monitored=True)]
    )
    names = feature_set(of).names
    assert names[4:6] + names[9:11] == ("top1_confidence", "entropy", "b.top1_confidence", "b.entropy")
    assert len(set(names)) == len(names)
    one = np.float32([[1, 2, 3]])
    assert extract(of, a=one, b=one, z=np.float32([[1, 2]])).reasons == 0
    assert extract(of, a=one, z=np.float32([[1, 2]])).reasons == Reason.OUTPUT_MISSING
    found = extract(of, a=one, b=np.float32([[1, np.nan, 3]]), z=np.float32([[1, 2]]))
    assert (found.reasons, found.culprit) == (Reason.OUTPUT_NOT_FINITE, "b")
    assert np.isnan(found.values).all()


@pytest.mark.parametrize("shape", [["batch", -1, 4], [-1, "n", 4], [2, 3, 4]])
def test_a_size_that_is_a_name_or_negative_may_be_any(shape: list[Any]) -> None:
    of = section([spec("x", shape, monitored=True)])
    assert extract(of, x=np.ones((2, 3, 4), np.float32)).reasons == 0
    for wrong in ((2, 3), (2, 3, 5), (2, 3, 4, 1)):
        assert extract(of, x=np.ones(wrong, np.float32)).reasons == Reason.OUTPUT_SHAPE


@pytest.mark.parametrize("name", ["embedding", "labels"])
def test_every_output_that_the_manifest_names_is_checked_although_nobody_watches_it(name: str) -> None:
    of = section(
        [spec("x", [1, 3], "logits"), spec("embedding", [1, 2], "embedding"),
         {**spec("labels", [1, 2]), "dtype": "int64"}]
    )  # fmt: skip
    good = {"x": np.float32([[9, 0, 0]]), "embedding": np.float32([[1, 2]]), "labels": np.array([[1, 2]])}
    assert extract(of, **good).reasons == 0
    assert extract(of, **{**good, name: good[name].T}).reasons == Reason.OUTPUT_SHAPE
    assert extract(of, **{**good, name: good[name].astype("uint8")}).reasons == Reason.OUTPUT_SHAPE
    nothing = {key: value for key, value in good.items() if key != name}
    assert extract(of, **nothing).reasons == 0, "nobody asked for it"
    if name == "embedding":
        assert extract(of, **{**good, name: np.float32([[1, np.inf]])}).reasons == Reason.OUTPUT_NOT_FINITE


def image(layout: str, colour: str, dtype: str, value_range: list[float]) -> dict[str, Any]:
    shape = {"NCHW": ["n", 3, 8, 6], "NHWC": ["n", 8, 6, 3]}[layout]
    return {"name": "image", "dtype": dtype, "shape": shape, "layout": layout, "colour": colour,
            "range": value_range, "monitored": True}  # fmt: skip


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("colour", ["RGB", "BGR"])
@pytest.mark.parametrize(
    ("dtype", "value_range"), [("uint8", [0, 255]), ("float32", [0, 1]), ("float32", [-1, 1])]
)
def test_a_picture_is_the_same_however_the_model_takes_it(
    layout: str, colour: str, dtype: str, value_range: list[float]
) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (1, 8, 6, 3)).astype(np.uint8)
    expected, _ = naive.frame_features(rgb)
    picture = rgb[..., ::-1] if colour == "BGR" else rgb
    if dtype == "float32":
        low, high = value_range
        picture = np.float32(picture / 255 * (high - low) + low)
    picture = picture.transpose(0, 3, 1, 2) if layout == "NCHW" else picture
    of = section([], [image(layout, colour, dtype, value_range)])
    values = named(of, extract(of, image=np.ascontiguousarray(picture)))
    given = [values[name] for name in GREY_FEATURES]
    np.testing.assert_allclose(given, expected[: len(given)], rtol=0.02)
    np.testing.assert_allclose(given[:3], expected[:3], rtol=2e-3)  # bytes to a quarter of a level
    np.testing.assert_allclose([values[name] for name in COLOUR], expected[4:6], rtol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [np.ones((1, 8, 6, 3), np.uint8), np.ones((1, 3, 8, 6), np.float32), np.ones((3, 8, 6), np.uint8), np.ones((1, 3, 9, 6), np.uint8)],
)  # fmt: skip
def test_a_picture_of_another_layout_or_type_is_a_fault_and_no_shift(wrong: np.ndarray) -> None:
    of = section([], [image("NCHW", "RGB", "uint8", [0, 255])])
    found = extract(of, image=wrong)
    assert (found.reasons, found.culprit) == (Reason.INPUT_SHAPE, "image")
    assert np.isnan(found.values).all()


def test_of_a_region_of_interest_the_size_is_not_the_manifests() -> None:
    of = {**section([], [image("NCHW", "RGB", "uint8", [0, 255])]), "roi": [0, 0, 4, 4]}
    assert extract(of, image=np.ones((1, 3, 4, 4), np.uint8)).reasons == 0
    assert extract(of, image=np.ones((1, 1, 4, 4), np.uint8)).reasons == Reason.INPUT_SHAPE


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 3)])
def test_a_thumbnail_is_the_picture_of_any_model(shape: tuple[int, ...]) -> None:
    of = robot.section(2)
    thumbnail = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
    found = named(of, extract(of, action=np.zeros((1, 2), np.float32), thumbnail=thumbnail))
    expected, _ = naive.frame_features(thumbnail.reshape(1, 8, 6, -1))
    np.testing.assert_allclose([found[name] for name in PICTURE], expected[: len(PICTURE)], rtol=1e-3)


@pytest.mark.parametrize("shape", [(), (5,), (2, 2, 2, 2), (0, 3), (3, 0, 3), (4, 4, 2), (1, 1)])
def test_a_thumbnail_that_is_no_picture_breaks_nothing(shape: tuple[int, ...]) -> None:
    of = section([])
    found = extract(of, thumbnail=np.zeros(shape, np.uint8))
    assert found.reasons == 0


def test_from_the_first_thumbnail_on_pictures_are_thumbnails() -> None:
    of = line.SECTION
    extractor = Extractor(of, ["image"], ["logits"])
    rng = np.random.default_rng(1)
    thumbnail = (wire.INPUT, wire.THUMBNAIL, np.full((4, 4), 9, np.uint8))
    first = extractor.extract(line.record(1, line.tensors(rng)))
    both = extractor.extract(line.record(2, [thumbnail, *line.tensors(rng)]))
    later = extractor.extract(line.record(3, line.tensors(rng)))
    assert first.values[0] > 50
    assert both.values[0] == 9
    assert np.isnan(later.values[:4]).all()


def test_a_camera_that_sends_the_same_picture_again_and_again_is_told() -> None:
    of = section([], [image("NHWC", "RGB", "uint8", [0, 255])])
    extractor = Extractor(of, ["image"], [])
    rng = np.random.default_rng(4)

    def take(picture: np.ndarray | None) -> int:
        content = [] if picture is None else [(wire.INPUT, 0, picture)]
        return int(extractor.extract(line.record(1, content)).reasons)

    frozen, other = (rng.integers(0, 256, (1, 8, 6, 3)).astype(np.uint8) for _ in range(2))
    assert [take(frozen.copy()) for _ in range(5)] == [0, 0, 0, Reason.INPUT_REPEATED, Reason.INPUT_REPEATED]
    assert take(None) == 0, "without a picture nothing is said about one"
    assert take(other) == 0
    assert verdict_of(Reason.INPUT_REPEATED) is Verdict.PASS, (
        "people decide: some lines show the same part again"
    )


def test_what_only_informs_of_a_picture_is_kept_beside_its_features() -> None:
    picture = Picture(image("NHWC", "RGB", "uint8", [0, 255]))
    dark, bright = np.zeros((1, 8, 6, 3), np.uint8), np.full((1, 8, 6, 3), 255, np.uint8)
    values = np.empty(6)
    for each in (dark, bright, bright):
        assert picture.read(each, values, 0) == 0
    assert (picture.tones[0], picture.tones[63], picture.pictures, picture.repeats) == (1, 2, 3, 1)
    assert (picture.found[DARK_AT], picture.found[BRIGHT_AT]) == (0, 1)
    assert picture.read(np.full((1, 8, 6, 3), np.nan, np.float32), values, 0) == 48
    assert (picture.pictures, picture.repeats) == (3, 0)
    assert np.isnan(values).all()


def test_how_many_scores_came_is_a_feature_where_the_manifest_leaves_it_open() -> None:
    of = section([spec("x", [1, "classes"], "logits")])
    assert named(of, extract(of, x=np.zeros((1, 7), np.float32)))["outputs"] == 7
    assert "outputs" in feature_set(of).groups["confidence"]
    assert "outputs" not in feature_set(section([spec("x", ["n", 4], "logits")])).names


def test_an_observation_is_watched_entry_by_entry_where_entries_have_names() -> None:
    obs = spec("obs", [1, 2], monitored=True, channels=["angle", {"name": "speed"}])
    of = section([], [obs, spec("goal", [1, 3], monitored=True), spec("unseen", [1, 3])])
    found = extract(of, obs=np.float32([[0.5, 2]]), goal=np.float32([[1, 1, 4]]))
    values = named(of, found)
    assert (values["obs.angle"], values["obs.speed"], values["goal.mean"]) == (0.5, 2.0, 2.0)
    assert "unseen.mean" not in values
    assert set(values) - set(PICTURE) <= set(feature_set(of).groups["input"])
    assert extract(of, obs=np.float32([[np.nan, 2]])).reasons == Reason.INPUT_NOT_FINITE


def test_a_batch_has_the_mean_of_each_feature() -> None:
    of = section([spec("x", ["n", 3], "logits")])
    rows = np.float32([[4, 0, 0], [0, 1, 0]])
    alone = [extract(of, x=row[None]).values for row in rows]
    np.testing.assert_allclose(extract(of, x=rows).values, np.mean(alone, axis=0))


DTYPES = [np.dtype(name) for name in ("f4", "f8", "f2", "u1", "i8", "?")]
SHAPES = st.one_of(st.none(), st.lists(st.sampled_from(["n", -1, 0, 1, 2, 3, 7]), max_size=4))
ANY_SPECS = st.lists(
    st.fixed_dictionaries(
        {"shape": SHAPES, "dtype": st.sampled_from([dtype.name for dtype in DTYPES]),
         "role": st.sampled_from(["logits", "detections", "command", "embedding", "other"]),
         "monitored": st.sampled_from([None, True, False]),
         "boxes": st.sampled_from([None, {"score": 1, "classes": 2, "size": [4, 4]}, {"score": None, "classes": 0}]),
         "layout": st.sampled_from([None, "NCHW", "NHWC", "HW"]), "colour": st.sampled_from(["BGR", "grey"]),
         "channels": st.sampled_from([[], [{"name": "a", "low": -1.0, "high": 1.0, "rate": 1.0}, {"name": "b", "jerk": 2.0}]])}
    ),
    min_size=1, max_size=3,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(ANY_SPECS, ANY_SPECS, st.data(), st.integers(0, 2**32 - 1))
def test_whatever_a_manifest_says_and_an_application_sends_nothing_is_raised(
    inputs: list[dict[str, Any]], outputs: list[dict[str, Any]], data: st.DataObject, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    of = {
        **section([{**each, "name": f"out{n}"} for n, each in enumerate(outputs)],
                  [{**each, "name": f"in{n}"} for n, each in enumerate(inputs)]),
        "period_s": 0.001, "saturation": {"share": 0.5, "records": 3}, "chatter": {"share": 0.5, "records": 2},
        "tracking": {"state": {"input": "in0", "entries": [1]}, "target": {"input": "in1", "entries": [0]}, "limit": 0.1},
    }  # fmt: skip
    extractor = Extractor(of, ["in0", "in1", "in2"], ["out0", "out1", "out2"])
    for number in range(3):
        tensors = []
        for _ in range(data.draw(st.integers(0, 5))):
            dtype, shape = (
                data.draw(st.sampled_from(DTYPES)),
                tuple(data.draw(st.lists(st.integers(0, 4), max_size=5))),
            )
            array = np.asarray(3 * rng.standard_normal(shape)).astype(dtype)
            if dtype.kind == "f" and array.size and rng.random() < 0.3:
                array.reshape(-1)[0] = data.draw(st.sampled_from([np.nan, np.inf, np.finfo(dtype).max]))
            sent = None if data.draw(st.integers(0, 9)) == 0 else array
            role, index = (
                data.draw(st.integers(0, 1)),
                data.draw(st.sampled_from([0, 1, 2, 9, wire.THUMBNAIL])),
            )
            tensors.append(wire.Tensor(role, index, shape, dtype, sent))
        found = extractor.extract(wire.Record(number, 1, 1, 1, 0, 0, tensors))
        assert found.values.shape == (len(feature_set(of).names),)
        assert not np.isinf(found.values).any()
        verdict_of(found.reasons)
        json.dumps(found.evidence, allow_nan=False)
