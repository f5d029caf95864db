"""What of one call goes into its record, worked out once: which tensors, in what order, with which descriptors.

`wire.pack_record` says what a record looks like; here the same bytes are made faster, because calls repeat:
names, shapes and element types of one call are those of the call before.
"""

import struct
from typing import Any, List, Optional, Sequence, Tuple

import numpy as np

from jidoka_tap import wire

#: wire.HEADER up to its time, which is the same for every record of a layout, and the rest with wire.RECORD_HEAD:
#: both are little-endian without padding
PREFIX = struct.Struct(wire.HEADER.format[:-1])
HEAD = struct.Struct("<" + wire.HEADER.format[-1] + wire.RECORD_HEAD.format.lstrip("<"))
JOIN_BELOW_BYTES = 16_384  # smaller records are joined before they are sent: measured faster than sendmsg
MAX_TENSORS = 64  # of one record, wire.unpack_record refuses more
#: stands for a value that isn't an array (a list of maps, an OrtValue): named on the wire, never sent
UNSENDABLE = np.empty(0, np.dtype(object))

Roi = Tuple[int, int, int, int]  # x, y, width, height in pixels
Times = Tuple[int, int]  # start and end of a call, CLOCK_MONOTONIC ns
Where = Tuple[int, int, int]  # part, position, recipe; 0 = unknown


class Layout:
    """Descriptors of records whose tensors have these element types and shapes.

    kinds: (dtype, shape) of every tensor; body_bytes: of the whole record; pads: per tensor the bytes behind it,
    None = the tensor isn't sent; not_sent: places of those that are named only; usual_frame: what comes before the
    tensors where all are sent, unpadded and so few bytes that they are joined; else None.
    """

    __slots__ = ("_frame", "_is_plain", "_pads", "body_bytes", "dtypes", "not_sent", "shapes", "usual_frame")

    def __init__(
        self,
        kinds: Tuple[Tuple[Any, Tuple[int, ...]], ...],
        descriptors: bytes,
        body_bytes: int,
        pads: Tuple[Optional[bytes], ...],
        not_sent: Tuple[int, ...],
    ) -> None:
        self.dtypes = [dtype for dtype, _ in kinds]
        self.shapes = [shape for _, shape in kinds]
        self.body_bytes = body_bytes
        self.not_sent = not_sent
        self._pads = pads
        self._is_plain = all(pad == b"" for pad in pads)
        # all that comes before the tensors' bytes; what changes from record to record is written into it
        prefix = PREFIX.pack(wire.MAGIC, wire.VERSION, wire.RECORD, 0, body_bytes)
        self._frame = bytearray(prefix + b"\0" * HEAD.size + descriptors)
        is_usual = self._is_plain and body_bytes < JOIN_BELOW_BYTES
        self.usual_frame = self._frame if is_usual else None

    def fits(self, values: Sequence[Any]) -> bool:
        """True if these are arrays with the element types and shapes that the layout was made for."""
        try:
            for value, dtype, shape in zip(values, self.dtypes, self.shapes):
                # numpy's own element types are single objects; another of equal meaning only costs a new layout
                if value.dtype is not dtype or value.shape != shape:
                    return False
        except AttributeError:
            return False
        return True

    def pieces(self, number: int, times: Times, where: Where, arrays: Sequence[Any]) -> List[Any]:
        """The datagram in pieces, to be sent before the next call; arrays are not copied.

        Raises struct.error for a part, position or recipe that doesn't fit its field.
        """
        start_ns, end_ns = times
        part, position, recipe = where
        HEAD.pack_into(
            self._frame, PREFIX.size, end_ns, number, part, start_ns, end_ns - start_ns, position, recipe,
            len(self.shapes), 0,
        )  # fmt: skip
        if self._is_plain:
            return [self._frame, *arrays]
        pieces: List[Any] = [self._frame]
        for array, pad in zip(arrays, self._pads):
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
    for n, ((role, index), array) in enumerate(zip(places, arrays)):
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
        tuple(not_sent),
    )


class Choice:
    """Which tensors of a call with these names go into its record, and the layout that was used last.

    outputs, inputs: all names of the model; asked: output_names as given to run(), may be None; fed: names of the
    feed, none where this record goes without inputs. missing: outputs that the application doesn't ask for.
    """

    __slots__ = ("_given", "_known", "_roi", "layout", "missing", "places", "usual_inputs")

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
        #: the inputs to add to all outputs; None where it takes more than that
        self.usual_inputs = self._given if self._known is None and roi is None else None
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
