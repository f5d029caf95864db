"""What the plan says of one model: the manifest's settings as plain values, and the memory that a record needs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.config import model_section
from jidoka.config.bundle import Bundle, Input, Output
from jidoka.config.compile import compile_text
from jidoka.config.manifest import load_bundle
from jidoka.config.model_section import arena_slots, monitored, record_bytes, stated_bytes
from jidoka.config.schema import ModelSettings
from jidoka.feed.mapping import FeedSettings
from jidoka_bridge import plan as plans
from jidoka_tap import wire

from tests.host.graphs import bundle as make_bundle
from tests.host.graphs import graph

from .line import ROOT, changed
from .manifests import CONTROL, DETECTOR, HEAD

MIB = 1_048_576


def bundle_of(*tensors: Input | Output) -> Bundle:
    """The shipped bundle with these tensors only."""
    return replace(
        load_bundle("surface-inspection"),
        inputs=tuple(each for each in tensors if isinstance(each, Input)),
        outputs=tuple(each for each in tensors if isinstance(each, Output)),
    )


def section_of(folder: Path, manifest: str, row: str = "") -> tuple[dict[str, Any], plans.Model]:
    """(the plan's section, its model) of a bundle with this manifest behind its head, and a row with these settings."""
    model = graph([("x", "float32", [1])], [("y", "float32", [1])], [("Identity", ["x"], ["y"])])
    made = make_bundle(folder / "own", model, manifest.removeprefix(HEAD))
    text = changed(
        ("surface-inspection", str(made)), ("enforce", f"enforce{row}"), ("drift(input)", "drift(output)")
    )
    plan = compile_text(text, ROOT)
    assert plans.parse(json.loads(plan.canonical())) == plan
    return plan.sections["models"]["eye"], plan.models[0]


def test_the_wire_s_own_limits_are_those_that_are_reckoned_with() -> None:
    assert model_section.INLINE_BYTES == wire.INLINE_LIMIT_BYTES
    assert model_section.ALIGN_BYTES == wire.ARENA_ALIGN


def test_everything_of_a_control_model_s_manifest_is_in_its_section(tmp_path: Path) -> None:
    section, _ = section_of(tmp_path, CONTROL, "\n    judged: per part")
    assert section["task"] == "control"
    assert section["period_s"] == 0.02
    assert section["inputs"][0]["channels"] == ["q1", "q2", "v1", "v2", "t1", "t2"]
    assert [each["monitored"] for each in section["inputs"]] == [True, False]
    (torque,) = section["outputs"]
    assert (torque["role"], torque["monitored"], torque["boxes"], torque["min_score"]) == (
        "command",
        True,
        None,
        None,
    )
    assert torque["channels"] == [
        {"name": "shoulder", "unit": "N·m", "low": -30.0, "high": 30.0, "rate": 900.0, "jerk": 80000.0},
        {"name": "elbow", "unit": "1", "low": None, "high": None, "rate": None, "jerk": None},
    ]
    assert section["saturation"] == {"at": 0.98, "share": 0.5, "records": 50}
    assert section["chatter"] == {"share": 0.6, "records": 50}
    assert section["tracking"] == {
        "state": {"input": "obs", "entries": [0, 1]},
        "target": {"input": "obs", "entries": [4, 5]},
        "limit": 0.2,
    }
    assert section["refusals"] == {"in_a_row": 3, "of_last": [10, 50]}
    assert (section["feed"], section["judged"], section["thumbnail"]) == (None, "part", False)
    assert (section["largest_record_bytes"], section["arena_slots"]) == (128, 0)


def test_everything_of_a_detector_s_manifest_is_in_its_section(tmp_path: Path) -> None:
    feed = "feed: {format: json, outputs: {rows: [a, b, c, d, e, f, g]}, part: part}\n"
    section, _ = section_of(tmp_path, DETECTOR.replace("3549, 7", "1, 7") + feed)
    rows, counts = section["outputs"]
    assert rows["boxes"] == {"format": "cxcywh", "size": [416, 416], "score": 4, "classes": 5}
    assert (rows["min_score"], rows["monitored"]) == (0.3, True)
    assert (counts["shape"], counts["monitored"], counts["role"]) == ([], False, "other")
    assert section["saturation"] is section["chatter"] is section["tracking"] is section["period_s"] is None
    assert section["refusals"] == {"in_a_row": 5, "of_last": [20, 100]}
    assert section["feed"]["outputs"] == {"rows": ["a", "b", "c", "d", "e", "f", "g"]}
    assert section["feed"]["part"] == "part"
    assert section["judged"] == "record"


def test_a_feed_that_tells_the_top_class_keeps_the_names_of_its_settings() -> None:
    settings = {"format": "json", "outputs": {"logits": {"class": "c", "confidence": "p"}}}
    bundle = replace(load_bundle("surface-inspection"), feed=FeedSettings.model_validate(settings))
    row = ModelSettings(id="eye", bundle="x", mode="none")
    told = model_section.model_section(row, bundle)["feed"]
    assert told["outputs"] == settings["outputs"]
    assert FeedSettings.model_validate(told) == bundle.feed


@pytest.mark.parametrize(
    ("tensor", "size"),
    [
        (Output("y", "float32", ("batch", 4), monitored=True), 64),
        (Output("y", "float64", (8, 3, 5), monitored=True), 960),
        (Output("y", "bool", (70,), monitored=True), 128),
        (Output("y", "float32", (), monitored=True), 64),
        (Output("y", "float16", ("batch", "boxes", 6), monitored=True), 4 * MIB),
        (Output("y", "float32", (1, 1000), monitored=False), 0),
    ],
)
def test_the_bytes_of_a_record_are_those_of_its_monitored_tensors_for_one_item(
    tensor: Output, size: int
) -> None:
    assert record_bytes(monitored(bundle_of(tensor))) == size


def test_the_bytes_that_a_manifest_states_leave_free_sizes_out() -> None:
    free = Output("y", "float32", (1, "n"), monitored=True)
    fixed = Input("x", "uint8", ("batch", 3, 100, 100), monitored=True)
    assert stated_bytes(bundle_of(free, fixed)) == 30_016
    assert record_bytes(monitored(bundle_of(free, fixed))) == 30_016 + 4 * MIB


@pytest.mark.parametrize(
    ("size", "slots"),
    [(0, 0), (60_000, 0), (60_001, 4), (16 * MIB, 4), (16 * MIB + 1, 3), (32 * MIB, 2), (128_000_000, 2)],
)
def test_an_arena_has_four_slots_or_fewer_so_that_it_stays_small(size: int, slots: int) -> None:
    assert arena_slots(size) == slots


def test_a_detector_s_record_goes_through_an_arena_and_its_quota_has_room_for_it(tmp_path: Path) -> None:
    text = DETECTOR.replace("BGR, range: [0, 255]", "BGR, range: [0, 255], monitored: true")
    section, model = section_of(tmp_path, text)
    record = 3 * 416 * 416 * 4 + -(-3549 * 7 * 4 // 64) * 64
    assert (section["largest_record_bytes"], section["arena_slots"]) == (record, 4)
    # 64 bytes are those of the counts, which nobody asks for but an application may send
    assert model.bytes_per_s == max(64e6, 2 * 30 * (record + 64))


def test_a_row_s_own_room_and_rate_win(tmp_path: Path) -> None:
    section, model = section_of(tmp_path, DETECTOR, "\n    largest_record: 40 MB\n    records_per_s: 20")
    assert (section["largest_record_bytes"], section["arena_slots"]) == (40_000_000, 2)
    assert (model.records_per_s, model.bytes_per_s) == (1000.0, 2 * 20 * 40e6)


def test_a_control_model_s_period_says_how_many_records_come(tmp_path: Path) -> None:
    _, model = section_of(tmp_path, CONTROL.replace("20 ms", "500 us"))
    assert model.records_per_s == pytest.approx(4000)
