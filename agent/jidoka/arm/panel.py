"""What the arm hears of the PLC through its panel: the parts to make, and whether anything may move."""

from __future__ import annotations

import re
from collections import deque
from pathlib import Path

from jidoka.arm.cell import MOVERS, Mover
from jidoka.host.trigger import PART, Trigger

OUTPUT = re.compile(rb"output ([A-Z_]{1,32})\s*")
#: the PLC shows its output twice a second; what isn't renewed lapses
STALE_NS = 1_500_000_000
#: parts that wait longer than this many cycles are passed over: the arm doesn't make up for what it missed
MOST_WAITING = 3


class Panel:
    """Parts and the output, as the panel's lines tell them. path: of the terminal that the PLC makes."""

    def __init__(self, path: Path) -> None:
        self.trigger = Trigger(path)
        self.parts: deque[int] = deque(maxlen=MOST_WAITING)
        self._word = ""
        self._said_ns = 0

    def read(self, now_ns: int) -> None:
        """Take what came."""
        for line in self.trigger.lines(now_ns):
            output, part = OUTPUT.fullmatch(line), PART.fullmatch(line)
            if output:
                self._word, self._said_ns = output[1].decode(), now_ns
            elif part:
                self.parts.append(int(part[1]))

    def mover(self, now_ns: int) -> Mover:
        """Who may move the arm now: without a fresh word of the PLC nobody."""
        if now_ns - self._said_ns > STALE_NS:
            return Mover.BRAKES
        return MOVERS.get(self._word, Mover.BRAKES)

    def close(self) -> None:
        self.trigger.close()
