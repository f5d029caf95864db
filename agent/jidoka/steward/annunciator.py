"""Alarms for people: follows the guard's causes through the ISA-18.2 table and says what to record and to tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka.alarms.causes import Alarm, Cause, Change, follow
from jidoka.alarms.table import IS_ACTIVE, MEANING, UNACKNOWLEDGED, State

#: a cause is recorded again when one of these changed; its evidence alone may move every half second
RECORDED_FIELDS = ("active", "latched", "revision", "acknowledged_revision", "person", "quality", "trip")
_NOTHING_YET = {"active": False, "latched": False, "revision": 0, "quality": "good"}


class Annunciator:
    """Causes as the guard last told them, and the alarms that follow from them."""

    def __init__(self) -> None:
        self.causes: dict[str, dict[str, Any]] = {}
        self._recorded: dict[str, dict[str, Any]] = {}
        self._alarms: dict[str, Alarm] = {}

    def restore_cause(self, body: Mapping[str, Any]) -> None:
        """A cause entry of the ledger."""
        self._recorded[str(body["id"])] = {field: body.get(field) for field in RECORDED_FIELDS}
        cause = Cause.from_message(body)
        known = self._alarms.get(cause.id)
        self._alarms[cause.id] = Alarm(cause, cause.state, known.count if known else 1)

    def restore_alarm(self, body: Mapping[str, Any]) -> None:
        """An alarm entry of the ledger: how often it came is all that its cause doesn't know."""
        known = self._alarms.get(str(body["id"]))
        if known is not None:
            self._alarms[known.cause.id] = Alarm(known.cause, known.state, int(body.get("count", 1)))

    def take(self, body: dict[str, Any], reason: str) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """A CAUSE body → (body of a cause entry, body of an alarm entry), None for what is no news.

        reason: code of the acknowledgement that led to it, if any. Raises KeyError, TypeError or ValueError if the
        body isn't a cause.
        """
        cause = Cause.from_message(body)
        self.causes[cause.id] = body
        shown = {field: body.get(field) for field in RECORDED_FIELDS}
        is_news = self._recorded.get(cause.id) != shown
        if cause.id not in self._recorded and all(
            body.get(field, value) == value for field, value in _NOTHING_YET.items()
        ):
            is_news = False
        if is_news:
            self._recorded[cause.id] = shown
        alarm, change = follow(self._alarms.get(cause.id), cause)
        self._alarms[cause.id] = alarm
        return (body if is_news else None), (None if change is None else _entry(body, change, reason))

    @property
    def listed(self) -> list[dict[str, Any]]:
        """Alarms that aren't normal: the unacknowledged first, then by priority, then the latest first."""
        order = {"high": 0, "medium": 1, "low": 2}
        shown = [
            (alarm, self.causes[name])
            for name, alarm in self._alarms.items()
            if alarm.state is not State.NORMAL and name in self.causes
        ]
        shown.sort(
            key=lambda pair: (
                pair[0].state not in UNACKNOWLEDGED,
                order.get(str(pair[1].get("priority")), 3),
                -int(pair[1].get("since_ns") or 0),
            )
        )
        return [
            {
                "id": alarm.cause.id,
                "state": alarm.state.value,
                "letter meaning": MEANING[alarm.state],
                "priority": body.get("priority", "low"),
                "class": _class(alarm),
                "response": body.get("response", ""),
                "text": body.get("text", ""),
                "remedy": body.get("remedy", ""),
                "revision": alarm.cause.revision,
                "acknowledged_revision": alarm.cause.acknowledged_revision,
                "quality": body.get("quality", "good"),
                "count": alarm.count,
                "since_ns": int(body.get("since_ns") or 0),
            }
            for alarm, body in shown
        ]

    @property
    def summary(self) -> dict[str, Any]:
        """The message on `alarms`."""
        states = [alarm.state for alarm in self._alarms.values()]
        fields = ("id", "state", "priority", "class", "text", "remedy", "count")
        return {
            "active": sum(state in IS_ACTIVE for state in states),
            "unacknowledged": sum(state in UNACKNOWLEDGED for state in states),
            "latched": sum(state is State.LATCHED for state in states),
            "shelved": 0,
            "list": [{field: alarm[field] for field in fields} for alarm in self.listed],
        }


def _entry(body: Mapping[str, Any], change: Change, reason: str) -> dict[str, Any]:
    alarm = change.alarm
    return {
        "id": alarm.cause.id,
        "state": alarm.state.value,
        "meaning": MEANING[alarm.state],
        "was": change.was.value,
        "sign": change.sign.value,
        "priority": str(body.get("priority", "low")),
        "class": _class(alarm),
        "risk": str(body.get("risk", "")),
        "response": str(body.get("response", "")),
        "text": str(body.get("text", "")),
        "remedy": str(body.get("remedy", "")),
        "revision": alarm.cause.revision,
        "acknowledged_revision": alarm.cause.acknowledged_revision,
        "count": alarm.count,
        "since_ns": int(body.get("since_ns") or 0),
        "quality": str(body.get("quality", "good")),
        "person": body.get("person") if "ACKNOWLEDGE" in {event.name for event in change.events} else None,
        "reason": reason,
        "events": [event.value for event in change.events],
        "evidence": body.get("evidence") or {},
    }


def _class(alarm: Alarm) -> str:
    return "trip" if alarm.cause.is_trip else "other"
