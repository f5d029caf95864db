"""The account of a trip in sentences: what stopped the machine, how one knows, how long it took, what is left to do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jidoka_bridge.guard.line_faults import SENTENCES

from jidoka.post_mortem.frames import decoded, short
from jidoka.post_mortem.gather import Account, Line
from jidoka.post_mortem.sorting import parts
from jidoka.post_mortem.trips import moment

MS = 1e6
LOST = -1
#: a mean score this near to the largest that the baseline can give says only that nearly all lay beyond it
CEILING = 0.99
#: evidence that has a place of its own
SHOWN = frozenset({"frames", "round_trips_us", "rtts_us", "shares", "armed", "conditions_on", "dropped"})


def what(told: Account) -> str:
    """One sentence that somebody who wasn't there understands."""
    trip = told.trip
    if trip.body["event"] == "restart":
        was = f", in {told.was}" if told.was else ""
        return (
            f"The guard ended without having been stopped{was}; the PLC dropped the permissive by its own watchdog, and the guard "
            "that came back holds."
        )
    text = str(told.cause.get("text") or trip.body.get("text", ""))
    if trip.is_observed:
        return f"In observe, where nothing was permitted and nothing was stopped; it would have been {trip.move}: {text}"
    return f"{trip.move}: {text}"


def why(told: Account) -> list[str]:
    """How one knows: the evidence in words, one fact a sentence."""
    evidence = told.evidence
    facts = []
    if told.cause.get("risk") not in (None, "", "built-in"):
        facts.append(f"The risk that it guards against: {told.cause['risk']}.")
    if evidence.get("feature"):
        facts.append(
            f"{evidence['feature']} went {evidence.get('direction', '')}{_distance(evidence)}, "
            f"seen over {evidence.get('records_since_onset', '?')} records since the change began."
        )
        shares = evidence.get("shares") or {}
        if len(shares) > 1:
            order = sorted(shares.items(), key=lambda each: -float(each[1]))
            facts.append(
                "Evidence by feature (log): "
                + ", ".join(f"{name} {value:g}" for name, value in order[:4])
                + "."
            )
    facts += _person(told)
    for key in ("why", "faults", "lacks"):
        value = evidence.get(key)
        if value:
            seen = [_of_line(told, str(each)) for each in (value if isinstance(value, list) else [value])]
            facts.append(f"The guard saw: {'; '.join(seen)}.")
    facts += _silence(told)
    if evidence.get("approved") and evidence.get("in_use"):
        files = [f"{str(evidence[name])[:16]}…" for name in ("approved", "in_use")]
        facts.append(f"Approved is the file with the SHA-256 {files[0]}, in use was {files[1]}")
    if evidence.get("condition"):
        facts.append(f"It was condition {evidence['condition']}{_limit(evidence)}.")
    first = told.trip.body.get("first_out")
    if first and first != told.trip.cause:
        facts.append(f"It wasn't the first: {first} had tripped before and waited for its reset.")
    return facts


def _person(told: Account) -> list[str]:
    """Who did it, and what that person said; nothing where it was nobody."""
    person = told.trip.body.get("person") or _setter(told)
    if not isinstance(person, Mapping):
        return []
    who = " ".join(str(person.get(key) or "") for key in ("role", "pseudonym")).strip()
    said = told.written or str(told.evidence.get("reason") or told.trip.body.get("reason") or "")
    return [f"It was {who or 'nobody named'}: “{said}”." if said else f"It was {who or 'nobody named'}."]


def _setter(told: Account) -> Any:
    """Who took a model out of enforce stands in the transition before."""
    if not told.trip.cause.startswith("mode:"):
        return None
    same = (line.body for line in told.before if line.wall_ns == told.trip.wall_ns)
    return next((body.get("person") for body in same if body.get("event") == "mode set"), None)


def _of_line(told: Account, why: str) -> str:
    """What was wrong with a beat, as the guard's own sentence where the plan knows the line."""
    link = told.plan.link if told.plan is not None else None
    if link is None or why not in SENTENCES:
        return why
    return SENTENCES[why].format(
        port=link.port, unit=link.unit, wait=link.reply_timeout_ms, baud=link.baud, parity=link.parity
    )


def _drops(told: Account) -> str:
    link = told.plan.link if told.plan is not None else None
    limit = f" ({link.hold_ms} ms)" if link is not None else ""
    return f"The PLC drops its output by itself within the hold time{limit} of the last beat that it took."


def _silence(told: Account) -> list[str]:
    """Who fell silent: the application, the monitor, the line or the guard itself."""
    trip, evidence = told.trip, told.evidence
    if trip.body["event"] == "restart" and "guard last heard" in told.steps:
        away_s = (trip.monotonic_ns - told.steps["guard last heard"]) / 1e9
        return [f"The guard was heard of last {away_s:.1f} s before it came back."]
    if trip.body["event"] == "plc link lost":
        return [_drops(told), "Its read-back is known from the moment on at which the link was back."]
    if isinstance(evidence.get("gap_ms"), int):
        return [f"The guard stood still for {evidence['gap_ms'] / 1000:.1f} s.", _drops(told)]
    beat_ns, received_ns = (evidence.get(name) for name in ("beat_ns", "received_ns"))
    if not (trip.cause.startswith("no data:") and isinstance(beat_ns, int) and isinstance(received_ns, int)):
        return []
    if not beat_ns:
        return [
            "No application was connected to the monitor: it had ended, closed its session, or the monitor had just begun."
        ]
    heard_ms, beat_ms = ((trip.monotonic_ns - each) / MS for each in (received_ns, beat_ns))
    # the monitor tells of the application's beat several times in the time after which both count as lost
    if 2 * heard_ms > beat_ms:
        return [f"The monitor fell silent: it was heard of last {heard_ms:.0f} ms before."]
    return [
        f"The application fell silent: its last beat was {beat_ms:.0f} ms before, the monitor was heard of {heard_ms:.0f} ms before."
    ]


def _distance(evidence: Mapping[str, Any]) -> str:
    """How far the level went, in normal scores by rank; these end with the baseline (`most_z`), however far it truly is.

    Nothing of a spread, which can change while the level stays.
    """
    z, most = evidence.get("z"), evidence.get("most_z")
    if not isinstance(z, int | float) or evidence.get("direction") not in ("up", "down"):
        return ""
    if isinstance(most, int | float) and abs(z) >= CEILING * most:
        return f" to beyond nearly all of the baseline's records ({most:.1f} σ or more)"
    return f" by {abs(z):.1f} σ"


def _limit(evidence: Mapping[str, Any]) -> str:
    """The limit, and the statistic where it wasn't started afresh by the alarm itself.

    Both as their logs where they are of evidence by feature, which is told and shown by `jidoka status` as such.
    """
    value, limit = evidence.get("value"), evidence.get("limit")
    if not isinstance(value, int | float) or not isinstance(limit, int | float) or not limit:
        return ""
    reached = value >= limit
    if evidence.get("feature") and limit > 0:
        own, against = f"{math.log(max(value, limit)):.1f}", f"a limit of {math.log(limit):.1f} (log)"
    else:
        own, against = f"{value:g}", f"a limit of {limit:g}"
    return f", {own} against {against}" if reached else f", against {against}"


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
