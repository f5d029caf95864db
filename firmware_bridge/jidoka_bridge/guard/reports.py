"""Bodies of what the guard tells others: CAUSE, MODE, PLC_STATUS and the fields of a TRANSITION."""

from __future__ import annotations

from typing import Any

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.causes import Cause
from jidoka_bridge.guard.guard_condition import Offer
from jidoka_bridge.guard.interlock import BY_EVENT, Interlock, Step
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.registers import State, Word


def cause_body(cause: Cause, is_armed: bool) -> dict[str, Any]:
    """Everything people need to see of a cause. trip: class T, cleared by a reset only; never without a PLC."""
    return {
        "id": cause.id,
        "risk": cause.risk,
        "response": cause.response,
        "priority": cause.priority,
        "statistical": cause.statistical,
        "text": cause.text,
        "remedy": cause.remedy,
        "active": cause.active,
        "latched": cause.latched,
        "revision": cause.revision,
        # of two persons one isn't an acknowledgement yet
        "acknowledged_revision": cause.acknowledged_revision - cause.waits_for_second,
        "person": cause.person,
        "second": cause.second,
        "seen_remotely": cause.seen,
        "needs_role": cause.needs_role,
        "quality": cause.quality,
        "since_ns": cause.since_ns,
        "onset_ns": cause.onset_ns,
        "trip": cause.trips and is_armed and cause.id != "plc not ready",
        "evidence": cause.evidence,
    }


def mode_body(
    offer: Offer, state: State, is_press_awaited: bool, models: list[dict[str, Any]], memory: dict[str, Any]
) -> dict[str, Any]:
    """What a reset still lacks, what a press would do, whether one that begins now counts, here and at the PLC; each model's
    mode and window; what the PLC remembers."""
    return {
        "missing": plain.sentences(offer.missing),
        "offer": offer.target,
        "ready": is_press_awaited,
        "state": state.name,
        "models": models,
        "memory": memory,
    }


def step_body(step: Step, word: Word, now_ns: int) -> dict[str, Any]:
    """The part of a transition that the table decides. word: as written, after masking."""
    return {
        "ns": now_ns,
        "event": step.event,
        "from": step.was.name,
        "to": step.state.name,
        "proving": step.proving,
        "word": word.name,
        "m": word in (Word.MACHINE, Word.MACHINE_AND_AI),
        "a": word is Word.MACHINE_AND_AI,
        "refused": step.is_refused,
        "text": BY_EVENT[step.event].text,
    }


def plc_status(interlock: Interlock, word: Word, view: LinkView, proving_run: int) -> PlcStatus:
    """The packed status for monitor and steward."""
    flags = (
        PlcStatus.PROVING * interlock.proving
        | PlcStatus.LINK_UP * view.is_up
        | PlcStatus.RUNNING * view.running
    )
    return PlcStatus(
        inputs=int(view.inputs),
        actual=int(view.actual),
        state_fault=int(view.plc_state) << 8 | int(view.fault),
        interlock=int(interlock.state),
        phase=int(view.phase),
        recipe=view.recipe,
        part_count=view.part_count & 0xFFFFFFFF,
        beat_ns=view.beat_ns,
        rtt_us=min(view.rtt_ns // 1000, 0xFFFFFFFF),
        word=int(word),
        accepted=view.presses & 0xFFFF,
        proving_run=proving_run & 0xFFFF,
        flags=flags,
        remaining_ms=view.remaining_ms,
    )
