"""J1 to J3 of the interlock, judged from raw facts: registers, button level, output. Shares no code with any PLC.

J1: with the key off, the output is at most the word of the frame that the PLC says it took last.
J2: no output longer than the hold time after the moment that a taken frame's stamp names.
J3: the output rises at most once per press, and only after one that lay within a request and is at most 2 s old.
"""

from __future__ import annotations

import copy
import struct
import zlib
from typing import NamedTuple

#: permissive word -> what it gives, written out here again
GIVES = {0x6996: 1, 0xA5A5: 2}
DIGEST = bytes.fromhex("7cc441ea")
SECONDS_2 = 2_000
DEBOUNCE_MS = 20


class BrokenError(AssertionError):
    """A PLC broke one of the three."""


class Raw(NamedTuple):
    """One scan as somebody sees it who measures. frame: block A as it stands; shown: block B after the scan."""

    now_ms: int
    level: bool
    frame: tuple[int, ...] | None
    shown: tuple[int, ...]
    output: int


class Judge:
    """Watches one PLC, scan by scan. `copy` makes an independent one that goes on from here."""

    def __init__(self, station: int, limit_ms: int) -> None:
        self._station = station
        self._limit_ms = limit_ms
        self._output = 0
        self._frame: tuple[int, ...] | None = None
        self._asked = 0  # of the frame taken last
        self._deadline_ms = -1
        self._connection = 0
        self._requested_ms: int | None = None  # first request of this session
        self._run: tuple[bool, int] | None = None  # level, and since when it has been that
        self._steady: bool | None = None
        self._pressed_ms: int | None = None
        self._credit_ms: int | None = None
        self.rises = 0
        self.presses = 0

    def copy(self) -> Judge:
        return copy.copy(self)

    def see(self, raw: Raw) -> None:
        """One scan. Raises BrokenError. The press that ends in a scan gives its credit to the scans after it."""
        now_ms, output = raw.now_ms, GIVES.get(raw.output, 0)
        if raw.shown[1] != self._connection:
            self._connection, self._requested_ms = raw.shown[1], None
        if raw.frame is not None and raw.frame != self._frame:
            self._frame = raw.frame
            self._take(raw)
        if output > self._asked and output:
            raise BrokenError(f"J1 at {now_ms}: {output} is given, {self._asked} was asked for")
        if output and now_ms > self._deadline_ms:
            raise BrokenError(f"J2 at {now_ms}: given until {self._deadline_ms}")
        if output > self._output:
            if self._credit_ms is None or now_ms - self._credit_ms > SECONDS_2:
                raise BrokenError(f"J3 at {now_ms}: the output rose without a press")
            self._credit_ms = None
            self.rises += 1
        self._output = output
        self._finger(now_ms, raw.level)

    def _take(self, raw: Raw) -> None:
        """A frame that is sealed, of this session, and echoed."""
        frame = raw.frame or ()
        head, connection, number, stamp, what, word = frame[:6]
        body = struct.pack(">6H", *frame[:6]) + bytes((self._station, 0xA0)) + DIGEST
        if (
            zlib.crc32(body) != frame[6] << 16 | frame[7]
            or number != raw.shown[2]
            or connection != raw.shown[1]
        ):
            return
        if connection == 0:
            self._asked = 0
            return
        phase, hold_ms = what >> 8 & 0xF, (head & 0xFF) * 10
        self._asked = 0 if phase in (3, 4) or hold_ms == 0 else GIVES.get(word, 0)
        age = (raw.shown[3] - stamp) & 0xFFFF
        if age < 0x8000:
            # the counter's step began up to 10 ms before it was seen
            self._deadline_ms = max(self._deadline_ms, raw.now_ms - age * 10 + min(hold_ms, self._limit_ms))
        if phase == 1 and self._requested_ms is None:
            self._requested_ms = raw.now_ms

    def _finger(self, now_ms: int, level: bool) -> None:
        if self._run is None or self._run[0] != level:
            self._run = level, now_ms
        if self._steady is None:
            self._steady = level
        since_ms = self._run[1]
        if level == self._steady or now_ms - since_ms < DEBOUNCE_MS:
            return
        self._steady = level
        if level:
            self._pressed_ms = since_ms
        elif self._pressed_ms is not None:
            length_ms = since_ms - self._pressed_ms
            is_within = self._requested_ms is not None and self._requested_ms <= self._pressed_ms
            if 100 <= length_ms <= 5_000 and is_within:
                self._credit_ms = now_ms
                self.presses += 1
            self._pressed_ms = None
