"""From the PLC's settings to the link of the plan and what its times promise."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link import times as link_times
from jidoka_bridge.link.times import LinkTimes
from jidoka_bridge.plan import Link

from jidoka.config.schema import PlcSettings

#: block A holds the hold time in one byte of 10 ms
LONGEST_HOLD_MS = 2550


@dataclass(frozen=True)
class Table:
    """Times of one link. link: as the plan has it; times: what that promises; beat_ms: as set, None = the shortest."""

    link: Link
    times: LinkTimes
    answer_ms: float
    beat_ms: float | None = None

    @property
    def silent_ms(self) -> int:
        """From the agent's last beat until the output is off, at worst."""
        return math.ceil(self.times.silent_ms)

    @property
    def withdraw_ms(self) -> int:
        """From the guard's decision until the output is off, at worst."""
        return math.ceil(self.times.withdraw_ms)


def table_of(plc: PlcSettings, port: str | None = None) -> Table:
    """The link and its times; `port` replaces the one as written (made absolute).

    Raises LinkError if the beat is too short for the baud rate, or the hold time too long for the frame.
    """
    bare = Link(
        port=port or plc.port,
        baud=plc.baud,
        parity=plc.parity,
        unit=plc.unit,
        echo=plc.echo,
        lost_beats=plc.lost_beats,
        jitter_ms=_whole_ms(plc.jitter),
        scan_ms=_whole_ms(plc.scan),
        relay_ms=_whole_ms(plc.relay),
        transport=plc.transport,
        function=plc.function,
        rs485=plc.rs485,
        rs485_before_ms=0 if plc.rs485_before is None else _whole_ms(plc.rs485_before),
        rs485_after_ms=0 if plc.rs485_after is None else _whole_ms(plc.rs485_after),
    )
    is_tcp = plc.transport == "modbus-tcp"
    answer_ms = plc.plc_answer * 1000
    least = link_times.needed(bare, answer_ms=answer_ms)
    beat_ms = math.ceil(least.beat_ms) if plc.beat is None else _whole_ms(plc.beat)
    if beat_ms < least.beat_ms:
        raise LinkError(
            f"{beat_ms} ms is too short: {_way(bare)} a beat takes {least.beat_ms:g} ms",
            f"Use {least.beat_ms:g} ms or more{'' if is_tcp else ', or a higher baud rate'}.",
        )
    hold_ms = hold_ms_of(bare, beat_ms)
    if hold_ms > LONGEST_HOLD_MS:
        raise LinkError(
            f"a hold time of {hold_ms} ms doesn't fit the frame, {LONGEST_HOLD_MS} ms are the most",
            "Use a shorter beat, fewer lost_beats or a higher baud rate.",
        )
    # rounded down, so that a beat whose answer is lost still ends before the next one
    timeout_ms = math.floor(least.reply_timeout_ms)
    link = dataclasses.replace(bare, beat_ms=beat_ms, reply_timeout_ms=timeout_ms, hold_ms=hold_ms)
    return Table(link, link_times.as_set(link), answer_ms, None if plc.beat is None else float(beat_ms))


def link_of(plc: PlcSettings, port: str | None = None) -> Link:
    """The plan's link. Raises LinkError as table_of does."""
    return table_of(plc, port).link


def _way(link: Link) -> str:
    return "over Modbus TCP" if link.transport == "modbus-tcp" else f"at {link.baud} baud"


def hold_ms_of(link: Link, beat_ms: int) -> int:
    """W for a beat that may be slower than the shortest, by the formula of link_times.needed."""
    arrival_ms = (link.lost_beats + 1) * beat_ms + link.jitter_ms + link.scan_ms
    return 10 * math.ceil(arrival_ms / 10) + beat_ms


def _whole_ms(value_s: float) -> int:
    return max(1, math.ceil(round(value_s * 1000, 6)))
