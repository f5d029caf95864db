"""What of the guard's objects takes part in the canonical form, and how; whatever isn't named takes part as it is.

Each attribute that is left out is presentation (texts, evidence, persons), fixed by the plan, or a number that only
counts up and is compared with one other number only: then whether they are equal takes part. The search tests this
on states that it reached in two ways.
"""

# ruff: noqa: SLF001 - what a search must tell apart is what the program keeps for itself
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka_bridge.guard.motion import STANDING_PARTS
from jidoka_bridge.guard.resetting import DEBOUNCE_MS, TOLD_SCANS
from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Word

from tools.exploring.canonical import Form, Rule, drop, truth
from tools.exploring.plans import CAP_NS, MS, NEVER_S

S_NS = 1_000 * MS


def _dropped(*names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, drop)


def _is_run(_: Any, value: int, form: GuardForm) -> bool:
    """Run numbers are only ever compared with the present one."""
    return bool(value == form.guard.run.number)


def _run_of(known: Any, value: int, form: GuardForm) -> bool:
    """Of a condition that isn't judged by runs it decides nothing; of one judged off `_judged` says it."""
    return bool(known.by_run and known.judgement is not Judgement.OFF and value == form.guard.run.number)


def _judged(known: Any, value: int, form: GuardForm) -> Any:
    """Of `off`: whether it is of this run and its time, and then its age against its validity. Else it decides nothing."""
    if not known.is_statistical or known.judgement is not Judgement.OFF:
        return None
    conditions = form.guard.conditions
    is_since = value > 0 and (
        not known.by_run or (known.run == conditions.run and value >= conditions._began_ns)
    )
    return is_since and (form.age(value, form.valid_ns) if form.valid_ns else True)


def _cause(cause: Any, form: GuardForm) -> Any:
    """One that is over and cleared is as one that never was."""
    is_over = not (cause.active or cause.latched or cause.needs_role or cause.pending_ns)
    if is_over and (cause.is_acknowledged or not form.touches_unlatched):
        return 0
    return form.value(cause, CAP_NS)


def _is_seen(cause: Any, value: int, form: GuardForm) -> bool:
    """Whether it is acknowledged: asked of latched causes only, and whatever latches one raises its revision as well.

    Of others it decides one thing, whether an act on what doesn't wait is refused: where nobody tries that, nothing.
    """
    return bool((cause.latched or form.touches_unlatched) and cause.acknowledged_revision == value)


def _changed(guard: Any, value: int, form: GuardForm) -> int:
    """Since when the word is what it is: asked only where it permits, and set anew with each change.

    It is held against an output that reads less. One that always obeys reads less only from a rise until the next
    beat, which is sooner than the time that a rise is given.
    """
    return form.age(value, form.settle_ns) if form.may_read_less and RANK[guard.word] else 0


def actual(_: Any, value: Word, form: GuardForm) -> int:
    """What the output permits; WITHHOLD and ABSTAIN are told apart only where a machine that runs out is looked at, or the
    output may stay as it is: then ABSTAIN is A without M, once the key is off."""
    return int(value) if form.run_out_ns or form.may_read_less else RANK[value]


def _while_proving(_: Any, value: int, form: GuardForm) -> int:
    return form.age(value, form.proving_ns) if form.guard.interlock.proving else 0


def _parts(run: Any, value: int, form: GuardForm) -> int:
    return (
        min(value, run._limits.parts) if form.guard.interlock.proving and run._limits.parts < NEVER_S else 0
    )


