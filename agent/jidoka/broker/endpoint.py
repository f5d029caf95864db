"""Where a broker is, how the way there goes, and who we are there: the plan's `broker` section as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from jidoka_bridge.errors import BrokerError, ConfigurationError, InputError

from jidoka.credentials.secrets import read_password

TCP, WEBSOCKETS = "tcp", "websockets"
WEBSOCKET_PATH = "/mqtt"


class Scheme(NamedTuple):
    """How a broker is spoken to. transport: tcp or websockets."""

    transport: str
    is_tls: bool
    port: int


SCHEMES: dict[str, Scheme] = {
    "mqtt": Scheme(TCP, False, 1883),
    "mqtts": Scheme(TCP, True, 8883),
    "ws": Scheme(WEBSOCKETS, False, 80),
    "wss": Scheme(WEBSOCKETS, True, 443),
}


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy that is asked to CONNECT (RFC 9110, 9.3.6). password_file: first line is the password."""

    host: str
    port: int
    username: str | None = None
    password_file: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Broker:
    """transport: TCP or WEBSOCKETS (then below `path`); ca: None means the system's authorities; client_id: None means the
    device's id; password_file: first line is the password."""

    host: str
    port: int = 1883
    transport: str = TCP
    path: str = WEBSOCKET_PATH
    is_tls: bool = False
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    alpn: tuple[str, ...] = ()
    username: str | None = None
    password_file: str | None = None
    client_id: str | None = None
    proxy: Proxy | None = None
    keepalive_s: int = 30

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def broker_of(section: Mapping[str, Any]) -> Broker:
    """One broker of the plan. Raises ConfigurationError for a section of another version."""
    known = {each.name for each in fields(Broker)}
    try:
        values = {name: value for name, value in section.items() if name in known}
        if unknown := sorted(set(section) - known):
            raise TypeError(f"{', '.join(unknown)} isn't known")
        if values.get("proxy") is not None:
            values["proxy"] = Proxy(**values["proxy"])
        if "alpn" in values:
            values["alpn"] = tuple(values["alpn"])
        return Broker(**values)
    except TypeError as error:
        raise ConfigurationError(
            f"the plan's broker: {error}", "Make the plan anew with: jidoka plan"
        ) from None


class Address(NamedTuple):
    """A broker's address, taken apart."""

    host: str
    port: int
    scheme: Scheme
    path: str


def address_of(url: str) -> Address:
    """Of a URL that was checked."""
    parts = urlsplit(url)
    scheme = SCHEMES[parts.scheme]
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(
        parts.hostname or "", parts.port or scheme.port, scheme, path if path.strip("/") else WEBSOCKET_PATH
    )


def broker_at(text: str, **login: Any) -> Broker:
    """What a person writes at a command line: HOST, HOST:PORT, or a URL as in the configuration's `broker.url`.

    login: further fields of Broker. Raises InputError.

    >>> broker_at("mqtts://aims.plant.example").port
    8883
    """
    url = text if "://" in text else f"mqtt://{text}"
    try:
        address = address_of(url) if url.partition("://")[0] in SCHEMES else None
    except ValueError:
        address = None
    if address is None or not address.host:
        raise InputError(
            f"{text}: isn't the address of a broker",
            "Write HOST, HOST:PORT, or a URL such as mqtts://aims:8883.",
        )
    scheme = address.scheme
    return Broker(address.host, address.port, scheme.transport, address.path, scheme.is_tls, **login)


def password_of(path: str | None) -> str | None:
    """The password in a file; None where there is none. Raises BrokerError."""
    if path is None:
        return None
    try:
        return read_password(path)
    except ConfigurationError as error:
        raise BrokerError(error.what, error.remedy) from None
