"""What was probed and drilled at a machine, by whom, and how long ago, as people read it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jidoka.commissioning.records import Entry


def commissioning_lines(given: Sequence[Entry], now_s: float) -> list[str]:
    """What was probed and drilled, by whom, how long ago."""
    lines = []
    for kind in ("probe", "drill"):
        entry = next((each for each in reversed(given) if each.kind == kind), None)
        if entry is None:
            lines.append(
                f"  {kind}: never; "
                + {"probe": "jidoka plc probe CONFIGURATION", "drill": "jidoka plc drill"}[kind]
            )
            continue
        shown = {True: ", a part was rejected with A off", False: ", no part rejected with A off"}
        rejected = shown.get(entry.values.get("rejected", ""), "")
        lines.append(
            f"  {kind}: {age_text(entry.age_s(now_s))} ago ({entry.at}) by {entry.person} ({entry.role}){rejected}"
        )
    return lines


def age_text(seconds: float) -> str:
    """A span as people say it: `3 days`, `2 h`."""
    for size, unit in ((172_800, "days"), (7_200, "h"), (120, "min")):
        if seconds >= size:
            return f"{seconds // {'days': 86_400, 'h': 3_600, 'min': 60}[unit]:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
