"""What one scan gets and answers, the same for all three programs, and the programs under one name each."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import NamedTuple, Protocol

from jidoka_bridge import registers

from tests.firmware.c_core import CCore
from tests.firmware.scans import Core, Inputs, PythonCore, Settings

__all__ = ["SETTINGS", "Answer", "C", "Inputs", "Program", "Python", "sealed"]

#: the site's values with which all of this runs
SETTINGS = Settings(unit=7, hold_limit_ms=310, relay_ms=35)


class Answer(NamedTuple):
    """What a program says at the end of a scan. output: the word to the relays; accepted: a press was.

    block_c: empty where it wasn't asked for.
    """

    output: int
    accepted: bool
    block_b: tuple[int, ...]
    block_c: tuple[int, ...]


class Program(Protocol):
    """One PLC's program."""

    def scan(self, given: Inputs, has_c: bool = True) -> Answer:
        """One scan; has_c: make block C too."""
        ...


class _Cored:
    """A program of the firmware's tests."""

    def __init__(self, make: Callable[[Settings], Core]) -> None:
        self.core = make(SETTINGS)

    def scan(self, given: Inputs, has_c: bool = True) -> Answer:
        done = self.core.scan(given)
        return Answer(done.output, done.is_accepted, done.block_b, self.core.block_c() if has_c else ())


class Python(_Cored):
    """The reference model."""

    def __init__(self) -> None:
        super().__init__(PythonCore)


class C(_Cored):
    """The firmware's core."""

    def __init__(self) -> None:
        super().__init__(CCore)


def sealed(words: list[int], station: int = SETTINGS.unit, direction: int = 0xA0) -> tuple[int, ...]:
    """Words with the CRC-32 that a block of them ends with."""
    body = struct.pack(f">{len(words)}H", *words) + bytes((station, direction)) + registers.MAP_DIGEST
    crc = zlib.crc32(body)
    return (*words, crc >> 16, crc & 0xFFFF)
