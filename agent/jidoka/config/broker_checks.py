"""What must fit together in `broker:`, and (where a person asks, not where programs start) the files that it names.

An expired certificate is a fault of `jidoka validate` only: telemetry that can't log in must not keep a machine's guard from
starting. The running steward tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timezone

from jidoka.broker.endpoint import address_of
from jidoka.config.broker_section import FILES_OF_TLS, absolute, taken
from jidoka.config.case import Case, Found
from jidoka.config.located import Trail
from jidoka.config.schema.broker import BrokerPlace, BrokerSettings

#: (what is of no use without the other, the other)
PAIRS: tuple[tuple[str, str], ...] = (
    ("password_file", "username"),
    ("certificate", "key"),
    ("key", "certificate"),
    ("proxy_password_file", "proxy_username"),
    ("proxy_username", "proxy"),
)


def settings_have_their_other_half(case: Case) -> Found:
    """A password without a name is never sent, a certificate without its key proves nothing."""
    for trail, place, first in _places(case):
        for name, other in PAIRS:
            if isinstance(getattr(place, name), str) and taken(place, first, other) is None:
                problem = f"there is no {other}"
                yield case.fault((*trail, name), problem, f"Add `{other}:`, or remove it.")


def tls_settings_have_tls(case: Case) -> Found:
    """Certificates are of no use where nothing is encrypted; a spare without TLS may leave the first one's alone."""
    for trail, place, _ in _places(case):
        if not isinstance(place.url, str) or address_of(place.url).scheme.is_tls:
            continue
        for name in (*FILES_OF_TLS, "alpn"):
            if isinstance(getattr(place, name), str | list):
                problem = f"{place.url} is spoken to without TLS, so it isn't used"
                yield case.fault((*trail, name), problem, "Write mqtts:// or wss://, or remove it.")


def client_ids_fit(case: Case) -> Found:
    """MQTT's text has at most 65 535 bytes, and brokers take far less; a filled-in one may be too long."""
    names = {name: getattr(case.config, name) for name in ("site", "line", "device")}
    for trail, place, _ in _places(case):
        if isinstance(place.client_id, str) and all(isinstance(each, str) for each in names.values()):
            length = len(place.client_id.format(**names).encode())
            if length > 128:
                problem = (
                    f"has {length} bytes once it is filled in; 128 are the most that AWS IoT and Azure take"
                )
                yield case.fault((*trail, "client_id"), problem, "Make it shorter.")


def credentials_are_good(case: Case) -> Found:
    """Only where asked for: files that are open to others, no certificates, of another key, or out of their dates. One that
    is missing is a note, for this may not be the device."""
    from jidoka.credentials.login import Login, problems  # noqa: PLC0415 - cryptography is large

    now = datetime.now(timezone.utc)
    for trail, place, first in _places(case):
        if not isinstance(place.url, str):
            continue
        is_tls = address_of(place.url).scheme.is_tls
        paths = {
            name: absolute(case.base_dir, value)
            for name in (*FILES_OF_TLS, "password_file", "proxy_password_file")
            if isinstance(value := taken(place, first, name), str) and (is_tls or name not in FILES_OF_TLS)
        }
        if trail != ("broker",) and not any(isinstance(getattr(place, name), str) for name in paths):
            continue  # all of it is the first one's
        passwords = tuple((name, path) for name, path in paths.items() if name.endswith("password_file"))
        login = Login(paths.get("ca"), paths.get("certificate"), paths.get("key"), passwords)
        for problem in problems(login, now):
            where = (*trail, problem.setting) if getattr(place, problem.setting) is not None else trail
            fault = case.fault(where, problem.what, problem.remedy)
            if problem.is_absent:
                case.notes.append(fault)
            else:
                yield fault


def _places(case: Case) -> Iterator[tuple[Trail, BrokerPlace, BrokerSettings]]:
    broker = case.config.broker
    if isinstance(broker, BrokerSettings):
        yield ("broker",), broker, broker
        if isinstance(broker.spares, list):
            for index, spare in enumerate(broker.spares):
                yield ("broker", "spares", index), spare, broker


#: of the file alone; `credentials_are_good` is asked for by whoever wants to know about this machine too
BROKER_CHECKS: tuple[Callable[[Case], Found], ...] = (
    settings_have_their_other_half,
    tls_settings_have_tls,
    client_ids_fit,
)
