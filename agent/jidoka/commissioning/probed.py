"""What a probe found out of a PLC and its line, and what of it is kept."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.link.blocks import BlockB, BlockC
from jidoka_bridge.link.times import pace_of
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Flag

from jidoka.commissioning.clock import Comparison
from jidoka.commissioning.findings import Finding

#: upper edges of the histogram, ms
EDGES_MS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 250, 500)


@dataclass
class Probe:
    """What was found out. block_b, block_c: None where they couldn't be read; rtts_ns: of every good beat."""

    link: Link
    function: str | None = None
    block_b: BlockB | None = None
    block_c: BlockC | None = None
    beats: int = 0
    rtts_ns: list[int] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    clock: Comparison = field(default_factory=Comparison)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        return not any(each.is_fault for each in self.findings)

    @property
    def is_slow(self) -> bool:
        """The times of the plan don't hold."""
        return any(each.id in {"slow answer", "slow scan"} for each in self.findings)

    @property
    def answer_ms(self) -> float | None:
        """The longest time the PLC took to begin its answer; of a round trip shorter than its wire (a pseudo-terminal)
        all of it."""
        if not self.rtts_ns:
            return None
        pace = pace_of(self.link, function=self.function or "23")
        worst_ms = max(self.rtts_ns) / 1e6
        wire_ms = sum(there + back for there, back in pace.frames) * pace.character_ms
        return (worst_ms - wire_ms if worst_ms > wire_ms else worst_ms) / len(pace.frames)

    def histogram(self) -> list[tuple[int, int]]:
        """(upper edge in ms, beats below it and above the edge before)."""
        counts = Counter(next((e for e in EDGES_MS if rtt / 1e6 <= e), math.inf) for rtt in self.rtts_ns)
        return [(int(edge), counts[edge]) for edge in EDGES_MS if counts[edge]]

    def measured(self) -> dict[str, Any]:
        """For the record of commissioning."""
        block = self.block_c
        return {
            "transport": self.link.transport,
            "answer_ms": None if self.answer_ms is None else round(self.answer_ms, 2),
            "function": self.function,
            "scan_ms": None if block is None else block.longest_scan_ms,
            "hold_limit_ms": None if block is None else block.hold_limit_ms,
            "firmware": None if block is None else version_text(block.version),
            "lost": self.beats - len(self.rtts_ns),
            "beats": self.beats,
        }


def version_text(version: int) -> str:
    """A firmware version as people write it."""
    return f"{version >> 8}.{version & 0xFF}"


def flags_text(flags: int) -> str:
    """Abilities of block C in words."""
    known = [flag.name for flag in Flag if flags & flag and flag.name]
    return ", ".join(known) or "none"
