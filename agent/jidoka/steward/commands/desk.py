"""Where commands from elsewhere are checked, in one order. Remote may stop, only local may start.

The order (TELEMETRY §5): size, not retained, known key that may give this command, signature, this device, expiry, number,
policy. Whatever fails first is the reason; nothing behind it is looked at. Pure but for the file of numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jidoka.steward.commands.allowance import Allowance
from jidoka.steward.commands.inbox import Command
from jidoka.steward.commands.kinds import BY_NAME, HOLD, MOST_BYTES, REMOTE, Row
from jidoka.steward.commands.numbers import Numbers
from jidoka.steward.commands.signing import (
    Order,
    Signed,
    UnreadableError,
    is_signed_by,
    order_of,
    read,
)

SECOND_NS = 1_000_000_000


#: a command is good for so long at most, and may lie so far in the future by a clock that is a little wrong
LONGEST_S, AHEAD_S = 60.0, 5.0
#: holds of one key: one in so long; the others are refused
HOLD_EVERY_NS = 60 * SECOND_NS
#: everything else that one key may ask for: so much at once (somebody labels a tray of parts), then one in so long
MOST_AT_ONCE, EVERY_NS = 60, SECOND_NS


@dataclass(frozen=True)
class Key:
    """Whose signature counts. public: 32 bytes; may: commands of REMOTE."""

    id: str
    public: bytes
    may: frozenset[str]


@dataclass(frozen=True)
class Judged:
    """What became of a message. refused: "" if it is to be followed; kind: of the refusal, for its alarm; sha256: of the
    message; order: what it asks for, None where it couldn't be read."""

    name: str
    key: str
    sha256: str
    order: Order | None
    kind: str = ""
    refused: str = ""
    remedy: str = ""


class Desk:
    """device: its topic tree; keys: of the plan. `judge` uses the number of a command up, whatever comes of it then."""

    def __init__(self, device: str, keys: Mapping[str, Key], numbers: Numbers) -> None:
        self.device = device
        self.keys = keys
        self.numbers = numbers
        self._holds = Allowance(1, HOLD_EVERY_NS)
        self._others = Allowance(MOST_AT_ONCE, EVERY_NS)

    def judge(self, command: Command, *, now_ns: int, wall_s: float, is_clock_sure: bool) -> Judged:
        """now_ns: monotonic; wall_s: seconds since 1970; is_clock_sure: the clock is set."""
        name, message = command.name, command.message
        digest = command.sha256 or hashlib.sha256(message).hexdigest()
        if (size := command.size or len(message)) > MOST_BYTES:
            return Judged(name, "", digest, None, "size", f"{size} bytes, at most {MOST_BYTES} are read", "")
        if command.is_retained:
            why = "it was retained: whoever connects would be told to do it again"
            return Judged(
                name, "", digest, None, "retained", why, "Publish commands without the retain flag."
            )
        try:
            signed = read(message)
        except UnreadableError as error:
            return Judged(
                name, "", digest, None, "unreadable", str(error), "Send what jidoka command sign makes."
            )
        kind, refused, remedy, order = self._judge(name, signed, now_ns, wall_s, is_clock_sure)
        return Judged(name, signed.key, digest, order, kind, refused, remedy)

    def hold_of(self, message: bytes, wall_s: float, is_clock_sure: bool) -> tuple[str, int] | None:
        """(key, number) of a hold that `judge` would follow, but for how often a key may hold; None for anything else. It
        uses nothing up, and any thread may ask. An old hold with a high number is none: it would displace a true one."""
        if len(message) > MOST_BYTES:
            return None
        try:
            signed = read(message)
            key = self.keys.get(signed.key)
            if key is None or HOLD not in key.may or not is_signed_by(signed, key.public):
                return None
            order = order_of(signed.payload)
        except UnreadableError:
            return None
        is_ours = (order.command, order.device) == (HOLD, self.device)
        if self._untimely(BY_NAME[HOLD], order, wall_s, is_clock_sure):
            return None
        return (key.id, order.number) if is_ours and order.number > self.numbers.last(key.id) else None

    def _judge(
        self, name: str, signed: Signed, now_ns: int, wall_s: float, is_clock_sure: bool
    ) -> tuple[str, str, str, Order | None]:
        """(kind, refused, remedy, order); kind "" = to be followed."""
        key, row = self.keys.get(signed.key), BY_NAME.get(name)
        if key is None:
            return (
                "key",
                f"the key {signed.key} isn't known here",
                "Name it in the configuration: commands.",
                None,
            )
        if row is None or not row.is_allowed:
            why = row.text if row is not None else "there is no such command"
            return "never", f"{name}: {why}", f"From elsewhere only: {', '.join(REMOTE)}.", None
        if name not in key.may:
            return (
                "key",
                f"the key {key.id} may not give {name}",
                "Let the configuration say so: commands, may.",
                None,
            )
        if not is_signed_by(signed, key.public):
            return "signature", "the signature isn't that of this key over these bytes", "", None
        try:
            order = order_of(signed.payload)
        except UnreadableError as error:
            return "unreadable", str(error), "Send what jidoka command sign makes.", None
        if order.command != name:
            return "target", f"it was signed as {order.command}, and sent as {name}", "", order
        if order.device != self.device:
            return "target", f"it is for {order.device[:120]}, this is {self.device}", "", order
        if why := self._untimely(row, order, wall_s, is_clock_sure):
            return "expiry", why, "Sign it anew, and look at both clocks.", order
        if self.numbers.fault:
            return "number", self.numbers.fault, "Look at the file, and remove it once you know why.", order
        if order.number <= (last := self.numbers.last(key.id)):
            return "number", f"number {order.number} was used: the last was {last}", "Sign it anew.", order
        try:
            self.numbers.take(key.id, order.number)
        except OSError as error:
            return (
                "number",
                f"{self.numbers.path}: can't be written: {error.strerror}",
                "Look at the disk.",
                order,
            )
        return (*self._policy(key, name, now_ns), order)

    @staticmethod
    def _untimely(row: Row, order: Order, wall_s: float, is_clock_sure: bool) -> str:
        """Why it comes at a wrong time; "" if it doesn't. Stopping is safe by any clock."""
        if row.is_safe and not is_clock_sure:
            return ""
        if not is_clock_sure:
            return "this device's clock isn't set, so nobody knows whether it is still good"
        if not 0.0 < order.expires_s - order.issued_s <= LONGEST_S:
            return (
                f"it is good for {order.expires_s - order.issued_s:g} s, at most {LONGEST_S:g} s are allowed"
            )
        if wall_s > order.expires_s:
            return f"it expired {wall_s - order.expires_s:.0f} s ago"
        if order.issued_s > wall_s + AHEAD_S:
            return f"it was issued {order.issued_s - wall_s:.0f} s in the future"
        return ""

    def _policy(self, key: Key, name: str, now_ns: int) -> tuple[str, str, str]:
        """What is right, and yet too much."""
        if wait_ns := (self._holds if name == HOLD else self._others).take(key.id, now_ns):
            why = (
                "this key has held the machine less than a minute ago"
                if name == HOLD
                else f"this key asks for more than {MOST_AT_ONCE} things at once and one a second"
            )
            return "policy", why, f"Wait {-(-wait_ns // SECOND_NS)} s."
        return "", "", ""


def keys_of(section: Mapping[str, Any]) -> dict[str, Key]:
    """The keys of the plan: {id: {"public": hex, "may": [names]}}."""
    return {
        name: Key(name, bytes.fromhex(each["public"]), frozenset(each["may"]))
        for name, each in section.items()
    }
