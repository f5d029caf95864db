"""Adds one output to the bytes of a model file; every other byte stays, but for the length of the graph.

Fields are numbered as in onnx.proto3 (ONNX, Apache-2.0): 7 of a ModelProto is its graph, 12 of a GraphProto an output.
"""

from __future__ import annotations

from collections.abc import Sequence

from jidoka.config.drafting.protobuf import DamagedError, varint

_GRAPH, _OUTPUT = 7 << 3 | 2, 12 << 3 | 2
#: element types as TensorProto.DataType numbers them
ELEMENTS = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10,
    "float64": 11, "uint32": 12, "uint64": 13,
}  # fmt: skip

Shape = Sequence[str | int]


def with_output(content: bytes, name: str, dtype: str | None = None, shape: Shape | None = None) -> bytes:
    """The file with one output more, the last. dtype None: its type is left to be inferred. Raises DamagedError."""
    tag_at, body_at, end = _graph(content)
    added = _piece(_OUTPUT, value_info(name, dtype, shape))
    size = _number(end - body_at + len(added))
    return b"".join([content[:tag_at], _number(_GRAPH), size, content[body_at:end], added, content[end:]])


def value_info(name: str, dtype: str | None, shape: Shape | None) -> bytes:
    """A ValueInfoProto: the name, and as much of type and sizes as is known."""
    info = _piece(1 << 3 | 2, name.encode())
    if dtype is None:
        return info
    tensor = b"\x08" + _number(ELEMENTS[dtype])
    if shape is not None:
        sizes = [
            b"\x08" + _number(size) if isinstance(size, int) else _piece(2 << 3 | 2, size.encode())
            for size in shape
        ]
        tensor += _piece(2 << 3 | 2, b"".join(_piece(1 << 3 | 2, size) for size in sizes))
    return info + _piece(2 << 3 | 2, _piece(1 << 3 | 2, tensor))


def _graph(content: bytes) -> tuple[int, int, int]:
    """Where the last graph field's tag, its first byte and its end lie."""
    data = memoryview(content)
    at, found = 0, None
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = varint(data, at)
            continue
        size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else varint(data, at)
        if kind not in {1, 2, 5} or at + size > len(data):
            raise DamagedError("a field is longer than what holds it, or of an unknown kind")
        if tag == _GRAPH:
            found = (start, at, at + size)
        at += size
    if found is None:
        raise DamagedError("no graph")
    return found


def _number(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _piece(tag: int, value: bytes) -> bytes:
    return _number(tag) + _number(len(value)) + value
