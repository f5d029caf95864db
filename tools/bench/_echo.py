"""The bare peer of a gate: sends every datagram back, one connection, nothing else: `python -m tools.bench._echo PATH`."""

from __future__ import annotations

import os
import select
import socket
import sys

RECEIVE_BYTES = 100_000


def echo(path: str) -> None:
    """Serve one connection until it ends or the parent is gone."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    server.listen(1)
    print("ready", flush=True)
    parent = os.getppid()
    while not select.select([server], [], [], 1.0)[0]:
        if os.getppid() != parent:
            return
    peer = server.accept()[0]
    while datagram := peer.recv(RECEIVE_BYTES):
        peer.send(datagram)


if __name__ == "__main__":
    echo(sys.argv[1])
