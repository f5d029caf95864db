"""The trips in a ledger: every transition that took a permission away or locked out, and every death of the guard.

A guard that was stopped in order while something was latched comes back as one that died does, with `restart` and HOLD;
only the planned stop before it in the record tells that nobody died. In observe the interlock goes on as a shadow: what
it takes away nobody had; only the word that stood before tells so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jidoka_bridge.guard.interlock import WORDS
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import State, Word

from jidoka.steward.ledger.format import Entry, Kind

#: events that lower as they are meant to
PLANNED = frozenset({"planned stop"})
#: the guard's very first event, of a new device: nobody was there before who could have died
FIRST = 1


@dataclass(frozen=True)
class Trip:
    """One of them. index: of its entry; number: of the transition; wall_ns: when it happened; boot: of its clock.

    is_observed: in observe, where nothing had been permitted and so nothing was stopped.
    """

    index: int
    number: int
    wall_ns: int
    monotonic_ns: int
    boot: bytes
    body: Mapping[str, Any]
    is_observed: bool = False

    @property
    def offset_ns(self) -> int:
        """Wall minus monotonic clock, as the steward saw them."""
        return self.wall_ns - self.monotonic_ns

    @property
    def is_planned(self) -> bool:
        return self.body["event"] in PLANNED

    @property
    def cause(self) -> str:
        """Of this step; the guard's own death has no step, its cause is the restart."""
        return str(self.body.get("cause") or self.body.get("first_out") or self.body["event"])

    @property
    def move(self) -> str:
        if self.body["event"] == "restart":
            return "guard died"
        return f"{self.body['from']} → {self.body['to']}"


def took_something(body: Mapping[str, Any]) -> bool:
    """Whether a transition took a permission away or locked out. Raises KeyError for a body that isn't a transition."""
    was, now = _rank(body["from"]), _rank(body["to"])
    return now < was or (body["to"] == State.LOCKOUT.name != body["from"])


def rises(body: Mapping[str, Any]) -> bool:
    """Whether a transition gave something."""
    return _rank(body["to"]) > _rank(body["from"])


def _rank(state: str) -> int:
    return RANK[WORDS[State[state]]]


def _is_masked(body: Mapping[str, Any], was: bool) -> bool:
    """Whether the word is held back after a transition, as in observe; as before where its state would give nothing."""
    gives = _rank(body["to"])
    if body["event"] == "restart":
        return False
    return RANK[Word[body["word"]]] < gives if gives and "word" in body else was


def trips(entries: Iterable[Entry]) -> Iterator[Trip]:
    """All trips, oldest first; transitions that can't be read are passed over."""
    finder = Finder()
    for entry in entries:
        trip = finder.take(entry)
        if trip is not None:
            yield trip


class Finder:
    """Finds trips among entries that it is given in the order of the ledger."""

    def __init__(self) -> None:
        self._was_stopped = False
        self._is_masked = False

    def take(self, entry: Entry) -> Trip | None:
        """The trip that an entry tells of; None if it tells of none, or can't be read."""
        if entry.kind is not Kind.TRANSITION:
            return None
        try:
            body = entry.json()
            is_observed = self._is_masked
            is_trip = self._is_trip(body)
            self._is_masked = _is_masked(body, is_observed)
            if not is_trip:
                return None
            happened_ns = int(body["ns"])
            number = int(body["number"])
        except (KeyError, TypeError, ValueError):
            return None
        wall_ns = entry.wall_ns - entry.monotonic_ns + happened_ns
        return Trip(entry.index, number, wall_ns, happened_ns, entry.boot, body, is_observed)

    def _is_trip(self, body: Mapping[str, Any]) -> bool:
        if body["event"] == "restart":
            is_unclean = (body.get("evidence") or {}).get("clean") is False
            died = is_unclean and not self._was_stopped and body.get("number") != FIRST
            self._was_stopped = False
            return died
        self._was_stopped = self._was_stopped or body["event"] in PLANNED
        return took_something(body)


def moment(wall_ns: int) -> str:
    """UTC with milliseconds."""
    whole = datetime.fromtimestamp(wall_ns // 1_000_000_000, timezone.utc)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{wall_ns % 1_000_000_000 // 1_000_000:03d} UTC"


def summary(trip: Trip) -> dict[str, Any]:
    """One line of the list, as an object."""
    return {
        "number": trip.number,
        "at": moment(trip.wall_ns),
        "wall_ns": trip.wall_ns,
        "move": trip.move,
        "cause": trip.cause,
        "first_out": trip.body.get("first_out"),
        "text": str(trip.body.get("text", "")),
        "planned": trip.is_planned,
        "observed": trip.is_observed,
    }
