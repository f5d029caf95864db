"""From the PLC's settings to the times of the link, and the table that shows how each comes about."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.errors import LinkError
from jidoka_bridge.link import times as link_times
from jidoka_bridge.link.times import LinkTimes
from jidoka_bridge.plan import Link

from jidoka.config.schema import PlcSettings

#: block A holds the hold time in one byte of 10 ms
LONGEST_HOLD_MS = 2550


class Term(NamedTuple):
    """One row of the table. sum: the terms that it comes from, or the setting that gives it."""

    name: str
    value_ms: float
    sum: str


@dataclass(frozen=True)
class Table:
    """Times of one link. link: as the plan has it; times: what that promises; least: what the line needs."""

    link: Link
    times: LinkTimes
    least: LinkTimes
    answer_ms: float

    @property
    def silent_ms(self) -> int:
        """From the agent's last beat until the output is off, at worst."""
        return math.ceil(self.times.silent_ms)

    @property
    def withdraw_ms(self) -> int:
        """From the guard's decision until the output is off, at worst."""
        return math.ceil(self.times.withdraw_ms)

    def terms(self) -> tuple[Term, ...]:
        """Every time with its terms, in the order in which they build on each other."""
        link, times, least = self.link, self.times, self.least
        lost = f"{link.lost_beats + 1} beats ({link.lost_beats} lost)"
        return (
            Term("request on the wire", times.request_ms, "FC23 with block A, 11 bits a character"),
            Term("reply on the wire", times.reply_ms, "block B"),
            Term("gap between frames", times.gap_ms, "3.5 characters, 1.75 ms above 19200 baud"),
            Term("PLC begins its answer", self.answer_ms, "plc_answer"),
            Term(
                "reply time-out",
                link.reply_timeout_ms,
                f"answer + reply + {link_times.MARGIN_MS:g} ms, rounded down",
            ),
            Term("shortest beat", least.beat_ms, "request + reply time-out + 2 gaps, up to whole 5 ms"),
            Term("beat", link.beat_ms, f"{times.rate_hz:.1f} a second"),
            Term(
                "hold time W",
                link.hold_ms,
                f"{lost} + jitter {link.jitter_ms} + scan {link.scan_ms} + 1 beat (stamp)",
            ),
            Term(
                "silent agent, output off",
                times.silent_ms,
                f"W + scan {link.scan_ms} + relay {link.relay_ms}",
            ),
            Term(
                "withdrawal, output off",
                times.withdraw_ms,
                f"beat + request + 2 scans + relay {link.relay_ms}",
            ),
        )

    def lines(self) -> list[str]:
        """The table as people read it."""
        return [f"  {each.name:<26}{each.value_ms:>7.1f} ms   {each.sum}" for each in self.terms()]


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
    )
    answer_ms = plc.plc_answer * 1000
    least = link_times.needed(bare, answer_ms=answer_ms)
    beat_ms = math.ceil(least.beat_ms) if plc.beat is None else _whole_ms(plc.beat)
    if beat_ms < least.beat_ms:
        raise LinkError(
            f"{beat_ms} ms is too short: at {plc.baud} baud a beat takes {least.beat_ms:g} ms",
            f"Use {least.beat_ms:g} ms or more, or a higher baud rate.",
        )
    hold_ms = _hold_ms(bare, beat_ms)
    if hold_ms > LONGEST_HOLD_MS:
        raise LinkError(
            f"a hold time of {hold_ms} ms doesn't fit the frame, {LONGEST_HOLD_MS} ms are the most",
            "Use a shorter beat, fewer lost_beats or a higher baud rate.",
        )
    # rounded down, so that a beat whose answer is lost still ends before the next one
    timeout_ms = math.floor(least.reply_timeout_ms)
    link = dataclasses.replace(bare, beat_ms=beat_ms, reply_timeout_ms=timeout_ms, hold_ms=hold_ms)
    return Table(link, link_times.as_set(link), least, answer_ms)


def link_of(plc: PlcSettings, port: str | None = None) -> Link:
    """The plan's link. Raises LinkError as table_of does."""
    return table_of(plc, port).link


def _hold_ms(link: Link, beat_ms: int) -> int:
    """W for a beat that may be slower than the shortest, by the formula of link_times.needed."""
    arrival_ms = (link.lost_beats + 1) * beat_ms + link.jitter_ms + link.scan_ms
    return 10 * math.ceil(arrival_ms / 10) + beat_ms


def _whole_ms(value_s: float) -> int:
    return max(1, math.ceil(round(value_s * 1000, 6)))
