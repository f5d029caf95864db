"""Every setting of a configuration file, with its kind, range, default and sentence: feeds checks, docs and errors.

One YAML file describes one device. An option that isn't here is an error. Times are held in seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from jidoka_bridge.roles import ROLES
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jidoka.config.faults import UnfitError, near, shown
from jidoka.config.quantities import Budget, BudgetField, Duration, Rate


@dataclass(frozen=True)
class MayBe:
    """What a field may be, for the docs, where its checks can't tell."""

    text: str


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise UnfitError(
            f"{shown(value)} can't be a name in an MQTT topic",
            "Use letters, digits, - _ and . only, at most 63, starting with a letter or digit.",
        )
    return value


def _path(value: str) -> str:
    if not value or any(not letter.isprintable() for letter in value):
        raise UnfitError(f"{shown(value)} isn't a path", "Write a path, relative to this file or absolute.")
    return value


def _sentence(value: str) -> str:
    if not value.strip() or any(not letter.isprintable() for letter in value):
        raise UnfitError(f"{shown(value)} isn't a sentence on one line", "Write one short sentence.")
    return value


def _stable_port(value: str) -> str:
    _path(value)
    if re.search(r"(^|/)ttyU?(USB|ACM)\d+$", value):
        raise UnfitError(
            f"{value} can be another device after a reboot", "Use its name below /dev/serial/by-id/ instead."
        )
    return value


def _unit(value: int) -> int:
    if value == 0:
        raise UnfitError(
            "0 is a broadcast, which every station would obey", "Use the PLC's number, 1 to 247."
        )
    if not 1 <= value <= 247:
        raise UnfitError(f"{value} is no Modbus station", "Use the PLC's number, 1 to 247.")
    return value


def _owner(value: str) -> str:
    if value not in ROLES:
        raise UnfitError(f"{shown(value)} isn't a role", near(value, ROLES))
    return value


def _control(value: str) -> str:
    if not re.fullmatch(r"A\.([2-9]|10)\.[1-9]\d?(\.[1-9]\d?)?", value, re.ASCII):
        raise UnfitError(
            f"{shown(value)} isn't a control of ISO/IEC 42001 Annex A", "Write its number, such as A.6.2.6."
        )
    return value


def _broker_url(value: str) -> str:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    if url.scheme in {"mqtts", "ssl", "tls", "ws", "wss"}:
        raise UnfitError(
            f"{url.scheme}:// isn't spoken by this version", "Use mqtt://host:port on a trusted network."
        )
    if url.username or url.password:
        raise UnfitError(
            "a name or password in the address ends up in logs", "Use username and password_file."
        )
    if url.scheme != "mqtt" or not url.hostname or url.path not in {"", "/"} or url.query or port == 0:
        raise UnfitError(
            f"{shown(value)} isn't a broker's address", "Write mqtt://host:port, such as mqtt://aims:1883."
        )
    return value


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not re.fullmatch(r"[0-9A-Za-z.:\[\]-]+", host) or not re.fullmatch(r"[0-9]{1,5}", port):
        raise UnfitError(
            f"{shown(value)} isn't an address to listen on", "Write host:port, such as 127.0.0.1:9464."
        )
    if not 1 <= int(port) <= 65_535:
        raise UnfitError(f"{port} is no port", "Use 1 to 65535.")
    return value


def _roi(value: list[int]) -> list[int]:
    if len(value) != 4 or value[0] < 0 or value[1] < 0 or value[2] < 1 or value[3] < 1:
        raise UnfitError("isn't a region", "Write [x, y, width, height] in pixels.")
    return value


Name = Annotated[str, AfterValidator(_name), MayBe("name: letters, digits, `-`, `_`, `.`, at most 63")]
FilePath = Annotated[str, AfterValidator(_path), MayBe("path")]
Sentence = Annotated[
    str, Field(max_length=160), AfterValidator(_sentence), MayBe("sentence, at most 160 characters")
]


