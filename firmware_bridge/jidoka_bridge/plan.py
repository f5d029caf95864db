"""The compiled plan (contract C4): canonical JSON with a digest, written by `jidoka.config.compile`, loaded by all.

The guard never parses YAML. This module owns the schema (the dataclasses below), the loader and the digest.
`sections` holds what only monitor, steward, host or the command line read; the guard ignores it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ConfigurationError

FORMAT = 1
MODES = ("none", "observe", "enforce")
RESPONSES = ("observe", "advise", "fallback", "hold", "lockout")
PRIORITIES = ("low", "medium", "high")
ACK_AT = ("panel", "plc", "either")
RESET_NEEDS = ("one", "two")
TRANSPORTS = ("rtu", "modbus-tcp")
FUNCTIONS = ("auto", "23", "16+03")
#: direction of a two-wire line: switched by adapter or wiring, by RTS high while sending, by RTS low while sending
RS485 = ("adapter", "rts", "rts-low")


@dataclass(frozen=True)
class Link:
    """The line to the PLC. port: a stable path (by-id), a pseudo-terminal, or ADDRESS:PORT where transport is modbus-tcp.

    Times as INTERLOCK §2 defines them. function: of a beat, "23", "16+03", or "auto": 23 unless the PLC refuses it.
    rs485: who switches the direction; *_before_ms, *_after_ms: the driver waits so long around what it sends.
    """

    port: str
    baud: int = 19200
    parity: str = "E"
    unit: int = 1
    echo: bool = False
    beat_ms: int = 70
    reply_timeout_ms: int = 42
    hold_ms: int = 310
    lost_beats: int = 2
    jitter_ms: int = 20
    scan_ms: int = 10
    relay_ms: int = 15
    transport: str = "rtu"
    function: str = "auto"
    rs485: str = "adapter"
    rs485_before_ms: int = 0
    rs485_after_ms: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.unit <= 247:
            raise ConfigurationError(
                f"the plan's link: unit {self.unit} is no Modbus station", "Use the PLC's number, 1 to 247."
            )
        for name, value, known in (
            ("transport", self.transport, TRANSPORTS),
            ("function", self.function, FUNCTIONS),
            ("rs485", self.rs485, RS485),
        ):
            if value not in known:
                raise ConfigurationError(
                    f"the plan's link: {name} {value!r} isn't known", f"Use one of: {', '.join(known)}."
                )


@dataclass(frozen=True)
class Times:
    """Time limits of the interlock. none of them may be 0 and mean 'never'.

    run_out_ms: from the output's read-back off until nothing may move any more; window_s: longest announced time for a
    change of a model.
    """

    no_data_ms: int = 500
    no_record_ms: int = 2000
    arming_s: int = 120
    offer_s: int = 600
    override_s: int = 900
    override_repeat_s: int = 300
    run_out_ms: int = 2000
    window_s: int = 28_800


@dataclass(frozen=True)
class Proving:
    """Limits of one proving run."""

    parts: int = 50
    minutes: float = 10.0


@dataclass(frozen=True)
class Trips:
    """How often one cause may trip within so many hours before a person of a higher role is needed."""

    most: int = 5
    within_h: float = 8.0


@dataclass(frozen=True)
class Model:
    """A model of the plan. mode: none, observe or enforce; longest_interval_ms: between records while running.

    digest: SHA-256 of the approved file, known_answers: of the signed set of known answers, both hex; "": none is
    known, so nothing is compared.
    """

    id: str
    mode: str
    user_id: int | None = None
    longest_interval_ms: int = 1000
    records_per_s: float = 1000.0
    bytes_per_s: float = 64e6
    digest: str = ""
    known_answers: str = ""


@dataclass(frozen=True)
class ConditionSpec:
    """A condition that the monitor judges. statistical: judged on records only; integrity: of the data itself."""

    id: str
    model: str
    statistical: bool
    limit: float
    integrity: bool = False


@dataclass(frozen=True)
class CauseSpec:
    """A risk row as the guard executes it: active when any of `any_of` is on and all of `all_of` are.

    text: message id of the sentence people read; remedy: what to do; reason: number on the wire (32..255).
    """

    id: str
    risk: str
    response: str
    priority: str
    reason: int
    text: str
    remedy: str
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    on_delay_ms: int = 0


@dataclass(frozen=True)
class Plan:
    """Everything that the guard knows of this site, and the sections that others read.

    ack_at: panel, plc (its own HMI, through block B) or either; reset_needs: one or two acknowledging persons;
    table_digest: of the interlock's table that was approved, "" where none was.
    """

    site: str
    line: str
    device: str
    run_dir: str
    state_dir: str
    map_digest: str
    link: Link | None
    times: Times
    proving: Proving
    models: tuple[Model, ...]
    conditions: tuple[ConditionSpec, ...]
    causes: tuple[CauseSpec, ...]
    trips: Trips = Trips()
    table_digest: str = ""
    judgement_valid_h: float = 24.0
    fallback: str | None = None
    no_record: str = "hold"
    ack_at: str = "panel"
    reset_needs: str = "one"
    people: str = "role"
    roles: tuple[str, ...] = ()
    sections: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def tap_socket(self) -> Path:
        return Path(self.run_dir) / "tap" / "tap.sock"

    @property
    def guard_monitor_socket(self) -> Path:
        return Path(self.run_dir) / "private" / "guard-monitor.sock"

    @property
    def guard_steward_socket(self) -> Path:
        return Path(self.run_dir) / "private" / "guard-steward.sock"

    @property
    def steward_socket(self) -> Path:
        return Path(self.run_dir) / "private" / "steward.sock"

    @property
    def record_socket(self) -> Path:
        return Path(self.run_dir) / "private" / "record.sock"

    @property
    def latch_file(self) -> Path:
        return Path(self.state_dir) / "latch"

    @property
    def ledger_file(self) -> Path:
        return Path(self.state_dir) / "ledger.jdl"

    def canonical(self) -> bytes:
        """Canonical JSON: sorted keys, no spaces, UTF-8."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":")).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON, hex."""
        return hashlib.sha256(self.canonical()).hexdigest()


