"""What of one call goes into its record, worked out once: which tensors, in what order, with which descriptors.

`wire.pack_record` says what a record looks like; here the same bytes are made faster, because calls repeat:
names, shapes and element types of one call are those of the call before.
"""

import struct
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from jidoka_tap import wire

#: wire.HEADER and wire.RECORD_HEAD in one: both are little-endian without padding
HEAD = struct.Struct(wire.HEADER.format + wire.RECORD_HEAD.format.lstrip("<"))
MAX_TENSORS = 64  # of one record, wire.unpack_record refuses more
#: stands for a value that isn't an array (a list of maps, an OrtValue): named on the wire, never sent
UNSENDABLE = np.empty(0, np.dtype(object))

Roi = Tuple[int, int, int, int]  # x, y, width, height in pixels
Times = Tuple[int, int]  # start and end of a call, CLOCK_MONOTONIC ns
Where = Tuple[int, int, int]  # part, position, recipe; 0 = unknown


class Layout(NamedTuple):
    """Descriptors of records whose tensors have these element types and shapes.

    kinds: (dtype, shape) of every tensor; descriptors: their bytes on the wire; body_bytes: of the whole record;
    pads: per tensor the bytes behind it, None = the tensor isn't sent; is_plain: all are sent, none is padded;
    not_sent: places of those that are named only.
    """

    kinds: Tuple[Tuple[Any, Tuple[int, ...]], ...]
    descriptors: bytes
    body_bytes: int
    pads: Tuple[Optional[bytes], ...]
    is_plain: bool
    not_sent: Tuple[int, ...]

    def fits(self, values: Sequence[Any]) -> bool:
        """True if these are arrays with the element types and shapes that the layout was made for."""
        try:
            for value, (dtype, shape) in zip(values, self.kinds):  # noqa: B905 - Python 3.8
                # numpy's own element types are single objects; another of equal meaning only costs a new layout
                if value.dtype is not dtype or value.shape != shape:
                    return False
        except AttributeError:
            return False
        return True

    def pieces(self, number: int, times: Times, where: Where, arrays: Sequence[Any]) -> List[Any]:
        """The datagram in pieces; arrays are not copied. Raises struct.error for a part, position or recipe
        that doesn't fit its field."""
        start_ns, end_ns = times
        part, position, recipe = where
        head = HEAD.pack(
            wire.MAGIC, wire.VERSION, wire.RECORD, 0, self.body_bytes, end_ns,
            number, part, start_ns, end_ns - start_ns, position, recipe, len(self.kinds), 0,
        )  # fmt: skip
        if self.is_plain:
            return [head, self.descriptors, *arrays]
        pieces = [head, self.descriptors]
        for array, pad in zip(arrays, self.pads):  # noqa: B905 - Python 3.8
            if pad is not None:
                pieces.append(array)
                if pad:
                    pieces.append(pad)
        return pieces


def lay_out(places: Sequence[Tuple[int, int]], arrays: Sequence[Any], inline_limit_bytes: int) -> Layout:
    """The layout of records with these tensors.

    places: (role, index) of each, in order of importance; what doesn't fit inline any more, or has an element
    type or rank that the wire doesn't know, is named without bytes.
    """
    descriptors: List[bytes] = []
    pads: List[Optional[bytes]] = []
    not_sent: List[int] = []
    used = 0
    for n, ((role, index), array) in enumerate(zip(places, arrays)):  # noqa: B905 - Python 3.8
        padded = -(-array.nbytes // 8) * 8
        dtype_number = wire.DTYPE_NUMBERS.get(array.dtype, 0)
        is_sent = bool(dtype_number) and array.ndim <= wire.MAX_NDIM and used + padded <= inline_limit_bytes
        rank = min(array.ndim, wire.MAX_NDIM)
        shape = tuple(array.shape[:rank]) + (0,) * (wire.MAX_NDIM - rank)
        flags = role if is_sent else role | wire.NOT_SENT
        size = array.nbytes if is_sent else 0
        descriptors.append(wire.TENSOR.pack(flags, dtype_number, rank, 0, index, 0, size, *shape))
        if is_sent:
            pads.append(b"\0" * (padded - array.nbytes))
            used += padded
        else:
            pads.append(None)
            not_sent.append(n)
    joined = b"".join(descriptors)
    return Layout(
        tuple((array.dtype, array.shape) for array in arrays),
        joined,
        wire.RECORD_HEAD.size + len(joined) + used,
        tuple(pads),
        all(pad == b"" for pad in pads),
        tuple(not_sent),
    )


class Choice:
    """Which tensors of a call with these names go into its record, and the layout that was used last.

    outputs, inputs: all names of the model; asked: output_names as given to run(), may be None; fed: names of the
    feed, none where this record goes without inputs. missing: outputs that the application doesn't ask for.
    """

    def __init__(
        self,
        outputs: Sequence[str],
        inputs: Sequence[str],
        asked: Optional[Sequence[str]],
        fed: Sequence[str],
        roi: Optional[Roi],
    ) -> None:
        names = list(asked or outputs)
        known = [n for n, name in enumerate(names) if name in outputs][:MAX_TENSORS]
        self._known = None if known == list(range(len(names))) else known
        self._given = [name for name in fed if name in inputs][: MAX_TENSORS - len(known)]
        self._roi = roi
        self.places = [(wire.OUTPUT, outputs.index(names[n])) for n in known] + [
            (wire.INPUT, inputs.index(name)) for name in self._given
        ]
        self.missing = [name for name in outputs if name not in names]
        self.layout: Optional[Layout] = None

    def values(self, outputs: Sequence[Any], feed: Any) -> List[Any]:
        """What one call has at `places`, arrays or not."""
        values = list(outputs) if self._known is None else [outputs[n] for n in self._known]
        for name in self._given:
            values.append(feed[name] if self._roi is None else cut(feed[name], self._roi))
        return values


def as_arrays(values: Sequence[Any]) -> List[Any]:
    """The values, UNSENDABLE in the place of each that isn't an array."""
    return [value if isinstance(value, np.ndarray) else UNSENDABLE for value in values]


def cut(image: Any, roi: Roi) -> Any:
    """The region of interest of an image, a copy; arrays of fewer than three axes are no images and stay whole.

    Rows and columns are the last two axes, or the two before the last where that has 1 to 4 entries and the
    third from last has more: channels last.
    """
    if not isinstance(image, np.ndarray) or image.ndim < 3:
        return image
    x, y, width, height = roi
    rows, columns = slice(y, y + height), slice(x, x + width)
    if image.shape[-1] <= 4 < image.shape[-3]:
        return np.ascontiguousarray(image[..., rows, columns, :])
    return np.ascontiguousarray(image[..., rows, columns])
