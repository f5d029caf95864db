"""What of the core's world and of its book takes part in the canonical form, beside the guard itself (`rules`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.exploring import snapshot
from tools.exploring.canonical import Rule, drop
from tools.exploring.plans import MS, NEVER_S
from tools.exploring.rules import GuardForm, actual

if TYPE_CHECKING:
    from tools.exploring.core_world import CoreWorld

snapshot.never_changes(GuardForm)


def _counts(fact: Any, form: Any) -> bool:
    """Whether the book takes this fact for judged off."""
    if fact.off_run < 0:
        return False
    book = form.book
    return not fact.by_run or (fact.off_run == book.run and fact.off_ns >= book.began_ns)


def _is_within(value: int, limit_ns: int, form: Any) -> int:
    """Its age, cut off above the limit; with one that is never over only whether there was one."""
    return form.age(value, limit_ns) if limit_ns < NEVER_S * 1_000 * MS else int(value > 0)


def _stands(limit: str) -> Rule:
    """Of the plant: for how long, cut off above its limit."""
    return lambda plant, value, form: form.age(value, getattr(plant.limits, limit))


def durable_form(world: CoreWorld, content: dict[str, Any] | None, form: Any) -> Any:
    """What a restart would find, without what only counts."""
    if content is None:
        return None
    causes = tuple(
        (name, bool(latched), revision == seen, role)
        for name, (latched, revision, seen, _, role) in sorted(content["causes"].items())
        if latched or role or (world.form.touches_unlatched and revision != seen)
    )
    known = {"run", "transition", "causes", "first_out", "raising", "failed_runs", "trips", "device"}
    if world.setting.plan.times.override_s >= NEVER_S:
        known.add("override_used_s")
    rest = tuple(form.value(content[name], 0) for name in sorted(content.keys() - known))
    return causes, content["run"] == world.guard.run.number, min(content["failed_runs"], 3), rest


def writing_form(world: CoreWorld, writing: Any, form: Any) -> Any:
    if writing is None:
        return None
    number, content, waiting, lockout, is_after_press = writing
    pending = world.guard.pending
    return (
        number >= world.guard.latch_number,
        pending is not None and number >= pending.number,
        durable_form(world, content, form) if world.setting.remembers else None,
        tuple(sorted(waiting)),
        lockout,
        is_after_press,
    )


RULES: dict[str, dict[str, Rule]] = {
    "CoreWorld": {
        **dict.fromkeys(
            ("setting", "events", "form", "now_ns", "presses", "edges", "submitted", "told", "view"),
            drop,
        ),
        # where the relay can stick; one that always obeys sets it anew at the next beat
        "output": lambda world, value, form: form.may_read_less and actual(world, value, form),
        # those that the guard hasn't heard of yet
        "parts": lambda world, value, _: value - world.guard.view.part_count,
        "monitor_run": lambda world, value, _: value == world.guard.run.number,
        "says": lambda world, value, _: (
            world.setting.restates
            and tuple(
                (judgement, name in world.book.site.statistical and run == world.guard.run.number)
                for name, (judgement, run) in value.items()
            )
        ),
        "durable": durable_form,
        "writing": writing_form,
    },
    "Book": {
        "site": drop,
        "run": drop,
        "began_ns": drop,
        "looked_ns": drop,
        # what follows from the rest at the last look
        "bad": drop,
        # whether it came within the time that it is held against
        "data_ns": lambda book, value, form: _is_within(value, book.site.no_data_ns, form),
        "record_ns": lambda book, value, form: _is_within(value, book.site.no_record_ns, form),
        # copied by a press of the next beat, which can't count where nothing was allowed since the last one
        "is_clear": lambda book, value, _: book.least > 0 and value,
        "window_until_ns": lambda _, value, form: max(0, value - form.now_ns) if value else 0,
        "pressed_ns": lambda book, value, form: form.age(value, 2_000 * MS) if book.press_least >= 0 else 0,
    },
    "Plant": {
        "limits": drop,
        "off_ns": _stands("run_out_ns"),
        "more_ns": _stands("more_ns"),
        "less_ns": _stands("less_ns"),
        "stuck_ns": _stands("stuck_ns"),
        "unwritten_ns": _stands("unwritten_ns"),
        "overridden_ns": lambda plant, value, _: min(value, 2 * plant.limits.override_ns + 1),
    },
    "Fact": {
        "by_run": drop,
        # an `off` counts if it is of this run and since its beginning; else it is as none
        "off_run": lambda fact, _, form: _counts(fact, form),
        "on_run": lambda fact, value, form: (
            fact.by_run and fact.on and form.book.proving and value == form.book.run
        ),
        "wrong_ns": lambda _, value, form: form.age(value, 0),
        "off_ns": lambda fact, value, form: (
            form.age(value, form.valid_ns) if form.valid_ns and _counts(fact, form) else 0
        ),
    },
}
