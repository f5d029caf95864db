"""The account of a trip for people and scripts: what the reasons are, how long each step took, how the line was, who did what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jidoka.post_mortem.frames import decoded, short
from jidoka.post_mortem.gather import Account, Line
from jidoka.post_mortem.reasons import MS, what, why
from jidoka.post_mortem.sorting import parts
from jidoka.post_mortem.trips import moment

LOST = -1


def times(told: Account) -> list[tuple[str, float]]:
    """Steps from the likely onset to the read-back, as ms from the trip."""
    trip_ns = told.trip.monotonic_ns
    names = (
        {"read back as off": "link back, output reads as off"}
        if told.trip.body["event"] == "plc link lost"
        else {}
    )
    return [(names.get(name, name), (ns - trip_ns) / MS) for name, ns in told.steps.items()]


def link(told: Account) -> list[str]:
    """The line before the trip: round trips, losses, how late the guard's own loop was."""
    evidence = told.evidence
    trips_us = [int(each) for each in evidence.get("round_trips_us") or evidence.get("rtts_us") or []]
    good = [each for each in trips_us if each != LOST]
    told_facts = []
    if good:
        told_facts.append(
            f"The last {len(trips_us)} exchanges: {min(good) / 1000:.1f} to {max(good) / 1000:.1f} ms, "
            f"{len(trips_us) - len(good)} without an answer."
        )
    if "loop_delay_ms" in evidence:
        told_facts.append(
            f"The guard's loop was at most {evidence['loop_delay_ms']} ms late in the second before."
        )
    if not told_facts and told.trip.body["event"] == "restart":
        return ["What the guard knew of the line ended with it."]
    return told_facts or ["Nothing is recorded of the line: the event came from elsewhere."]


def frames(told: Account) -> list[dict[str, Any]]:
    """The last frames of the line, decoded; oldest first."""
    unit = told.plan.link.unit if told.plan is not None and told.plan.link is not None else 1
    return [decoded(each, unit) for each in told.evidence.get("frames") or []]


def after(line: Line, told: Account) -> float:
    """Seconds from the trip; negative: before."""
    return (line.wall_ns - told.trip.wall_ns) / 1e9


def as_json(told: Account) -> dict[str, Any]:
    """Everything, for scripts."""
    trip = told.trip
    return {
        "number": trip.number,
        "at": moment(trip.wall_ns),
        "what": what(told),
        "why": why(told),
        "cause": trip.cause,
        "first_out": trip.body.get("first_out"),
        "observed": trip.is_observed,
        "remedy": told.cause.get("remedy", ""),
        "times_ms": {name: round(ms, 3) for name, ms in times(told)},
        "sort_again": parts(told).as_json(),
        "link": {
            "facts": link(told),
            "round_trips_us": told.evidence.get("round_trips_us") or [],
            "frames": frames(told),
        },
        "digests": told.digests,
        "before": [_line(line, told) for line in told.before],
        "since": [_line(line, told) for line in told.since],
        "over": told.is_over,
        "left_out": told.left_out,
        "evidence": {key: value for key, value in told.evidence.items() if key != "frames"},
    }


def _line(line: Line, told: Account) -> dict[str, Any]:
    return {"s": round(after(line, told), 3), "kind": line.kind, "text": line.text, "person": line.is_person}


def screen(told: Account) -> Iterator[str]:
    """The account for a terminal."""
    trip = told.trip
    yield f"Trip {trip.number}, {moment(trip.wall_ns)}, cause {trip.cause}"
    yield f"  {what(told)}"
    for fact in why(told):
        yield f"  {fact}"
    if told.cause.get("remedy"):
        yield f"  To do: {told.cause['remedy']}"
    yield "Parts to sort again"
    found = parts(told)
    if found.first:
        yield f"  {found.safe_first} to {found.last} ({found.judged} of them judged by the model)"
    elif found.open:
        yield f"  {found.open}"
    yield f"  {found.why}"
    yield "How it went"
    for name, ms in times(told):
        yield f"  {ms:+12.1f} ms  {name}"
    yield "Link"
    for fact in link(told):
        yield f"  {fact}"
    for each in frames(told)[-4:]:
        yield f"  {each['way']}: {short(each['fields'])}"
    yield "The minute before"
    yield from _some(told, told.before, last=12)
    yield "Since then (» somebody did it)"
    yield from _some(told, told.since, first=60)
    if not told.is_over and not trip.is_observed:
        yield "  Nobody has given the permissive back yet."
    yield "Digests"
    for name, digest in told.digests.items():
        yield f"  {name}: {digest}"


def _some(told: Account, lines: Sequence[Line], *, first: int = 0, last: int = 0) -> Iterator[str]:
    """The first or the last so many lines, all that somebody did, and how many aren't shown."""
    near = range(first) if first else range(len(lines) - last, len(lines))
    shown = [line for n, line in enumerate(lines) if n in near or line.is_person]
    for line in shown:
        yield f"{' »' if line.is_person else '  '}{after(line, told):+10.3f} s  {line.text}"
    left_out = len(lines) - len(shown) + (told.left_out if first else 0)
    if left_out:
        yield f"  … {left_out} more: --html FILE has {'them' if not (told.left_out and first) else 'most of them'}"
