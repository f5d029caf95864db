"""Which slices a decision belongs to: its shift by the clock, its recipe, its position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timezone, tzinfo

from jidoka_bridge.messages import Decision

#: what decisions can be told apart by; never a person
KINDS = ("shift", "recipe", "position")
MINUTES_A_DAY = 1440


class SliceKeys:
    """Names a decision's slices. by: of KINDS; shifts: when they begin, minutes after midnight, ascending; zone: of the
    plant's clock.

    >>> keys = SliceKeys(("shift", "position"), (360, 840, 1320))
    >>> row = Decision(1, 1, 0, 0, 0, 0, 0, 0, 2, 7, 0.9, 0.0, 0.0)
    >>> keys.of(row, 15 * 3600 * 10**9), keys.of(row, 3 * 3600 * 10**9)
    ((('shift', '14:00'), ('position', '2')), (('shift', '22:00'), ('position', '2')))
    """

    def __init__(self, by: Sequence[str], shifts: Sequence[int], zone: tzinfo = timezone.utc) -> None:
        self.by = tuple(each for each in by if each != "shift" or shifts)
        self.shifts = tuple(shifts)
        self._zone = zone

    def of(self, row: Decision, wall_ns: int) -> tuple[tuple[str, str], ...]:
        """(kind, name) of each slice. wall_ns: when it was judged, nanoseconds since 1970."""
        names = {"recipe": str(row.recipe), "position": str(row.position)}
        if "shift" in self.by:
            names["shift"] = self._shift(wall_ns)
        return tuple((kind, names[kind]) for kind in self.by)

    def _shift(self, wall_ns: int) -> str:
        moment = datetime.fromtimestamp(wall_ns // 10**9, self._zone)
        place = (
            bisect_right(self.shifts, moment.hour * 60 + moment.minute) - 1
        )  # before the first: last night's
        begin = self.shifts[place] % MINUTES_A_DAY
        return f"{begin // 60:02d}:{begin % 60:02d}"
