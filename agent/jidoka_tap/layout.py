"""What of one call goes into its record, worked out once: where each tensor lies and with which descriptors.

`wire.pack_record` says what a record looks like; here the same bytes are made faster, because calls repeat:
names, shapes and element types of one call are those of the call before.
"""

import struct
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from jidoka_tap import wire
from jidoka_tap.arena import Arena

#: wire.HEADER up to its time, which is the same for every record of a layout, and the rest with wire.RECORD_HEAD:
#: both are little-endian without padding
PREFIX = struct.Struct(wire.HEADER.format[:-1])
HEAD = struct.Struct("<" + wire.HEADER.format[-1] + wire.RECORD_HEAD.format.lstrip("<"))
HEAD_AT = PREFIX.size
FLAGS_AT = struct.calcsize(wire.HEADER.format[:5])  # the low byte of the header's flags
JOIN_BELOW_BYTES = 16_384  # smaller records are joined before they are sent: measured faster than sendmsg
#: stands for a value that isn't an array (a list of maps, a tensor on a GPU): named on the wire, never sent
UNSENDABLE = np.empty(0, np.dtype(object))

Times = Tuple[int, int]  # start and end of a call, CLOCK_MONOTONIC ns
Where = Tuple[int, int, int]  # part, position, recipe; 0 = unknown
Kind = Tuple[Tuple[int, ...], Any]  # shape and element type

NOT_IN_ARENA = -1


class Layout:
    """Descriptors of records whose tensors have these element types and shapes.

    kinds: of every tensor, one list of shape, element type, shape, ...; body_bytes: of the whole datagram but its header; pads: per tensor the bytes behind it,
    None = it doesn't lie inline; offsets: per tensor where it lies in a slot's data, or NOT_IN_ARENA; too_large: places
    of those that are only named because nothing has room for them, unknown: because the wire doesn't know their type
    or rank. usual_frame: what comes before the tensors where all are sent inline, unpadded and so few bytes that they
    are joined; else None. in_arena: places of those that lie in a slot; spare: the layout to use when no slot is free.
    """

    __slots__ = (
        "_count", "_frame", "_is_plain", "_pads", "_slots", "body_bytes", "in_arena", "is_joined", "kinds", "not_sent",
        "spare", "too_large", "unknown", "usual_frame", "views_of",
    )  # fmt: skip

    def __init__(
        self,
        kinds: Sequence[Kind],
        descriptors: bytes,
        body_bytes: int,
        pads: Sequence[Optional[bytes]],
        offsets: Sequence[int],
        too_large: Sequence[int],
        unknown: Sequence[int],
    ) -> None:
        self.kinds = [each for kind in kinds for each in kind]
        self._count = len(kinds)
        self.body_bytes = body_bytes
        self.too_large, self.unknown = tuple(too_large), tuple(unknown)
        self.not_sent = tuple(sorted((*too_large, *unknown)))
        self.in_arena = [n for n, offset in enumerate(offsets) if offset != NOT_IN_ARENA]
        self.spare: Optional[Layout] = None
        self._slots = [(offsets[n], *kinds[n]) for n in self.in_arena]
        self.views_of: Dict[int, List[Tuple[int, Any]]] = {}
        self._pads = tuple(pads)
        self._is_plain = all(pad == b"" for pad in pads)
        # all that comes before the tensors' bytes; what changes from record to record is written into it
        prefix = PREFIX.pack(wire.MAGIC, wire.VERSION, wire.RECORD, 0, body_bytes)
        self._frame = bytearray(prefix + b"\0" * HEAD.size + descriptors)
        self.is_joined = body_bytes < JOIN_BELOW_BYTES
        self.usual_frame = self._frame if self._is_plain and self.is_joined else None

    def fits(self, values: Sequence[Any]) -> bool:
        """True if these are arrays with the element types and shapes that the layout was made for."""
        try:
            return [each for value in values for each in (value.shape, value.dtype)] == self.kinds
        except AttributeError:
            return False

    def pieces(
        self,
        number: int,
        times: Times,
        where: Where,
        arrays: Sequence[Any],
        flags: int = 0,
        slot: int = NOT_IN_ARENA,
    ) -> List[Any]:
        """The datagram in pieces, to be sent before the next call; arrays are not copied.

        flags: of the header; slot: where the others are written. Raises struct.error for a part, position or recipe
        that doesn't fit its field.
        """
        start_ns, end_ns = times
        part, position, recipe = where
        frame = self._frame
        HEAD.pack_into(
            frame, HEAD_AT, end_ns, number, part, start_ns, end_ns - start_ns, position, recipe,
            self._count, slot + 1,
        )  # fmt: skip
        frame[FLAGS_AT] = flags
        if self._is_plain:
            return [frame, *arrays]
        pieces: List[Any] = [frame]
        for array, pad in zip(arrays, self._pads):
            if pad is not None:
                pieces.append(array)
                if pad:
                    pieces.append(pad)
        return pieces

    def views(self, arena: Arena, slot: int) -> List[Tuple[int, Any]]:
        """Where `slot` has room for which of the arrays, from now on in `views_of`: one arena is all that it sees."""
        views = self.views_of[slot] = list(zip(self.in_arena, arena.views(slot, self._slots)))
        return views


def lay_out(
    places: Sequence[Tuple[int, int]], arrays: Sequence[Any], inline_limit_bytes: int, slot_bytes: int = 0
) -> Layout:
    """The layout of records with these tensors.

    places: (role, index) of each, in order of importance; what fits neither inline any more nor in a slot, or has an
    element type or rank that the wire doesn't know, is named without bytes.
    """
    descriptors: List[bytes] = []
    pads: List[Optional[bytes]] = [None] * len(arrays)
    offsets = [NOT_IN_ARENA] * len(arrays)
    too_large: List[int] = []
    unknown: List[int] = []
    used = in_slot = 0
    for n, ((role, index), array) in enumerate(zip(places, arrays)):
        dtype_number = wire.DTYPE_NUMBERS.get(array.dtype, 0)
        size, inline_bytes, arena_bytes = (
            array.nbytes,
            wire.padded(array.nbytes),
            wire.padded(array.nbytes, wire.ARENA_ALIGN),
        )
        flags = role
        if not dtype_number or array.ndim > wire.MAX_NDIM:
            unknown.append(n)
            flags |= wire.NOT_SENT
        elif used + inline_bytes <= inline_limit_bytes:
            pads[n] = b"\0" * (inline_bytes - size)
            used += inline_bytes
        elif in_slot + arena_bytes <= slot_bytes:
            offsets[n] = in_slot
            flags |= wire.IN_ARENA
            in_slot += arena_bytes
        else:
            too_large.append(n)
            flags |= wire.NOT_SENT
        rank = min(array.ndim, wire.MAX_NDIM)
        shape = tuple(array.shape[:rank]) + (0,) * (wire.MAX_NDIM - rank)
        descriptors.append(
            wire.TENSOR.pack(
                flags, dtype_number, rank, 0, index, 0, 0 if flags & wire.NOT_SENT else size, *shape
            )
        )
    joined = b"".join(descriptors)
    layout = Layout(
        [(array.shape, array.dtype) for array in arrays],
        joined,
        wire.RECORD_HEAD.size + len(joined) + used,
        pads,
        offsets,
        too_large,
        unknown,
    )
    if layout.in_arena:
        layout.spare = lay_out(places, arrays, inline_limit_bytes)
    return layout
