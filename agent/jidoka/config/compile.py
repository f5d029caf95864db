"""From a checked configuration to the plan (contract C4) that guard, monitor, steward and host load."""

from __future__ import annotations

import base64
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jidoka_bridge.guard.interlock import digest
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Model, Plan, Proving, Times, Trips
from jidoka_bridge.registers import MAP_DIGEST
from jidoka_bridge.roles import ROLES

from jidoka.config.alarm_section import alarm_section
from jidoka.config.broker_section import broker_section
from jidoka.config.conditions import BY_NAME
from jidoka.config.known_answers import digest_of, section_of
from jidoka.config.link import link_of
from jidoka.config.load import Checked, load_file, load_text
from jidoka.config.manifest import Bundle
from jidoka.config.model_section import model_section, record_bytes, tensors
from jidoka.config.schema import ModelSettings, PlcSettings, RiskSettings
from jidoka.host.sources import spelling

#: numbers on the wire below this one are the guard's own reasons
FIRST_REASON = 32

#: priority of an alarm whose row gives none
PRIORITY_OF_RESPONSE = {
    "observe": "low",
    "advise": "low",
    "fallback": "medium",
    "hold": "high",
    "lockout": "high",
}

#: how a detector is judged after a proving run begins: records that are looked at, and the error that is allowed
OFF_RECORDS = 20
OFF_ERROR = 0.01
#: records a second that a quota of bytes allows for where neither the file nor the manifest says how many come
USUAL_RECORDS_HZ = 30.0
#: fewest records that a baseline may be made of
MIN_RECORDS = 100


def compile_plan(path: str | Path) -> Plan:
    """The plan of a configuration file. Raises ConfigurationError with every fault of the file at once."""
    return plan_of(load_file(path))


def compile_text(text: str, base_dir: Path) -> Plan:
    """The plan of a configuration given as text; its relative paths start at `base_dir`."""
    return plan_of(load_text(text, base_dir))


def plan_of(checked: Checked) -> Plan:
    """The plan of a configuration that has been checked."""
    config, times = checked.config, checked.config.interlock.times
    return Plan(
        site=config.site,
        line=config.line,
        device=config.device,
        run_dir=_absolute(checked, config.run_dir),
        state_dir=_absolute(checked, config.state_dir),
        map_digest=MAP_DIGEST.hex(),
        link=None if config.plc is None else link_of(config.plc, _port(checked, config.plc)),
        times=Times(
            no_data_ms=_ms(times.no_data),
            no_record_ms=_ms(times.no_record),
            arming_s=round(times.arming),
            offer_s=round(times.offer),
            override_s=round(times.override),
            override_repeat_s=round(times.override_repeat),
            run_out_ms=_ms(times.run_out),
            window_s=round(times.window),
        ),
        proving=Proving(config.interlock.proving.parts, config.interlock.proving.minutes),
        models=tuple(
            _model(row, bundle, checked.base_dir)
            for row, bundle in zip(config.models, checked.bundles, strict=True)
        ),
        conditions=_conditions(checked),
        causes=tuple(_cause(checked, index, FIRST_REASON + index) for index in range(len(config.risks))),
        trips=Trips(config.interlock.trips.most, config.interlock.trips.within / 3600),
        table_digest=digest(),
        judgement_valid_h=config.interlock.judgement_valid / 3600,
        fallback=config.interlock.fallback,
        no_record=config.interlock.no_record,
        ack_at=config.interlock.ack_at,
        reset_needs=config.interlock.reset_needs,
        people=config.people,
        roles=ROLES,
        sections=_sections(checked),
    )


def _port(checked: Checked, plc: PlcSettings) -> str:
    return plc.port if plc.transport == "modbus-tcp" else _absolute(checked, plc.port)


def _model(row: ModelSettings, bundle: Bundle, base_dir: Path) -> Model:
    # quotas stop a flood; a line that is itself faster or sends more than the default gets twice what it needs
    usual = Model(
        row.id,
        row.mode,
        row.writer,
        longest_interval_ms=max(1, _ms(row.longest_interval)),
        digest=bundle.sha256,
        known_answers=digest_of(row, base_dir),
    )
    # an application may send what nobody asked it for
    record = max(row.largest_record or 0, record_bytes(tensors(bundle)))
    stated_hz = row.records_per_s or (1 / bundle.period_s if bundle.period_s else 0.0)
    return replace(
        usual,
        records_per_s=max(usual.records_per_s, 2 * stated_hz),
        bytes_per_s=max(usual.bytes_per_s, 2 * (stated_hz or USUAL_RECORDS_HZ) * record),
    )


def condition_id(model: str, name: str) -> str:
    """The id of a condition in the plan: `surface-inspection:drift(all)`."""
    return f"{model}:{name}"


def _used(checked: Checked) -> dict[str, tuple[RiskSettings, str]]:
    """condition id -> (first risk that uses it, its name), in the order of the register."""
    used: dict[str, tuple[RiskSettings, str]] = {}
    for risk, when in zip(checked.config.risks, checked.whens, strict=True):
        for name in when.names:
            used.setdefault(condition_id(risk.model, name), (risk, name))
    return used


