"""`broker:` and `metrics:`: who outside this device is told what."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError, shown
from jidoka.config.quantities import Duration
from jidoka.config.schema.base import FilePath, MayBe, Settings


def _broker_url(value: str) -> str:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme in {"mqtts", "ssl", "tls", "ws", "wss"}:
        raise UnfitError(
            f"{url.scheme}:// isn't spoken by this version", "Use mqtt://host:port on a trusted network."
        )
    if url.username or url.password:
        raise UnfitError(
            "a name or password in the address ends up in logs", "Use username and password_file."
        )
    if url.scheme != "mqtt" or not url.hostname or url.path not in {"", "/"} or url.query or port == 0:
        raise UnfitError(
            f"{shown(value)} isn't a broker's address", "Write mqtt://host:port, such as mqtt://aims:1883."
        )
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[0-9A-Za-z.:\[\]-]+", host) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise UnfitError(
            f"{shown(value)} isn't an address to listen on", "Write host:port, such as 127.0.0.1:9464."
        )
    if not 1 <= int(port) <= 65_535:
        raise UnfitError(f"{port} is no port", "Use 1 to 65535.")
    return value


class BrokerSettings(Settings):
    """The MQTT broker of the management system."""

    url: Annotated[str, AfterValidator(_broker_url), MayBe("`mqtt://host:port`")] = Field(
        description="mqtt://host:port; the port is 1883 if left out."
    )
    username: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Name at the broker."
    )
    password_file: FilePath | None = Field(
        default=None, description="File with the password on its first line, readable by the steward only."
    )
    acknowledge: Literal["aims", "puback"] = Field(
        default="aims",
        description="Whose word it takes until a message is done with. aims: the AIMS says that it is committed; puback: "
        "the broker took it, for subscribers that acknowledge nothing; a broker that is killed may lose what it took.",
    )
    keepalive: Annotated[float, Duration("5 s", "10 min")] = Field(
        default=30.0, description="How soon a dead connection is noticed."
    )


class MetricsSettings(Settings):
    """Counters for Prometheus."""

    listen: Annotated[str, AfterValidator(_listen), MayBe("`host:port`")] = Field(
        default="127.0.0.1:9464", description="Address and port that the steward listens on."
    )