def _unjudged(_: Any, value: int, form: GuardForm) -> int:
    return form.age(value, form.proving_ns // 3) if form.proving_ns else 0


def _trips(counters: Any, value: Mapping[str, list[int]], _: Form) -> Any:
    """How many; they don't get too old within an exploration."""
    most = counters.limits.most
    return () if most >= NEVER_S else tuple((name, min(len(value[name]), most + 1)) for name in sorted(value))


def _pending(_: Any, value: Any, form: GuardForm) -> Any:
    if value is None:
        return None
    return value.target, form.age(value.pressed_ns, CAP_NS), value.number <= form.submitted


def _asked(guard: Any, value: int, form: GuardForm) -> int:
    """When a write was asked for: begins anew with the next one, once all is written."""
    return form.age(value, 1_000 * MS) if guard.latch_number > guard.latch_written else 0


def _withdrawal(_: Any, value: Any, __: Form) -> Any:
    return None if value is None else value.asked_ns > 0


RULES: Mapping[str, Mapping[str, Rule]] = {
    "Guard": {
        **_dropped(
            "plan", "faults", "latch_written", "_content", "acknowledged_by", "loop_delay_ns", "_refused", "_told",
            "last_tick_ns", "block_c", "plc_memory",
        ),
        "latch_number": lambda guard, value, _: value > guard.latch_written,
        "changed_ns": _changed,
        "latch_failed": truth,
        "latch_asked_ns": _asked,
        "offer": lambda _, value, __: value.target,
        "pending": _pending,
        "withdrawal": _withdrawal,
    },
    "LinkView": {
        **_dropped(
            "why", "connection", "presses", "edges", "part_count", "recipe", "remaining_ms", "rtt_ns", "rtts_us", "lack",
            "phase", "plc_state", "fault", "is_own",
        ),
        "beat_ns": truth,
        "actual": actual,
    },
    "Recorder": _dropped("first_out", "outbox", "trips", "resets_refused", "_is_armed", "_told", "_mode"),
    "Ring": _dropped("_next", "_waiting", "_sent", "lost"),
    "Cause": {
        **_dropped(
            "id", "risk", "response", "priority", "reason", "text", "remedy", "any_of", "all_of", "on_delay_ns",
            "person", "quality", "since_ns", "onset_ns", "may_latch", "evidence", "acknowledged_revision", "seen",
        ),
        "revision": _is_seen,
        "second": lambda cause, value, _: cause.needs_two and bool(value),
        "second_revision": lambda cause, value, _: cause.needs_two and bool(cause.revision == value),
        "statistical": lambda cause, value, _: value and cause.active,
        "pending_ns": lambda cause, value, form: form.age(value, cause.on_delay_ns) if cause.on_delay_ns else 0,
    },
    "Causes": {"by_id": lambda _, value, form: tuple([_cause(each, form) for each in value.values()])},
    "Known": {
        **_dropped(
            "id", "model", "is_statistical", "by_run", "has_data", "received_ns", "judged_n", "needed_n", "value", "limit",
            "evidence",
        ),
        "run": _run_of,
        "judged_ns": _judged,
        "answered_ns": truth,
        # an `off` that was judged at that moment or before doesn't count
        "wrong_ns": lambda _, value, form: form.age(value, 0),
    },
    "Conditions": {**_dropped("_began_ns", "_valid_ns"), "run": _is_run},
    "ModelWatch": {
        **_dropped("id", "longest_interval_ns", "record_ns"),
        # a part that isn't recorded is owed within the model's longest interval
        "part_ns": lambda _, value, form: form.owed_ns and bool(value),
    },
    "DataWatch": {**_dropped("_limit_ns"), "_parts": lambda _, value, __: value >= 0},
    "RecordWatch": _dropped("_limit_ns"),
    "ButtonWatch": {**_dropped("_presses"), "_edges": lambda _, value, __: value >= 0},
    # nobody acknowledges at the PLC's own panel in an exploration
    "Shown": _dropped("cause", "revision", "since_ns", "asked", "is_sure", "reference", "is_near"),
    "Motion": {
        "parts": lambda _, value, __: value >= 0,
        "standing_parts": lambda _, value, __: min(value, STANDING_PARTS),
    },
    "TripCounters": {**_dropped("limits", "fresh", "_within_ns"), "at_ns": _trips},
    "Unjudged": {
        **_dropped("_limits", "_last_part"),
        "_last_ns": truth,
        "parts": lambda run, value, _: 0 if run._limits.parts >= NEVER_S else min(value, run._limits.parts),
        "running_ns": _unjudged,
    },
    "KnownAnswers": {"announced": lambda _, value, __: tuple(sorted(value))},
    "ApprovedModels": _dropped("by_id", "last_ns"),
    "Approved": {**_dropped("id", "planned", "wanted"), "announced": truth},
    "ProvingRun": {
        **_dropped("_limits", "number", "_last_ns", "_first_part"),
        "failed_in_a_row": lambda _, value, __: min(value, 3),
        "is_judged_good": lambda _, value, form: value and form.guard.interlock.proving,
        "_began_ns": _while_proving,
        "_running_ns": _while_proving,
        "parts": _parts,
    },
}  # fmt: skip


class GuardForm(Form):
    """The form of a guard's core under one plan. `guard`, `book` and `submitted` are set by the world before each key.

    What the world's events can't do, the world may say: touches_unlatched: people act on causes that don't wait;
    may_read_less: the output may read less than what is written.
    """

    touches_unlatched = True
    may_read_less = True

    def __init__(self, plan: Plan, more: Mapping[str, Mapping[str, Rule]]) -> None:
        times, never_ns = plan.times, NEVER_S * S_NS
        assert plan.link is not None

        def limit(value_ns: float) -> int:
            """A deadline that is never over decides nothing."""
            return 0 if value_ns >= never_ns * 0.9 else int(value_ns)

        link = plan.link
        self.settle_ns = settle_ns = (
            4 * link.beat_ms + link.reply_timeout_ms + 2 * link.scan_ms + link.relay_ms
        ) * MS
        self.valid_ns = limit(plan.judgement_valid_h * 3600 * S_NS)
        self.proving_ns = limit(3 * plan.proving.minutes * 60 * S_NS)
        self.run_out_ns = limit(times.run_out_ms * MS)
        self.owed_ns = limit(max(model.longest_interval_ms for model in plan.models) * MS)
        limits = {
            "received_ns": limit(times.no_data_ms * MS),
            "beat_ns": limit(times.no_data_ms * MS),
            "_heard_ns": limit(times.no_record_ms * MS),
            "more_since_ns": link.hold_ms * MS + settle_ns,
            "started_ns": limit(times.arming_s * S_NS),
            "offer_since_ns": limit(times.offer_s * S_NS),
            "offer_lapsed_ns": limit(times.offer_s * S_NS),
            "up_since_ns": (DEBOUNCE_MS + TOLD_SCANS * link.scan_ms) * MS,
            "acknowledged_ns": limit(times.offer_s * S_NS),
            "override_used_ns": limit(times.override_s * S_NS),
            "override_repeat_ns": limit(times.override_repeat_s * S_NS),
            "renewed_ns": 2_000 * MS,
            "down_ns": 5_000 * MS,
            "off_ns": self.run_out_ns,
            "stood_ns": self.run_out_ns,
            "part_ns": self.run_out_ns and 2_000 * MS,
            "owed_ns": self.owed_ns,
            "_ran_until_ns": self.owed_ns,
        }
        super().__init__({**RULES, **more}, limits, CAP_NS)
        self.guard: Any = None
        self.book: Any = None
        self.submitted = 0
