"""Alarms as text: the list of a panel, the silent ones with who, why and until when, and the load."""

from __future__ import annotations

import shlex
import time
from typing import Any, NamedTuple

from jidoka.steward.lists import MOST


class Reach(NamedTuple):
    """A figure of ISA-18.2. key: of the load; most: what it should stay at or below."""

    key: str
    text: str
    most: float
    unit: str = ""


REACHES: tuple[Reach, ...] = (
    Reach("per_10_min", "alarms in ten minutes, on average", 1.0),
    Reach("peak_10_min", "most in ten minutes", 10),
    Reach("flood_share", "share of ten-minute spans with more than ten", 0.01, "%"),
    Reach("chattering_24_h", "times that one came thrice a minute, last day", 0),
    Reach("stale_24_h", "active for more than a day, last day", 4),
)
SHARES = {"high": "5 %", "medium": "15 %", "low": "80 %"}


def listed(value: dict[str, Any], with_normal: bool) -> str:
    """The whole list."""
    now_ns, flood = value["now_ns"], value["alarm_load"]["flood"]
    lines = (
        [
            f"FLOOD: {value['alarm_load']['last_10_min']} alarms in ten minutes; by priority, the first first.",
            "",
        ]
        if flood
        else []
    )
    lines += [line for alarm in value["alarms"] for line in _alarm(alarm, now_ns)] or ["No alarms."]
    unseen = [alarm for alarm in value["alarms"] if alarm["state"] in "BD"]
    if unseen:
        lines += ["", f"To acknowledge {what_was_read(unseen)}"]
    if value["withheld"]:
        lines += ["", "Silent:", *(line for alarm in value["withheld"] for line in _silent(alarm))]
    if with_normal:
        lines += ["", "Normal:", *(_normal(alarm) for alarm in value["normal"])]
    return "\n".join(lines)


def what_was_read(alarms: list[dict[str, Any]]) -> str:
    """The command that acknowledges these, or as many as one list takes."""
    named = " ".join(shlex.quote(f"{alarm['id']}@{alarm['revision']}") for alarm in alarms[:MOST])
    first = "what you have read" if len(alarms) <= MOST else f"the first {MOST} once you have read them"
    return f"{first}: jidoka ack {named} --reason 2"


def load_text(load: dict[str, Any]) -> str:
    """The figures, each beside what the standard asks for."""
    lines = [f"{load['alarms']} alarms in {load['days']:.3g} days, called again {load['calls']} times"]
    for row in REACHES:
        scale = 100 if row.unit else 1
        lines.append(
            f"{load[row.key] * scale:8.3g} {row.unit:1}  {row.text} (at most {row.most * scale:g}{row.unit and ' ' + row.unit})"
        )
    shares = ", ".join(f"{share:.0%} {name} ({SHARES[name]})" for name, share in load["priorities"].items())
    lines.append(f"            priorities: {shares}")
    if load["chattering"]:
        lines.append(f"            chatter now, delays lengthened: {', '.join(load['chattering'])}")
    lines += [f"{each['count']:8}    {each['id']}" for each in load["most_frequent"]]
    return "\n".join(lines)


def _alarm(alarm: dict[str, Any], now_ns: int) -> list[str]:
    seen, marks = alarm["seen"], _marks(alarm)
    who = f", by {' '.join(filter(None, (seen['role'], seen['pseudonym'])))}" if seen else ""
    why = f": {seen['reason']}" if seen and seen["reason"] else ""
    times = f" ×{alarm['count']}" if alarm["count"] > 1 else ""
    head = f"{alarm['priority'][:1].upper()} {alarm['state']}  {alarm['id']}{times}  revision {alarm['revision']}"
    return [
        f"{head}  {alarm['letter meaning']} for {_span(now_ns - alarm['since_ns'])}{who}{why}{marks}",
        f"        {alarm['text']} {alarm['remedy']}".rstrip(),
    ]


def _marks(alarm: dict[str, Any]) -> str:
    marks = [
        word
        for word, is_so in (
            ("no data", alarm["quality"] != "good"),
            ("chattering", alarm["chattering"]),
            ("stale", alarm["stale"]),
            ("seen from elsewhere", alarm["seen_remotely"]),
            (f"{alarm['called']} called", bool(alarm["called"])),
        )
        if is_so
    ]
    return f" [{', '.join(marks)}]" if marks else ""


def _silent(alarm: dict[str, Any]) -> list[str]:
    held = alarm["withheld"]
    who = " ".join(part for part in (held["role"], held["pseudonym"]) if part) or "a rule of the plan"
    permit = f", permit {held['permit']}" if held["permit"] else ""
    written = f" “{alarm['written']}”" if alarm.get("written") else ""
    until = held["until"]
    end = (
        time.strftime("%Y-%m-%d %H:%M", time.localtime(until["end_wall_ns"] / 1e9))
        if until
        else "the rule no longer holds"
    )
    under = "" if alarm["below"] == "A" else f" (underneath: {alarm['below']})"
    return [
        f"{alarm['priority'][:1].upper()} {alarm['state']}  {alarm['id']}  {alarm['letter meaning']}{under}{_marks(alarm)}",
        f"        by {who}: {held['reason']}{written}{permit}; until {end}",
    ]


def _normal(alarm: dict[str, Any]) -> str:
    return f"{alarm['priority'][:1].upper()} {alarm['state']}  {alarm['id']}{_marks(alarm)}"


def _span(span_ns: int) -> str:
    seconds = max(0, span_ns) / 1e9
    for limit, unit, size in ((120, "s", 1), (7200, "min", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
