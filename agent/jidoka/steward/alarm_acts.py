"""What people ask of alarms: shelve, unshelve, out of and back in service, and what the steward acknowledges itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka_bridge.messages import Kind
from jidoka_bridge.roles import SHELVE_REASONS, is_entitled

from jidoka.alarms.acts import Act
from jidoka.alarms.definition import SECOND_NS
from jidoka.steward.acts import Seal, reason_code

#: act → what a role must be entitled to
ENTITLEMENT: dict[str, str] = {
    "acknowledge": "acknowledge",
    "unacknowledge": "acknowledge",
    "shelve": "shelve",
    "unshelve": "shelve",
    "out of service": "out of service",
    "back in service": "out of service",
}
#: those that the message ALARM_ACT may carry
ASKED = frozenset(ENTITLEMENT) - {"acknowledge", "unacknowledge"}


def act_of(kind: Kind, body: Mapping[str, Any]) -> Act:
    """The act in a message. Raises KeyError or ValueError if it is none."""
    is_acknowledgement = kind is Kind.ACKNOWLEDGE
    name = (
        str(body["act"]) if not is_acknowledgement else "unacknowledge" if body.get("undo") else "acknowledge"
    )
    if not is_acknowledgement and name not in ASKED:
        raise ValueError(f"{name!r} is no act on an alarm")
    role, revision = str(body.get("role", "")), body.get("revision")
    length_s = float(body.get("for_s") or 0.0)
    return Act(
        name,
        str(body.get("cause" if is_acknowledgement else "alarm") or ""),
        role,
        str(body.get("person", "") or ""),
        is_entitled(role, ENTITLEMENT[name]),
        revision=revision if type(revision) is int else None,
        reason=str(body.get("reason") or "") if is_acknowledgement else _shelve_code(body),
        length_ns=round(length_s * SECOND_NS) if abs(length_s) < 1e9 else 0,
        permit=str(body.get("permit") or ""),
        is_one_shot=bool(body.get("one_shot", False)),
        is_remote=bool(body.get("remote", False)),
    )


def recorded(act: Act, body: Mapping[str, Any], seal: Seal) -> tuple[dict[str, Any], bytes]:
    """(body of the entry: pseudonym, codes and commitment; line for the side file, empty if nothing was written freely)."""
    reason, text = str(body.get("reason") or ""), str(body.get("text") or "")
    code = reason_code(act.reason) if "acknowledge" in act.kind else act.reason
    free = " · ".join(part for part in (reason if code != reason else "", text) if part)
    commitment, line = seal(free) if free else ("", b"")
    entry: dict[str, Any] = {
        "request": str(body.get("request", "")),
        "role": act.role,
        "pseudonym": act.pseudonym,
        "cause": act.alarm,
        "revision": act.revision,
        "reason": code,
        "commitment": commitment,
    }
    if act.length_ns:
        entry["for_s"] = act.length_ns / SECOND_NS
    if act.permit:
        entry["permit"] = act.permit
    return entry, line


def _shelve_code(body: Mapping[str, Any]) -> str:
    """A code of the table; whatever else was written is `other`, and the words go to the side file."""
    reason = str(body.get("reason") or "").strip()
    return reason if reason in SHELVE_REASONS or not reason else "other"
