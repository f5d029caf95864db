"""An application at the monitor's socket, written against the wire directly: no tap between the test and the monitor."""

from __future__ import annotations

import mmap
import socket
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_tap import wire

from tests.monitor import line

Tensors = list[tuple[int, int, np.ndarray]]
RECEIVE_BYTES = 65_536


class Application:
    """Connects and says HELLO; welcome: the answer, WELCOME or REFUSED; memory: of the arena, if one came."""

    def __init__(self, path: Path, limit_s: float = 30.0, **hello: Any) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(limit_s)
        self.sock.connect(str(path))
        self.memory: mmap.mmap | None = None
        self.descriptor = -1
        self.welcome: dict[str, Any] = {}
        self.sock.send(line.hello_datagram(**hello))

    def read_welcome(self) -> dict[str, Any]:
        """The answer to HELLO; what it hands over is mapped."""
        datagram, descriptors, _, _ = socket.recv_fds(self.sock, RECEIVE_BYTES, 4)
        _, _, body = wire.decode(datagram)
        self.welcome = wire.decode_json(body)
        if descriptors:
            (self.descriptor,) = descriptors
            self.memory = mmap.mmap(self.descriptor, 0)
        return self.welcome

    def send(self, number: int, content: Tensors, part: int = 0, *, is_gated: bool = False) -> None:
        """An inline record."""
        pieces, _ = wire.pack_record(number, part, 1, 1, content)
        self.sock.send(wire.encode(wire.RECORD, 1, b"".join(pieces), is_gated * wire.WANTS_VERDICT))

    def send_by_arena(
        self, number: int, slot: int, content: Tensors, part: int = 0, *, is_gated: bool = False
    ) -> None:
        """A record whose tensors lie in a slot of the arena."""
        assert self.memory is not None
        arena = self.welcome["arena"]
        datagram = write_slot(
            self.memory, arena["slot_bytes"], slot, number, content, part=part, is_gated=is_gated
        )
        self.sock.send(datagram)

    def released(self, slot: int) -> int:
        """Number of the record that the monitor said last it was done with in this slot."""
        assert self.memory is not None
        begin = slot * (wire.SLOT_HEAD.size + self.welcome["arena"]["slot_bytes"])
        return int(wire.SLOT_HEAD.unpack_from(self.memory, begin)[2])

    def verdict(self) -> tuple[int, ...]:
        """The next VERDICT: number, part, reasons, verdict, the part's."""
        kind, _, body = wire.decode(self.sock.recv(RECEIVE_BYTES))
        assert kind == wire.VERDICT
        return wire.VERDICT_BODY.unpack(body)

    def close(self) -> None:
        self.sock.close()


def write_slot(
    memory: Any,
    slot_bytes: int,
    slot: int,
    number: int,
    content: Tensors,
    *,
    part: int = 0,
    is_gated: bool = False,
) -> bytes:
    """Write the tensors into the slot; returns the datagram of their record."""
    begin = slot * (wire.SLOT_HEAD.size + slot_bytes)
    place = begin + wire.SLOT_HEAD.size
    memory[begin : begin + 8] = number.to_bytes(8, "little")
    descriptors = []
    for role, index, array in content:
        data = array.tobytes()
        shape = (*array.shape, *(0,) * (wire.MAX_NDIM - array.ndim))
        dtype = wire.DTYPE_NUMBERS[array.dtype]
        descriptors.append(
            wire.TENSOR.pack(role | wire.IN_ARENA, dtype, array.ndim, 0, index, 0, len(data), *shape)
        )
        memory[place : place + len(data)] = data
        place += -(-len(data) // wire.ARENA_ALIGN) * wire.ARENA_ALIGN
    memory[begin + 8 : begin + 16] = number.to_bytes(8, "little")
    head = wire.RECORD_HEAD.pack(number, part, 1, 1, 0, 0, len(content), slot + 1)
    return wire.encode(wire.RECORD, 1, head + b"".join(descriptors), is_gated * wire.WANTS_VERDICT)
