"""Who answers where nobody does as configured: other units first, then other speeds. Reads only."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator

from jidoka_bridge import registers
from jidoka_bridge.errors import LinkError
from jidoka_bridge.plan import Link

from jidoka.commissioning.client import Client
from jidoka.commissioning.findings import Finding, finding, line_finding

BAUDS = (19200, 9600, 115200, 38400, 57600)
PARITIES = ("E", "N", "O")
#: how long a station may take; a longer wait would find slower ones
ANSWER_MS = 60.0
UNITS = tuple(range(1, 11))
TRIES, PAUSE_S = 3, 0.05


def who_else(
    link: Link, why: str, search: bool, units: tuple[int, ...], tell: Callable[[str], None]
) -> list[Finding]:  # fmt: skip
    """What to say where the configured station gives no usable answer. why: what came instead."""
    here = {"baud": link.baud, "parity": link.parity, "unit": link.unit, "port": link.port}
    seen = [] if why == "no answer" else [line_finding(why, link)]
    if not search:
        return seen or [finding("silent as configured", **here)]
    places = list(_search(link, units, tell))
    if not places:
        # what came was garbage at every setting, or nothing at all
        return seen or [finding("silent", port=link.port, units=f"{min(units)} to {max(units)}")]
    if len({each.unit for each in places}) > 1:
        text = "; ".join(f"{each.baud} baud, {each.parity}, unit {each.unit}" for each in places)
        return [finding("other settings twice", places=text)]
    other = places[0]
    change = [f"{name}: {getattr(other, name)}" for name in ("baud", "parity", "unit")
              if getattr(other, name) != getattr(link, name)]  # fmt: skip
    return [finding("other settings", baud=other.baud, parity=other.parity, unit=other.unit,
                    change=", ".join(change))]  # fmt: skip


def _search(link: Link, units: tuple[int, ...], tell: Callable[[str], None]) -> Iterator[Link]:
    """Settings at which a station answers a read; other units at the configured speed first, then other speeds."""
    for baud, parity in _speeds(link):
        near = link.unit if link.unit in units else None
        tell(f"asking units {min(units)} to {max(units)} at {baud} baud, parity {parity}")
        answered = [
            other
            for unit in sorted({*units, link.unit}, key=lambda each: (each != near, each))
            if _answers(other := dataclasses.replace(link, baud=baud, parity=parity, unit=unit))
        ]
        if answered:
            yield from answered
            return


def _speeds(link: Link) -> Iterator[tuple[int, str]]:
    yield link.baud, link.parity
    if link.transport != "rtu":
        return
    for baud in (link.baud, *BAUDS):
        for parity in PARITIES:
            if (baud, parity) != (link.baud, link.parity):
                yield baud, parity


def _answers(link: Link) -> bool:
    """A station with these settings says something that only a Modbus station says."""
    for _ in range(TRIES):
        answered = _answers_once(link)
        if answered is not None:
            return answered
        # a server with one connection closes the next until it has noticed the end of the last
        time.sleep(PAUSE_S)
    return False


def _answers_once(link: Link) -> bool | None:
    """None: the port could not be opened, or was lost."""
    try:
        client = Client(link, ANSWER_MS)
    except LinkError:
        return None
    try:
        answer = client.read(registers.B.address, registers.B.words)
    except LinkError:
        return None
    finally:
        client.close()
    return not answer.why or answer.exception != 0
