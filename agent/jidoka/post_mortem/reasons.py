"""What stopped the machine and how one knows: the cause of a trip and its evidence in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from jidoka_bridge.guard.line_faults import SENTENCES

from jidoka.post_mortem.gather import Account

MS = 1e6
#: a mean score this near to the largest that the baseline can give says only that nearly all lay beyond it
CEILING = 0.99


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
