"""A list acknowledgement (ISA-18.2: acknowledge what is on the screen): each alarm against the revision that was seen, each
decided and recorded by itself, and one answer to whoever asked. Nothing that wasn't on the list is touched. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jidoka.steward.effects import Effect, Reply

#: what fits a screen; a longer list was not looked at
MOST = 50
#: of a list's body, what isn't every entry's
NOT_SHARED = frozenset({"list", "cause", "revision", "undo", "for_s"})


@dataclass
class _List:
    """One that is under way. waiting: request → alarm, of those that aren't decided; outcomes: by alarm."""

    peer: int
    request: str
    waiting: dict[str, str]
    order: list[str]
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_after_record: bool = False


def items_of(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The acknowledgements of a list, each a body of its own. Raises ValueError saying why it is no list."""
    given = body["list"]
    if not isinstance(given, list) or not 1 <= len(given) <= MOST:
        raise ValueError(f"a list has 1 to {MOST} alarms")
    shared = {key: value for key, value in body.items() if key not in NOT_SHARED}
    items, names = [], set()
    for number, each in enumerate(given):
        name = each.get("cause") if isinstance(each, dict) else None
        if not isinstance(name, str) or type(each.get("revision")) is not int:
            raise ValueError("each entry of a list names its alarm and the revision that was seen")
        if name in names:
            raise ValueError(f"{name} stands twice in the list")
        names.add(name)
        request = f"{body.get('request', '')}/{number}"
        items.append({**shared, "cause": name, "revision": each["revision"], "request": request})
    return items


class Lists:
    """Lists under way; `gather` keeps the answers of their entries until the last one is there."""

    def __init__(self) -> None:
        self._by_request: dict[str, _List] = {}

    def begin(self, peer: int, request: str, items: list[dict[str, Any]]) -> None:
        """From now on the answers to these are gathered. Raises ValueError while another list has this request id."""
        if not request or any(str(each["request"]) in self._by_request for each in items):
            raise ValueError("it has no request id, or one that is under way")
        waiting = {str(each["request"]): str(each["cause"]) for each in items}
        begun = _List(peer, request, waiting, list(waiting.values()))
        self._by_request |= dict.fromkeys(waiting, begun)

    def gather(self, effects: list[Effect]) -> list[Effect]:
        """The effects without single answers to entries of a list, and with the whole answer once all are decided."""
        if not self._by_request:
            return effects
        kept: list[Effect] = []
        for effect in effects:
            if not isinstance(effect, Reply) or effect.value.get("request") not in self._by_request:
                kept.append(effect)
                continue
            found = self._by_request.pop(effect.value["request"])
            name = found.waiting.pop(effect.value["request"])
            found.outcomes[name] = {
                "cause": name, **{key: effect.value.get(key) for key in ("ok", "refused", "remedy")},
            }  # fmt: skip
            found.is_after_record |= effect.is_after_record
            if not found.waiting:
                kept.append(_answer(found))
        return kept


def _answer(done: _List) -> Reply:
    value = {"list": [done.outcomes[name] for name in done.order]}
    answer = {"request": done.request, "ok": True, "refused": "", "remedy": "", "value": value}
    return Reply(done.peer, answer, done.is_after_record)
