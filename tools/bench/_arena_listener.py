"""A monitor's end of the record wire that hands out an arena and takes each slot as the monitor does:
`python -m tools.bench._arena_listener PATH SLOT_BYTES`."""

from __future__ import annotations

import os
import select
import socket
import sys
import time

from jidoka.monitor.arena import Arena
from jidoka_tap import wire

SLOTS = 4
RECEIVE_BYTES = 100_000


def listen(path: str, slot_bytes: int) -> None:
    """Serve one tap after another until the parent is gone."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(8)
    print("ready", flush=True)
    parent = os.getppid()
    room = memoryview(bytearray(slot_bytes))
    arenas: dict[socket.socket, Arena] = {}
    peers: list[socket.socket] = []
    while os.getppid() == parent:
        for readable in select.select([server, *peers], [], [], 1.0)[0]:
            if readable is server:
                peers.append(server.accept()[0])
                continue
            datagram = readable.recv(RECEIVE_BYTES)
            if not datagram:
                peers.remove(readable)
                readable.close()
                continue
            kind, _, body = wire.decode(datagram)
            if kind == wire.HELLO:
                arena = arenas[readable] = Arena(SLOTS, slot_bytes, room)
                terms = {"model": "", "every": 1, "arena": {"slots": SLOTS, "slot_bytes": arena.slot_bytes}}
                welcome = wire.encode_json(wire.WELCOME, time.monotonic_ns(), terms)
                socket.send_fds(readable, [welcome], [arena.descriptor])
            elif kind == wire.RECORD and readable in arenas:
                arena, slot = arenas[readable], wire.RECORD_HEAD.unpack_from(body)[7] - 1
                if slot >= 0:
                    record = wire.unpack_record(body, arena.take)
                    arena.release(slot, record.number)


if __name__ == "__main__":
    listen(sys.argv[1], int(sys.argv[2]))
