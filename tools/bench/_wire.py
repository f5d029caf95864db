"""A serial line between two pseudo-terminals: each byte arrives when its last bit would, one frame behind the other.

python -m tools.bench._wire LINE PLC BAUD: LINE is made, PLC is opened. Tells each delivery that was late by more than a
millisecond as a JSON line on stdout.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
import tty
from collections import deque
from pathlib import Path

from jidoka_bridge.link.times import character_ms
from jidoka_bridge.notify import die_with_parent
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal

LATE_NS = 1_000_000


class Way:
    """One direction. free_ns: when the last bit so far is through."""

    def __init__(self, target: int, character_ns: int) -> None:
        self.target = target
        self.under_way: deque[tuple[int, bytes]] = deque()
        self._character_ns = character_ns
        self._free_ns = 0

    def take(self, now_ns: int, data: bytes) -> None:
        self._free_ns = max(now_ns, self._free_ns) + len(data) * self._character_ns
        self.under_way.append((self._free_ns, data))

    def deliver(self, now_ns: int) -> None:
        while self.under_way and self.under_way[0][0] <= now_ns:
            due_ns, data = self.under_way.popleft()
            os.write(self.target, data)
            if now_ns - due_ns > LATE_NS:
                print(json.dumps({"ns": now_ns, "late_ms": (now_ns - due_ns) / 1e6}), flush=True)


def main() -> None:
    die_with_parent()
    line = PseudoTerminal(Path(sys.argv[1]))
    plc = os.open(sys.argv[2], os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(plc)
    character_ns = int(character_ms(int(sys.argv[3])) * 1e6)
    there, back = Way(plc, character_ns), Way(line.fd, character_ns)
    print(json.dumps({"ready": True}), flush=True)
    while True:
        dues = [way.under_way[0][0] for way in (there, back) if way.under_way]
        left_s = max(0.0, (min(dues) - time.monotonic_ns()) / 1e9) if dues else 0.05
        sources = [plc, *([line.fd] if line.is_connected else [])]
        ready, _, _ = select.select(sources, [], [], min(left_s, 0.05))
        now_ns = time.monotonic_ns()
        if line.fd in ready and (data := line.read()):
            there.take(now_ns, data)
        if plc in ready:
            back.take(now_ns, os.read(plc, 4096))
        there.deliver(now_ns)
        back.deliver(now_ns)


if __name__ == "__main__":
    main()
