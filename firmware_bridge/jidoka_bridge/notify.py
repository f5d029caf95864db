"""Tells the supervisor (systemd, or `jidoka run`) how this program is doing: the protocol of sd_notify(3)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket


def notify(*assignments: str) -> bool:
    """Send assignments such as "READY=1", "STATUS=waiting for the port", "WATCHDOG=1", "STOPPING=1".

    Returns False, and does nothing, where nobody supervises (NOTIFY_SOCKET isn't set) or the supervisor is gone.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.sendto("\n".join(assignments).encode(), address)
        return True
    return False


_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, if JIDOKA_DIE_WITH_PARENT=1 asks for it.

    Set by the demonstration and the tests, which must leave nothing running even when they are killed
    themselves; never in production, where each program outlives its neighbours. prctl(2).
    """
    if os.environ.get("JIDOKA_DIE_WITH_PARENT") != "1":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
