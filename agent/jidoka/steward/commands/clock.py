"""Whether this device's clock may be believed when a command says until when it is good."""

from __future__ import annotations

import ctypes
from datetime import datetime, timezone
from typing import Any

#: of the kernel: nobody keeps the clock right
TIME_ERROR = 5
#: 2020-01-01, UTC: a clock before it was never set, whatever anybody says of it
FIRST_NS = 1_577_836_800 * 1_000_000_000
#: the clock may be slewed back so far
BACK_NS = 60 * 1_000_000_000
SET_IT = "Set the clock: let a time service run, and see whether the clock's battery is flat."


class Clock:
    """is_assumed: the site says that somebody keeps it right though the kernel doesn't know (`clock: assumed`)."""

    def __init__(self, *, is_assumed: bool) -> None:
        self._is_assumed = is_assumed
        self._newest_ns = 0

    def saw(self, wall_ns: int) -> None:
        """A time that this clock showed once, in this boot or an earlier one."""
        self._newest_ns = max(self._newest_ns, wall_ns)

    def is_sure(self, wall_ns: int) -> bool:
        """wall_ns: what it shows. False where it was never set, or runs behind what it has shown already."""
        if self._is_wrong(wall_ns) or not (self._is_assumed or is_synchronised()):
            return False
        self._newest_ns = max(self._newest_ns, wall_ns)
        return True

    def value(self, wall_ns: int, *, is_needed: bool) -> dict[str, Any]:
        """Part of a status: what it shows, and where it isn't believed why, and what to do. is_needed: somebody gives
        commands, whose time is held against it; else that nobody keeps it right is no news."""
        is_sure, error, remedy = self.is_sure(wall_ns), "", ""
        if wall_ns < FIRST_NS:
            error, remedy = f"says {_day(wall_ns)}: it was never set", SET_IT
        elif self._is_wrong(wall_ns):
            error, remedy = (
                f"says {_day(wall_ns)}, and the ledger has {_day(self._newest_ns)} already",
                SET_IT,
            )
        elif is_needed and not is_sure:
            error = "the kernel knows of nobody who keeps it right"
            remedy = "Let a time service run, or write `clock: assumed` where somebody else keeps it right."
        return {"wall_ns": wall_ns, "is_sure": is_sure, "error": error, "remedy": remedy}

    def _is_wrong(self, wall_ns: int) -> bool:
        return wall_ns < FIRST_NS or wall_ns < self._newest_ns - BACK_NS


def _day(wall_ns: int) -> str:
    return f"{datetime.fromtimestamp(wall_ns // 1_000_000_000, timezone.utc):%Y-%m-%d %H:%M} UTC"


def is_synchronised() -> bool:
    """True if the kernel says that somebody keeps the clock right (adjtimex(2)); False where it doesn't know."""
    try:
        # room for struct timex of any kernel; modes = 0 changes nothing
        found: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return False
    return 0 <= found < TIME_ERROR
