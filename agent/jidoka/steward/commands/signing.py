"""A signed command: what its bytes are, how they are signed and read (TELEMETRY §5).

On the wire it is a JSON object {"payload", "key", "signature"}: the payload is base64 of the exact bytes that were signed,
so that nobody has to serialise anything the same way twice; the signature is Ed25519 (RFC 8032) over CONTEXT and the
payload. The payload is a JSON object: command, device (its topic tree), number (grows with each command of a key), issued
and expires (RFC 3339), arguments.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

#: what is signed begins with this: a signature over something else can't be taken for one over a command
CONTEXT = b"jidoka command v1\0"


class UnreadableError(ValueError):
    """Bytes that aren't a signed command; its text says why."""


@dataclass(frozen=True)
class Signed:
    """A message before anybody believed it."""

    payload: bytes
    key: str
    signature: bytes


@dataclass(frozen=True)
class Order:
    """What the payload says. issued_s, expires_s: seconds since 1970."""

    command: str
    device: str
    number: int
    issued_s: float
    expires_s: float
    arguments: Mapping[str, Any]


def sign(private: Ed25519PrivateKey, key: str, payload: Mapping[str, Any]) -> bytes:
    """The message for a payload; key: the id by which devices know the public half."""
    body = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    message = {
        "payload": base64.b64encode(body).decode(),
        "key": key,
        "signature": base64.b64encode(private.sign(CONTEXT + body)).decode(),
    }
    return json.dumps(message).encode()


def read(message: bytes) -> Signed:
    """A message taken apart; nothing of it is believed yet. Raises UnreadableError."""
    value = _object(message, "the message")
    try:
        payload, signature = _decoded(value["payload"]), _decoded(value["signature"])
        key = value["key"]
    except (KeyError, TypeError, binascii.Error, ValueError):
        raise UnreadableError("payload, key and signature in base64 are needed") from None
    if not isinstance(key, str) or not 0 < len(key) <= 64 or not key.isprintable():
        raise UnreadableError("the key has no id")
    return Signed(payload, key, signature)


def is_signed_by(signed: Signed, public: bytes) -> bool:
    """True if the 32 bytes are the public half of the key that signed this."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signed.signature, CONTEXT + signed.payload)
    except (InvalidSignature, ValueError):
        return False
    return True


def order_of(payload: bytes) -> Order:
    """What a payload asks for. Raises UnreadableError."""
    value = _object(payload, "the payload")
    try:
        command, device, number = value["command"], value["device"], value["number"]
        times = [datetime.fromisoformat(value[name].replace("Z", "+00:00")) for name in ("issued", "expires")]
        arguments = value.get("arguments", {})
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableError(f"{error!r}: command, device, number, issued and expires are needed") from None
    if any(time.tzinfo is None for time in times):
        raise UnreadableError("a time has no zone: write such as 2026-11-23T08:15:00Z")
    if not (isinstance(command, str) and isinstance(device, str) and isinstance(arguments, dict)):
        raise UnreadableError("command and device are texts, arguments an object")
    if type(number) is not int or not 1 <= number < 2**63:
        raise UnreadableError(f"the number {number!r} isn't from 1 to 2**63")
    return Order(command, device, number, times[0].timestamp(), times[1].timestamp(), arguments)


def _decoded(text: str) -> bytes:
    """base64 (RFC 4648) in its one canonical spelling, so that no other bytes are this message, too. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("bits are left over")
    return data


def _object(data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{what} isn't JSON") from None
    if not isinstance(value, dict):
        raise UnreadableError(f"{what} isn't a JSON object")
    return value
