"""The last that went over the line, in memory: what a trip's record needs and nobody would have written down before it."""

from __future__ import annotations

from collections import deque
from typing import Any

FRAMES = 16
ROUND_TRIPS = 64
LOST = -1


class BlackBox:
    """Stands between line and port. now_ns: CLOCK_MONOTONIC of the round of the loop, set by the shell.

    Keeps the last frames of both directions and how long the last exchanges took, -1 for those that nobody answered.
    """

    def __init__(self, port: Any) -> None:
        self.now_ns = 0
        self._port = port
        self._frames: deque[tuple[int, str, bytes]] = deque(maxlen=FRAMES)
        self._round_trips_us: deque[int] = deque(maxlen=ROUND_TRIPS)
        self._asked_ns = 0
        self._answered_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    def write(self, data: bytes) -> Any:
        if data:
            if self._asked_ns:
                answered = self._answered_ns >= self._asked_ns
                self._round_trips_us.append(
                    (self._answered_ns - self._asked_ns) // 1000 if answered else LOST
                )
            self._asked_ns, self._answered_ns = self.now_ns, 0
            self._frames.append((self.now_ns, "A", bytes(data)))
        return self._port.write(data)

    def read(self) -> bytes:
        data: bytes = self._port.read()
        if data:
            self._answered_ns = self.now_ns
            if self._frames and self._frames[-1][1] == "B":
                _, _, before = self._frames.pop()
                data_so_far = (before + data)[-256:]
            else:
                data_so_far = data
            self._frames.append((self.now_ns, "B", data_so_far))
        return data

    def evidence(self) -> dict[str, Any]:
        """frames: [ns, "A" to the PLC or "B" from it, hex], oldest first; round_trips_us: newest last, -1 = lost."""
        return {
            "frames": [[ns, way, data.hex()] for ns, way, data in self._frames],
            "round_trips_us": list(self._round_trips_us),
        }
