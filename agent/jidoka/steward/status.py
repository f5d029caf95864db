"""The answer to `ASK status`: everything that a person wants to see at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.registers import Fault, Input, PlcState, State, Word

from jidoka.steward.annunciator import Annunciator
from jidoka.steward.core import Core
from jidoka.steward.presence import programs_of

#: what a list shows of an alarm beside its words
SHORT = (
    "id", "state", "letter meaning", "below", "priority", "revision", "quality", "count", "since_ns", "called", "stale",
    "seen_remotely", "seen", "withheld", "written", "chattering", "own",
)  # fmt: skip


def plc_value(plc: PlcStatus | None, *, has_link: bool, memory: dict[str, Any]) -> dict[str, Any]:
    """What the PLC shows, in words; empty while the guard isn't here, or where the plan has no PLC.

    memory: of block C, as `jidoka_bridge.guard.plc_memory` gives it.
    """
    if plc is None or not has_link:
        return {}
    return {
        "link_up": bool(plc.flags & PlcStatus.LINK_UP),
        "running": bool(plc.flags & PlcStatus.RUNNING),
        "state": _name(PlcState, plc.state_fault >> 8),
        "fault": _name(Fault, plc.state_fault & 0xFF),
        "actual": _name(Word, plc.actual),
        "inputs": [flag.name for flag in Input if plc.inputs & flag],
        "part_count": plc.part_count,
        "recipe": plc.recipe,
        "accepted_presses": plc.accepted,
        "remaining_ms": plc.remaining_ms,
        "rtt_us": plc.rtt_us,
        "beat_ns": plc.beat_ns,
        "memory": memory,
    }


def interlock_value(core: Core) -> dict[str, Any]:
    """State, permissive and first cause. `known` is False while the guard isn't here: then the state is the last one heard of."""
    last, plc = core.interlock, core.plc
    state = core.mode.get("state") or last.get("to") or "UNKNOWN"
    word, proving = last.get("word", "WITHHOLD"), bool(last.get("proving", False))
    if plc is not None:
        state = _name(State, plc.interlock) if plc.interlock else state
        word, proving = _name(Word, plc.word), bool(plc.flags & PlcStatus.PROVING)
    return {
        "state": state,
        "known": core.is_guard_here,
        "proving": proving,
        "word": word,
        "m": word in {"MACHINE", "MACHINE_AND_AI"},
        "a": word == "MACHINE_AND_AI",
        "since_ns": core.since_ns,
        "first_out": last.get("first_out"),
        "text": last.get("text", ""),
        "number": last.get("number", 0),
        "offer": core.mode.get("offer", "none"),
        "plc": plc_value(plc, has_link=core.plan.link is not None, memory=core.mode.get("memory") or {}),
    }


def status_value(
    core: Core, now_ns: int, ledger: dict[str, Any], mqtt: dict[str, Any], metrics: dict[str, Any]
) -> dict[str, Any]:
    """The whole answer. ledger, mqtt, metrics: what only the shell knows."""
    here = set(core.presence.programs.values()) | ({"guard"} if core.is_guard_here else set())
    return {
        "device": {"site": core.plan.site, "line": core.plan.line, "device": core.plan.device},
        "now_ns": now_ns,
        "plan": core.plan.digest,
        "interlock": interlock_value(core),
        "offer": core.mode.get("offer", "none"),
        "ready": bool(core.mode.get("ready", False)),
        "missing": list(core.mode.get("missing", [])),
        "causes": list(core.alarms.annunciator.causes.values()),
        "alarms": core.alarms.annunciator.shown.listed,
        "withheld": core.alarms.withheld,
        "alarm_load": core.alarms.load(now_ns),
        "models": core.summaries,
        "known_answers": core.known_answers,
        "modes": core.mode.get("models") or [],
        "ledger": ledger,
        "mqtt": mqtt,
        "metrics": metrics,
        "programs": {program: program in here for program in programs_of(core.plan)},
        "sort_again": core.conditions.sort_again,
        "labels": core.labels.counts,
    }


def answer_value(what: str, status: dict[str, Any], annunciator: Annunciator) -> dict[str, Any] | None:
    """The part of a status that was asked for; None for a question that nobody knows."""
    parts = {
        "status": status,
        "alarms": {
            **{name: status[name] for name in ("now_ns", "alarms", "withheld", "alarm_load", "causes")},
            "normal": annunciator.shown.normal,
        },
        "sort again": {"sort_again": status["sort_again"]},
    }
    return parts.get(what)


def shorter(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The same with ever less in it, for an answer that doesn't fit a datagram: no evidence; of what asks nothing of anybody no
    cause and no words; no cause that an alarm tells of; no words at all. What waits for somebody is in each."""
    told = dict(value)
    if "causes" in told:
        told["causes"] = [{**cause, "evidence": {}} for cause in told["causes"]]
    yield told
    if "causes" in told:
        told = {**told, "causes": [cause for cause in told["causes"] if _asks(cause)]}
    yield _without_words(told, "normal")
    listed = {alarm["id"] for alarm in told.get("alarms", ())}
    if "causes" in told:
        told = {**told, "causes": [cause for cause in told["causes"] if cause["id"] not in listed]}
    yield _without_words(told, "normal")
    yield _without_words(told, "normal", "withheld", "alarms")


def _asks(cause: Mapping[str, Any]) -> bool:
    return bool(cause["active"] or cause["latched"] or cause["revision"] != cause["acknowledged_revision"])


def _without_words(value: Mapping[str, Any], *lists: str) -> dict[str, Any]:
    """With these lists of alarms as short as a screen can show them."""
    short = {
        name: [{**{key: alarm[key] for key in SHORT if key in alarm}, "text": "", "remedy": ""} for alarm in value[name]]
        for name in lists
        if name in value
    }  # fmt: skip
    return {**value, **short}


def _name(table: type[Word | State | PlcState | Fault], code: int) -> str:
    try:
        return table(code).name
    except ValueError:
        return str(code)
