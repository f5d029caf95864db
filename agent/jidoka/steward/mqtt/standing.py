"""What is told to the AIMS of how things stand: what runs here, the risk register, whether we are there, alarms, health.

As `messages`: a type names what a receiver may rely on, and a body may carry more.
"""

# ruff: noqa: RUF012 - each message gets its own of an empty list or dict (msgspec), which ruff sees only of a direct Struct

from __future__ import annotations

from typing import Any

import msgspec

from jidoka.steward.mqtt.messages import Message


class Running(Message):
    """What an application says that it has loaded. sha256: of the file; runtime: with its version and provider; tap: version."""

    sha256: str = ""
    runtime: str = ""
    tap: str = ""


class ModelCard(Message):
    """A model of the plan. sha256: of the approved file; known_answers: digest of the approved set; running: None until an
    application was heard of; baseline: digest of the one in use."""

    id: str
    mode: str
    sha256: str = ""
    title: str = ""
    task: str = ""
    drives: str = ""
    known_answers: str = ""
    running: Running | None = None
    baseline: str | None = None


class Inventory(Message):
    """What runs on this device. version: of this program; plan, table, map: digests of the compiled configuration, of the
    interlock's table and of the register map; packages: SHA-256 over names and versions of the Python packages."""

    version: str
    plan: str
    table: str
    map: str
    models: list[ModelCard]
    python: str = ""
    packages: str = ""


class Risk(Message):
    """A row of the risk register as it stands. status: on, off, or unknown while its conditions can't be judged; latched,
    acknowledged: of its cause; coverage: share of the model's numbered records that came and were taken, None before the
    first; age_s: since its conditions were judged last, judged_n of needed_n records."""

    id: str
    risk: str
    status: str
    model: str = ""
    when: str = ""
    response: str = ""
    priority: str = "low"
    owner: str = ""
    controls: list[str] = []
    latched: bool = False
    acknowledged: bool = False
    conditions: dict[str, str] = {}
    coverage: float | None = None
    age_s: float | None = None
    judged_n: int = 0
    needed_n: int = 0


class Status(Message):
    """online: False is what the broker tells when the device is gone (its will)."""

    online: bool
    version: str
    boot: str
    plan: str
    why: str = ""


class AlarmSummary(Message):
    """How many alarms stand; list: all that are neither normal nor withheld."""

    active: int
    unacknowledged: int
    latched: int
    shelved: int
    standing: list[dict[str, Any]] = msgspec.field(name="list", default_factory=list)
    suppressed: int = 0
    out_of_service: int = 0
    flood: bool = False


class Health(Message):
    """The last second of a model, as the monitor sums it up. distances: every ten seconds, by stream, feature and name, of
    the last records to the baseline."""

    model: str
    ns: int
    records: int = 0
    lost: int = 0
    refused: int = 0
    rate_hz: float | None = None
    latency_ms: float | None = None
    verdicts: dict[str, int] = {}
    features: dict[str, float | None] = {}
    conditions: dict[str, str] = {}
    baseline: str | None = None
    last_part: int = 0
    distances: dict[str, dict[str, dict[str, float]]] = {}
