"""Tells a running steward something to record; where none runs, nobody is told."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Kind, encode_json


def tell_steward(path: Path, body: dict[str, Any]) -> bool:
    """One EVENT. False if no steward listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(str(path))
    except OSError:
        sock.close()
        return False
    channel = Channel(connected=sock)
    try:
        channel.send(encode_json(Kind.EVENT, 0, time.monotonic_ns(), body))
    finally:
        channel.close()
    return True
