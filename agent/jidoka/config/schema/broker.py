"""`broker:`: where the management system's MQTT brokers are, and how this device logs in there."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from jidoka.broker.endpoint import SCHEMES
from jidoka.config.faults import UnfitError, shown
from jidoka.config.quantities import Duration
from jidoka.config.schema.base import FilePath, MayBe, Settings

#: what others call them
OTHER_NAMES = {
    "tcp": "mqtt",
    "ssl": "mqtts",
    "tls": "mqtts",
    "mqtt+tls": "mqtts",
    "https": "wss",
    "http": "ws",
}
PLACEHOLDERS = ("site", "line", "device")


def _broker_url(value: str) -> str:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme in OTHER_NAMES:
        raise UnfitError(f"{url.scheme}:// is written {OTHER_NAMES[url.scheme]}:// here", "Correct it.")
    if url.username or url.password:
        raise UnfitError(
            "a name or password in the address ends up in logs", "Use username and password_file."
        )
    scheme = SCHEMES.get(url.scheme)
    is_websocket = scheme is not None and scheme.transport == "websockets"
    has_rest = not is_websocket and (url.path not in {"", "/"} or bool(url.query))
    if scheme is None or not url.hostname or has_rest or port == 0 or url.fragment:
        raise UnfitError(
            f"{shown(value)} isn't a broker's address",
            "Write mqtts://host:port, such as mqtts://aims:8883; mqtt:// on a trusted network; wss://host/path.",
        )
    return value


def _proxy_url(value: str) -> str:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.username or url.password:
        raise UnfitError(
            "a name or password in the address ends up in logs", "Use proxy_username and proxy_password_file."
        )
    if url.scheme != "http" or not url.hostname or not port or url.path not in {"", "/"} or url.query:
        raise UnfitError(
            f"{shown(value)} isn't a proxy's address", "Write http://host:port, such as http://proxy:3128."
        )
    return value


def _filled(value: str) -> str:
    """Text with {site}, {line} and {device} in it."""
    for name in re.findall(r"\{([^{}]*)\}", value):
        if name not in PLACEHOLDERS:
            raise UnfitError(f"{{{name}}} isn't known", "Known: {site}, {line}, {device}.")
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", value)):
        raise UnfitError("a brace is left open", "Write {site}, {line} or {device}.")
    if any(not letter.isprintable() for letter in value):
        raise UnfitError(f"{shown(value)} isn't text on one line", "Write one line.")
    return value


def _protocol(value: str) -> str:
    if not 1 <= len(value.encode()) <= 255 or not value.isprintable():
        raise UnfitError(f"{shown(value)} can't be a protocol of ALPN", "Write its name, such as mqtt.")
    return value


Filled = Annotated[
    str, Field(min_length=1, max_length=200), AfterValidator(_filled), MayBe("text; `{site}`, `{line}`, `{device}` in it are filled in"),
]  # fmt: skip


class BrokerPlace(Settings):
    """One broker: where it is, and how this device logs in."""

    url: Annotated[str, AfterValidator(_broker_url), MayBe("`mqtt://`, `mqtts://`, `ws://` or `wss://host:port`")] = Field(
        description="mqtts: with TLS (port 8883 if left out); mqtt: without, on a trusted network (1883); wss and ws: over "
        "WebSockets (443, 80), with the path behind the host (/mqtt if left out)."
    )  # fmt: skip
    username: Filled | None = Field(default=None, description="Name at the broker.")
    password_file: FilePath | None = Field(
        default=None,
        description="File with the password on its first line; mode 0600, owned by the steward's user. Read at each connection.",
    )
    client_id: Filled | None = Field(
        default=None, description="Client id at the broker; the device's id if left out."
    )
    ca: FilePath | None = Field(
        default=None,
        description="PEM file with the authorities that may vouch for the broker; the system's if left out.",
    )
    certificate: FilePath | None = Field(
        default=None,
        description="PEM file with this device's certificate, then those between it and the authority; `jidoka enroll "
        "--certificate` installs it.",
    )
    key: FilePath | None = Field(
        default=None,
        description="PEM file with the certificate's key; mode 0600, owned by the steward's user; `jidoka enroll` makes it.",
    )
    alpn: Annotated[
        list[Annotated[str, AfterValidator(_protocol)]], Field(min_length=1, max_length=4), MayBe("list of text")
    ] | None = Field(
        default=None, description="Protocols named in the TLS handshake, such as [x-amzn-mqtt-ca] for AWS IoT at port 443."
    )  # fmt: skip
    proxy: Annotated[str, AfterValidator(_proxy_url), MayBe("`http://host:port`")] | None = Field(
        default=None, description="HTTP proxy that is asked to CONNECT to the broker; the environment's is never taken."
    )  # fmt: skip
    proxy_username: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Name at the proxy."
    )
    proxy_password_file: FilePath | None = Field(
        default=None, description="File with the proxy's password on its first line; mode 0600."
    )


class BrokerSettings(BrokerPlace):
    """The MQTT broker of the management system."""

    spares: Annotated[list[BrokerPlace], Field(max_length=4)] = Field(
        default=[],
        description="Other brokers of the same management system, tried in order when the first is away. What one leaves out "
        "is the first one's.",
    )
    return_after: Annotated[float, Duration("10 s", "1 d")] = Field(
        default=300.0,
        description="How often the first broker is tried again while a spare serves. Sending waits for it up to 7 s where "
        "its host answers nothing at all.",
    )
    acknowledge: Literal["aims", "puback"] = Field(
        default="aims",
        description="Whose word it takes until a message is done with. aims: the AIMS says that it is committed; puback: "
        "the broker took it, for subscribers that acknowledge nothing; a broker that is killed may lose what it took.",
    )
    keepalive: Annotated[float, Duration("5 s", "10 min")] = Field(
        default=30.0,
        description="How soon a dead connection is noticed: within twice this time. AWS IoT takes 30 s or more.",
    )
