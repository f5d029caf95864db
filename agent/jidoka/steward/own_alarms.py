"""Alarms that aren't the guard's: the agent's own, and rows of the register that only observe. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from jidoka_bridge.plan import CauseSpec, Plan

from jidoka.alarms.definition import OFF_DELAY_NS, SECOND_NS, Definition
from jidoka.alarms.facts import (
    BUDGET_REFUTED,
    CERTIFICATE_ENDS,
    CERTIFICATE_ENDS_SOON,
    CHATTERING,
    ERROR_RATE_REFUTED,
    GUARD_AWAY,
    MONITOR_SILENT,
    NEARLY_FULL,
    NOT_RECORDING,
    REFUSED_COMMAND,
    SLICES_DIFFER,
)
from jidoka.steward.commands.kinds import REFUSALS

#: a summary comes each second
SILENT_NS = 10 * SECOND_NS
#: after a start everybody gets so long to be heard of
START_NS = 60 * SECOND_NS
GUARD_START_NS = 20 * SECOND_NS
#: how many days before its end a certificate is warned of, and is an alarm
WARN_DAYS, ALARM_DAYS = 30.0, 7.0


class Own(NamedTuple):
    """One of the agent's own. on_delay_s: how long it must last first."""

    id: str
    priority: str
    text: str
    remedy: str
    on_delay_s: float = 0.0


#: `monitor silent` exists once for each model; what is promised once for each row or model that promises it
OWN: tuple[Own, ...] = (
    Own(NOT_RECORDING, "high", "What happens isn't recorded.", "Look at the disk of the ledger: jidoka status"),
    Own(GUARD_AWAY, "high", "The guard isn't running: what its alarms show is old.", "Find out why it ended: jidoka status", 5.0),
    Own(MONITOR_SILENT, "medium", "Nothing is heard from the monitor: what its alarms show is old.", "See whether it runs: jidoka status"),
    Own(NEARLY_FULL, "medium", "What may never be removed fills four fifths of the ledger's limit.", "Have the AIMS acknowledge, copy the ledger and raise record.limit: jidoka status shows what waits.", 5.0),
    Own(CERTIFICATE_ENDS_SOON, "medium", "A certificate of the way to the broker ends within 7 days, or has ended: nothing is sent then.", "Renew the one that jidoka status names; this device's own with: jidoka enroll CONFIGURATION --new"),
    Own(CERTIFICATE_ENDS, "low", "A certificate of the way to the broker ends within 30 days.", "Renew the one that jidoka status names; this device's own with: jidoka enroll CONFIGURATION --new"),
    Own(BUDGET_REFUTED, "low", "Alarms are judged false more often than its false-alarm budget allows.", "See jidoka performance; learn a baseline over more of the line's own changes, or change false_alarms."),
    Own(ERROR_RATE_REFUTED, "low", "Labels show that the model is wrong more often than was agreed.", "See jidoka performance, and decide whether it may go on."),
    Own(SLICES_DIFFER, "low", "A shift, recipe or position has another rate than the rest.", "See which, with jidoka performance, and look for the cause there."),
    Own(CHATTERING, "low", "An alarm chatters and is shown with longer delays.", "Maintenance: see which, with jidoka alarm list, and mend or set its sensor."),
    Own(REFUSED_COMMAND, "low", "A command or a press of the reset button was refused.", "See why: jidoka ledger show"),
)  # fmt: skip


#: of commands from elsewhere, one for each kind of refusal; only where the plan knows keys
OF_COMMANDS: tuple[Own, ...] = tuple(
    Own(f"{REFUSED_COMMAND}:{row.kind}", row.priority, row.text, row.remedy) for row in REFUSALS
)


def definitions(plan: Plan) -> list[Definition]:
    """The agent's own alarms and the plan's observing rows."""
    own = []
    takes_commands = bool((plan.sections.get("steward") or {}).get("commands"))
    for row in OWN + (OF_COMMANDS if takes_commands else ()):
        abouts = _abouts(row.id, plan)
        for about in abouts if abouts is not None else [""]:
            name, text = (f"{row.id}:{about}", f"{about}: {row.text}") if about else (row.id, row.text)
            delay_ns = round(row.on_delay_s * SECOND_NS)
            own.append(
                Definition(
                    name,
                    row.priority,
                    "the agent's own",
                    "observe",
                    text,
                    row.remedy,
                    on_delay_ns=delay_ns,
                    is_event=row.id.startswith(REFUSED_COMMAND),
                )
            )
    return own + [definition_of(spec, plan) for spec in observing(plan)]


def promises(plan: Plan) -> list[str]:
    """The alarms about what was promised, where it is: a budget, an error rate, slices that are compared."""
    kinds = (BUDGET_REFUTED, ERROR_RATE_REFUTED, SLICES_DIFFER)
    return [f"{kind}:{about}" for kind in kinds for about in _abouts(kind, plan) or ()]


def _abouts(alarm: str, plan: Plan) -> list[str] | None:
    """What an alarm exists once for each of; None: it is one."""
    sections: Mapping[str, Mapping[str, Any]] = plan.sections.get("models") or {}
    agreed = {name: section.get("performance") or {} for name, section in sections.items()}
    if alarm == MONITOR_SILENT:
        return [model.id for model in plan.models]
    if alarm == BUDGET_REFUTED:
        risks = plan.sections.get("risks") or ()
        return [str(risk["id"]) for risk in risks if risk.get("false_alarms") is not None]
    if alarm == ERROR_RATE_REFUTED:
        return [name for name, each in agreed.items() if each.get("error_rate_at_most") is not None]
    if alarm == SLICES_DIFFER:
        return [name for name, each in agreed.items() if each.get("slices")]
    return None


def certificate_alarms(days_left: float | None) -> dict[str, bool]:
    """The two alarms of a certificate that ends in so many days; None where there is none. The second replaces the first."""
    return {
        CERTIFICATE_ENDS: days_left is not None and ALARM_DAYS < days_left <= WARN_DAYS,
        CERTIFICATE_ENDS_SOON: days_left is not None and days_left <= ALARM_DAYS,
    }


def observing(plan: Plan) -> list[CauseSpec]:
    """Rows that the interlock does nothing about: their alarms follow the monitor's conditions."""
    return [spec for spec in plan.causes if spec.response == "observe"]


def definition_of(spec: CauseSpec, plan: Plan) -> Definition:
    """The alarm of an observing row."""
    return Definition(
        spec.id, spec.priority, spec.risk, spec.response, spec.text, spec.remedy,
        on_delay_ns=spec.on_delay_ms * 1_000_000, **settings_of(spec.id, plan),
    )  # fmt: skip


def settings_of(cause: str, plan: Plan) -> dict[str, Any]:
    """What the register says of a row's alarm, as fields of its Definition. A trip alarm is never delayed."""
    rows: Mapping[str, Any] = (plan.sections.get("alarms") or {}).get("rows") or {}
    row: Mapping[str, Any] = rows.get(cause) or {}
    off_delay_s = row.get("off_delay_s")
    return {
        "off_delay_ns": OFF_DELAY_NS if off_delay_s is None else round(off_delay_s * SECOND_NS),
        "dead_band": float(row.get("dead_band") or 0.0),
        "suppressed_while": tuple(row.get("suppressed_while") or ()),
    }
