"""Modbus TCP without I/O: the same requests and replies in MBAP frames, found by the length in their header.

A reply belongs to the request whose transaction number it carries; late ones are passed over. TCP's checksum isn't
counted on for safety: what a block says is believed only after the CRC-32 inside it.
Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, 3.1.
"""

from __future__ import annotations

import struct

from jidoka_bridge.link.frames import EXCEPTION_BIT, Assembler, Found, Outcome, Request, read_reply

HEAD = struct.Struct(">HHHB")  # transaction, protocol (0), bytes that follow the length, unit
#: unit and the largest PDU (253 bytes)
LONGEST = 254


def wrapped(transaction: int, body: bytes) -> bytes:
    """An MBAP frame. body: unit and PDU, which is an RTU frame without its CRC-16."""
    return struct.pack(">HHH", transaction, 0, len(body)) + body


class UnframedError(ValueError):
    """Bytes that are no MBAP frame: where the next one begins is unknown."""


def take(buffer: bytearray) -> tuple[int, bytes] | None:
    """The first whole frame of the buffer, taken out: (transaction, unit and PDU). Raises UnframedError."""
    if len(buffer) < HEAD.size:
        return None
    transaction, protocol, length, _ = HEAD.unpack_from(buffer)
    if protocol or not 2 <= length <= LONGEST:
        raise UnframedError(f"protocol {protocol}, length {length}")
    if len(buffer) < HEAD.size - 1 + length:
        return None
    body = bytes(buffer[HEAD.size - 1 : HEAD.size - 1 + length])
    del buffer[: HEAD.size - 1 + length]
    return transaction, body


class TcpAssembler:
    """Finds the reply to one request; the counterpart of `frames.Assembler`."""

    def __init__(self, request: Request, transaction: int) -> None:
        self.request = request
        self.frame = wrapped(transaction, request.frame[:-2])
        self._transaction = transaction
        self._buffer = bytearray()
        self._passed_over = ""

    def feed(self, data: bytes) -> Found | None:
        """More bytes. None: not complete yet."""
        self._buffer += data
        try:
            while (frame := take(self._buffer)) is not None:
                found = self._judge(*frame)
                if found is not None:
                    return found
        except UnframedError:
            return Found(Outcome.REJECT, why="not modbus tcp")
        return None

    def _judge(self, transaction: int, body: bytes) -> Found | None:
        request = self.request
        if transaction != self._transaction:
            self._passed_over = "other transaction"
        elif body[0] != request.unit:
            self._passed_over = "other unit"
        elif body[1] == request.function | EXCEPTION_BIT and len(body) == 3:
            return Found(Outcome.EXCEPTION, exception=body[2])
        elif body.startswith(request.head) and len(body) == request.length - 2:
            return read_reply(request, body)
        else:
            return Found(Outcome.REJECT, why="other answer")
        return None

    @property
    def why(self) -> str:
        """Why there is no reply so far."""
        if self._buffer:
            return "incomplete answer"
        return self._passed_over or "no answer"


class Rtu:
    """Requests as they go over a serial line. echo: the line repeats what is sent."""

    def __init__(self, echo: bool = False) -> None:
        self._echo = echo

    def ask(self, request: Request) -> Assembler:
        return Assembler(request, self._echo)


class Tcp:
    """Requests as they go over a TCP connection, each with a transaction number of its own."""

    def __init__(self) -> None:
        self._transaction = 0

    def ask(self, request: Request) -> TcpAssembler:
        self._transaction = self._transaction + 1 & 0xFFFF
        return TcpAssembler(request, self._transaction)


class RequestFinder:
    """The server's half: whole requests, each with its transaction number. One connection, one finder."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(transaction, unit and PDU) of each whole request to this unit. Raises UnframedError: close the connection."""
        self._buffer += data
        found = []
        while (frame := take(self._buffer)) is not None:
            if frame[1][0] == self._unit:
                found.append(frame)
        return found