def _conditions(checked: Checked) -> tuple[ConditionSpec, ...]:
    # the limit of a detector is an average run length that the monitor computes from the baseline's own rate
    return tuple(
        ConditionSpec(
            id=each,
            model=risk.model,
            statistical=BY_NAME[name].statistical,
            limit=0.0,
            integrity=not BY_NAME[name].statistical,
        )
        for each, (risk, name) in _used(checked).items()
    )


def _cause(checked: Checked, index: int, reason: int) -> CauseSpec:
    risk, when = checked.config.risks[index], checked.whens[index]
    return CauseSpec(
        id=risk.id,
        risk=risk.risk,
        response=risk.response,
        priority=risk.priority or PRIORITY_OF_RESPONSE[risk.response],
        reason=reason,
        text=risk.text or f"{risk.model}: {risk.risk}",
        remedy=risk.remedy or BY_NAME[when.names[0]].remedy,
        any_of=tuple(condition_id(risk.model, name) for name in when.any_of),
        all_of=tuple(condition_id(risk.model, name) for name in when.all_of),
        on_delay_ms=0 if risk.on_delay is None else max(1, _ms(risk.on_delay)),
    )


def _sections(checked: Checked) -> dict[str, Any]:
    used = _used(checked)
    rows = {row.id: row for row in checked.config.models}
    return {
        "models": {
            row.id: {**model_section(row, bundle), "known_answers": section_of(row, checked.base_dir)}
            for row, bundle in zip(checked.config.models, checked.bundles, strict=True)
        },
        "detectors": {
            each: {
                "model": risk.model,
                "group": BY_NAME[name].group,
                "false_alarms": asdict(risk.false_alarms),
                "tolerance": (risk.tolerance or 0.0) if BY_NAME[name].is_material else 0.0,
                "slowest_cycle_s": rows[risk.model].slowest_cycle or 0.0,
                "covariates": list(rows[risk.model].covariates),
                "off_records": OFF_RECORDS,
                "off_error": OFF_ERROR,
                "min_records": MIN_RECORDS,
            }
            for each, (risk, name) in used.items()
            if risk.false_alarms is not None and BY_NAME[name].statistical
        },
        "integrity": {
            each: {"model": risk.model, "kind": name}
            for each, (risk, name) in used.items()
            if not BY_NAME[name].statistical
        },
        "steward": {
            "record": {"limit_bytes": checked.config.record.limit},
            "broker": _broker_section(checked),
            "metrics": _metrics_section(checked),
            "commands": _commands_section(checked),
            "clock": checked.config.clock,
        },
        "host": _host_section(checked),
        "alarms": alarm_section(checked.config),
        "risks": [_risk_section(risk) for risk in checked.config.risks],
    }


def _broker_section(checked: Checked) -> dict[str, Any] | None:
    config = checked.config
    names = {"site": config.site, "line": config.line, "device": config.device}
    return None if config.broker is None else broker_section(config.broker, checked.base_dir, names)


def _commands_section(checked: Checked) -> dict[str, Any]:
    return {
        key.id: {"public": base64.b64decode(key.public_key).hex(), "may": list(key.may), "role": key.role}
        for key in checked.config.commands
    }


def _metrics_section(checked: Checked) -> dict[str, Any] | None:
    if checked.config.metrics is None:
        return None
    host, _, port = checked.config.metrics.listen.rpartition(":")
    return {"host": host.strip("[]"), "port": int(port)}


def _host_section(checked: Checked) -> dict[str, Any] | None:
    host = checked.config.host
    if host is None:
        return None
    return {
        "model": host.model or checked.config.models[0].id,
        "source": spelling.absolute(host.source, checked.base_dir),
        "trigger": None if host.trigger is None else _absolute(checked, host.trigger),
        "camera": None if host.camera is None else _absolute(checked, host.camera),
        "seed": host.seed,
        "rate_hz": host.rate,
        "move_to": None if host.move_to is None else _absolute(checked, host.move_to),
    }


def _risk_section(risk: RiskSettings) -> dict[str, Any]:
    return {
        "id": risk.id,
        "risk": risk.risk,
        "model": risk.model,
        "when": " ".join(risk.when.split()),
        "false_alarms": None if risk.false_alarms is None else asdict(risk.false_alarms),
        "response": risk.response,
        "owner": risk.owner,
        "controls": list(risk.controls),
        "priority": risk.priority or PRIORITY_OF_RESPONSE[risk.response],
    }


def _absolute(checked: Checked, text: str) -> str:
    """An absolute path; `..` is folded, links stay as they are (a stable port name is a link)."""
    return os.path.abspath(checked.base_dir / text)  # noqa: PTH100 - resolve() would follow links


def _ms(value_s: float) -> int:
    return round(value_s * 1000)
