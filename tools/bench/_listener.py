"""A monitor's end of the record wire that welcomes everyone and drops what comes: `python -m tools.bench._listener PATH`."""

from __future__ import annotations

import os
import select
import socket
import sys
import time

from jidoka_tap import wire

RECEIVE_BYTES = 100_000


def listen(path: str) -> None:
    """Serve until the parent is gone. A connection may be a tap, or say nothing and only send."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(8)
    print("ready", flush=True)
    parent = os.getppid()
    poller = select.poll()
    poller.register(server, select.POLLIN)
    peers: dict[int, socket.socket] = {}
    room = bytearray(RECEIVE_BYTES)
    while os.getppid() == parent:
        for descriptor, _ in poller.poll(1000):
            if descriptor == server.fileno():
                peer = server.accept()[0]
                peers[peer.fileno()] = peer
                poller.register(peer, select.POLLIN)
                continue
            peer = peers[descriptor]
            try:
                size = peer.recv_into(room)
            except ConnectionResetError:
                size = 0
            if not size:
                poller.unregister(peer)
                peers.pop(descriptor).close()
            elif size >= wire.HEADER.size and room[:4] == wire.MAGIC and room[5] == wire.HELLO:
                hello = wire.decode_json(wire.decode(bytes(room[:size]))[2])
                terms = {"model": hello["model"], "every": int(sys.argv[2]), "roi": None}
                peer.send(wire.encode_json(wire.WELCOME, time.monotonic_ns(), terms))


if __name__ == "__main__":
    listen(sys.argv[1])
