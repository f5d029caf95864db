"""From what a condition says to what its alarm takes for true: on-delay, off-delay, dead band, the chatter rule. Pure.

The trip class never comes through here: nothing may delay it. For the others a delay that keeps an alarm active is
cheap and one that keeps it from coming is dear, so chatter lengthens the off-delay by much and the on-delay by little.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from jidoka.alarms.definition import HOUR_NS, MINUTE_NS, SECOND_NS, Definition


class ChatterRule(NamedTuple):
    """Declared lengthening: `strikes` within `window_ns` → at least these delays, until it was quiet for `quiet_ns`."""

    strikes: int
    window_ns: int
    on_delay_ns: int
    off_delay_ns: int
    quiet_ns: int


#: the first row is ISA-18.2's chatter (3 a minute), the second what comes again and again more slowly
CHATTER: tuple[ChatterRule, ...] = (
    ChatterRule(3, MINUTE_NS, 5 * SECOND_NS, 5 * MINUTE_NS, 15 * MINUTE_NS),
    ChatterRule(6, HOUR_NS, 10 * SECOND_NS, HOUR_NS, 3 * HOUR_NS),
)
MOST_STRIKES = max(rule.strikes for rule in CHATTER)


class Past(NamedTuple):
    """How often a condition came, as it stands in the record. strikes_ns, rows: as of `Signal`."""

    strikes_ns: tuple[int, ...] = ()
    rows: tuple[bool, ...] = (False,) * len(CHATTER)


NO_PAST = Past()


@dataclass(frozen=True)
class Signal:
    """A condition with its past. raw: as last read; raw_ns: since when; is_true: after the delays; strikes: times at
    which it came, the latest last; rows: which rows of CHATTER hold."""

    raw: bool = False
    raw_ns: int = 0
    is_true: bool = False
    strikes: tuple[int, ...] = ()
    rows: tuple[bool, ...] = (False,) * len(CHATTER)

    @property
    def is_chattering(self) -> bool:
        return True in self.rows

    def delay_ns(self, definition: Definition) -> int:
        """How long the reading must last before the alarm follows. What happens rather than lasts would never last for a
        lengthened delay: it comes as often as it happens."""
        own_ns = definition.on_delay_ns if self.raw else definition.off_delay_ns
        if definition.is_event:
            return own_ns
        lengthened = [
            rule.on_delay_ns if self.raw else rule.off_delay_ns
            for rule, holds in zip(CHATTER, self.rows, strict=True)
            if holds
        ]
        return max([own_ns, *lengthened])


def read(signal: Signal, is_on: bool, now_ns: int) -> Signal:
    """A reading; a rise counts as a strike."""
    if is_on == signal.raw:
        return signal
    if is_on:
        signal = replace(signal, strikes=(*signal.strikes, now_ns)[-MOST_STRIKES:])
    return _judged(replace(signal, raw=is_on, raw_ns=now_ns), now_ns)


def settle(signal: Signal, definition: Definition, now_ns: int) -> Signal:
    """What time makes of it: the delay is over, or it was quiet long enough to be trusted again."""
    if signal.raw == signal.is_true and not signal.is_chattering:
        return signal  # as nearly always: time changes nothing
    signal = _judged(signal, now_ns)
    if signal.raw != signal.is_true and now_ns - signal.raw_ns >= signal.delay_ns(definition):
        return replace(signal, is_true=signal.raw)
    return signal


def within_dead_band(definition: Definition, value: float, limit: float) -> bool:
    """True while a value that fell below its limit is still too near to it to count as gone."""
    return value > limit - abs(limit) * definition.dead_band


def _judged(signal: Signal, now_ns: int) -> Signal:
    """Which rows of the chatter rule hold now."""
    rows = tuple(
        _holds(rule, signal.strikes, was_on, now_ns)
        for rule, was_on in zip(CHATTER, signal.rows, strict=True)
    )
    return signal if rows == signal.rows else replace(signal, rows=rows)


def _holds(rule: ChatterRule, strikes: tuple[int, ...], was_on: bool, now_ns: int) -> bool:
    if was_on:
        return now_ns - strikes[-1] < rule.quiet_ns
    recent = sum(now_ns - strike < rule.window_ns for strike in strikes)
    return recent >= rule.strikes
