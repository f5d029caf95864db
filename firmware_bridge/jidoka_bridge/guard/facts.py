"""Facts that the guard watches by itself: link, data, records, latch file, fallback path; each fires on its change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard.recorder import Details
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.registers import Input2, State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

LATCH_LIMIT_NS = 1_000 * MS_NS
FALLBACK = "fallback"
MOVING = (State.RUN, State.ADVISE, State.FALLBACK)
BACK = "data or record back"


def fallback_is_healthy(guard: Guard) -> bool:
    """The plan names the plant's own program and the PLC says that it is ready."""
    view = guard.view
    return guard.plan.fallback is not None and view.is_up and bool(view.inputs2 & Input2.FALLBACK_HEALTHY)


def is_moving(guard: Guard) -> bool:
    """True while something is permitted: only then a fact trips, and is latched."""
    return guard.interlock.state in MOVING


def with_fallback(guard: Guard, event: str) -> str:
    """The kind of event that fits the health of the fallback path."""
    return f"{event}, {'healthy' if fallback_is_healthy(guard) else 'none'}"


def fact(guard: Guard, now_ns: int, name: str, active: bool, /, *, on: str, off: str, **why: Any) -> None:
    """A built-in cause as it is now: event `on` or `off` on a change, latched where it takes a permission away."""
    latch = is_moving(guard) and name != "plc not ready"  # the PLC's own alarms speak for it
    change = guard.causes.set_active(name, active, now_ns, latch, why)
    if change == "on":
        guard.event(now_ns, on, Details(name, evidence=why))
    elif change == "off":
        guard.event(now_ns, _last_advice(guard, name) or off, Details(name))


def _last_advice(guard: Guard, name: str) -> str:
    """An advice that goes is an event of its own where it was the last one."""
    is_advice = guard.causes[name].response == "advise"
    return "advise cause off" if is_advice and not is_advised(guard) else ""


def is_advised(guard: Guard) -> bool:
    """An advice to people is active."""
    return any(cause.active for cause in guard.causes if cause.response == "advise")


def watch_link(guard: Guard, now_ns: int) -> None:
    """Lost: no accepted beat within the hold time, or too many lost in a row, as the session says."""
    view = guard.view
    if guard.plan.link is None:
        return
    guard.was_up = guard.was_up or view.is_up
    why = {"why": view.why, "rtts_us": list(view.rtts_us)}
    fact(
        guard,
        now_ns,
        "plc link",
        guard.was_up and not view.is_up,
        on="plc link lost",
        off="plc link back",
        **why,
    )
    if view.is_up:
        not_ready = view.not_ready
        fact(
            guard,
            now_ns,
            "plc not ready",
            bool(not_ready),
            on="plc not ready",
            off="plc ready",
            why=not_ready,
        )


def watch_session(guard: Guard, now_ns: int) -> None:
    """Numbers or an id in block B that neither this guard nor the one before it used, as the session says."""
    view = guard.view
    why = {"connection": view.connection, "why": view.why}
    if guard.causes.set_active("other session", view.foreign, now_ns, True, why) == "on":
        guard.event(now_ns, "other session", Details("other session", evidence=why))


def watch_data(guard: Guard, now_ns: int) -> None:
    """Leases, and parts without records. A model that never was heard of isn't lost: a reset lacks it."""
    on = with_fallback(guard, "no data")
    for watch in guard.data.models:
        fresh = guard.data.is_fresh(watch, now_ns)
        heard = {"beat_ns": watch.beat_ns, "record_ns": watch.record_ns, "received_ns": watch.received_ns}
        fact(guard, now_ns, f"no data:{watch.id}", watch.was_fresh and not fresh, on=on, off=BACK, **heard)
        guard.conditions.data_of(watch.id, fresh or not watch.was_fresh)
        silent = guard.data.is_silent(watch, now_ns)
        parts = {"part_ns": watch.part_ns, "part_count": guard.view.part_count}
        fact(guard, now_ns, f"parts without records:{watch.id}", silent, on=on, off=BACK, **heard, **parts)
    for cause in guard.causes.register:
        cause.quality = "good" if all(known.has_data for known in cause.conditions) else "no data"


def watch_records(guard: Guard, now_ns: int) -> None:
    """The steward says that it records, and the ring of what isn't recorded isn't full."""
    is_full = guard.recorder.ring.is_full
    lost = guard.records.was_heard and (is_full or not guard.records.is_fresh(now_ns))
    to_fallback = guard.plan.no_record == FALLBACK and fallback_is_healthy(guard)
    on = f"no record, {FALLBACK if to_fallback else 'hold'}"
    fact(guard, now_ns, "no record", lost, on=on, off=BACK, ring_full=is_full)


def watch_latch(guard: Guard, now_ns: int) -> None:
    """A write that failed, or that isn't finished after a second."""
    is_late = guard.latch_written < guard.latch_number and now_ns - guard.latch_asked_ns > LATCH_LIMIT_NS
    broken = is_late or bool(guard.latch_failed)
    why = guard.latch_failed or "not written within 1 s"
    fact(guard, now_ns, "latch file", broken, on="latch file not writable", off="cause off", why=why)


def watch_fallback(guard: Guard, now_ns: int) -> None:
    """FALLBACK needs the plant's own program to be ready; a proving run doesn't."""
    in_fallback = guard.interlock.state is State.FALLBACK and not guard.interlock.proving
    if in_fallback and not fallback_is_healthy(guard):
        guard.causes["fallback path"].strike(now_ns, {})
        guard.event(now_ns, "fallback path lost", Details("fallback path"))
