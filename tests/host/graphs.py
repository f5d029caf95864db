"""ONNX files for tests, written by hand: a graph of a few nodes, with shapes that may be free or unknown.

The protocol buffers of onnx.proto3 need no library to be written: a field is a tag, and a length where it has one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

DTYPES = {"float32": 1, "uint8": 2, "int64": 7}
Shape = Sequence[int | str] | None
#: name, element type, shape; None: unknown
Value = tuple[str, str, Shape]
#: operator, names of its inputs, names of its outputs
Node = tuple[str, Sequence[str], Sequence[str]]


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _piece(field: int, value: bytes | str) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _value(value: Value) -> bytes:
    name, dtype, shape = value
    tensor = _number(1, DTYPES[dtype])
    if shape is not None:
        sizes = [_number(1, size) if isinstance(size, int) else _piece(2, size) for size in shape]
        tensor += _piece(2, b"".join(_piece(1, size) for size in sizes))
    return _piece(1, name) + _piece(2, _piece(1, tensor))


def _constant(name: str, array: np.ndarray) -> bytes:
    sizes = b"".join(_number(1, size) for size in array.shape)
    return sizes + _number(2, DTYPES[str(array.dtype)]) + _piece(8, name) + _piece(9, array.tobytes())


def graph(
    inputs: Sequence[Value],
    outputs: Sequence[Value],
    nodes: Sequence[Node],
    constants: dict[str, np.ndarray] | None = None,
) -> bytes:
    """The file of a model. Nodes have no attributes, so operators that need none (Identity, Add, Cast isn't one)."""
    body = b""
    for operator, takes, gives in nodes:
        node = b"".join(_piece(1, name) for name in takes) + b"".join(_piece(2, name) for name in gives)
        body += _piece(1, node + _piece(4, operator))
    body += _piece(2, "test")
    body += b"".join(_piece(5, _constant(name, array)) for name, array in (constants or {}).items())
    body += b"".join(_piece(11, _value(each)) for each in inputs)
    body += b"".join(_piece(12, _value(each)) for each in outputs)
    return _number(1, 8) + _piece(7, body) + _piece(8, _piece(1, "") + _number(2, 17))


def bundle(folder: Path, model: bytes, manifest: str) -> Path:
    """A bundle in `folder`: the model, and a manifest of which only task, tensors and what follows are given."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(model)
    digest = hashlib.sha256(model).hexdigest()
    head = (
        f"format: 1\nid: {folder.name}\nversion: 1.0.0\nfile: model.onnx\nsha256: {digest}\nmaker: test\n"
        "licence: Apache-2.0\nintended_use: A test.\n"
    )
    (folder / "manifest.yaml").write_text(head + manifest, encoding="utf-8")
    return folder