class Settings(BaseModel):
    """Strict: an unknown setting or a value of another type is a fault."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ModelSettings(Settings):
    """An AI model that is watched."""

    id: Name = Field(
        description="Name of the model on this device; the application gives the same to the tap."
    )
    bundle: FilePath = Field(
        description="Folder with model and manifest.yaml, relative to this file, or the name of a shipped bundle."
    )
    mode: Literal["none", "observe", "enforce"] = Field(
        description="none: no PLC, alarms and evidence only; observe: the PLC is connected and never gets a permissive; "
        "enforce: the machine runs only while the model can be trusted."
    )
    drives: Literal["nothing", "reject", "robot"] = Field(
        default="nothing", description="What the application itself moves with this model's answers."
    )
    longest_interval: Annotated[float, Duration("20 ms", "1 h")] = Field(
        default=1.0, description="Longest time between two inferences while the machine makes parts."
    )
    every: int = Field(default=1, ge=1, le=1_000_000, description="Copy the input of every n-th inference.")
    roi: Annotated[list[int], AfterValidator(_roi), MayBe("[x, y, width, height]")] | None = Field(
        default=None, description="Part of the picture that is measured: [x, y, width, height] in pixels."
    )
    records_per_s: float | None = Field(
        default=None, gt=0, le=10_000, allow_inf_nan=False,
        description="Inferences a second while the line runs; without it the baseline's own rate is taken.",
    )  # fmt: skip
    records_per_part: int = Field(default=1, ge=1, le=10_000, description="Inferences for one part.")


class PlcSettings(Settings):
    """The serial line to the PLC. Its beat and time limits are computed from these."""

    port: Annotated[str, AfterValidator(_stable_port), MayBe("path")] = Field(
        description="Serial port by its stable name (/dev/serial/by-id/…), or a pseudo-terminal."
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200] = Field(default=19200, description="Bits a second.")
    parity: Literal["E", "O", "N"] = Field(
        default="E", description="Even, odd or none (then with two stop bits)."
    )
    unit: Annotated[int, AfterValidator(_unit), MayBe("whole number, 1 to 247")] = Field(
        default=1, description="Modbus station of the PLC, 1 to 247; 0 is refused."
    )
    echo: bool = Field(default=False, description="True where a two-wire adapter hears what it sends.")
    plc_answer: Annotated[float, Duration("1 ms", "500 ms")] = Field(
        default=0.020, description="Longest time that the PLC takes to begin its answer."
    )
    scan: Annotated[float, Duration("1 ms", "200 ms")] = Field(
        default=0.010, description="Longest scan of the PLC."
    )
    relay: Annotated[float, Duration("1 ms", "500 ms")] = Field(
        default=0.015, description="Time that the output relay takes to drop."
    )
    jitter: Annotated[float, Duration("1 ms", "200 ms")] = Field(
        default=0.020,
        description="How late this device may wake up; 70 ms where no real-time priority is allowed.",
    )
    lost_beats: int = Field(
        default=2, ge=1, le=5, description="Beats in a row that may be lost before the PLC drops."
    )
    beat: Annotated[float, Duration("10 ms", "1 s")] | None = Field(
        default=None,
        description="Time between two beats; the shortest that the line allows where it is left out.",
    )


class ProvingSettings(Settings):
    """Limits of a proving run: a few parts made without the model, to see whether the cause is gone."""

    parts: int = Field(
        default=50, ge=1, le=10_000, description="Parts in one run, all counted as not inspected."
    )
    minutes: float = Field(
        default=10.0, gt=0, le=30, allow_inf_nan=False, description="Longest run, in minutes."
    )


class TimeSettings(Settings):
    """Time limits of the interlock. None may be 0."""

    no_data: Annotated[float, Duration("250 ms", "10 s")] = Field(
        default=0.5, description="Silence of tap or monitor after which there is no data."
    )
    no_record: Annotated[float, Duration("500 ms", "60 s")] = Field(
        default=2.0, description="Time without a working record after which there is no record."
    )
    arming: Annotated[float, Duration("1 s", "1 h")] = Field(
        default=120.0, description="Time to arm after a start before an alarm says what is missing."
    )
    offer: Annotated[float, Duration("1 s", "10 min")] = Field(
        default=600.0, description="How long a reset may be pressed after the acknowledgement."
    )
    override: Annotated[float, Duration("1 s", "8 h")] = Field(
        default=900.0, description="Longest time under the override key, one shift at most."
    )
    override_repeat: Annotated[float, Duration("1 s", "1 h")] = Field(
        default=300.0, description="How often the override alarm sounds again."
    )


class InterlockSettings(Settings):
    """What the interlock does, and what it asks of people."""

    no_record: Literal["hold", "fallback"] = Field(
        default="hold", description="Response when nothing can be recorded: no evidence, no autonomy."
    )
    fallback: Sentence | None = Field(
        default=None,
        description="The plant's own way of making parts without the model; without it FALLBACK is HOLD.",
    )
    judgement_valid: Annotated[float, Duration("1 min", "30 days")] = Field(
        default=86_400.0, description="How old a judgement on drift may be when a reset is asked for."
    )
    proving: ProvingSettings = Field(default_factory=ProvingSettings, description="Limits of a proving run.")
    times: TimeSettings = Field(default_factory=TimeSettings, description="Time limits.")


class BrokerSettings(Settings):
    """The MQTT broker of the management system."""

    url: Annotated[str, AfterValidator(_broker_url), MayBe("`mqtt://host:port`")] = Field(
        description="mqtt://host:port; the port is 1883 if left out."
    )
    username: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Name at the broker."
    )
    password_file: FilePath | None = Field(
        default=None, description="File with the password on its first line, readable by the steward only."
    )
    keepalive: Annotated[float, Duration("5 s", "10 min")] = Field(
        default=30.0, description="How soon a dead connection is noticed."
    )


class MetricsSettings(Settings):
    """Counters for Prometheus."""

    listen: Annotated[str, AfterValidator(_listen), MayBe("`host:port`")] = Field(
        default="127.0.0.1:9464", description="Address and port that the steward listens on."
    )


class HostSettings(Settings):
    """Run a bundle here, where no application of the plant's own runs it."""

    model: Name | None = Field(default=None, description="Which model; may be left out where there is one.")
    source: FilePath = Field(description="`renderer` for the built-in pictures, or a folder of pictures.")
    trigger: FilePath | None = Field(
        default=None, description="Where one line a part comes from: the PLC's panel."
    )
    camera: FilePath | None = Field(
        default=None, description="JSON file with the renderer's knobs, read when it changes."
    )
    seed: int = Field(default=1, ge=0, le=2**32 - 1, description="Start of the renderer's random numbers.")
    rate: Annotated[float, Rate(0.01, 1000)] = Field(
        default=10.0, description="Inferences a second without a trigger."
    )


