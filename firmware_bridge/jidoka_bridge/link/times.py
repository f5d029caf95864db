"""How long a permissive may outlive its reason: the formulas that a site's beat, hold and stopping times come from.

All times are ms on the worst path; a character has 11 bits (8E1, 8O1, 8N2). The hold time W is rounded up to whole
10 ms before the beat that the stamp costs is added; block A carries it in 10 ms, rounded down. Over Modbus TCP
characters and gaps cost nothing that counts beside the PLC's answer.
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
#: a lost TCP segment comes again after 200 ms at the earliest (Linux, TCP_RTO_MIN): with beats of 50 ms the hold time
#: of two lost beats outlives that
TCP_BEAT_MS = 50.0


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
    wire_ms: float = 0.0


def character_ms(baud: int) -> float:
    """One character on the wire."""
    return CHARACTER_BITS * 1000 / baud


def gap_ms(baud: int) -> float:
    """Silence between frames: 3.5 characters, above 19200 baud a fixed 1.75 ms (MODBUS over Serial Line 2.5.1.1)."""
    return 3.5 * character_ms(baud) if baud <= 19200 else 1.75


@dataclass(frozen=True)
class Pace:
    """What of a link takes time. frames: (bytes of the request, bytes of the reply) of a beat's exchanges in turn."""

    character_ms: float
    gap_ms: float
    frames: tuple[tuple[int, int], ...]

    @property
    def request_ms(self) -> float:
        """The request that carries block A."""
        return self.frames[0][0] * self.character_ms

    @property
    def reply_ms(self) -> float:
        """The reply that carries block B."""
        return self.frames[-1][1] * self.character_ms

    @property
    def wire_ms(self) -> float:
        """All frames of a beat with the gaps around them."""
        return sum((there + back) * self.character_ms + 2 * self.gap_ms for there, back in self.frames)

    def until_reply_ms(self, there: int, back: int, reply_timeout_ms: float) -> float:
        """From the first byte of a request until its reply is given up. there, back: their bytes; the time-out is a beat's last one's."""
        return (there + back - self.frames[-1][1]) * self.character_ms + reply_timeout_ms

    def transaction_ms(self, reply_timeout_ms: float) -> float:
        """A beat whose answers come at the last moment."""
        return sum(self.until_reply_ms(*each, reply_timeout_ms) + 2 * self.gap_ms for each in self.frames)


def pace_of(link: Link, *, reply_words: int = registers.B.words, function: str = "") -> Pace:
    """How this link goes. function: in place of the link's own; "auto" is taken as 23."""
    is_tcp = link.transport == "modbus-tcp"
    reply = 5 + 2 * reply_words
    both = ((9 + 2 * registers.A.words, 8), (8, reply))
    frames = both if (function or link.function) == "16+03" else ((REQUEST_BYTES, reply),)
    return Pace(0.0 if is_tcp else character_ms(link.baud), 0.0 if is_tcp else gap_ms(link.baud), frames)


def needed(
    link: Link,
    *,
    reply_words: int = registers.B.words,
    is_stamped: bool = True,
    answer_ms: float = PLC_ANSWER_MS,
    before_ms: float = 0.0,
    function: str = "",
) -> LinkTimes:
    """The shortest times that this line allows; the link's own beat_ms, reply_timeout_ms and hold_ms aren't used.

    answer_ms: the PLC's, from the request's last bit to the reply's first; before_ms: frame, verdict and local
    message before the guard knows, which a commanded withdrawal adds; function: "23" or "16+03" in place of the link's.
    """
    pace = pace_of(link, reply_words=reply_words, function=function)
    timeout_ms = pace.reply_ms + answer_ms + MARGIN_MS
    transaction_ms = pace.transaction_ms(timeout_ms)
    beat_ms = 5.0 * math.ceil(round(transaction_ms / 5, 9))
    if link.transport == "modbus-tcp":
        beat_ms = max(beat_ms, TCP_BEAT_MS)
    arrival_ms = (link.lost_beats + 1) * beat_ms + link.jitter_ms + link.scan_ms
    hold_ms = 10.0 * math.ceil(arrival_ms / 10) + (beat_ms if is_stamped else 0.0)
    return LinkTimes(
        pace.request_ms,
        pace.reply_ms,
        pace.gap_ms,
        timeout_ms,
        beat_ms,
        hold_ms,
        before_ms + transaction_ms + pace.request_ms + 2 * link.scan_ms + link.relay_ms,
        hold_ms + link.scan_ms + link.relay_ms,
        1000 / (pace.wire_ms + len(pace.frames) * (answer_ms + HOST_MS)),
        pace.wire_ms,
    )


def as_set(link: Link, *, before_ms: float = 0.0, function: str = "") -> LinkTimes:
    """The times of this link as the plan sets it: what to promise, and what to hold a measurement against."""
    pace = pace_of(link, function=function)
    transaction_ms = pace.transaction_ms(link.reply_timeout_ms)
    return LinkTimes(
        pace.request_ms,
        pace.reply_ms,
        pace.gap_ms,
        link.reply_timeout_ms,
        link.beat_ms,
        link.hold_ms,
        # a withdrawal waits for its beat where the exchange is shorter than the beat
        before_ms + max(transaction_ms, link.beat_ms) + pace.request_ms + 2 * link.scan_ms + link.relay_ms,
        link.hold_ms + link.scan_ms + link.relay_ms,
        1000 / link.beat_ms,
        pace.wire_ms,
    )


def with_dead_source(times: LinkTimes, verdict_max_ms: float) -> float:
    """From the death of a source of verdicts until the output is off: the guard notices, then stops renewing."""
    return verdict_max_ms + times.silent_ms
