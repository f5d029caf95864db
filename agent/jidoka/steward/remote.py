"""What a command from elsewhere becomes inside: a message as if somebody had asked, and a reply through the ledger. Pure.

A command is recorded whatever becomes of it; its reply is that entry (kind COMMAND, topic cmd/NAME/reply). Nothing in
here can ask for more than a person at the device's command line could from elsewhere.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge.messages import Kind, Message

from jidoka.steward.commands.desk import Judged
from jidoka.steward.core import Core
from jidoka.steward.effects import Effect, Record
from jidoka.steward.ledger.format import Kind as EntryKind

#: who asked, where a peer's number is meant
REMOTE = -2
#: of the kernel: nobody keeps the clock right
TIME_ERROR = 5


class Remote:
    """Commands under way, by request id. roles: key -> the role in which its commands act."""

    def __init__(self, core: Core, roles: Mapping[str, str]) -> None:
        self._core = core
        self._roles = roles
        self._under_way: dict[str, Judged] = {}

    def take(self, now_ns: int, judged: Judged) -> list[Effect]:
        """A command that the desk has judged."""
        if judged.refused:
            return [
                _entry(judged, "refused", judged.refused, judged.remedy),
                *self._core.on_refused_command(now_ns),
            ]
        if judged.name == "report":
            return [_entry(judged, "done", value=self._core.report())]
        try:
            message = self._message(judged, now_ns)
        except ValueError as error:
            return [_entry(judged, "refused", str(error))]
        return self._core.on_peer(now_ns, REMOTE, message)

    def _message(self, judged: Judged, now_ns: int) -> Message:
        """The message of one that is followed; its answer comes back under the same request id. Raises ValueError for
        arguments that say nothing."""
        assert judged.order is not None
        arguments, request = judged.order.arguments, judged.sha256[:32]
        about = {
            "request": request, "role": self._roles.get(judged.key, ""), "person": judged.key, "remote": True,
        }  # fmt: skip
        body: dict[str, Any]
        if judged.name == "hold":
            kind, body = Kind.HOLD, {"reason": _text(arguments, "reason") or "commanded from elsewhere"}
        elif judged.name == "ack-seen":
            kind, body = Kind.ACKNOWLEDGE, {
                "cause": _text(arguments, "alarm"), "revision": _number(arguments, "revision"), "reason": "seen, will look",
            }  # fmt: skip
        elif judged.name == "label":
            kind, body = Kind.LABEL, {
                "model": _text(arguments, "model"),
                "labels": [{"part": _number(arguments, "part"), "was": _text(arguments, "was")}],
            }  # fmt: skip
        else:
            raise ValueError(f"{judged.name} asks for nothing that anybody does here")
        datagram = messages.encode_json(kind, 0, now_ns, {**body, **about})
        self._under_way[request] = judged
        return messages.decode(datagram)

    def replied(self, answer: Mapping[str, Any]) -> Record | None:
        """The entry of one that was answered; None if nobody from elsewhere asked for this."""
        judged = self._under_way.pop(str(answer.get("request", "")), None)
        if judged is None:
            return None
        refused = "" if answer.get("ok") else str(answer.get("refused") or "refused")
        outcome = "refused" if refused else "done"
        return _entry(judged, outcome, refused, str(answer.get("remedy") or ""), answer.get("value") or {})


def _entry(
    judged: Judged, outcome: str, refused: str = "", remedy: str = "", value: Mapping[str, Any] | None = None
) -> Record:
    body = {
        "name": judged.name[:32], "key": judged.key, "number": judged.order.number if judged.order else 0,
        "sha256": judged.sha256, "outcome": outcome, "kind": judged.kind, "refused": refused, "remedy": remedy,
        "value": dict(value or {}),
    }  # fmt: skip
    return Record(EntryKind.COMMAND, body, is_urgent=True)


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name, "")
    if not isinstance(value, str) or len(value) > 120:
        raise ValueError(f"{name} is a text of at most 120 characters")
    return value


def _number(arguments: Mapping[str, Any], name: str) -> int:
    try:
        return int(arguments[name])
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"the argument {name} is a number, and must be there") from None


def is_clock_synchronised() -> bool:
    """True if the kernel says that somebody keeps the clock right (adjtimex(2)); False where it doesn't know."""
    try:
        # room for struct timex of any kernel; modes = 0 changes nothing
        found: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return False
    return 0 <= found < TIME_ERROR
