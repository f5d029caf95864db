"""Tells a running steward something to record; where none runs, nobody is told."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Kind, encode_json

from jidoka.commissioning.records import Entry


def drill_event(entry: Entry) -> dict[str, Any]:
    """The EVENT of a drill: who did it, when, with what plan and register map, and what it showed."""
    who = {"role": entry.role, "pseudonym": entry.person}
    about = {"at": entry.at, "plan": entry.plan, "map": entry.map}
    return {"kind": "drill", "text": "a drill was done", **who, **about, **entry.values}


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
