"""The outbox: lanes over the ledger and what moves their cursors. Its time is an argument; it writes the cursor file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jidoka.steward.ledger.format import FormatError, Lane
from jidoka.steward.ledger.places import read_head
from jidoka.steward.ledger.removed import Runs
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.outbox import cursors as cursor_file
from jidoka.steward.outbox.lane import LaneIndex

#: what the plan's `acknowledge` may be: whose word it takes for a message to be done with
AIMS, PUBACK = "aims", "puback"
#: without progress what is under way is sent again after the first, and at most so late
RESEND_MIN_S, RESEND_MAX_S = 3.0, 60.0
STORE_S = 1.0


class Backlog(NamedTuple):
    """What waits in a lane. size_bytes: in the ledger; oldest_s: how long ago the oldest of it happened."""

    messages: int = 0
    size_bytes: int = 0
    oldest_s: float = 0.0


class Outbox:
    """What waits to be told. ledger: its file; acknowledge: AIMS or PUBACK.

    `current` is the newest of each topic on which a broker keeps one.
    """

    def __init__(self, ledger: Path, acknowledge: str) -> None:
        self.acknowledge = acknowledge
        self.lanes: dict[Lane, LaneIndex] = {
            lane: LaneIndex(cursor) for lane, cursor in cursor_file.load(ledger).items()
        }
        self.current: dict[str, Ticket] = {}
        self.runs = Runs()  # the ledger's, once it is open
        self._ledger = ledger
        self._progress_s = 0.0
        self._resend_s = RESEND_MIN_S
        self._stored: dict[Lane, int] = {}
        self._stored_s = 0.0

    # ------------------------------------------------------------ what is there

    def add(self, ticket: Ticket) -> None:
        """A committed entry; of lanes that stay here it isn't told."""
        if ticket.lane in self.lanes:
            self.lanes[ticket.lane].add(ticket.lane_number, ticket.offset, ticket.size, ticket.count)
            if ticket.topic:
                self.current[ticket.topic] = ticket

    def is_current(self, index: int) -> bool:
        """True if this entry is the newest of its topic."""
        return any(index == ticket.index for ticket in self.current.values())

    def at_least(self, lane: Lane, number: int) -> None:
        """At opening: the ledger itself says that the receiver has everything up to `number`, should the cursors be lost."""
        self.lanes[lane].commit(min(number, self.lanes[lane].last))

    def reconcile(self, last: Mapping[Lane, int]) -> list[str]:
        """Cursors that claim more than the ledger has (it was put back to an older copy) are lowered."""
        told = []
        for lane, index in self.lanes.items():
            if index.cursor > last[lane]:
                told.append(f"lane {lane.label}: {index.cursor} were confirmed, the ledger has {last[lane]}")
                index.cursor = last[lane]
        return told

    def backlog(self, now_ns: int, wall_ns: int, boot: bytes) -> dict[str, Backlog]:
        """What waits, by lane. boot: of now_ns, a CLOCK_MONOTONIC; times of other boots are reckoned by the wall clock."""
        return {
            lane.label: Backlog(
                max(0, index.backlog), index.backlog_bytes, self._age_s(index, now_ns, wall_ns, boot)
            )
            for lane, index in self.lanes.items()
        }

    def _age_s(self, index: LaneIndex, now_ns: int, wall_ns: int, boot: bytes) -> float:
        offset = index.oldest_offset
        try:
            head = None if offset is None else read_head(self._ledger, offset)
        except (OSError, FormatError):
            return 0.0  # removed meanwhile
        if head is None:
            return 0.0
        age_ns = now_ns - head.monotonic_ns if head.boot == boot else wall_ns - head.wall_ns
        return max(0.0, age_ns / 1e9)

    def oldest_offset(self) -> int | None:
        """Where in the ledger the oldest entry lies that isn't done with; None if there is none."""
        offsets = (index.oldest_offset for index in self.lanes.values())
        return min((offset for offset in offsets if offset is not None), default=None)

    # ------------------------------------------------------------ what moves

    def go_back(self, now_s: float) -> None:
        """A new connection: whatever isn't done with is sent again."""
        for lane in self.lanes.values():
            lane.go_back()
        self._progress_s, self._resend_s = now_s, RESEND_MIN_S

    def sent(self, lane: Lane, number: int, now_s: float) -> None:
        """`number` was handed to the line."""
        if not any(index.under_way for index in self.lanes.values()):
            self._progress_s = now_s  # nothing was waited for before
        self.lanes[lane].mark_sent(number)

    def taken(self, lane: Lane, number: int) -> None:
        """The broker took `number`."""
        if self.acknowledge == PUBACK:
            self.lanes[lane].confirm(number)

    def committed(self, body: Mapping[str, Any], now_s: float) -> str:
        """An acknowledgement of the AIMS: {"committed": {lane: number}}. Returns why it isn't believed, "" if it is."""
        found = body.get("committed")
        if not isinstance(found, Mapping):
            return "it doesn't say what is committed"
        faults = []
        for lane, index in self.lanes.items():
            number = found.get(lane.label, 0)
            if type(number) is not int or number < 0:
                faults.append(f"lane {lane.label}: {number!r} is no number")
                continue
            try:
                if index.commit(number):
                    self._progress_s, self._resend_s = now_s, RESEND_MIN_S
            except ValueError as error:
                faults.append(f"lane {lane.label}: {error}")
        return "; ".join(faults)

    def resend(self, now_s: float) -> bool:
        """True if what is under way went without progress for too long, and is now sent again."""
        if self.acknowledge == PUBACK or not any(index.under_way for index in self.lanes.values()):
            return False
        if now_s - self._progress_s < self._resend_s:
            return False
        for lane in self.lanes.values():
            lane.go_back()
        self._progress_s, self._resend_s = now_s, min(2 * self._resend_s, RESEND_MAX_S)
        return True

    def store(self, now_s: float, *, is_last: bool = False) -> None:
        """Keep the cursors, once a second at most. A failure is no loss: some messages are sent twice then."""
        found = {lane: index.cursor for lane, index in self.lanes.items()}
        if found == self._stored or (now_s - self._stored_s < STORE_S and not is_last):
            return
        self._stored_s = now_s
        try:
            cursor_file.store(self._ledger, found)
        except OSError:
            return
        self._stored = found
