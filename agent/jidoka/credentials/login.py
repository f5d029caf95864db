"""What a device logs in with at a broker, and everything that is wrong with it at a given time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from jidoka_bridge.errors import ConfigurationError

from jidoka.credentials.certificates import (
    Dates,
    dates_of,
    day,
    fits,
    name_of,
    read_certificates,
    read_key,
)
from jidoka.credentials.secrets import read_password

_T = TypeVar("_T")

RENEW = "Renew it: `jidoka enroll CONFIGURATION --new` makes another key and request, --certificate installs what comes back."


@dataclass(frozen=True)
class Login:
    """Paths; None for what isn't used. ca: whom the broker's certificate must come from; passwords: setting → file."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    passwords: tuple[tuple[str, str], ...] = ()


class Problem(NamedTuple):
    """setting: its name in `broker:`; is_of_time: it comes or goes by itself, with the clock; is_absent: there is no such
    file, at least not on this machine."""

    setting: str
    what: str
    remedy: str
    is_of_time: bool = False
    is_absent: bool = False


def problems(login: Login, now: datetime) -> Iterator[Problem]:
    """Everything that would keep the device from logging in, as far as its own files show it."""
    for setting, path in login.passwords:
        yield from _tried(setting, read_password, path)[1]
    if login.ca is not None:
        authorities, found = _tried("ca", read_certificates, login.ca)
        yield from found
        if authorities and all(dates_of(each).ends < now for each in authorities):
            yield from _of_time("ca", login.ca, dates_of(authorities[0]), now)
    if login.certificate is None or login.key is None:
        return
    chain, found = _tried("certificate", read_certificates, login.certificate)
    yield from found
    key, found = _tried("key", read_key, login.key)
    yield from found
    if chain:
        yield from _of_time("certificate", login.certificate, dates_of(chain[0]), now)
    if chain and key is not None and not fits(chain[0], key):
        yield Problem(
            "key",
            f"{login.key}: isn't the key of {name_of(chain[0].subject)} in {login.certificate}",
            "Give the key that the request for this certificate was made with, or ask for a new certificate.",
        )


def first_end(login: Login) -> tuple[str, Dates] | None:
    """(file, dates) of what ends first: the device's certificate and those that stand with it, or the last of the
    authorities. None where nothing can be read."""
    found: list[tuple[str, Dates]] = []
    if login.certificate is not None:
        chain, _ = _tried("certificate", read_certificates, login.certificate)
        found += [(login.certificate, dates_of(each)) for each in chain or ()]
    if login.ca is not None:
        authorities, _ = _tried("ca", read_certificates, login.ca)
        # a file of many authorities is good as long as one of them is: the last one counts
        found += sorted(((login.ca, dates_of(each)) for each in authorities or ()), key=_end)[-1:]
    return min(found, key=_end, default=None)


def _end(found: tuple[str, Dates]) -> datetime:
    return found[1].ends


def _of_time(setting: str, path: str, dates: Dates, now: datetime) -> Iterator[Problem]:
    if dates.begins > now:
        what = f"{path}: {dates.subject} is valid from {day(dates.begins)} only, and the clock says {now:%Y-%m-%d}"
        yield Problem(setting, what, "Set the clock, or wait.", is_of_time=True)
    elif dates.ends < now:
        what = f"{path}: {dates.subject} was valid until {day(dates.ends)}, and the clock says {now:%Y-%m-%d}"
        remedy = RENEW if setting == "certificate" else "Get the new certificate of the authority."
        yield Problem(setting, what, remedy, is_of_time=True)


def _tried(setting: str, read: Callable[[str], _T], path: str) -> tuple[_T | None, list[Problem]]:
    try:
        return read(path), []
    except ConfigurationError as error:
        return None, [Problem(setting, error.what, error.remedy, is_absent=not os.path.lexists(path))]
