"""Modbus RTU, the client's half, without I/O: requests as bytes, and replies found in whatever the line delivers.

A reply is framed by its header's length and its CRC-16, never by silence. Its CRC-16 isn't counted on for safety:
what a block says is believed only after the CRC-32 inside it. Source: MODBUS over Serial Line V1.02.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass

READ_HOLDING = 0x03
WRITE_MULTIPLE = 0x10
READ_WRITE = 0x17
EXCEPTION_BIT = 0x80
MAX_READ = 125
#: more than two frames of the largest size: whoever sends that much isn't answering a request
MAX_BUFFER_BYTES = 520


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_CRC16 = _table()


def crc16(data: bytes) -> int:
    """CRC-16/MODBUS: over a frame that ends with its own CRC (low byte first) it is 0."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC16[(crc ^ byte) & 0xFF]
    return crc


def sealed(body: bytes) -> bytes:
    """The frame: body and CRC-16, low byte first."""
    return body + struct.pack("<H", crc16(body))


class Outcome(enum.Enum):
    """What the assembler found."""

    REPLY = "reply"
    EXCEPTION = "exception"
    REJECT = "reject"


@dataclass(frozen=True)
class Found:
    """A reply (words, empty for a write), an exception (code), or why the bytes are no reply."""

    outcome: Outcome
    words: tuple[int, ...] = ()
    exception: int = 0
    why: str = ""


@dataclass(frozen=True)
class Request:
    """A request and what its reply must look like. head: first bytes of the reply; length: of all of it."""

    frame: bytes
    head: bytes
    length: int

    @property
    def unit(self) -> int:
        return self.frame[0]

    @property
    def function(self) -> int:
        return self.frame[1]


def read_holding(unit: int, address: int, count: int) -> Request:
    """Function code 03."""
    _check(unit, count)
    frame = sealed(struct.pack(">BBHH", unit, READ_HOLDING, address, count))
    return Request(frame, bytes((unit, READ_HOLDING, 2 * count)), 2 * count + 5)


def write_multiple(unit: int, address: int, words: Sequence[int]) -> Request:
    """Function code 16. The reply repeats address and count."""
    _check(unit, len(words))
    head = struct.pack(">BBHH", unit, WRITE_MULTIPLE, address, len(words))
    frame = sealed(head + bytes((2 * len(words),)) + struct.pack(f">{len(words)}H", *words))
    return Request(frame, head, 8)


def read_write(unit: int, read_address: int, count: int, write_address: int, words: Sequence[int]) -> Request:
    """Function code 23: writes first, then reads, in one exchange."""
    _check(unit, count)
    head = struct.pack(
        ">BBHHHHB", unit, READ_WRITE, read_address, count, write_address, len(words), 2 * len(words)
    )
    frame = sealed(head + struct.pack(f">{len(words)}H", *words))
    return Request(frame, bytes((unit, READ_WRITE, 2 * count)), 2 * count + 5)


def _check(unit: int, count: int) -> None:
    if not 1 <= unit <= 247:
        raise ValueError(f"unit {unit}: a request goes to one station, 1 to 247, never to all")
    if not 1 <= count <= MAX_READ:
        raise ValueError(f"{count} registers: one frame carries 1 to {MAX_READ}")


class Assembler:
    """Finds the reply to one request. echo: the line repeats what is sent (two-wire RS-485 without suppression).

    A frame of another station or function is passed over and waited out; a reply with the right head and a wrong
    CRC-16 is rejected at once; noise before the reply is skipped. `why` says, when time is up, what came instead.
    """

    def __init__(self, request: Request, echo: bool = False) -> None:
        self.request = request
        self._echo = request.frame if echo else b""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Found | None:
        """More bytes. None: not complete yet."""
        self._buffer += data
        if self._echo:
            wanted = self._echo[: len(self._buffer)]
            if not self._buffer.startswith(wanted):
                return Found(Outcome.REJECT, why="echo altered")
            if len(self._buffer) < len(self._echo):
                return None
            del self._buffer[: len(self._echo)]
            self._echo = b""
        found = self._search()
        if found is None and len(self._buffer) > MAX_BUFFER_BYTES:
            return Found(Outcome.REJECT, why="babble")
        return found

    @property
    def frame(self) -> bytes:
        """The bytes to be sent."""
        return self.request.frame

    @property
    def why(self) -> str:
        """Why there is no reply so far."""
        if self._echo:
            return "no echo"
        if not self._buffer:
            return "no answer"
        return "other unit" if self._buffer[0] != self.request.unit else "incomplete answer"

    def _search(self) -> Found | None:
        """The reply or exception at whatever place it begins; a damaged one only where nothing stood before it."""
        refusal = bytes((self.request.unit, self.request.function | EXCEPTION_BIT))
        for start in range(len(self._buffer)):
            for head, length in ((self.request.head, self.request.length), (refusal, 5)):
                frame = bytes(self._buffer[start : start + length])
                if len(frame) < length or not frame.startswith(head):
                    continue
                if crc16(frame) == 0:
                    return self._read(frame, head is refusal)
                if start == 0:
                    return Found(Outcome.REJECT, why="line crc")
        return None

    def _read(self, frame: bytes, is_refusal: bool) -> Found:
        if is_refusal:
            return Found(Outcome.EXCEPTION, exception=frame[2])
        return read_reply(self.request, frame[:-2])


def read_reply(request: Request, body: bytes) -> Found:
    """What a reply with the right head and length says. body: without the CRC-16."""
    if request.function == WRITE_MULTIPLE:
        return Found(Outcome.REPLY)
    return Found(Outcome.REPLY, struct.unpack(f">{(len(body) - 3) // 2}H", body[3:]))
