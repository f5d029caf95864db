"""The draft of a manifest: what was read is right, guesses say why, and what a person must decide is marked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config import located
from jidoka.config.drafting.draft import draft_of, quoted
from jidoka.config.drafting.graph import Graph, Tensor, read_graph
from jidoka.config.drafting.left import blanks_of
from jidoka.config.manifest import load_bundle
from jidoka.config.placeholders import FILL_IN

from tests import shared_data
from tests.config.line import ROOT

from .models import model


def drafted(file: Path) -> tuple[str, dict[str, Any]]:
    """(the draft's text, its values)."""
    text = draft_of(read_graph(file))
    document = located.parse(text, "draft")
    assert document.faults == []
    assert isinstance(document.value, dict)
    return text, document.value


def left(text: str) -> list[str]:
    """Paths that a person must fill in."""
    return [each.path for each in blanks_of(text)]


def test_a_classifier_of_pictures() -> None:
    text, values = drafted(ROOT / "models" / "surface-inspection" / "surface-inspection.onnx")
    shipped = load_bundle("surface-inspection")
    assert (values["id"], values["file"], values["sha256"]) == (shipped.id, shipped.file.name, shipped.sha256)
    (image,) = values["inputs"]
    assert (image["layout"], image["colour"], image["range"], image["monitored"]) == (
        "NCHW",
        "grey",
        [0, 255],
        True,
    )
    assert [each["role"] for each in values["outputs"]] == ["logits", "embedding"]
    assert values["task"] == "classifier"
    assert left(text) == ["version", "maker", "licence", "intended_use", "classes", "good_classes"]
    assert "classes: FILL IN              # 4 names in the model's order" in text


def test_the_rows_of_a_detector() -> None:
    text, values = drafted(shared_data.folder("vision-onnx") / "yolox_nano.onnx")
    assert values["task"] == "detector"
    (output,) = values["outputs"]
    assert output["role"] == "detections"
    assert output["boxes"] == {"format": FILL_IN, "size": [416, 416], "score": 4, "classes": 5}
    assert (
        "guess: rows of 85 = 5 + 80 numbers; 3549 is 1 for each cell of 8, 16, 32 pixels of the picture"
        in text
    )
    assert left(text)[4:] == ["inputs[0].colour", "inputs[0].range", "outputs[0].boxes.format"]


def test_a_version_that_the_file_tells_is_taken() -> None:
    text, values = drafted(shared_data.folder("vision-onnx") / "mnist.onnx")
    assert values["version"] == "1"
    assert values["outputs"][0]["role"] == "logits"
    assert "version" not in left(text)


@pytest.mark.parametrize(
    ("name", "entries"), [("go1_policy", 12), ("leap_reorient_policy", 16), ("g1_policy", 29)]
)
def test_a_policy_s_command_has_a_channel_for_each_entry(name: str, entries: int) -> None:
    text, values = drafted(shared_data.folder("policies") / f"{name}.onnx")
    assert (values["task"], values["period"]) == ("control", FILL_IN)
    (command,) = values["outputs"]
    assert command["role"] == "command"
    assert len(command["channels"]) == entries
    assert command["channels"][1] == {"name": "continuous_actions-1", "unit": FILL_IN, "low": -1, "high": 1}
    assert "guess: the graph ends in Tanh" in text
    assert len(left(text)) == 5 + entries


CASES: dict[str, tuple[Any, Any, str, Any]] = {
    # what it is: (inputs, outputs, operator, what the draft must hold)
    "a picture with its channels last": (
        [("x", "float32", [1, 32, 48, 3])], [("y", [1, 5])], "Identity", ["layout: NHWC", "colour: FILL IN", "role: logits"],
    ),
    "probabilities": (
        [("x", "float32", [1, 3, 8, 8])], [("y", [1, 5])], "Softmax", ["role: other ", "the graph ends in Softmax", "task: FILL IN", "monitored: true"],
    ),
    "a command whose limits nothing tells": (
        [("x", "float32", [1, 4])], [("cmd_vel", [1, 2])], "Identity", ["{name: cmd_vel-1, unit: FILL IN, low: FILL IN, high: FILL IN}", "guess: its name, cmd_vel"],
    ),
    "numbers that nothing tells the meaning of": (
        [("x", "float32", [1, 4])], [("y", [1, 2])], "Identity", ["task: FILL IN", "role: FILL IN"],
    ),
    "boxes in columns": (
        [("x", "float32", [1, 3, 64, 64])], [("y", [1, 84, 8400])], "Identity", ["role: other ", "only rows are understood: transpose them"],
    ),
    "boxes of a free number": (
        [("x", "float32", [1, 3, "h", "w"])], [("y", [1, "n", 7])], "Identity", ["shape: [1, n, 7]", "size: FILL IN", "score: 4 "],
    ),
    "an unknown shape": (
        [("x", "float32", [1, 3, 8, 8])], [("y", None)], "Identity", ["shape: FILL IN", "the file doesn't tell it"],
    ),
    "embedding by its name, scores by being fewer": (
        [("x", "float32", [1, 3, 8, 8])], [("long", [1, 90]), ("y", [1, 5]), ("feature_map", [1, 3])], "Identity",
        ["role: logits", "another output has fewer numbers", "guess: its name, feature_map"],
    ),
    "names that need quotes": (
        [("input:0", "float32", [1, 4])], [("yes # no", [1, 2])], "Identity", ['name: "input:0"', 'name: "yes # no"'],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_guess(case: str, tmp_path: Path) -> None:
    inputs, outputs, operator, wanted = CASES[case]
    file = model(tmp_path, inputs, outputs, operator)
    text, values = drafted(file)
    assert [each for each in wanted if each not in text] == []
    assert [each["name"] for each in values["inputs"]] == [each[0] for each in inputs]
    assert [each["name"] for each in values["outputs"]] == [each[0] for each in outputs]


@pytest.mark.parametrize("case", CASES)
def test_a_draft_is_refused_for_nothing_but_what_is_left_to_fill_in(case: str, tmp_path: Path) -> None:
    from jidoka_bridge.errors import ModelError

    inputs, outputs, operator, _ = CASES[case]
    text, _ = drafted(model(tmp_path, inputs, outputs, operator))
    (tmp_path / "manifest.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_bundle(tmp_path)
    lines = caught.value.what.splitlines()
    assert all("nobody has filled it in" in each for each in lines), caught.value.what
    assert len(lines) == len(left(text))


ODD = st.text(max_size=30) | st.sampled_from(
    ["no", "1", "0x1", "~", "-", "a: b", "a #b", "[x", "é", "\t", "FILL IN", "?"]
)


@given(ODD)
def test_any_name_is_read_back_as_it_was(name: str) -> None:
    document = located.parse(f"- {{name: {quoted(name)}, b: 1}}\n- {quoted(name)}\n", "name")
    assert document.faults == []
    assert document.value == [{"name": name, "b": 1}, name]


@given(ODD, ODD, st.dictionaries(ODD, ODD, max_size=3))
def test_whatever_a_file_says_of_itself_stays_a_comment(
    producer: str, name: str, metadata: dict[str, str]
) -> None:
    tensor = Tensor(name, "float32", ("batch", name or "n", 3), "tensor(float)")
    graph = Graph(Path("m.onnx"), 1, "ab" * 32, producer, 0, None, metadata, (tensor,), (tensor,), (name,))
    document = located.parse(draft_of(graph), "draft")
    assert document.faults == []
    assert document.value["inputs"][0]["name"] == name
    assert set(document.value) <= {
        "format", "id", "version", "file", "sha256", "maker", "licence", "intended_use", "not_for", "task", "inputs",
        "outputs", "classes", "good_classes", "period", "limits",
    }  # fmt: skip
