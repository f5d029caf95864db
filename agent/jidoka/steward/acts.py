"""What people ask of the machine: passed to the guard, answered by it, recorded either way. Pure.

The steward decides nothing here. It refuses by itself only when nobody can decide (the guard is away) or when
the act couldn't be recorded; a hold is passed on even then, for stopping is always safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jidoka_bridge.messages import Kind
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS, TAKEN_BACK

LIMIT_NS = 2_000_000_000
NAMES: dict[Kind, str] = {
    Kind.ACKNOWLEDGE: "acknowledge",
    Kind.HOLD: "hold",
    Kind.UNLOCK: "unlock",
    Kind.WINDOW: "announce a window",
    Kind.MODE: "change a mode",
    Kind.KNOWN_ANSWERS: "show the known answers",
    Kind.COMMAND: "command",
}
#: those that stop, or that the guard refuses anyway, are passed on even while nothing can be recorded
NEED_RECORD: frozenset[Kind] = frozenset(NAMES) - {Kind.HOLD, Kind.COMMAND}
#: what else of an act stands in its entry
KEPT: tuple[str, ...] = ("model", "mode", "ms", "digest", "command")
KEPT_CHARACTERS = 80
#: what the guard itself gives as the reason of a reset
GUARDS_REASONS: frozenset[str] = frozenset({"button", "observe"})

Seal = Callable[[str], tuple[str, bytes]]


@dataclass
class Asked:
    """An act that waits for the guard. peer: who asked; was_sent: the guard got it."""

    peer: int
    kind: Kind
    body: dict[str, Any]
    deadline_ns: int
    was_sent: bool = False


class Acts:
    """Acts under way, by request id."""

    def __init__(self) -> None:
        self._asked: dict[str, Asked] = {}

    def ask(self, now_ns: int, peer: int, kind: Kind, body: dict[str, Any]) -> Asked | None:
        """Remember an act. None: another act with that request id is under way."""
        request = str(body.get("request", ""))
        if not request or request in self._asked:
            return None
        asked = self._asked[request] = Asked(peer, kind, body, now_ns + LIMIT_NS)
        return asked

    def answered(self, request: str) -> Asked | None:
        """The act that this answer is for, no longer under way."""
        return self._asked.pop(request, None)

    def overdue(self, now_ns: int) -> list[Asked]:
        """Acts that nobody answered in time, no longer under way."""
        late = [request for request, asked in self._asked.items() if now_ns >= asked.deadline_ns]
        return [self._asked.pop(request) for request in late]

    def unsent(self) -> list[Asked]:
        return [asked for asked in self._asked.values() if not asked.was_sent]

    def reason_for(self, cause: Mapping[str, Any]) -> str:
        """The reason code of the acknowledgement under way that this record of a cause tells of, or empty: one by a person whom
        it names, at its revision. Others of the same cause may be under way, and refused."""
        told = [cause.get(each) for each in ("second", "person")]
        people = [(each.get("role"), each.get("pseudonym")) for each in told if isinstance(each, dict)]
        for asked in self._asked.values():
            body = asked.body
            if asked.kind is not Kind.ACKNOWLEDGE or body.get("undo") or body.get("cause") != cause.get("id"):
                continue
            who = (str(body.get("role", "")), str(body.get("person", "") or ""))
            if body.get("revision") == cause.get("revision") and who in people:
                return reason_code(str(body.get("reason", "")))
        return ""


def for_guard(body: dict[str, Any]) -> dict[str, Any]:
    """What the guard gets: all that it decides by, and nothing that somebody wrote freely beside the reason."""
    told = {key: value for key, value in body.items() if key != "text"}
    # whoever asked: a guard that doesn't know what `undo` is must find no reason that it would take
    return {**told, "undo": True, "reason": TAKEN_BACK} if body.get("undo") else told


def name_of(kind: Kind, body: dict[str, Any]) -> str:
    """What the act is called in the record."""
    return f"un{NAMES[kind]}" if kind is Kind.ACKNOWLEDGE and body.get("undo") else NAMES[kind]


def reason_code(reason: str) -> str:
    """The reason as it may stand in an entry: a code of the list, else `other` (the words go to the side file)."""
    return reason if reason in {*ACKNOWLEDGE_REASONS, *GUARDS_REASONS, TAKEN_BACK, ""} else "other"


def labelled(body: dict[str, Any]) -> dict[str, Any]:
    """Who labels, as an entry names them."""
    return {
        "request": str(body.get("request", "")),
        "role": str(body.get("role", "")),
        "pseudonym": str(body.get("person", "") or ""),
    }


def recorded(asked: Asked, seal: Seal) -> tuple[dict[str, Any], bytes]:
    """(body of the entry: pseudonym, code and commitment; line for the side file, empty if nothing was written freely)."""
    body = asked.body
    reason, text = str(body.get("reason", "") or ""), str(body.get("text", "") or "")
    free = " · ".join(part for part in (reason if reason_code(reason) != reason else "", text) if part)
    commitment, line = seal(free) if free else ("", b"")
    entry = {
        "request": str(body.get("request", "")),
        "role": str(body.get("role", "")),
        "pseudonym": str(body.get("person", "") or ""),
        "cause": body.get("cause"),
        "revision": body.get("revision"),
        "reason": reason_code(reason),
        "commitment": commitment,
    }
    kept = {key: body[key] for key in KEPT if isinstance(body.get(key), str | int)}
    told = {key: each[:KEPT_CHARACTERS] if isinstance(each, str) else each for key, each in kept.items()}
    return {**entry, **told}, line
