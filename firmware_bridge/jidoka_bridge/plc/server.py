"""Modbus RTU, the server's half, without I/O: requests found in whatever the line delivers, and their replies.

Function codes 03, 16 and 23 on a map of holding registers. What is written lands whole or not at all; a frame for
another station is passed over in silence.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from jidoka_bridge import registers
from jidoka_bridge.link.frames import (
    EXCEPTION_BIT,
    MAX_BUFFER_BYTES,
    MAX_READ,
    READ_HOLDING,
    READ_WRITE,
    WRITE_MULTIPLE,
    crc16,
    sealed,
)

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
#: function -> (place of the byte count, bytes around the data); None: the frame has 8 bytes
SHAPES: dict[int, tuple[int, int] | None] = {
    READ_HOLDING: None,
    WRITE_MULTIPLE: (6, 9),
    READ_WRITE: (10, 13),
}
OTHER_FUNCTION_BYTES = 8  # of those that read or write one thing, which is what a probe sends


class RequestParser:
    """Finds requests to one unit. `silence` is told by the shell: it ends whatever was half a frame."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Whole requests with a right CRC-16, without it."""
        self._buffer += data
        requests = []
        start = 0
        while start < len(self._buffer):
            length = self._length(start)
            frame = bytes(self._buffer[start : start + length]) if length else b""
            if length and len(frame) == length and crc16(frame) == 0:
                requests.append(frame[:-2])
                del self._buffer[: start + length]
                start = 0
            else:
                start += 1
        if len(self._buffer) > MAX_BUFFER_BYTES:
            self._buffer.clear()
        return requests

    def silence(self) -> None:
        """Nothing came for longer than a frame may pause."""
        self._buffer.clear()

    def _length(self, start: int) -> int:
        """Length of the frame that begins here, 0 if none can or too little is there to tell."""
        head = self._buffer[start : start + 11]
        if len(head) < 2 or head[0] != self._unit:
            return 0
        if head[1] not in SHAPES:
            return OTHER_FUNCTION_BYTES
        shape = SHAPES[head[1]]
        if shape is None:
            return 8
        place, around = shape
        return head[place] + around if len(head) > place else 0


class Registers:
    """The PLC's holding registers: blocks A and D to be written, all four to be read.

    read_c makes block C; it is called when its first word is read and then stands until that is read again, so that
    a client may read it in pieces. has_fc23: without it function code 23 is refused, as by many PLCs.
    """

    def __init__(self, read_c: Callable[[], Sequence[int]], has_fc23: bool = True) -> None:
        self._read_c = read_c
        self._has_fc23 = has_fc23
        self._words = {layout.name: [0] * layout.words for layout in registers.BLOCKS.values()}
        self.is_written = {"A": False, "D": False}

    def block(self, name: str) -> list[int] | None:
        """The words of a block, None if nobody has written it yet."""
        return list(self._words[name]) if self.is_written.get(name, True) else None

    def set(self, name: str, words: Sequence[int]) -> None:
        """The program writes a block of its own."""
        self._words[name] = list(words)

    def write(self, request: bytes) -> int:
        """Carry out what a request writes. Returns 0 or an exception code."""
        function = request[1]
        if function not in SHAPES or (function == READ_WRITE and not self._has_fc23):
            return ILLEGAL_FUNCTION
        if function == READ_HOLDING:
            return 0
        offset = 6 if function == READ_WRITE else 2
        address, count, size = struct.unpack_from(">HHB", request, offset)
        if size != 2 * count or len(request) != offset + 5 + size:
            return ILLEGAL_VALUE
        for name in self.is_written:
            layout = registers.BLOCKS[name]
            first = address - layout.address
            if first >= 0 and count and first + count <= layout.words:
                self._words[name][first : first + count] = struct.unpack_from(
                    f">{count}H", request, offset + 5
                )
                self.is_written[name] = True
                return 0
        return ILLEGAL_ADDRESS

    def reply(self, request: bytes, exception: int) -> bytes:
        """The reply frame, after the program ran. exception: what `write` returned."""
        unit, function = request[:2]
        if not exception and function == WRITE_MULTIPLE:
            return sealed(request[:6])
        if not exception:
            address, count = struct.unpack_from(">HH", request, 2)
            words = self._read(address, count) if 1 <= count <= MAX_READ else None
            if words is not None:
                return sealed(bytes((unit, function, 2 * count)) + struct.pack(f">{count}H", *words))
            exception = ILLEGAL_ADDRESS
        return sealed(bytes((unit, function | EXCEPTION_BIT, exception)))

    def _read(self, address: int, count: int) -> list[int] | None:
        for name, layout in registers.BLOCKS.items():
            first = address - layout.address
            if first >= 0 and first + count <= layout.words:
                if name == "C" and first == 0:
                    self._words["C"] = list(self._read_c())
                return self._words[name][first : first + count]
        return None
