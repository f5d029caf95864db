"""An inner tensor put out: the rest of the file byte for byte, the other outputs bit for bit, and what is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.drafting.graph import opened
from jidoka.config.drafting.protobuf import DamagedError, fields, piece_of
from jidoka.config.exposing.addition import value_info, with_output
from jidoka.config.exposing.choice import named
from jidoka.config.exposing.expose import expose
from jidoka.config.exposing.layout import layout_of
from jidoka.config.exposing.proof import prove
from jidoka_bridge.errors import ModelError

from tests import shared_data
from tests.config.drafting.models import with_external_weights
from tests.config.line import ROOT
from tests.host.graphs import graph

SURFACE = ROOT / "models" / "surface-inspection" / "surface-inspection.onnx"
ARM = ROOT / "models" / "arm-policy" / "arm-policy.onnx"
WEIGHTS = {"w": np.ones((3, 2), np.float32), "v": np.ones((2, 2), np.float32)}
X, Y = ("x", "float32", ["batch", 3]), ("y", "float32", ["batch", 2])
TWO_LAYERS = [("MatMul", ["x", "w"], ["h"]), ("Relu", ["h"], ["a"]), ("MatMul", ["a", "v"], ["y"])]


def public(folder: str, name: str) -> Path:
    return shared_data.folder(folder) / name


def model(folder: Path, nodes: list, constants: dict | None = None, inputs: list | None = None) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(graph(inputs or [X], [Y], nodes, WEIGHTS if constants is None else constants))
    return file


def refusal(file: Path, tensor: str | None) -> ModelError:
    with pytest.raises(ModelError) as caught:
        expose(file, tensor)
    assert caught.value.remedy
    return caught.value


def feed(
    session: onnxruntime.InferenceSession, rng: np.random.Generator, batch: int
) -> dict[str, np.ndarray]:
    drawn = {}
    for each in session.get_inputs():
        shape = [size if isinstance(size, int) else batch for size in each.shape]
        drawn[each.name] = (
            rng.integers(0, 256, shape, np.uint8)
            if each.type == "tensor(uint8)"
            else rng.standard_normal(shape).astype(np.float32)
        )
    return drawn


CASES = [
    ("shipped", "surface-inspection", None, "/Relu_output_0", ("batch", 64)),
    ("shipped", "arm-policy", None, "h2", ("batch", 64)),
    ("vision-onnx", "mnist", None, "Pooling160_Output_0_reshape0", (1, 256)),
    ("vision-onnx", "yolox_nano", "onnx::Transpose_1175", "onnx::Transpose_1175", (1, 85, 3549)),
    ("vision-onnx", "yolox_nano", "onnx::Concat_1148", "onnx::Concat_1148", (1, 1, 13, 13)),
    ("policies", "g1_policy", None, "mlp_1/MLP_0_1/hidden_2_1/mul_1:0", (1, 128)),
    ("policies", "go1_policy", None, "mlp_1/MLP_0_1/hidden_2_1/mul_1:0", (1, 128)),
    ("policies", "leap_reorient_policy", None, "mlp_1/MLP_0_1/hidden_2_1/mul_1:0", (1, 128)),
]


@pytest.mark.parametrize(("folder", "name", "tensor", "found", "shape"), CASES)
def test_the_outputs_of_before_stay_the_same_bits_and_the_new_one_is_last(
    folder: str, name: str, tensor: str | None, found: str, shape: tuple[str | int, ...]
) -> None:
    file = ROOT / "models" / name / f"{name}.onnx" if folder == "shipped" else public(folder, f"{name}.onnx")
    exposed = expose(file, tensor)
    assert (exposed.name, exposed.tensor.dtype, exposed.tensor.shape) == (found, "float32", shape)
    assert (exposed.proof.runs, exposed.proof.differing) == (3, ())

    # a second answer, with other numbers, as an application runs them
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    before, after = (
        onnxruntime.InferenceSession(each, options) for each in (file.read_bytes(), exposed.content)
    )
    names = [each.name for each in before.get_outputs()]
    assert [each.name for each in after.get_outputs()] == [*names, found]
    rng = np.random.default_rng(77)
    for batch in (1, 1, 3):
        drawn = feed(before, rng, batch)
        *same, new = after.run(None, drawn)
        for old, now in zip(before.run(None, drawn), same, strict=True):
            assert old.dtype == now.dtype
            assert old.tobytes() == now.tobytes()
        assert np.isfinite(new).all()
        assert np.ptp(new) > 0


def test_every_other_byte_of_the_file_is_kept_and_the_new_output_stands_at_the_end_of_the_graph() -> None:
    content = SURFACE.read_bytes()
    changed = with_output(content, "/Relu_output_0", "float32", ("batch", 64))
    added = value_info("/Relu_output_0", "float32", ("batch", 64))

    def parts(data: bytes) -> list[tuple[int, object]]:
        return [(n, v if isinstance(v, int) else bytes(v)) for n, v in fields(memoryview(data))]

    before, after = parts(content), parts(changed)
    assert [(n, v) for n, v in before if n != 7] == [(n, v) for n, v in after if n != 7]
    (old,), (new,) = ([v for n, v in each if n == 7] for each in (before, after))
    assert isinstance(old, bytes)
    assert isinstance(new, bytes)
    assert new.startswith(old)
    ((number, value),) = fields(memoryview(new[len(old) :]))
    assert (number, bytes(piece_of(value))) == (12, added)


@given(st.integers(0, 300_000), st.text(min_size=1, max_size=200))
def test_lengths_are_right_whatever_the_size_of_graph_and_name(size: int, name: str) -> None:
    padding = b"\x12" + _number(size) + b"g" * size  # the graph's name, field 2
    content = b"\x08\x08" + b"\x3a" + _number(len(padding)) + padding + b"\x42\x02\x10\x11"
    changed = with_output(content, name, "float32", (1, "n"))
    found = dict(fields(memoryview(changed)))
    assert (found[1], bytes(piece_of(found[8]))) == (8, b"\x10\x11")
    inner = dict(fields(piece_of(found[7])))
    assert bytes(piece_of(inner[12])) == value_info(name, "float32", (1, "n"))
    assert len(piece_of(inner[2])) == size


def _number(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def piece(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _number(len(value)) + value


@given(st.binary(max_size=200))
def test_garbage_is_damaged_and_never_more(content: bytes) -> None:
    with contextlib.suppress(DamagedError):
        with_output(content, "x")
    with contextlib.suppress(DamagedError):
        layout_of(content)


@pytest.mark.parametrize(
    ("tensor", "says", "remedy"),
    [
        ("embeding", "has no tensor 'embeding'", "Did you mean"),
        ("Relu_output", "has no tensor 'Relu_output'", "'/Relu_output_0'"),
        ("zzzzzz", "has no tensor 'zzzzzz'", "Give --auto, or one of the last ones: "),
        ("embedding", "'embedding' is an output already", "role: embedding"),
        ("image", "'image' is an input", "--auto"),
        ("classify.weight", "'classify.weight' is a weight", "the tensor that it is applied to"),
    ],
)
def test_a_tensor_that_cannot_be_put_out_is_refused_in_plain_words(
    tensor: str, says: str, remedy: str
) -> None:
    error = refusal(SURFACE, tensor)
    assert says in error.what
    assert remedy in error.remedy


def test_what_lies_inside_a_branch_is_told_apart_from_what_is_not_there(tmp_path: Path) -> None:
    # If, whose two branches each make one tensor: attributes then_branch and else_branch, of type GRAPH (5)
    def branch(name: str, gives: str) -> bytes:
        inside = piece(1, piece(1, b"a") + piece(2, gives.encode()) + piece(4, b"Identity")) + piece(
            2, name.encode()
        )
        return piece(5, piece(1, name.encode()) + piece(6, inside) + b"\xa0\x01\x05")

    chosen = branch("then_branch", "yes") + branch("else_branch", "no")
    first = piece(1, piece(1, b"a") + piece(2, b"flag") + piece(4, b"Not"))
    content = b"\x08\x08" + piece(
        7, first + piece(1, piece(1, b"flag") + piece(2, b"y") + piece(4, b"If") + chosen)
    )
    layout = layout_of(content)
    assert layout.inner == {"yes", "no"}
    assert [each.has_graphs for each in layout.nodes] == [False, True]
    with pytest.raises(ModelError, match="inside a branch or a loop"):
        named(tmp_path / "x.onnx", layout, "yes")


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    file = model(tmp_path, TWO_LAYERS)
    (tmp_path / "weights.bin").write_bytes(b"\0" * 64)
    file.write_bytes(with_external_weights(file.read_bytes(), "weights.bin"))
    error = refusal(file, "a")
    assert "its weights lie in weights.bin" in error.what
    assert "as one file" in error.remedy


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.onnx"
    file.write_bytes(b"nothing of the kind")
    assert "isn't an ONNX model" in refusal(file, None).what


@pytest.mark.parametrize(
    ("nodes", "inputs", "why"),
    [
        ([("MatMul", ["x", "w"], ["y"])], [X], "takes the model's input itself"),
        ([("Relu", ["x"], ["h"]), ("Relu", ["h"], ["y"])], [X], "no linear layer"),
        # an attention's product has no weights
        (
            [("Relu", ["x"], ["h"]), ("MatMul", ["h", "k"], ["y"])],
            [X, ("k", "float32", [3, 2])],
            "no linear layer",
        ),
    ],
)
def test_where_nothing_lies_before_a_linear_layer_auto_says_so(
    nodes: list, inputs: list, why: str, tmp_path: Path
) -> None:
    error = refusal(model(tmp_path, nodes, inputs=inputs), None)
    assert "--auto finds nothing inside that leads to 'y'" in error.what
    assert why in error.what
    assert "--tensor" in error.remedy


def test_auto_takes_the_deepest_layer_and_only_those_that_lead_to_the_answer(tmp_path: Path) -> None:
    assert expose(model(tmp_path, TWO_LAYERS), None).name == "a"
    skip = [*TWO_LAYERS[:2], ("MatMul", ["a", "v"], ["deep"]), ("MatMul", ["x", "w"], ["skip"]), ("Add", ["deep", "skip"], ["y"]),
            ("Relu", ["deep"], ["more"]), ("MatMul", ["more", "v"], ["beside"])]  # fmt: skip
    assert expose(model(tmp_path, skip), None).name == "a"


def test_weights_that_are_computed_from_constants_count_as_weights(tmp_path: Path) -> None:
    nodes = [("Relu", ["x"], ["a"]), ("Identity", ["w"], ["same"]), ("MatMul", ["a", "same"], ["y"])]
    assert expose(model(tmp_path, nodes), None).name == "a"


def test_a_shape_that_cannot_be_inferred_stays_unknown(tmp_path: Path) -> None:
    nodes = [
        ("NonZero", ["x"], ["p"]),
        ("Squeeze", ["p"], ["s"]),
        ("Reshape", ["x", "s"], ["h"]),
        ("Identity", ["h"], ["y"]),
    ]
    file = tmp_path / "m.onnx"
    file.write_bytes(graph([X], [("y", "float32", None)], nodes))
    exposed = expose(file, "h")
    assert exposed.tensor.shape is None
    assert exposed.proof.runs == 0  # random numbers make no shape
    assert exposed.proof.why_not


def test_an_output_that_differs_is_found(tmp_path: Path) -> None:
    file = model(tmp_path, TWO_LAYERS)
    other = graph([X], [Y], TWO_LAYERS, {**WEIGHTS, "v": 2 * WEIGHTS["v"]})
    inputs = expose(file, "a").graph.inputs
    assert prove(file, with_output(other, "a", "float32", ("batch", 2)), inputs, "a").differing == ("y",)
    assert prove(file, with_output(file.read_bytes(), "a"), inputs, "a").differing == ()
    assert len(opened(file).get_outputs()) == 1  # the file itself is as it was
