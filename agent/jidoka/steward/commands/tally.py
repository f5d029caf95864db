"""Which refused commands get an entry and a reply of their own; the others are counted, and the count is an entry. Pure.

A flood must fill neither the disk nor the lane in which alarms travel. What is counted is bound to its messages all the
same: the entry carries a SHA-256 over theirs, in their order.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from jidoka.steward.commands.allowance import Allowance
from jidoka.steward.commands.kinds import FLOOD

#: of each kind so many get an entry of their own at once, then one a second
BURST = 100
REFILL_NS = 1_000_000_000


class Tally:
    """What was refused and has no entry yet."""

    def __init__(self) -> None:
        self._entries = Allowance(BURST, REFILL_NS)
        self._counts: Counter[str] = Counter()
        self._names: Counter[str] = Counter()
        self._digest = hashlib.sha256()

    def has_entry(self, now_ns: int, kind: str) -> bool:
        """True: this one gets an entry of its own. kind: of REFUSALS."""
        return not self._entries.take(kind, now_ns)

    def count(self, kind: str, sha256: str) -> None:
        """One without. sha256: of its message, in hexadecimal digits."""
        self._counts[kind] += 1
        self._digest.update(bytes.fromhex(sha256))

    def turned_away(self, names: Mapping[str, int]) -> None:
        """Those that nobody looked at, by command."""
        self._counts[FLOOD] += sum(names.values())
        self._names.update(names)

    def take(self) -> dict[str, Any] | None:
        """The body of the entry that tells them, once a second at most; None if there are none."""
        counts = {kind: count for kind, count in sorted(self._counts.items()) if count}
        if not counts:
            return None
        told = ", ".join(f"{kind} {count}" for kind, count in counts.items())
        body = {
            "what": "commands", "refused": f"{sum(counts.values())} more commands were refused: {told}",
            "remedy": "Find who sends them, and let the broker's access list keep them away.",
            "counts": counts, "names": dict(sorted(self._names.items())), "sha256": self._digest.hexdigest(),
        }  # fmt: skip
        self._counts, self._names, self._digest = Counter(), Counter(), hashlib.sha256()
        return body
