"""A plan in plain words, for the person who signs it: models, modes, risks, budgets, and what the times mean."""

from __future__ import annotations

from collections.abc import Iterable

from jidoka_bridge.plan import Link, Plan

from jidoka.config.link import Table
from jidoka.config.quantities import Budget, duration_text

MODE_WORDS = {
    "none": "no PLC: alarms and evidence only",
    "observe": "the PLC is connected and never gets a permissive",
    "enforce": "the machine runs only while this model can be trusted",
}

RESPONSE_WORDS = {
    "observe": "record it",
    "advise": "tell the operator, the machine goes on",
    "fallback": "take the model out, go on with the fallback",
    "hold": "stop the machine",
    "lockout": "stop the machine until an engineer unlocks it",
}

PARITY_WORDS = {"E": "8E1", "O": "8O1", "N": "8N2"}


def plan_lines(plan: Plan, table: Table | None) -> list[str]:
    """What the plan does, as lines of `heading  sentence`."""
    rows: list[tuple[str, str]] = [("Device", f"{plan.site}/{plan.line}/{plan.device}")]
    rows += [("Model", line) for line in _model_lines(plan)]
    rows += [("PLC", line) for line in _link_lines(plan, table)]
    rows += [("Risk", line) for line in _risk_lines(plan)]
    rows += [("People", line) for line in _people_lines(plan)]
    rows += [("Record", line) for line in _record_lines(plan)]
    rows.append(("Plan", f"digest {plan.digest[:16]}…, register map {plan.map_digest}"))
    return list(_with_headings(rows))


def _with_headings(rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    last = ""
    for heading, line in rows:
        yield f"{heading if heading != last else '':<8}{line}"
        last = heading


def _model_lines(plan: Plan) -> list[str]:
    lines = []
    for each in plan.models:
        section = plan.sections["models"][each.id]
        line = f"{each.id} ({section['title']}) in {each.mode}: {MODE_WORDS[each.mode]}; "
        line += (
            f"a record at least every {duration_text(each.longest_interval_ms / 1000)} while parts are made"
        )
        if section["judged"] == "part":
            line += "; drift is judged on the mean of each part"
        if section["arena_slots"]:
            room = section["arena_slots"] * section["largest_record_bytes"] / 1e6
            line += f"; its records go through {room:.1f} MB of shared memory"
        lines.append(line)
    return lines


def _link_lines(plan: Plan, table: Table | None) -> list[str]:
    if plan.link is None or table is None:
        return ["none: no machine is stopped by this device"]
    link = plan.link
    return [
        f"{link.port} {_speed(link)}, station {link.unit}: a beat every {link.beat_ms} ms",
        (
            f"if the agent goes silent, the PLC withdraws by itself after W = {link.hold_ms} ms: "
            f"output off after {table.silent_ms} ms at worst"
        ),
        f"if the agent withdraws, the output is off after {table.withdraw_ms} ms at worst",
    ]


def _speed(link: Link) -> str:
    return f"at {link.baud} {PARITY_WORDS[link.parity]}" if link.transport == "rtu" else "by Modbus TCP"


def _risk_lines(plan: Plan) -> list[str]:
    if not plan.causes:
        return ["none: nothing is acted on"]
    lines = []
    for cause, row in zip(plan.causes, plan.sections["risks"], strict=True):
        line = f"{cause.id} {cause.risk} ({row['model']}), {cause.priority} priority, owner {row['owner']}: "
        line += f"when {row['when']}"
        if cause.on_delay_ms:
            line += f" for {duration_text(cause.on_delay_ms / 1000)}"
        line += f" → {cause.response}: {RESPONSE_WORDS[cause.response]}"
        if cause.response == "fallback":
            line += f" ({plan.fallback})"
        if row["false_alarms"] is not None:
            line += f"; false alarms: at most {Budget(**row['false_alarms'])}"
        lines.append(line + (f" [{', '.join(row['controls'])}]" if row["controls"] else ""))
    return lines


def _people_lines(plan: Plan) -> list[str]:
    proving = f"{plan.proving.parts} parts or {plan.proving.minutes:g} min"
    return [
        (
            f"somebody entitled must acknowledge at this device before the reset button counts; a judgement on drift is good for "
            f"{duration_text(plan.judgement_valid_h * 3600)}"
        ),
        f"a proving run makes at most {proving}; the key overrides for at most {duration_text(plan.times.override_s)}",
    ]


def _record_lines(plan: Plan) -> list[str]:
    broker, metrics = plan.sections["steward"]["broker"], plan.sections["steward"]["metrics"]
    no_data = "fallback where it is healthy, else hold" if plan.fallback else "hold"
    return [
        (
            f"nothing can be recorded for {duration_text(plan.times.no_record_ms / 1000)} → {plan.no_record}; "
            f"no data for {duration_text(plan.times.no_data_ms / 1000)} → {no_data}"
        ),
        f"kept in {plan.state_dir}; "
        + (f"sent to {broker['host']}:{broker['port']}" if broker else "sent to nobody: there is no broker"),
        f"metrics on {metrics['host']}:{metrics['port']}" if metrics else "no metrics",
    ]
