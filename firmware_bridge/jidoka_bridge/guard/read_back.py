"""The PLC's output against what was written: less, more, and the end of each withdrawal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jidoka_bridge.guard.facts import is_moving
from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import Word

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard, Withdrawal
    from jidoka_bridge.guard.link_view import LinkView


MORE_THAN_ANY = max(RANK.values()) + 1


def is_a_alone(view: LinkView) -> bool:
    """Output A is on without M, which no PLC program does (it reads as ABSTAIN); with the key on the PLC alone decides."""
    return view.is_up and view.actual is Word.ABSTAIN and not view.key_on


def watch_read_back(guard: Guard, now_ns: int) -> None:
    """Less after the time that a rise takes: HOLD. More for longer than the hold time, key off: LOCKOUT."""
    view, link = guard.view, guard.plan.link
    if link is None or not guard.is_enforcing or not view.is_up or not view.good or guard.stopping:
        return
    written = RANK[guard.word]
    actual = MORE_THAN_ANY if is_a_alone(view) else RANK[view.actual]
    settle_ns = (4 * link.beat_ms + link.reply_timeout_ms + 2 * link.scan_ms + link.relay_ms) * MS_NS
    why = {"written": guard.word.name, "actual": view.actual.name, "fault": view.fault.name}
    if RANK[view.actual] < written and now_ns - guard.changed_ns > settle_ns and is_moving(guard):
        guard.causes["read-back"].strike(now_ns, why)
        guard.event(now_ns, "read-back less", Details("read-back", evidence=why))
    trip = guard.withdrawal
    if actual <= RANK[guard.word] and trip and trip.asked_ns:
        guard.withdrawal = None
        _withdrawn(guard, now_ns, trip)
    if actual <= written or view.key_on:
        guard.more_since_ns = 0
        guard.causes.end("plc disobeys")
        return
    guard.more_since_ns = guard.more_since_ns or now_ns
    # up to the beat that shows it: a reading from before a pause says nothing of now
    is_long = view.beat_ns - guard.more_since_ns > link.hold_ms * MS_NS + settle_ns
    if is_long and guard.causes.begin("plc disobeys", now_ns, True, why):
        guard.event(now_ns, "read-back more", Details("plc disobeys", evidence=why))


def _withdrawn(guard: Guard, now_ns: int, trip: Withdrawal) -> None:
    """The read-back of a trip: its times complete the trip's evidence."""
    times = {
        "trip": trip.number,
        "tripped_ns": trip.began_ns,
        "asked_ns": trip.asked_ns,
        "readback_ns": now_ns,
        "loop_delay_ms": guard.loop_delay_ns // MS_NS,
    }
    if "condition_ns" in trip.evidence:
        times["condition_ns"] = trip.evidence["condition_ns"]
    guard.event(now_ns, "withdrawn", Details(trip.cause, evidence=times))
