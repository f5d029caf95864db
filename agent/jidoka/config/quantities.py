"""Quantities as engineers write them: `500 ms`, `15 min`, `1 per 90 days`, `10 per s`; never a bare number."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from jidoka.config.faults import UnfitError, shown

#: unit as written -> seconds
SECONDS: dict[str, float] = {
    "us": 1e-6,
    "ms": 0.001,
    "s": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "minute": 60.0,
    "minutes": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "hours": 3600.0,
    "d": 86_400.0,
    "day": 86_400.0,
    "days": 86_400.0,
    "week": 604_800.0,
    "weeks": 604_800.0,
    "year": 31_536_000.0,
    "years": 31_536_000.0,
}

#: unit as written -> bytes
BYTES: dict[str, int] = {
    "B": 1,
    "kB": 1000,
    "MB": 1_000_000,
    "GB": 1_000_000_000,
    "KiB": 1024,
    "MiB": 1_048_576,
}

_NUMBER = r"(\d[\d_]{0,15}(?:\.\d{1,9})?)"
_DURATION = re.compile(rf"\s*{_NUMBER}\s*([A-Za-z]+)\s*", re.ASCII)
_BUDGET = re.compile(rf"\s*{_NUMBER}\s+per\s+(?:{_NUMBER}\s*)?([A-Za-z]+)\s*", re.ASCII)
_SHARE = re.compile(rf"\s*{_NUMBER}\s*%\s*", re.ASCII)
_HERTZ = re.compile(rf"\s*{_NUMBER}\s*Hz\s*", re.ASCII)

_BYTES = re.compile(rf"\s*{_NUMBER}\s*([A-Za-z]+)\s*", re.ASCII)
_SPEED = re.compile(rf"\s*{_NUMBER}\s*(mm/s|m/s|m/min)\s*", re.ASCII)
#: unit as written -> mm/s
SPEEDS: dict[str, float] = {"mm/s": 1.0, "m/s": 1000.0, "m/min": 1000 / 60}

_TIME_UNITS = "ms, s, min, h or days"


def seconds(text: str) -> float:
    """A duration in seconds: `500 ms` is 0.5. Raises UnfitError."""
    match = _DURATION.fullmatch(text)
    if match is None or match[2] not in SECONDS:
        raise UnfitError(
            f"{shown(text)} isn't a duration", f"Write a number and a unit ({_TIME_UNITS}), such as 500 ms."
        )
    return _number(match[1]) * SECONDS[match[2]]


def duration_text(value_s: float) -> str:
    """A duration as people write it: 0.5 is `500 ms`, 900 is `15 min`."""
    for unit in ("days", "h", "min", "s"):
        fewest = 2 if unit == "days" else 1  # 24 h rather than 1 days
        if value_s >= fewest * SECONDS[unit] and math.isclose(value_s % SECONDS[unit], 0, abs_tol=1e-9):
            return f"{value_s / SECONDS[unit]:.12g} {unit}"
    return f"{value_s:.12g} s" if value_s >= 1 else f"{value_s * 1000:.12g} ms"


@dataclass(frozen=True)
class Duration:
    """Marks a field as a duration, held in seconds. lowest, highest: the limits, as written."""

    lowest: str
    highest: str

    def read(self, value: Any) -> float:
        """The duration in seconds. Raises UnfitError for another shape, 0, or one outside the limits."""
        if not isinstance(value, str):
            example = f"{value} ms or {value} s" if _is_number(value) else "500 ms"
            problem = (
                f"{shown(value)} has no unit" if _is_number(value) else f"{shown(value)} isn't a duration"
            )
            raise UnfitError(problem, f"Write a number and a unit, such as {example}.")
        length_s = seconds(value)
        if length_s == 0:
            raise UnfitError(
                f"{shown(value)} is no time: 0 never means 'never'", f"Use {self.lowest} to {self.highest}."
            )
        if not seconds(self.lowest) <= length_s <= seconds(self.highest):
            side = "short" if length_s < seconds(self.lowest) else "long"
            raise UnfitError(f"{shown(value)} is too {side}", f"Use {self.lowest} to {self.highest}.")
        return length_s

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Budget:
    """So many false alarms per time, records or parts. unit: s, records or parts."""

    count: int
    per: float
    unit: str

    def __str__(self) -> str:
        span = duration_text(self.per) if self.unit == "s" else f"{self.per:.12g} {self.unit}"
        return f"{self.count} per {span}"


def budget(text: str) -> Budget:
    """`1 per 90 days` or `1 per 10000 records` as a Budget. Raises UnfitError."""
    match = _BUDGET.fullmatch(text)
    known = {"record": "records", "records": "records", "part": "parts", "parts": "parts"}
    if match is None or match[3] not in {*known, *SECONDS}:
        raise UnfitError(
            f"{shown(text)} isn't a budget", "Write one such as `1 per 90 days` or `1 per 10000 records`."
        )
    count, span = _number(match[1]), _number(match[2] or "1")
    if count != int(count) or not 1 <= count <= 1000:
        raise UnfitError(f"{shown(text)}: {match[1]} alarms is no count", "Use 1 to 1000 whole alarms.")
    if match[3] in known:
        if span != int(span) or span / count < 10:
            raise UnfitError(
                f"{shown(text)} is more than one false alarm in 10 {known[match[3]]}",
                "Allow fewer: such as 1 per 10000 records.",
            )
        return Budget(int(count), span, known[match[3]])
    length_s = span * SECONDS[match[3]]
    if length_s / count < 60:
        raise UnfitError(
            f"{shown(text)} is more than one false alarm a minute", "Allow fewer: such as 1 per 90 days."
        )
    if length_s / count > 100 * SECONDS["years"]:
        raise UnfitError(
            f"{shown(text)} is beyond 100 years", "Allow a false alarm sooner: no data can show that."
        )
    return Budget(int(count), length_s, "s")


@dataclass(frozen=True)
class BudgetField:
    """Marks a field as a false-alarm budget."""

    def read(self, value: Any) -> Budget:
        """The budget. Raises UnfitError."""
        if isinstance(value, Budget):
            return value
        return budget(value if isinstance(value, str) else str(shown(value)))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Bytes:
    """Marks a field as a size, held in bytes. lowest, highest: the limits, as written."""

    lowest: str
    highest: str

    def read(self, value: Any) -> int:
        """The size in bytes: `8 MB` is 8 000 000, `8 MiB` is 8 388 608. Raises UnfitError."""
        if _is_number(value):
            raise UnfitError(
                f"{shown(value)} has no unit", f"Write a number and a unit ({', '.join(BYTES)})."
            )
        size = size_bytes(value if isinstance(value, str) else str(shown(value)))
        if not size_bytes(self.lowest) <= size <= size_bytes(self.highest):
            side = "small" if size < size_bytes(self.lowest) else "large"
            raise UnfitError(f"{shown(value)} is too {side}", f"Use {self.lowest} to {self.highest}.")
        return size

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


def size_bytes(text: str) -> int:
    """A size in bytes: `64 kB` is 64 000. Raises UnfitError."""
    match = _BYTES.fullmatch(text)
    if match is None or match[2] not in BYTES:
        raise UnfitError(
            f"{shown(text)} isn't a size", f"Write a number and a unit ({', '.join(BYTES)}), such as 8 MB."
        )
    return round(_number(match[1]) * BYTES[match[2]])


def size_text(value_bytes: int) -> str:
    """A size as people write it: 8 000 000 is `8 MB`, 65 536 is `64 KiB`."""
    for unit in sorted(BYTES, key=lambda each: -BYTES[each]):
        if value_bytes >= BYTES[unit] and value_bytes % BYTES[unit] == 0:
            return f"{value_bytes // BYTES[unit]} {unit}"
    return f"{value_bytes} B"


@dataclass(frozen=True)
class Share:
    """Marks a field as a share, held as a number from 0 to 1. lowest, highest: the limits, as written."""

    lowest: str
    highest: str

    def read(self, value: Any) -> float:
        """The share: `0.5 %` is 0.005. Raises UnfitError."""
        match = _SHARE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise UnfitError(f"{shown(value)} isn't a share", "Write a number and %, such as 0.5 %.")
        share = _number(match[1]) / 100
        if not _number(self.lowest.rstrip(" %")) <= 100 * share <= _number(self.highest.rstrip(" %")):
            raise UnfitError(f"{shown(value)} is out of range", f"Use {self.lowest} to {self.highest}.")
        return share

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Rate:
    """Marks a field as a rate, held in hertz. lowest_hz, highest_hz: the limits."""

    lowest_hz: float
    highest_hz: float

    def read(self, value: Any) -> float:
        """The rate in Hz: `10 per s`, `600 per min` and `10 Hz` are the same. Raises UnfitError."""
        text = value if isinstance(value, str) else ""
        hertz, match = _HERTZ.fullmatch(text), _BUDGET.fullmatch(text)
        if hertz is not None:
            rate_hz = _number(hertz[1])
        elif match is not None and match[3] in SECONDS and _number(match[2] or "1") > 0:
            rate_hz = _number(match[1]) / (_number(match[2] or "1") * SECONDS[match[3]])
        else:
            raise UnfitError(f"{shown(value)} isn't a rate", "Write one such as `10 per s` or `600 per min`.")
        if not self.lowest_hz <= rate_hz <= self.highest_hz:
            side = "low" if rate_hz < self.lowest_hz else "high"
            raise UnfitError(
                f"{shown(value)} is too {side}", f"Use {self.lowest_hz:g} per s to {self.highest_hz:g} per s."
            )
        return rate_hz

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Speed:
    """Marks a field as a speed, held in mm/s. lowest_mm_s, highest_mm_s: the limits."""

    lowest_mm_s: float
    highest_mm_s: float

    def read(self, value: Any) -> float:
        """The speed in mm/s: `250 mm/s`, `0.25 m/s` and `15 m/min` are the same. Raises UnfitError."""
        match = _SPEED.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            raise UnfitError(
                f"{shown(value)} isn't a speed", "Write one such as 250 mm/s, 0.25 m/s or 15 m/min."
            )
        speed = _number(match[1]) * SPEEDS[match[2]]
        if not self.lowest_mm_s <= speed <= self.highest_mm_s:
            side = "low" if speed < self.lowest_mm_s else "high"
            raise UnfitError(
                f"{shown(value)} is too {side}",
                f"Use {self.lowest_mm_s:g} mm/s to {self.highest_mm_s:g} mm/s.",
            )
        return speed

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.read)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> float:
    return float(text.replace("_", ""))
