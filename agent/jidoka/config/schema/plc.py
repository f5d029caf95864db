"""`plc:`: the serial line to the PLC."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError
from jidoka.config.quantities import Duration
from jidoka.config.schema.base import MayBe, Settings, path_text


def _stable_port(value: str) -> str:
    path_text(value)
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
