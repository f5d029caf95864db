"""Which broker is tried next, in which version of MQTT, and after which pause. Pure: time is an argument.

In order, each twice, so that both versions are asked; then the next one. A connection that is lost begins at the first again,
and while a later one serves, the first is tried every `return_after_s`. Pauses double from one attempt to the next, with
jitter, so that a fleet doesn't come back all at once; a connection that lasts for a moment only ends no doubling, so that two
devices with one client id don't throw each other off in a tight loop.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paho.mqtt.enums import MQTTProtocolVersion

from jidoka.broker.endpoint import Broker
from jidoka.broker.line import V5, V311

BACKOFF_MIN_S = 0.2
BACKOFF_MAX_S = 30.0
#: a connection that lasted so long ends the doubling; after a shorter one the pause is at most FLAP_MAX_S
STABLE_S = 5.0
FLAP_MAX_S = 5.0
ATTEMPTS_EACH = 2
RETURN_AFTER_S = 300.0


@dataclass
class Candidate:
    """A broker, and the version in which it is spoken to. is_version_sure: MQTT 5 worked: a hang-up has another reason."""

    broker: Broker
    version: MQTTProtocolVersion = V5
    is_version_sure: bool = False
    was_up: bool = False

    def came_up(self) -> None:
        self.was_up = True
        self.is_version_sure = self.version == V5

    def ended(self, *, is_version_refused: bool) -> None:
        """MQTT 5 first, and again after every connection that ended; 3.1.1 where 5 is refused and never worked."""
        if self.was_up:
            self.version, self.was_up = V5, False
        elif is_version_refused and not self.is_version_sure:
            self.version = V311 if self.version == V5 else V5

    def is_probe(self, *, is_version_refused: bool) -> bool:
        """What ended was the question whether the broker speaks MQTT 5: no fault of anybody."""
        return is_version_refused and self.version == V5 and not self.is_version_sure and not self.was_up


class Rotation:
    """brokers: in their order, at least one. jitter: (low, high) → a number between."""

    def __init__(
        self,
        brokers: Sequence[Broker],
        return_after_s: float = RETURN_AFTER_S,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.candidates = [Candidate(each) for each in brokers]
        self._return_after_s = return_after_s
        self._jitter = jitter
        self._index = 0
        self._attempts = 0
        self._backoff_s = BACKOFF_MIN_S
        self._return_at_s = 0.0
        self._up_since_s = 0.0

    @property
    def current(self) -> Candidate:
        return self.candidates[self._index]

    @property
    def rank(self) -> int:
        """0 for the first broker."""
        return self._index

    def came_up(self, now_s: float) -> None:
        """The current broker took the connection."""
        self.current.came_up()
        self._attempts = 0
        self._up_since_s = now_s
        self.stays(now_s)

    def stays(self, now_s: float) -> None:
        """The first one was tried and doesn't take us yet."""
        self._return_at_s = now_s + self._return_after_s * self._jitter(0.9, 1.1)

    def should_try_first(self, now_s: float) -> bool:
        """A later one serves for long enough."""
        return self._index > 0 and now_s >= self._return_at_s

    def returned(self) -> None:
        """The first one took a connection beside the current one, which is over."""
        self.current.ended(is_version_refused=False)
        self._index = 0

    def ended(self, now_s: float, *, is_version_refused: bool) -> float:
        """The connection to the current one is over, or never was; how long to wait before the next attempt, in seconds."""
        was_up = self.current.was_up
        self.current.ended(is_version_refused=is_version_refused)
        if was_up:
            self._index = self._attempts = 0
            is_stable = now_s - self._up_since_s >= STABLE_S
            self._backoff_s = BACKOFF_MIN_S if is_stable else min(self._backoff_s, FLAP_MAX_S)
        else:
            self._attempts += 1
            if self._attempts >= ATTEMPTS_EACH:
                self._index, self._attempts = (self._index + 1) % len(self.candidates), 0
        pause_s = self._backoff_s * self._jitter(0.5, 1.5)
        self._backoff_s = min(2 * self._backoff_s, BACKOFF_MAX_S)
        return pause_s
