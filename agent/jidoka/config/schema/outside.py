"""`metrics:`: who outside this device may read its counters."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError, shown
from jidoka.config.schema.base import MayBe, Settings


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[0-9A-Za-z.:\[\]-]+", host) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise UnfitError(
            f"{shown(value)} isn't an address to listen on", "Write host:port, such as 127.0.0.1:9464."
        )
    if not 1 <= int(port) <= 65_535:
        raise UnfitError(f"{port} is no port", "Use 1 to 65535.")
    return value


class MetricsSettings(Settings):
    """Counters for Prometheus."""

    listen: Annotated[str, AfterValidator(_listen), MayBe("`host:port`")] = Field(
        default="127.0.0.1:9464", description="Address and port that the steward listens on."
    )
