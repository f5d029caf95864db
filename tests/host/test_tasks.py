"""The host runs models of every task and shape: detectors, control, several inputs and outputs, unknown shapes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka_tap import wire
from PIL import Image

from tests.host.graphs import bundle, graph
from tests.processes import Program, programs
from tests.shared_data import folder
from tests.tap.listener import Listener, tensor

pytestmark = pytest.mark.process

HOST = (sys.executable, "-m", "jidoka.host")
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with programs(tmp_path) as starter:
        yield lambda *arguments: starter(*HOST, *map(str, arguments))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "tap.sock")
    yield listener
    listener.close()


def results(program: Program, listener: Listener) -> list[dict[str, Any]]:
    listener.wait(lambda: program.process.poll() is not None, "the host ends")
    listener.pump()
    assert program.wait() == 0, program.text
    return [json.loads(line) for line in program.text.splitlines() if line.startswith("{")]


def test_a_policy_runs_on_a_table_of_states_found_by_their_names(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    model = graph(
        [("obs", "float32", [1, 3])], [("u", "float32", [1, 3])], [("Add", ["obs", "bias"], ["u"])],
        {"bias": np.array([[1, 2, 3]], np.float32)},
    )  # fmt: skip
    made = bundle(tmp_path / "arm", model, (
        "task: control\nperiod: 20 ms\n"
        "inputs:\n- {name: obs, dtype: float32, shape: [1, 3], channels: [q1, q2, q3]}\n"
        "outputs:\n- {name: u, dtype: float32, shape: [1, 3], role: command,"
        " channels: [{name: hip}, {name: knee}, {name: wrist}]}\n"
    ))  # fmt: skip
    (tmp_path / "states.csv").write_text("t,q3,q2,q1\n0,30,20,10\n1,,0,0\n")
    program = start(
        made, "--source", tmp_path / "states.csv", "--rate", 0, "--results", "--socket", listener.path
    )
    first, second = results(program, listener)
    assert first["command"] == {"hip": 11, "knee": 22, "wrist": 33}
    assert second["command"] == {"hip": 1, "knee": 2, "wrist": "nan"}
    assert first["name"] == "states.csv:2"
    assert tensor(listener.records[0], wire.OUTPUT, 0).tolist() == [[11, 22, 33]]
    assert np.isnan(tensor(listener.records[1], wire.OUTPUT, 0)[0, 2])


def test_a_detector_of_any_size_runs_on_pictures_of_their_own_size_in_the_order_of_its_colours(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    model = graph(
        [("images", "float32", ["n", "h", "w", 3])], [("rows", "float32", ["n", "h", "w", 3])],
        [("Identity", ["images"], ["rows"])],
    )  # fmt: skip
    made = bundle(tmp_path / "boxes", model, (
        "task: other\n"
        "inputs:\n- {name: images, dtype: float32, shape: [n, h, w, 3], layout: NHWC, colour: BGR, range: [0, 1]}\n"
        "outputs:\n- {name: rows, dtype: float32, shape: [n, h, w, 3], monitored: true}\n"
    ))  # fmt: skip
    (tmp_path / "pictures").mkdir()
    for n, size in enumerate([(8, 4), (6, 5)]):
        Image.new("RGB", size, (255, 0, 51)).save(tmp_path / "pictures" / f"{n}.png")
    common = ("--source", tmp_path / "pictures", "--rate", 0, "--results", "--socket")
    source = (*common, listener.path)
    told = results(start(made, *source), listener)
    assert [each["outputs"]["rows"]["shape"] for each in told] == [[1, 4, 8, 3], [1, 5, 6, 3]]
    assert np.allclose(tensor(listener.records[0], wire.OUTPUT, 0)[0, 0, 0], [0.2, 0, 1])
    program = start(made, *common, tmp_path / "none", "--batch", 2)
    assert program.wait() == 5
    assert "can't be one batch" in program.text
    told = results(start(made, *source, "--batch", 2, "--size", "7x3"), listener)
    assert [each["part"] for each in told] == [1, 2]
    assert tensor(listener.records[-1], wire.OUTPUT, 0).shape == (2, 3, 7, 3)


def test_a_model_with_several_inputs_and_unknown_output_shapes_runs_on_array_files(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    model = graph(
        [("a", "float32", ["n", 2]), ("b", "float32", ["n", 2]), ("scale", "float32", [1])],
        [("sum", "float32", None), ("product", "float32", ["n", "m"]), ("same", "float32", None)],
        [("Add", ["a", "b"], ["sum"]), ("Mul", ["a", "scale"], ["product"]), ("Identity", ["b"], ["same"])],
    )
    made = bundle(tmp_path / "several", model, (
        "task: other\n"
        "inputs:\n- {name: a, dtype: float32, shape: [n, 2]}\n- {name: b, dtype: float32, shape: [n, 2]}\n"
        "- {name: scale, dtype: float32, shape: [1]}\n"
        "outputs:\n- {name: sum, dtype: float32, shape: [n, 2], monitored: true}\n"
        "- {name: product, dtype: float32, shape: [n, 2]}\n- {name: same, dtype: float32, shape: [n, 2]}\n"
    ))  # fmt: skip
    (tmp_path / "data").mkdir()
    for n in range(3):
        np.savez(tmp_path / "data" / f"{n}.npz", a=[n, 1.0], b=[[10.0, 20.0]])
    program = start(
        made, "--source", tmp_path / "data", "--batch", 2, "--fix", "scale=4", "--rate", 0, "--results",
        "--socket", listener.path,
    )  # fmt: skip
    told = results(program, listener)
    assert [each["outputs"]["sum"] for each in told] == [[10, 21], [11, 21], [12, 21]]
    assert told[2]["outputs"]["product"] == [8, 4]
    assert [len(tensor(record, wire.OUTPUT, 0)) for record in listener.records] == [2, 1]


def test_a_batch_of_a_fixed_size_leaves_over_what_is_too_little(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    model = graph([("x", "float32", [2, 1])], [("y", "float32", [2, 1])], [("Identity", ["x"], ["y"])])
    made = bundle(tmp_path / "pairs", model, (
        "task: other\ninputs:\n- {name: x, dtype: float32, shape: [2, 1]}\n"
        "outputs:\n- {name: y, dtype: float32, shape: [2, 1], monitored: true}\n"
    ))  # fmt: skip
    (tmp_path / "x.csv").write_text("x\n1\n2\n3\n")
    program = start(made, "--source", tmp_path / "x.csv", "--rate", 0, "--json", "--socket", listener.path)
    (told,) = results(program, listener)
    assert (told["samples"], told["records"], told["left_over"]) == (2, 1, 1)
    assert "too few for the model's batch of 2" in program.text


def test_a_model_that_warns_hundreds_of_times_at_loading_says_nothing(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    unused = {f"unused{n}": np.zeros(1, np.float32) for n in range(300)}
    model = graph(
        [("x", "float32", ["n", 1])], [("y", "float32", ["n", 1])], [("Identity", ["x"], ["y"])], unused
    )
    made = bundle(tmp_path / "noisy", model, (
        "task: other\ninputs:\n- {name: x, dtype: float32, shape: [n, 1]}\n"
        "outputs:\n- {name: y, dtype: float32, shape: [n, 1], monitored: true}\n"
    ))  # fmt: skip
    (tmp_path / "x.csv").write_text("x\n1\n")
    loud = f"import onnxruntime as o; o.InferenceSession({str(made / 'model.onnx')!r})"
    with programs(tmp_path) as starter:
        plain = starter(sys.executable, "-c", loud)
        assert plain.wait() == 0
    assert plain.text.count("unused") >= 300  # it does warn
    program = start(made, "--source", tmp_path / "x.csv", "--json", "--socket", listener.path)
    results(program, listener)
    assert "unused" not in program.text


def test_new_files_of_a_watched_folder_are_run_and_moved(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    program = start("surface-inspection", "--source", f"watch:{spool}", "--move-to", tmp_path / "done",
                    "--count", 2, "--rate", 0, "--results", "--socket", listener.path)  # fmt: skip
    listener.wait(lambda: len(listener.beats) > 0, "the host is there")
    for n in range(2):
        Image.new("L", (96, 96), 100 + n).save(spool / f"{n}.png")
    told = results(program, listener)
    assert sorted(each["name"] for each in told) == ["0.png", "1.png"]
    assert sorted(file.name for file in (tmp_path / "done").iterdir()) == ["0.png", "1.png"]
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("name", ["go1", "g1", "leap_reorient"])
def test_the_public_policies_run_on_states_and_turn_a_missing_value_into_commands_that_are_none(
    name: str, start: Start, listener: Listener, tmp_path: Path
) -> None:
    entries = {"go1": (48, 12), "g1": (103, 29), "leap_reorient": (57, 16)}[name]
    model = (folder("policies") / f"{name}_policy.onnx").read_bytes()
    made = bundle(tmp_path / name, model, (
        f"task: control\ninputs:\n- {{name: obs, dtype: float32, shape: [1, {entries[0]}]}}\n"
        f"outputs:\n- {{name: continuous_actions, dtype: float32, shape: [1, {entries[1]}], role: command}}\n"
    ))  # fmt: skip
    rows = [["0.1"] * entries[0], ["nan", *["0.1"] * (entries[0] - 1)]]
    (tmp_path / "obs.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    program = start(
        made, "--source", tmp_path / "obs.csv", "--rate", 0, "--results", "--socket", listener.path
    )
    clean, missing = results(program, listener)
    assert len(clean["command"]) == entries[1]
    assert all(isinstance(value, float) for value in clean["command"].values())
    assert set(missing["command"].values()) == {"nan"}


def test_the_public_detector_runs_on_real_photographs(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    model = (folder("vision-onnx") / "yolox_nano.onnx").read_bytes()
    made = bundle(tmp_path / "yolox", model, (
        "task: detector\n"
        "inputs:\n- {name: images, dtype: float32, shape: [1, 3, 416, 416], layout: NCHW, colour: BGR, range: [0, 255]}\n"
        "outputs:\n- {name: output, dtype: float32, shape: [1, 3549, 85], role: detections, min_score: 0.01,"
        " boxes: {format: cxcywh, size: [416, 416], score: 4, classes: 5}}\n"
    ))  # fmt: skip
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for n, photograph in enumerate(sorted((folder("magnetic-tile") / "MT_Break").rglob("*.jpg"))[:3]):
        (pictures / f"{n}.jpg").symlink_to(photograph)
    program = start(made, "--source", pictures, "--rate", 0, "--results", "--socket", listener.path)
    told = results(program, listener)
    assert len(told) == 3
    for each in told:
        assert 0 < each["best"] < 1
        assert all(count > 0 for count in each["boxes"].values())
