"""Model files for tests, with whatever shapes of their outputs, and with what else a file may hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.host.graphs import Node, Shape, Value, graph


def model(folder: Path, inputs: Sequence[Value], outputs: Sequence[tuple[str, Shape]], operator: str = "Identity",
          name: str = "model.onnx") -> Path:  # fmt: skip
    """A file whose float32 outputs are each made by `operator`, and have the shapes that are stated.

    A reshape to a shape of unknown length stands before it, so that nobody infers another one.
    """
    first = inputs[0][0]
    nodes: list[Node] = [("NonZero", [first], ["#places"]), ("Squeeze", ["#places"], ["#shape"])]
    nodes.append(("Reshape", [first, "#shape"], ["#numbers"]))
    nodes += [(operator, ["#numbers"], [each]) for each, _ in outputs]
    path = folder / name
    path.write_bytes(graph(inputs, [(each, "float32", shape) for each, shape in outputs], nodes))
    return path


def piece(field: int, value: bytes | str) -> bytes:
    """A field of protocol buffers with a length below 128."""
    raw = value.encode() if isinstance(value, str) else value
    assert len(raw) < 128
    return bytes([field << 3 | 2, len(raw)]) + raw


def with_external_weights(content: bytes, location: str) -> bytes:
    """The file with an initializer more, whose bytes lie in another file; a field that comes twice is merged."""
    entry = piece(1, "location") + piece(2, location)
    tensor = b"\x08\x02\x10\x01" + piece(8, "weights") + piece(13, entry) + b"\x70\x01"
    return content + piece(7, piece(5, tensor))
