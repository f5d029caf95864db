"""The few facts of an ONNX file that onnxruntime doesn't tell, read from its protocol buffers without a library.

Fields are numbered as in onnx.proto3 (ONNX, Apache-2.0). A field is a tag and a value; unknown ones are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED64, _PIECE, _FIXED32 = 0, 1, 2, 5


class DamagedError(ValueError):
    """The bytes aren't protocol buffers, or end too early."""


@dataclass(frozen=True)
class Facts:
    """opsets: version by domain ("" = ONNX's own); makers: operator by the name of what it makes; without_shape: inputs and
    outputs of which the file doesn't even tell the rank; external: files in which weights lie."""

    opsets: dict[str, int]
    makers: dict[str, str]
    without_shape: frozenset[str]
    external: tuple[str, ...]


def facts_of(content: bytes) -> Facts:
    """The facts of a ModelProto. Raises DamagedError."""
    model = memoryview(content)
    opsets, makers, external = dict[str, int](), dict[str, str](), dict[str, None]()
    without_shape = set[str]()
    for number, value in fields(model):
        if number == 8:  # opset_import: domain, version
            inner = dict(fields(piece_of(value)))
            opsets[text_of(inner.get(1, b""))] = whole(inner.get(2, 0))
        elif number == 7:  # graph
            for kind, piece in fields(piece_of(value)):
                if kind == 1:  # node: outputs, operator
                    node = list(fields(piece_of(piece)))
                    operator = next((text_of(each) for at, each in node if at == 4), "")
                    makers |= {text_of(each): operator for at, each in node if at == 2}
                elif kind == 5:  # initializer
                    external |= dict.fromkeys(_locations(piece_of(piece)))
                elif kind in {11, 12}:  # inputs, outputs
                    name, has_shape = _value_info(piece_of(piece))
                    without_shape |= set() if has_shape else {name}
    return Facts(opsets, makers, frozenset(without_shape), tuple(external))


def _value_info(piece: memoryview) -> tuple[str, bool]:
    """(name, whether a shape is told, or left to be inferred with the type) of a ValueInfoProto."""
    info = dict(fields(piece))
    if 2 not in info:
        return text_of(info.get(1, b"")), True
    kind = dict(fields(piece_of(info.get(2, b""))))
    tensor = dict(fields(piece_of(kind.get(1, b""))))
    return text_of(info.get(1, b"")), 2 in tensor


def _locations(tensor: memoryview) -> Iterator[str]:
    """Files that a TensorProto's external_data names."""
    for number, value in fields(tensor):
        if number == 13:
            entry = dict(fields(piece_of(value)))
            if text_of(entry.get(1, b"")) == "location":
                yield text_of(entry.get(2, b""))


def fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """(field number, value) of a message, in order."""
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = varint(data, at)
            yield tag >> 3, value
            continue
        if kind == _PIECE:
            size, at = varint(data, at)
        elif kind in {_FIXED64, _FIXED32}:
            size = 8 if kind == _FIXED64 else 4
        else:
            raise DamagedError(f"a field of kind {kind}")
        if at + size > len(data):
            raise DamagedError("a field is longer than what holds it")
        yield tag >> 3, data[at : at + size]
        at += size


def varint(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends. Raises DamagedError."""
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise DamagedError("a number without an end")


def piece_of(value: memoryview | int | bytes) -> memoryview:
    """The bytes of a field that holds some. Raises DamagedError for a number."""
    if isinstance(value, int):
        raise DamagedError("a number where a message should be")
    return memoryview(value)


def text_of(value: memoryview | int | bytes) -> str:
    """The text of a field. Raises DamagedError for a number."""
    return bytes(piece_of(value)).decode("utf-8", "replace")


def whole(value: memoryview | int | bytes) -> int:
    """A whole number; 0 for anything else."""
    return value if isinstance(value, int) else 0
