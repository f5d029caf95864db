"""Scribbles over arenas, as an application may: `python tools/_scribble.py DESCRIPTOR SEED`, a socket to its parent.

Each arena that comes through the socket takes the place of the one before: its heads and data are written, holes
punched into it, its size tried to be changed, without a pause, until the socket is closed.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import socket
import sys

KEEP_SIZE_AND_PUNCH_HOLE = 3  # fallocate(2)
VALUES = (0, 1, 2, 0xFFFF, 2**32, 2**64 - 1)


def scribble(parent: socket.socket, seed: int) -> None:
    """Until the parent hangs up. A message is the number of slots, with the arena's descriptor."""
    dice = random.Random(seed)
    libc = ctypes.CDLL(None, use_errno=True)
    while True:
        message, descriptors, _, _ = socket.recv_fds(parent, 16, 1)
        if not message:
            return
        (descriptor,) = descriptors
        memory = mmap.mmap(descriptor, 0)
        slots = int(message)
        stride = len(memory) // slots
        parent.send(b"sealed" if is_sealed(descriptor, len(memory)) else b"unsealed")
        parent.setblocking(False)
        while not has_news(parent):
            for _ in range(200):
                slot = dice.randrange(slots) * stride
                kind = dice.randrange(24)
                if kind < 4:
                    place = slot + 8 * dice.randrange(3)
                    memory[place : place + 8] = dice.choice(VALUES).to_bytes(8, "little")
                elif kind < 23:
                    place = slot + 64 + dice.randrange(stride - 128)
                    memory[place : place + 64] = dice.randbytes(64)
                else:
                    place = dice.randrange(len(memory)) // mmap.PAGESIZE * mmap.PAGESIZE
                    hole = (ctypes.c_long(place), ctypes.c_long(mmap.PAGESIZE * dice.randrange(1, 4)))
                    libc.fallocate(descriptor, KEEP_SIZE_AND_PUNCH_HOLE, *hole)
        parent.setblocking(True)
        memory.close()
        os.close(descriptor)


def has_news(parent: socket.socket) -> bool:
    """True if the parent sent something, or is gone."""
    try:
        parent.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    return True


def is_sealed(descriptor: int, size: int) -> bool:
    """True if the size can't be changed."""
    for other in (0, size // 2, 2 * size):
        try:
            os.ftruncate(descriptor, other)
        except PermissionError:
            continue
        return False
    return True


if __name__ == "__main__":
    scribble(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