def dump(plan: Plan) -> bytes:
    """The plan file: {"digest": …, "plan": …} with one newline at the end."""
    body = json.loads(plan.canonical())
    text = json.dumps({"digest": plan.digest, "plan": body}, sort_keys=True, indent=1, ensure_ascii=False)
    return text.encode() + b"\n"


def load(path: Path) -> Plan:
    """The plan in `path`, its digest verified. Raises ConfigurationError with the place and the remedy."""
    remedy = "Make it anew with: jidoka plan CONFIGURATION -o PLAN"
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: can't read the plan: {error.strerror}", remedy) from None
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigurationError(f"{path}: isn't a plan: it isn't JSON{place}", remedy) from None
    if not isinstance(document, dict) or not isinstance(document.get("plan"), dict):
        raise ConfigurationError(f"{path}: isn't a plan: it doesn't begin as one", remedy)
    try:
        plan = parse(document["plan"])
        written = document["digest"]
    except KeyError as error:
        raise ConfigurationError(f"{path}: isn't a plan: {error} is missing in it", remedy) from None
    except (AttributeError, TypeError, ValueError):
        raise ConfigurationError(
            f"{path}: isn't a plan that this program knows: settings are missing or too many", remedy
        ) from None
    if plan.format != FORMAT:
        raise ConfigurationError(f"{path}: plan format {plan.format}, this program reads {FORMAT}", remedy)
    if plan.digest != written:
        raise ConfigurationError(
            f"{path}: digest {plan.digest[:16]}… doesn't match {str(written)[:16]}…: the plan was changed by hand",
            f"Change the configuration instead. {remedy}",
        )
    return plan


def parse(body: dict[str, Any]) -> Plan:
    """A Plan from its JSON object. Raises KeyError or TypeError for anything that isn't one."""
    values = dict(body)
    values["link"] = None if values["link"] is None else Link(**values["link"])
    values["times"] = Times(**values["times"])
    values["proving"] = Proving(**values["proving"])
    values["trips"] = Trips(**values["trips"])
    values["models"] = tuple(Model(**each) for each in values["models"])
    values["conditions"] = tuple(ConditionSpec(**each) for each in values["conditions"])
    values["causes"] = tuple(
        CauseSpec(**{**each, "any_of": tuple(each["any_of"]), "all_of": tuple(each["all_of"])})
        for each in values["causes"]
    )
    values["roles"] = tuple(values["roles"])
    return Plan(**values)
