"""What comes from elsewhere: acknowledgements of the AIMS, and commands that nobody believes yet.

Nothing here moves anything but cursors; commands are handed to the steward's loop as they came.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from urllib.parse import unquote

from jidoka.steward.commands.inbox import Command, Inbox
from jidoka.steward.mqtt.bulletin import Bulletin
from jidoka.steward.mqtt.connection import Connection
from jidoka.steward.outbox.outbox import AIMS, Outbox

ACKNOWLEDGEMENT = "jidoka.ack.v1"
COMMAND_TOPIC = re.compile(r"/cmd/([^/]+)/request")
#: of a command's name, the rest is cut
MOST_CHARACTERS = 64
#: of an acknowledgement, which names three numbers
MOST_BYTES = 65_536
#: what isn't believed is told so often at most: whoever writes here must not fill the ledger
TOLD_EVERY_S = 10.0


class Inbound:
    """tree: the device's topics; inbox: where commands wait for the steward's loop, None where none are taken."""

    def __init__(
        self, tree: str, outbox: Outbox, bulletin: Bulletin, wake_loop: Callable[[], None], inbox: Inbox | None = None
    ) -> None:  # fmt: skip
        self._tree = tree
        self._ack_topic = f"{tree}/ack"
        self._outbox = outbox
        self._bulletin = bulletin
        self._wake_loop = wake_loop
        self._inbox = inbox
        self._told_disbelief = ""
        self._may_tell_s = 0.0

    def topics(self) -> list[str]:
        """What is to be subscribed to."""
        topics = [self._ack_topic] if self._outbox.acknowledge == AIMS else []
        return topics + ([f"{self._tree}/cmd/+/request"] if self._inbox is not None else [])

    def subscribe(self, connection: Connection) -> None:
        """On a new connection."""
        if topics := self.topics():
            connection.subscribe(*topics)

    def listen(self, connection: Connection) -> None:
        """Everything that came since."""
        while connection.subscribed:
            _, reasons = connection.subscribed.popleft()
            self._subscribed(connection, reasons)
        while connection.received:
            topic, payload, is_retained = connection.received.popleft()
            self.receive(topic, payload, is_retained=is_retained)

    def receive(self, topic: str, payload: bytes, *, is_retained: bool) -> None:
        """One message, whatever it holds. What nobody here asked for does nothing."""
        if topic == self._ack_topic:
            self._acknowledged(payload)
            return
        command = COMMAND_TOPIC.fullmatch(topic, len(self._tree)) if topic.startswith(self._tree) else None
        if command and self._inbox is not None:
            self._inbox.put(Command(unquote(command[1])[:MOST_CHARACTERS], payload, is_retained))
            self._wake_loop()

    def _subscribed(self, connection: Connection, reasons: list[int]) -> None:
        """A SUBACK, one reason a topic. mosquitto with a list in a file grants everything, and delivers nothing."""
        refused = [topic for topic, reason in zip(self.topics(), reasons, strict=False) if reason >= 0x80]
        if refused:
            code = max(reasons)
            self._bulletin.refused(
                f"{connection.broker} refuses the subscription to {', '.join(refused)} (reason 0x{code:02x})",
                "Let the broker's access list admit reading these topics.",
                is_of_broker=True,
            )

    def _acknowledged(self, payload: bytes) -> None:
        why = self._why_not_believed(payload)
        now_s = time.monotonic()
        if why and why != self._told_disbelief and now_s >= self._may_tell_s:
            self._told_disbelief, self._may_tell_s = why, now_s + TOLD_EVERY_S
            self._bulletin.refused(
                f"an acknowledgement isn't believed: {why}",
                "Find out who may write this topic, and whether the AIMS knows another device by this name.",
                is_of_broker=False,
            )

    def _why_not_believed(self, payload: bytes) -> str:
        if len(payload) > MOST_BYTES:
            return f"it has {len(payload)} bytes"
        try:
            event = json.loads(payload)
            if event["type"] != ACKNOWLEDGEMENT:
                return f"its type is {str(event['type'])[:64]!r}"
            return self._outbox.committed(event["data"], time.monotonic())
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return "it can't be read"
