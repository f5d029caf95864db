"""Which commands there are, and why one is refused: the two tables that the desk, the alarms and the docs are made from."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One command. is_allowed: from elsewhere at all; is_safe: stopping is right by any clock; text: what it does."""

    name: str
    is_allowed: bool
    text: str
    is_safe: bool = False


#: of the whole message of a command
MOST_BYTES = 8_192
HOLD = "hold"
#: kinds of refusal that others than the desk give
FLOOD, POLICY = "flood", "policy"

#: what may be asked for from elsewhere, and what never
COMMANDS: tuple[Row, ...] = (
    Row(HOLD, True, "stops the machine: HOLD, until somebody resets it there", is_safe=True),
    Row("ack-seen", True, "an alarm was seen elsewhere; it opens no reset"),
    Row("label", True, "whether the model was right about a part"),
    Row("report", True, "sends what `jidoka status` shows"),
    Row("reset", False, "only the button at the machine resets"),
    Row("arm", False, "only the button at the machine arms"),
    Row("unlock", False, "only an engineer at the machine unlocks"),
    Row("override", False, "only the key at the machine overrides"),
    Row("limit", False, "limits are changed at the device, by two people"),
    Row("shelve", False, "alarms are shelved at the device"),
)  # fmt: skip
BY_NAME: dict[str, Row] = {row.name: row for row in COMMANDS}
REMOTE: tuple[str, ...] = tuple(row.name for row in COMMANDS if row.is_allowed)


class Refusal(NamedTuple):
    """A kind of refusal. priority: of its alarm; text: what people read; remedy: what they do."""

    kind: str
    priority: str
    text: str
    remedy: str


#: in the order of the checks; `flood` is decided before them all
REFUSALS: tuple[Refusal, ...] = (
    Refusal(FLOOD, "medium", "More commands come from elsewhere than are looked at.", "Find who sends them, and let the broker's access list keep them away."),
    Refusal("size", "low", "A command from elsewhere was too long.", "Find who sends it: jidoka ledger show"),
    Refusal("retained", "low", "A command was published as retained; it does nothing.", "Remove it at the broker, and publish commands without the retain flag."),
    Refusal("unreadable", "low", "Something came as a command that is none.", "Find who writes to the command topics: jidoka ledger show"),
    Refusal("key", "medium", "A command came with a key that may not give it.", "Find who sends it; the configuration says who may: commands."),
    Refusal("never", "medium", "Somebody elsewhere asked for what is done at the machine only.", "Find who sends it, and ask why."),
    Refusal("signature", "medium", "A command came with a false signature: somebody tries, or a key is damaged.", "Find who sends it, and let the broker's access list keep them away."),
    Refusal("target", "low", "A command came that was signed for something else.", "Find who sends it: jidoka ledger show"),
    Refusal("expiry", "low", "A command came too late, or its clock or this one is wrong.", "Compare both clocks."),
    Refusal("number", "medium", "A command came a second time, or its number can't be kept.", "Find who sends it again: jidoka ledger show"),
    Refusal(POLICY, "low", "A command that is right in itself isn't followed: too soon again, or not now.", "See why: jidoka ledger show"),
    Refusal("arguments", "low", "A command came whose arguments say nothing.", "Tell its sender: jidoka ledger show"),
)  # fmt: skip
REFUSAL_KINDS: tuple[str, ...] = tuple(row.kind for row in REFUSALS)
