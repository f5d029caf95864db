"""`plc:`: the serial line to the PLC."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from jidoka_bridge.link.tcp_port import address_of
from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError
from jidoka.config.quantities import Duration, Rate, Speed
from jidoka.config.schema.base import MayBe, Settings, path_text


def _stable_port(value: str) -> str:
    path_text(value)
    if re.search(r"(^|/)ttyU?(USB|ACM)\d+$", value):
        raise UnfitError(
            f"{value} can be another device after a reboot", "Use its name below /dev/serial/by-id/ instead."
        )
    return value


def is_address(port: str) -> bool:
    """A numeric address of a Modbus TCP server."""
    try:
        address_of(port)
    except ValueError:
        return False
    return True


def _unit(value: int) -> int:
    if value == 0:
        raise UnfitError(
            "0 is a broadcast, which every station would obey", "Use the PLC's number, 1 to 247."
        )
    if not 1 <= value <= 247:
        raise UnfitError(f"{value} is no Modbus station", "Use the PLC's number, 1 to 247.")
    return value


class PlcSettings(Settings):
    """The line to the PLC. Its beat and time limits are computed from these."""

    port: Annotated[str, AfterValidator(_stable_port), MayBe("path, or address:port")] = Field(
        description="Serial port by its stable name (/dev/serial/by-id/…), or a pseudo-terminal; "
        "with `transport: modbus-tcp` the PLC's numeric address, as `192.168.1.10:502`."
    )
    transport: Literal["rtu", "modbus-tcp"] = Field(
        default="rtu",
        description="Modbus RTU on a serial line, or Modbus TCP where the PLC has no serial port free.",
    )
    function: Literal["auto", "16+03"] = Field(
        default="auto",
        description="Function codes of a beat. `auto` uses 23, and 16 and 03 where the PLC refuses it; beat and hold "
        "time are computed for 23 then, so write `16+03` for a PLC that is known to have no 23.",
    )
    baud: Literal[9600, 19200, 38400, 57600, 115200] = Field(default=19200, description="Bits a second.")
    parity: Literal["E", "O", "N"] = Field(
        default="E", description="Even, odd or none (then with two stop bits)."
    )
    unit: Annotated[int, AfterValidator(_unit), MayBe("whole number, 1 to 247")] = Field(
        default=1, description="Modbus station of the PLC, 1 to 247; 0 is refused."
    )
    echo: bool = Field(default=False, description="True where a two-wire adapter hears what it sends.")
    rs485: Literal["adapter", "rts", "rts-low"] = Field(
        default="adapter",
        description="Who switches the direction of a two-wire line: adapter or wiring by themselves; `rts` where "
        "the driver is to raise RTS while it sends, `rts-low` to lower it.",
    )
    rs485_before: Annotated[float, Duration("1 ms", "20 ms")] | None = Field(
        default=None, description="With `rs485: rts`: wait between switching and the first character."
    )
    rs485_after: Annotated[float, Duration("1 ms", "20 ms")] | None = Field(
        default=None, description="With `rs485: rts`: wait between the last character and switching back."
    )
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
    line_speed: Annotated[float, Speed(0.1, 20_000)] | None = Field(
        default=None,
        description="How fast parts or tool move at most; `jidoka plan` prints what a stop costs in mm.",
    )
    part_rate: Annotated[float, Rate(0.0001, 1000)] | None = Field(
        default=None, description="Parts a time at most; `jidoka plan` prints what a stop costs in parts."
    )
