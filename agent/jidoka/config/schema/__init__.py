"""Every setting of a configuration file, with its kind, range, default and sentence: feeds checks, docs and errors.

One YAML file describes one device. An option that isn't here is an error. Times are held in seconds.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jidoka.config.schema.alarms import AlarmSettings
from jidoka.config.schema.base import FilePath, MayBe, Name, Settings
from jidoka.config.schema.broker import BrokerSettings
from jidoka.config.schema.commands import CommandKey
from jidoka.config.schema.host import HostSettings
from jidoka.config.schema.interlock import InterlockSettings
from jidoka.config.schema.models import GateSettings, ModelSettings
from jidoka.config.schema.outside import MetricsSettings
from jidoka.config.schema.plc import PlcSettings
from jidoka.config.schema.record import RecordSettings
from jidoka.config.schema.risks import RiskSettings

__all__ = [
    "Configuration",
    "GateSettings",
    "MayBe",
    "ModelSettings",
    "PlcSettings",
    "RiskSettings",
    "Settings",
]


class Configuration(Settings):
    """A whole file: one device, its models, its PLC and its risk register."""

    site: Name = Field(description="Site, as the management system's registry names it.")
    line: Name = Field(description="Line.")
    device: Name = Field(description="This device; site, line and device make the MQTT topic.")
    run_dir: FilePath = Field(
        default="/run/jidoka", description="Folder of the sockets; gone after a reboot."
    )
    state_dir: FilePath = Field(
        default="/var/lib/jidoka", description="Folder of ledger, latch file and baselines."
    )
    record: RecordSettings = Field(
        default_factory=RecordSettings, description="How much room the record of what happened may take."
    )
    people: Literal["role"] = Field(
        default="role", description="How acts name people: by role and shift pseudonym."
    )
    models: Annotated[list[ModelSettings], Field(min_length=1, max_length=16)] = Field(
        description="The models that are watched."
    )
    plc: PlcSettings | None = Field(default=None, description="The PLC; left out where every mode is none.")
    interlock: InterlockSettings = Field(
        default_factory=InterlockSettings, description="The interlock's choices."
    )
    alarms: AlarmSettings = Field(
        default_factory=AlarmSettings, description="What people may do with alarms."
    )
    broker: BrokerSettings | None = Field(
        default=None, description="The MQTT broker; left out: nothing is sent."
    )
    commands: Annotated[list[CommandKey], Field(max_length=16)] = Field(
        default=[], description="Keys whose commands from elsewhere count; left out: none does."
    )
    clock: Literal["kernel", "assumed"] = Field(
        default="kernel",
        description="Who says that the clock is right, which commands but `hold` need. kernel: a time service that sets "
        "it through the kernel; assumed: something that the kernel doesn't know of.",
    )
    metrics: MetricsSettings | None = Field(
        default=None, description="Prometheus; left out: nothing listens."
    )
    host: HostSettings | None = Field(
        default=None, description="Left out where the plant's application runs the model."
    )
    risks: Annotated[list[RiskSettings], Field(max_length=200)] = Field(
        default=[], description="The risk register; what it says is what the agent does."
    )
