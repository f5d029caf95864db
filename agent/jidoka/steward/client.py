"""Asks a running steward something over its socket; used by the command line."""

from __future__ import annotations

import os
import select
import socket
import time
from pathlib import Path
from typing import Any

from jidoka_bridge.channel import Channel
from jidoka_bridge.errors import NotRunningError, RefusedError
from jidoka_bridge.messages import Kind, MessageError, decode, encode_json

LIMIT_S = 5.0


def ask(path: Path, kind: Kind, body: dict[str, Any], limit_s: float = LIMIT_S) -> dict[str, Any]:
    """Send a question or an act and return the value of its answer.

    Raises NotRunningError if no steward listens or it doesn't answer, RefusedError if it refuses.
    """
    remedy = "Start it with: jidoka run CONFIGURATION, or give the plan that it runs with: --plan PLAN"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        sock.connect(str(path))
    except OSError as error:
        sock.close()
        why = f" ({error.strerror})" if isinstance(error, PermissionError) else ""
        raise NotRunningError(f"no steward listens at {path}{why}", remedy) from None
    channel = Channel(connected=sock)
    request = os.urandom(8).hex()
    channel.send(encode_json(kind, 0, time.monotonic_ns(), {**body, "request": request}))
    deadline = time.monotonic() + limit_s
    try:
        answer = _await(channel, request, deadline)
    finally:
        channel.close()
    if answer is None:
        raise NotRunningError(f"the steward at {path} doesn't answer within {limit_s:g} s", remedy)
    if not answer.get("ok"):
        raise RefusedError(str(answer.get("refused", "")), str(answer.get("remedy", "")))
    value: dict[str, Any] = answer.get("value") or {}
    return value


def _await(channel: Channel, request: str, deadline: float) -> dict[str, Any] | None:
    while channel.is_connected and (left_s := deadline - time.monotonic()) > 0:
        if not select.select([channel], [], [], left_s)[0]:
            return None
        for datagram in channel.receive():
            try:
                message = decode(datagram)
                answer = message.json() if message.kind is Kind.ANSWER else {}
            except MessageError:
                continue
            if answer.get("request") == request:
                return answer
    return None
