"""What a model file says of itself, and the plain words where it can't be opened."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from jidoka.config.drafting.graph import read_graph
from jidoka_bridge.errors import ModelError

from tests import shared_data
from tests.config.line import ROOT
from tests.host.graphs import graph

from .models import model, with_external_weights

SHIPPED = ROOT / "models" / "surface-inspection" / "surface-inspection.onnx"


def refusal(file: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        read_graph(file)
    assert caught.value.remedy
    return caught.value


def test_the_shipped_model_says_who_made_it_and_what_goes_in_and_out() -> None:
    found = read_graph(SHIPPED)
    assert (found.producer, found.opset, found.version, found.external) == ("jidoka", 17, None, ())
    assert found.sha256 == hashlib.sha256(SHIPPED.read_bytes()).hexdigest()
    assert [(each.name, each.dtype, each.shape) for each in found.inputs] == [
        ("image", "uint8", ("batch", 1, 96, 96))
    ]
    assert [(each.name, each.dtype, each.shape) for each in found.outputs] == [
        ("logits", "float32", ("batch", 4)), ("embedding", "float32", ("batch", 64)),
    ]  # fmt: skip


def test_free_sizes_without_a_name_get_one_and_an_unknown_shape_stays_unknown(tmp_path: Path) -> None:
    file = model(tmp_path, [("x", "float32", ["", "?", "rows"])], [("y", None), ("z", [])])
    found = read_graph(file)
    assert found.inputs[0].shape == ("batch", "x_1", "rows")
    assert [each.shape for each in found.outputs] == [None, ()]


def test_types_that_cannot_be_sent_are_told_by_their_kind(tmp_path: Path) -> None:
    constant = graph(
        [("x", "float32", [1])],
        [("y", "float32", [1])],
        [("SequenceConstruct", ["x"], ["s"]), ("Identity", ["x"], ["y"])],
    )
    # the type of the second output isn't a tensor's: type.sequence_type.elem_type.tensor_type.elem_type = 1
    sequence = b"\x3a\x11\x62\x0f\x0a\x01s\x12\x0a\x22\x08\x0a\x06\x0a\x04\x08\x01\x12\x00"
    file = tmp_path / "sequence.onnx"
    file.write_bytes(constant + sequence)
    (_, found) = read_graph(file).outputs
    assert (found.name, found.dtype, found.shape) == ("s", None, None)
    assert found.kind == "seq(tensor(float))"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 an archive", "isn't an ONNX model, or is cut off"),
        (b"not a model at all, only some words", "isn't an ONNX model, or is cut off"),
        (SHIPPED.read_bytes()[:5000], "isn't an ONNX model, or is cut off"),
        (graph([("x", "float32", [1])], [("y", "float32", [1])], [("NoSuch", ["x"], ["y"])]), "NoSuch"),
        (b"\x08\x08", "can't be loaded as a model"),
    ],
)
def test_a_file_that_is_no_model_is_refused_in_plain_words_and_nothing_else_is_printed(
    content: bytes, says: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    error = refusal(file)
    assert error.what.startswith(f"{file}: ")
    assert says in error.what
    assert "\n" not in error.what
    assert capfd.readouterr() == ("", "")


def test_what_is_missing_or_a_folder_or_closed_is_told(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.onnx").what
    assert "is a folder" in refusal(tmp_path).what
    closed = tmp_path / "closed.onnx"
    closed.write_bytes(b"x")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read everything")
    assert "can't be read" in refusal(closed).what


def test_weights_in_another_file_are_named_and_missed(tmp_path: Path) -> None:
    file = model(tmp_path, [("x", "float32", [1])], [("y", [1])])
    file.write_bytes(with_external_weights(file.read_bytes(), "weights.bin"))
    error = refusal(file)
    assert "its weights lie in 'weights.bin', which isn't beside it" in error.what
    (tmp_path / "weights.bin").write_bytes(bytes(4))
    assert read_graph(file).external == ("weights.bin",)


@pytest.mark.parametrize("folder", ["vision-onnx", "policies"])
def test_other_people_s_models_are_opened_in_silence(folder: str, capfd: pytest.CaptureFixture[str]) -> None:
    for file in sorted(shared_data.folder(folder).glob("*.onnx")):
        found = read_graph(file)
        assert found.inputs
        assert all(each.dtype == "float32" for each in found.outputs)
        assert found.opset > 0
    assert capfd.readouterr() == ("", "")


def test_a_model_that_warns_hundreds_of_times_is_opened_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # onnxruntime has a warning for each constant that nothing uses
    unused = {f"unused-{n}": np.zeros(1, np.float32) for n in range(300)}
    file = tmp_path / "model.onnx"
    file.write_bytes(
        graph([("x", "float32", [1])], [("y", "float32", [1])], [("Identity", ["x"], ["y"])], unused)
    )
    assert [each.name for each in read_graph(file).inputs] == ["x"]
    assert capfd.readouterr() == ("", "")
