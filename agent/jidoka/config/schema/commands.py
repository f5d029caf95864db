"""`commands:`: who may ask this device for something from elsewhere."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError
from jidoka.config.schema.base import MayBe, Name, Settings


def _public_key(value: str) -> str:
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise UnfitError(
            "isn't an Ed25519 public key in base64 (44 characters)",
            "Use what `jidoka command keygen FILE` prints.",
        )
    return value


class CommandKey(Settings):
    """A key whose signed commands count. Nothing from elsewhere ever resets, arms or unlocks, whoever signs it."""

    id: Name = Field(description="Name of the key; commands carry it.")
    public_key: Annotated[str, AfterValidator(_public_key), MayBe("Ed25519 public key, base64")] = Field(
        description="What `jidoka command keygen FILE` printed; the private half stays with its owner."
    )
    role: Literal["operator", "maintenance", "engineer", "quality"] = Field(
        default="operator",
        description="The role in which its commands act; what was done is recorded with it.",
    )
    may: Annotated[
        list[Literal["hold", "ack-seen", "label", "report"]],
        Field(min_length=1),
        MayBe("list of `hold`, `ack-seen`, `label`, `report`"),
    ] = Field(default=["hold"], description="The commands that it may give.")
