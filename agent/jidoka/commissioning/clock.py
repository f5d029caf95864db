"""Whether the PLC's milliseconds run as fast as ours: its counter against the time between two answers. Pure.

Only a task that runs late, with the sum of its intervals for a clock, is looked for: that PLC holds on for too long.
"""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.plc.admission import TICK_MS

#: less says nothing
LEAST_S = 2.0
#: what is granted besides the round trips: oscillators, and the scan in which the counter was made
GRANTED_PERCENT, GRANTED_MS = 2, 30
MS_NS = 1_000_000


@dataclass
class Comparison:
    """The counter's steps between the first and the last answer, and when those came, on our clock."""

    first_ns: int | None = None
    last_ns: int = 0
    longest_rtt_ns: int = 0
    plc_ms: int = 0
    _counter: int = 0

    def add(self, counter: int, came_ns: int, rtt_ns: int) -> None:
        """An answer. counter: the PLC's, 16 bits; came_ns: when it had come whole; rtt_ns: it was made within so long before."""
        if self.first_ns is None:
            self.first_ns = came_ns
        else:
            self.plc_ms += (counter - self._counter & 0xFFFF) * TICK_MS
        self._counter, self.last_ns = counter, came_ns
        self.longest_rtt_ns = max(self.longest_rtt_ns, rtt_ns)

    @property
    def ours_ms(self) -> float:
        return 0.0 if self.first_ns is None else (self.last_ns - self.first_ns) / MS_NS

    @property
    def off_percent(self) -> float | None:
        """How much faster the PLC's clock runs (below 0: slower); None where that is within what is granted, or nobody can say."""
        ours_ms = self.ours_ms
        if ours_ms < LEAST_S * 1000:
            return None
        off_ms = self.plc_ms - ours_ms
        granted_ms = ours_ms * GRANTED_PERCENT / 100 + GRANTED_MS + self.longest_rtt_ns / MS_NS
        return 100 * off_ms / ours_ms if abs(off_ms) > granted_ms else None
