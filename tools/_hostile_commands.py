"""What a hostile sender can put on a device's command topics, made at random: nothing of it may have an effect.

It knows the good messages that were sent before, owns a key of its own, and one of the plan's that may do little; it has
not the key that may hold. Everything forbidden comes properly signed by the plan's own key: no signature makes it allowed.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jidoka.steward.commands.kinds import COMMANDS, MOST_BYTES
from jidoka.steward.commands.signing import sign

REPLAYED = "played again"
FORBIDDEN = tuple(row.name for row in COMMANDS if not row.is_allowed)
SHIFT = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
READER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
FOREIGN = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))


class Attack(NamedTuple):
    """A message on cmd/NAME/request. how: of HOWS."""

    how: str
    name: str
    message: bytes
    is_retained: bool = False


class Sender:
    """tree: the device's topics; replays: good messages that were followed already."""

    def __init__(self, tree: str, seed: int, replays: tuple[tuple[str, bytes], ...] = ()) -> None:
        self.tree = tree
        self.rng = random.Random(seed)
        self.replays = replays
        self.number = 10**9

    def good(
        self, command: str = "hold", private: Ed25519PrivateKey = SHIFT, key: str = "shift", **fields: Any
    ) -> bytes:
        """A message that is right in all that `fields` doesn't change. Its number is the next."""
        self.number += 1
        now_s = time.time()
        payload = {
            "command": command, "device": self.tree, "number": self.number, "issued": rfc3339(now_s - 1),
            "expires": rfc3339(now_s + 50), "arguments": {}, **fields,
        }  # fmt: skip
        return sign(private, key, payload)

    def attacks(self, count: int) -> Iterator[Attack]:
        """So many, each way about equally often."""
        hows = [how for how in HOWS if how != REPLAYED or self.replays]
        for _ in range(count):
            how = self.rng.choice(hows)
            yield Attack(how, *HOWS[how](self))


def rfc3339(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, timezone.utc).isoformat()


def _bit(sender: Sender) -> tuple[str, bytes]:
    data = bytearray(sender.good())
    data[sender.rng.randrange(len(data))] ^= 1 << sender.rng.randrange(8)
    return "hold", bytes(data)


def _swapped(sender: Sender) -> tuple[str, bytes]:
    """A payload of the sender's own under a signature of the plan's key over another one."""
    value, other = json.loads(sender.good("report")), json.loads(sender.good())
    return "hold", json.dumps({**value, "payload": other["payload"]}).encode()


def _cut(sender: Sender) -> tuple[str, bytes]:
    data = sender.good()
    return "hold", data[: sender.rng.randrange(len(data))]


def _replayed(sender: Sender) -> tuple[str, bytes]:
    return sender.rng.choice(sender.replays)


def _expired(sender: Sender) -> tuple[str, bytes]:
    past_s = time.time() - sender.rng.uniform(1, 1e6)
    return "hold", sender.good(issued=rfc3339(past_s - 30), expires=rfc3339(past_s))


def _ahead(sender: Sender) -> tuple[str, bytes]:
    then_s = time.time() + sender.rng.uniform(60, 1e6)
    return "hold", sender.good(issued=rfc3339(then_s), expires=rfc3339(then_s + 30))


def _lasting(sender: Sender) -> tuple[str, bytes]:
    return "hold", sender.good(expires=rfc3339(time.time() + sender.rng.uniform(61, 1e9)))


def _elsewhere(sender: Sender) -> tuple[str, bytes]:
    other = sender.rng.choice([sender.tree + "2", sender.tree[:-1], sender.tree.replace("v1", "v2"), "+", ""])
    return "hold", sender.good(device=other)


def _renamed(sender: Sender) -> tuple[str, bytes]:
    """A report sent as a hold, a hold as a report."""
    signed, sent = sender.rng.choice(
        [("report", "hold"), ("hold", "report"), ("label", "hold"), ("reset", "hold")]
    )
    return sent, sender.good(signed)


def _forbidden(sender: Sender) -> tuple[str, bytes]:
    name = sender.rng.choice([*FORBIDDEN, "start", "dance", "../hold", "hold/request"])
    return name.replace("/", "%2F"), sender.good(name)


def _huge(sender: Sender) -> tuple[str, bytes]:
    return "hold", sender.good(arguments={"reason": "x" * sender.rng.randrange(MOST_BYTES, 4 * MOST_BYTES)})


def _unknown_key(sender: Sender) -> tuple[str, bytes]:
    return "hold", sender.good(private=FOREIGN, key=sender.rng.choice(["nobody", "SHIFT", "shift ", "root"]))


def _forged(sender: Sender) -> tuple[str, bytes]:
    return "hold", sender.good(private=sender.rng.choice([FOREIGN, READER]))


def _not_entitled(sender: Sender) -> tuple[str, bytes]:
    return "hold", sender.good(private=READER, key="reader")


def _garbage(sender: Sender) -> tuple[str, bytes]:
    return sender.rng.choice(["hold", "report", "reset"]), sender.rng.randbytes(sender.rng.randrange(1, 400))


def _odd_payload(sender: Sender) -> tuple[str, bytes]:
    """Properly signed, and no order."""
    odd: list[Any] = [
        {"number": -1}, {"number": 2**70}, {"number": True}, {"issued": "now"}, {"expires": None}, {"arguments": []},
        {"command": 5}, {"device": None}, {"issued": "2026-01-01T00:00:00"},
    ]  # fmt: skip
    return "hold", sender.good(**sender.rng.choice(odd))


def _unsigned(sender: Sender) -> tuple[str, bytes]:
    value = json.loads(sender.good())
    wrong = sender.rng.choice(
        ["", base64.b64encode(bytes(64)).decode(), base64.b64encode(bytes(63)).decode(), None]
    )
    return "hold", json.dumps({**value, "signature": wrong}).encode()


How = Callable[[Sender], tuple[Any, ...]]
HOWS: dict[str, How] = {
    "a bit turned": _bit,
    "another payload": _swapped,
    "cut": _cut,
    REPLAYED: _replayed,
    "retained": lambda sender: ("hold", sender.good(), True),
    "expired": _expired,
    "from the future": _ahead,
    "good for too long": _lasting,
    "for another device": _elsewhere,
    "under another name": _renamed,
    "forbidden, well signed": _forbidden,
    "too long": _huge,
    "an unknown key": _unknown_key,
    "a foreign signature": _forged,
    "a key that may not": _not_entitled,
    "garbage": _garbage,
    "signed nonsense": _odd_payload,
    "no signature": _unsigned,
}
