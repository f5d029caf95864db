"""What is under way on one connection: which letters go next, and what the broker says to them.

Order: alarm lane, live values, evidence lane, history lane. At most WINDOW messages wait for the broker, some of which
only alarms may use. See `outbox.lane` for whose word moves the cursors.
"""

from __future__ import annotations

import time

from jidoka.steward.ledger.format import Lane
from jidoka.steward.mqtt.bulletin import Bulletin
from jidoka.steward.mqtt.connection import WINDOW, Connection
from jidoka.steward.mqtt.letters import Letters
from jidoka.steward.mqtt.live import LiveValues
from jidoka.steward.outbox.outbox import Outbox

PROGRESS_S = 15.0
#: PUBACK reason codes (MQTT 5) -> what to do; {tree}: the device's topics
REFUSAL_REMEDIES: dict[int, str] = {
    0x87: "Let the broker's access list admit writing {tree}/#.",
    0x90: "Let the broker admit topics as long as {tree}/models/MODEL/condition.",
    0x97: "The broker's quota is used up: see its limits.",
}
#: so many of a lane behind the alarms are handed over before somebody looks whether an alarm came
BURST = 10
#: share of the window that each lane may fill
ROOM: dict[Lane, int] = {Lane.ALARM: WINDOW, Lane.EVIDENCE: WINDOW - 20, Lane.HISTORY: WINDOW - 40}


class Flight:
    """Made with each connection; the courier's thread alone calls it."""

    def __init__(
        self, connection: Connection, outbox: Outbox, letters: Letters, live: LiveValues, bulletin: Bulletin
    ) -> None:
        self._connection = connection
        self._outbox = outbox
        self._letters = letters
        self._live = live
        self._bulletin = bulletin
        self._under_way: dict[int, tuple[Lane, int, int]] = {}  # message id -> lane, number, offset
        self._progress_s = time.monotonic()
        self._is_current_told: set[Lane] = set()
        self._has_refused = False
        self._by_digest: set[tuple[Lane, int]] = set()  # told by their digest, as the letter was refused

    @property
    def is_empty(self) -> bool:
        """Nothing waits for the broker."""
        return not self._under_way

    def fill(self) -> bool:
        """Hand to the line what has room; of a long history only some, so that an alarm that comes meanwhile is next.
        Returns whether more could go at once."""
        self._fill_lane(Lane.ALARM, ROOM[Lane.ALARM])
        self._tell_current(Lane.ALARM)
        for letter in self._live.take():
            self._connection.publish(letter)
        has_more = self._fill_lane(Lane.EVIDENCE, BURST)
        self._tell_current(Lane.EVIDENCE)
        return self._fill_lane(Lane.HISTORY, BURST) or has_more

    def confirm(self, tree: str) -> None:
        """What the broker acknowledged or refused. tree: the device's topics, for the remedy."""
        acknowledged = self._connection.acknowledged
        while acknowledged:
            message_id, reason = acknowledged.popleft()
            found = self._under_way.pop(message_id, None)
            if found is None:
                continue  # a live value
            lane, number, _ = found
            self._progress_s = time.monotonic()
            if reason >= 0x80:
                self._refused(found, reason, tree)
            else:
                self._bulletin.snapshot.published += 1
                self._outbox.taken(lane, number)

    def is_stuck(self) -> bool:
        """The broker confirms nothing any more."""
        return bool(self._under_way) and time.monotonic() - self._progress_s > PROGRESS_S

    def _fill_lane(self, lane: Lane, most: int) -> bool:
        index = self._outbox.lanes[lane]
        for _ in range(most):
            following = index.next()
            if following is None or len(self._under_way) >= ROOM[lane] or self._connection.error:
                return False
            number, offset = following
            now_s = time.monotonic()
            self._outbox.sent(lane, number, now_s)
            if not self._under_way:
                self._progress_s = now_s
            message_id = self._connection.publish(self._letters.letter(offset, number))
            if message_id >= 0:
                self._under_way[message_id] = (lane, number, offset)
        return len(self._under_way) < ROOM[lane] and index.next() is not None

    def _tell_current(self, lane: Lane) -> None:
        """Once a lane is empty on a new connection: what the broker keeps of it, should it have forgotten."""
        index = self._outbox.lanes[lane]
        if lane in self._is_current_told or index.next() is not None:
            return
        self._is_current_told.add(lane)
        for current in [each for each in self._outbox.current.values() if each.lane is lane]:
            if current.lane_number <= index.cursor:
                self._connection.publish(self._letters.letter(current.offset, current.lane_number))

    def _refused(self, found: tuple[Lane, int, int], reason: int, tree: str) -> None:
        """The broker refuses a message: it stays in the ledger and its digest is told in its place, so that the lane goes
        on. Recorded once a connection (the record is a message too, and would be refused in turn)."""
        lane, number, offset = found
        self._outbox.taken(lane, number)
        if (lane, number) not in self._by_digest:
            self._by_digest.add((lane, number))
            why = f"the broker refuses it: reason 0x{reason:02x}"
            message_id = self._connection.publish(self._letters.letter(offset, number, why))
            if message_id >= 0:
                self._under_way[message_id] = found
        if self._has_refused:
            return
        self._has_refused = True
        self._bulletin.refused(
            f"{self._connection.broker} refuses messages ({lane.label} {number}, reason 0x{reason:02x})",
            REFUSAL_REMEDIES.get(reason, "See the broker's log.").format(tree=tree),
            is_of_broker=True,
        )
