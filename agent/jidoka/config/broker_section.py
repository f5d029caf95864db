"""The plan's section of the broker: addresses taken apart, paths made absolute, what a spare leaves out filled in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jidoka.broker.endpoint import address_of
from jidoka.config.schema.broker import BrokerPlace, BrokerSettings

#: settings that are paths, and that belong to TLS
FILES_OF_TLS = ("ca", "certificate", "key")


def broker_section(broker: BrokerSettings, base_dir: Path, names: dict[str, str]) -> dict[str, Any]:
    """What the steward's courier is made of. names: site, line and device, for the placeholders."""
    section = _place(broker, broker, base_dir, names)
    section["acknowledge"] = broker.acknowledge
    if broker.spares:
        section["spares"] = [_place(each, broker, base_dir, names) for each in broker.spares]
        section["return_after_s"] = broker.return_after
    return section


def taken(place: BrokerPlace, first: BrokerSettings, name: str) -> Any:
    """A setting of a broker; of a spare that leaves it out the first one's."""
    value = getattr(place, name)
    return getattr(first, name) if value is None else value


def absolute(base_dir: Path, text: str) -> str:
    """An absolute path; `..` is folded, links stay as they are."""
    return os.path.normpath(base_dir / text)


def _place(
    place: BrokerPlace, first: BrokerSettings, base_dir: Path, names: dict[str, str]
) -> dict[str, Any]:
    def of(name: str) -> Any:
        return taken(place, first, name)

    def path(text: str | None) -> str | None:
        return None if text is None else absolute(base_dir, text)

    address = address_of(place.url)
    section: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "username": _filled(of("username"), names),
        "password_file": path(of("password_file")),
        "keepalive_s": round(first.keepalive),
    }
    if address.scheme.transport != "tcp":
        section |= {"transport": address.scheme.transport, "path": address.path}
    if address.scheme.is_tls:
        section["is_tls"] = True
        section |= {name: path(of(name)) for name in FILES_OF_TLS if of(name) is not None}
        section |= {"alpn": list(of("alpn"))} if of("alpn") is not None else {}
    if of("client_id") is not None:
        section["client_id"] = _filled(of("client_id"), names)
    if of("proxy") is not None:
        url = urlsplit(of("proxy"))
        section["proxy"] = {
            "host": url.hostname,
            "port": url.port,
            "username": of("proxy_username"),
            "password_file": path(of("proxy_password_file")),
        }
    return section


def _filled(text: str | None, names: dict[str, str]) -> str | None:
    return None if text is None else text.format(**names)
