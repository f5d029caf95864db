"""How long a permissive may outlive its reason: the formulas that a site's beat, hold and stopping times come from.

All times are ms on the worst path; a character has 11 bits (8E1, 8O1, 8N2). The hold time W is rounded up to whole
10 ms before the beat that the stamp costs is added; block A carries it in 10 ms, rounded down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jidoka_bridge import registers
from jidoka_bridge.plan import Link

CHARACTER_BITS = 11
PLC_ANSWER_MS = 20.0
#: between the last bit of a reply and the program that takes it
MARGIN_MS = 5.0
#: what our own end needs between two beats
HOST_MS = 2.0
REQUEST_BYTES = 13 + 2 * registers.A.words


@dataclass(frozen=True)
class LinkTimes:
    """One line of the table. hold_ms: W; withdraw_ms: R_cmd; silent_ms: R_dead."""

    request_ms: float
    reply_ms: float
    gap_ms: float
    reply_timeout_ms: float
    beat_ms: float
    hold_ms: float
    withdraw_ms: float
    silent_ms: float
    rate_hz: float

    @property
    def wire_ms(self) -> float:
        """Both ways on the wire, with the two gaps."""
        return self.request_ms + self.reply_ms + 2 * self.gap_ms


def character_ms(baud: int) -> float:
    """One character on the wire."""
    return CHARACTER_BITS * 1000 / baud


def gap_ms(baud: int) -> float:
    """Silence between frames: 3.5 characters, above 19200 baud a fixed 1.75 ms (MODBUS over Serial Line 2.5.1.1)."""
    return 3.5 * character_ms(baud) if baud <= 19200 else 1.75


def needed(
    link: Link,
    *,
    reply_words: int = registers.B.words,
    is_stamped: bool = True,
    answer_ms: float = PLC_ANSWER_MS,
    before_ms: float = 0.0,
) -> LinkTimes:
    """The shortest times that this line allows; the link's own beat_ms, reply_timeout_ms and hold_ms aren't used.

    answer_ms: the PLC's, from the request's last bit to the reply's first; before_ms: frame, verdict and local
    message before the guard knows, which a commanded withdrawal adds.
    """
    request_ms = REQUEST_BYTES * character_ms(link.baud)
    reply_ms = (5 + 2 * reply_words) * character_ms(link.baud)
    gap = gap_ms(link.baud)
    timeout_ms = reply_ms + answer_ms + MARGIN_MS
    transaction_ms = request_ms + timeout_ms + 2 * gap
    beat_ms = 5.0 * math.ceil(transaction_ms / 5)
    arrival_ms = (link.lost_beats + 1) * beat_ms + link.jitter_ms + link.scan_ms
    hold_ms = 10.0 * math.ceil(arrival_ms / 10) + (beat_ms if is_stamped else 0.0)
    return LinkTimes(
        request_ms,
        reply_ms,
        gap,
        timeout_ms,
        beat_ms,
        hold_ms,
        before_ms + transaction_ms + request_ms + 2 * link.scan_ms + link.relay_ms,
        hold_ms + link.scan_ms + link.relay_ms,
        1000 / (request_ms + reply_ms + 2 * gap + answer_ms + HOST_MS),
    )


def as_set(link: Link, *, before_ms: float = 0.0) -> LinkTimes:
    """The times of this link as the plan sets it: what to promise, and what to hold a measurement against."""
    least = needed(link)
    transaction_ms = least.request_ms + link.reply_timeout_ms + 2 * least.gap_ms
    return LinkTimes(
        least.request_ms,
        least.reply_ms,
        least.gap_ms,
        link.reply_timeout_ms,
        link.beat_ms,
        link.hold_ms,
        # a withdrawal waits for its beat where the exchange is shorter than the beat
        before_ms + max(transaction_ms, link.beat_ms) + least.request_ms + 2 * link.scan_ms + link.relay_ms,
        link.hold_ms + link.scan_ms + link.relay_ms,
        1000 / link.beat_ms,
    )


def with_dead_source(times: LinkTimes, verdict_max_ms: float) -> float:
    """From the death of a source of verdicts until the output is off: the guard notices, then stops renewing."""
    return verdict_max_ms + times.silent_ms
