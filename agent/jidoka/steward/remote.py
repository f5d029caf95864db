"""What a command from elsewhere becomes inside: a message as if somebody had asked, and a reply through the ledger. Pure.

A command is recorded whatever becomes of it; its reply is that entry (kind COMMAND, topic cmd/NAME/reply). Nothing in
here can ask for more than a person at the device's command line could from elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jidoka_bridge import messages
from jidoka_bridge.messages import Kind, Message

from jidoka.steward.commands.kinds import FLOOD, POLICY
from jidoka.steward.commands.tally import Tally
from jidoka.steward.core import Core
from jidoka.steward.effects import Effect, Record
from jidoka.steward.ledger.format import Kind as EntryKind

if TYPE_CHECKING:
    from jidoka.steward.commands.desk import Judged  # with cryptography, which few need

#: who asked, where a peer's number is meant
REMOTE = -2
#: metrics of this module
DONE, REFUSED = 56, 57


class Remote:
    """Commands under way, by request id. roles: key -> the role in which its commands act."""

    def __init__(self, core: Core, roles: Mapping[str, str]) -> None:
        self._core = core
        self._roles = roles
        self._under_way: dict[str, Judged] = {}
        self._tally = Tally()
        core.counters.zero(REFUSED, "kind")
        core.counters.put(DONE, 0, {})

    def take(self, now_ns: int, judged: Judged) -> list[Effect]:
        """A command that the desk has judged."""
        if judged.refused:
            return self._refused(now_ns, judged)
        if judged.name == "report":
            return [self._done(judged, self._core.report())]
        try:
            message = self._message(judged, now_ns)
        except ValueError as error:
            return self._refused(now_ns, replace(judged, kind="arguments", refused=str(error)))
        return self._core.on_peer(now_ns, REMOTE, message)

    def counted(self, now_ns: int, turned_away: Mapping[str, int]) -> list[Effect]:
        """Each second: those that have no entry of their own. turned_away: command → how many nobody looked at."""
        self._tally.turned_away(turned_away)
        body = self._tally.take()
        alarm = self._core.on_refused_command(now_ns, FLOOD) if turned_away else []
        if turned_away:
            self._core.counters.count(REFUSED, {"kind": FLOOD}, sum(turned_away.values()))
        return [*alarm, Record(EntryKind.REFUSAL, body)] if body else alarm

    def _done(self, judged: Judged, value: Mapping[str, Any]) -> Record:
        self._core.counters.count(DONE, {})
        return _entry(judged, "done", value=value)

    def _refused(self, now_ns: int, judged: Judged) -> list[Effect]:
        self._core.counters.count(REFUSED, {"kind": judged.kind})
        alarm = self._core.on_refused_command(now_ns, judged.kind)
        if self._tally.has_entry(now_ns, judged.kind):
            return [_entry(judged, "refused", judged.refused, judged.remedy), *alarm]
        self._tally.count(judged.kind, judged.sha256)
        return alarm

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

    def replied(self, now_ns: int, answer: Mapping[str, Any]) -> list[Effect]:
        """The entry of one that was answered; nothing if nobody from elsewhere asked for this."""
        judged = self._under_way.pop(str(answer.get("request", "")), None)
        if judged is None:
            return []
        if answer.get("ok"):
            return [self._done(judged, answer.get("value") or {})]
        refused, remedy = str(answer.get("refused") or "refused"), str(answer.get("remedy") or "")
        return self._refused(now_ns, replace(judged, kind=POLICY, refused=refused, remedy=remedy))


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
    value = arguments.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)  # `jidoka command send --argument` knows texts only
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"the argument {name} is a number from 0 to 2**63, and must be there")
    return value
