"""The part count of block B without its wrap: completeness of the evidence."""

from __future__ import annotations


class PartCount:
    """`total` only ever rises. A counter that went backwards is that of a PLC that started anew."""

    def __init__(self) -> None:
        self.total = 0
        self._last: int | None = None

    def seen(self, parts: int) -> None:
        """The low word of the PLC's counter."""
        moved = parts if self._last is None else parts - self._last & 0xFFFF
        self.total += moved if moved < 0x8000 or self._last is None else parts
        self._last = parts