class RiskSettings(Settings):
    """One row of the risk register: what may go wrong, how it is seen, what is done, who owns it."""

    id: Name = Field(description="Number of the row in the management system.")
    risk: Sentence = Field(description="What may go wrong, in a few words.")
    model: Name = Field(description="The model whose conditions are meant.")
    when: Annotated[str, Field(min_length=1), MayBe("conditions, see below")] = Field(
        description="Conditions joined by `or` and `and`, such as `drift(input) or invalid output`."
    )
    false_alarms: Annotated[Budget, BudgetField()] | None = Field(
        default=None,
        description="The budget of a drift detector, such as `1 per 90 days` or `1 per 10000 records`.",
    )
    response: Literal["observe", "advise", "fallback", "hold", "lockout"] = Field(
        description="What the interlock does: observe < advise < fallback < hold < lockout."
    )
    priority: Literal["low", "medium", "high"] | None = Field(
        default=None, description="Of the alarm; by the response where it is left out."
    )
    owner: Annotated[
        str, AfterValidator(_owner), MayBe("one of " + ", ".join(f"`{role}`" for role in ROLES))
    ] = Field(description="The role that owns this risk.")
    controls: Annotated[
        list[Annotated[str, AfterValidator(_control)]], MayBe("list of `A.x.y` or `A.x.y.z`")
    ] = Field(
        default=[], description="Controls of ISO/IEC 42001 Annex A that this row serves, such as A.6.2.6."
    )
    text: Sentence | None = Field(default=None, description="The sentence that the operator reads.")
    remedy: Sentence | None = Field(default=None, description="What the operator does first.")
    on_delay: Annotated[float, Duration("1 ms", "10 min")] | None = Field(
        default=None, description="How long the conditions must hold first; at once where it is left out."
    )


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
    broker: BrokerSettings | None = Field(
        default=None, description="The MQTT broker; left out: nothing is sent."
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
