"""The facts of an ONNX file that are read without a library; garbage is refused and nothing else happens."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.drafting.protobuf import DamagedError, Facts, facts_of

from tests.host.graphs import graph

from .models import piece, with_external_weights

CONTENT = graph(
    [("x", "float32", ["n", 4]), ("any", "float32", None)],
    [("y", "float32", ["n", 4]), ("z", "float32", None)],
    [("Tanh", ["x"], ["y"]), ("Identity", ["any"], ["z"])],
)


def test_opset_makers_and_missing_shapes_are_read() -> None:
    assert facts_of(CONTENT) == Facts({"": 17}, {"y": "Tanh", "z": "Identity"}, frozenset({"any", "z"}), ())


def test_files_with_weights_are_named_once() -> None:
    content = with_external_weights(with_external_weights(CONTENT, "weights.bin"), "weights.bin")
    assert facts_of(content).external == ("weights.bin",)


def test_fields_that_nobody_asked_for_are_passed_over() -> None:
    other = b"\xf9\x01" + bytes(8) + b"\xfd\x01" + bytes(4) + piece(15, "x")
    assert facts_of(other + CONTENT) == facts_of(CONTENT)


@pytest.mark.parametrize(
    "content",
    [CONTENT[:-1], b"\x0b", b"\x3a\xff", b"\xff" * 12, b"\x38\x01", b"\x80"],
    ids=["cut", "group", "too long", "no end", "number for a graph", "tag without an end"],
)
def test_what_is_cut_or_no_protocol_buffer_is_damaged(content: bytes) -> None:
    with pytest.raises(DamagedError):
        facts_of(content)


@given(st.binary(max_size=200) | st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 255)).map(
    lambda edit: CONTENT[: edit[0]] + bytes([edit[1]]) + CONTENT[edit[0] + 1 :]
))  # fmt: skip
def test_garbage_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(DamagedError):
        assert isinstance(facts_of(content), Facts)
