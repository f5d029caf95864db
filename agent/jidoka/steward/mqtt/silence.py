"""A broker that takes everything while nobody acknowledges: the AIMS is away, or what it says doesn't reach this device.

mosquitto with an access list in a file grants a subscription that isn't allowed, and delivers nothing; MQTT 3.1.1 can't even
refuse one that a list forbids. So the one sign of it is this silence.
"""

from __future__ import annotations

from jidoka.steward.mqtt.bulletin import Bulletin
from jidoka.steward.outbox.outbox import Outbox

#: what is under way is sent again after 3, 6 and 12 s without progress
RESENT_TOO_OFTEN = 3


class Silence:
    """Made with each connection. topic: on which acknowledgements come."""

    def __init__(self, topic: str, outbox: Outbox, bulletin: Bulletin) -> None:
        self._topic = topic
        self._outbox = outbox
        self._bulletin = bulletin
        self._done_with = self._sum()
        self._resent = 0
        self._is_told = False

    def look(self, now_s: float) -> None:
        """What is under way is sent again where that is due; told once, and taken back with the first acknowledgement."""
        has_resent = self._outbox.resend(now_s)
        done_with = self._sum()
        if done_with != self._done_with:
            self._done_with, self._resent = done_with, 0
            if self._is_told:
                self._is_told = False
                self._bulletin.snapshot.error = self._bulletin.snapshot.remedy = ""
        elif has_resent:
            self._resent += 1
            if self._resent == RESENT_TOO_OFTEN:
                self._is_told = True
                self._bulletin.refused(
                    f"{self._bulletin.snapshot.broker} takes everything, and nobody acknowledges it",
                    f"See whether the AIMS runs and may write {self._topic}, and whether the broker's access list admits that "
                    "this device reads it.",
                    is_of_broker=True,
                )

    def _sum(self) -> int:
        return sum(index.cursor for index in self._outbox.lanes.values())
