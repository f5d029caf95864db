"""The gate of one stream: rejects single records beyond what the engineer's share of good ones may look like."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from jidoka_bridge.errors import BaselineError

from jidoka.monitor.gates.adaptive import AdaptiveLevel
from jidoka.monitor.gates.conformal import tails_of

STATE_FORMAT = 1


class Gate:
    """Judges one feature of one (recipe, position). Constant memory: rate·n reference values and four numbers.

    reference: the feature's values in the baseline, NaN left out; rate: the largest share of good records that may
    be rejected; side: low, high or both; tau: records over which one resembles the next; digest: of the baseline that it
    stems from. On exchangeable records the share of rejected ones is at most `rate` in expectation over baselines and
    records; given one baseline the level adapts. Where records resemble their neighbours rejects come in clusters.

    >>> gate = Gate(range(1, 400), 0.01, "low")
    >>> [gate.judge(value) for value in (0.5, 6.5, 90.0, 200.0, float("nan"))]
    [True, False, False, False, False]
    >>> gate.judged, gate.rejected, gate.without
    (4, 1, 1)
    """

    def __init__(
        self,
        reference: Iterable[float],
        rate: float,
        side: str = "both",
        *,
        tau: float = 1.0,
        adapts: bool = True,
        digest: str = "",
    ) -> None:
        self.tails = tails_of(reference, rate, side, tau)
        self.level = AdaptiveLevel(rate, self.tails.smallest())
        # between these no p-value is as small as the rate
        low, high = self.tails.low, self.tails.high
        self._inside = low[-1] if low else -math.inf, high[0] if high else math.inf
        self.adapts = adapts
        self.digest = digest
        self.judged = 0
        self.rejected = 0
        self.without = 0
        self.p_value = 1.0

    def judge(self, value: float, *, is_fed: bool = True) -> bool:
        """True: reject this record. NaN has nothing to judge, and is counted as such.

        is_fed: it counts for the level too (the machine runs); else it is judged only.
        """
        if value != value:  # noqa: PLR0124 — NaN isn't itself
            self.without += 1
            self.p_value = 1.0
            return False
        if self._inside[0] < value < self._inside[1]:  # as nearly always
            self.p_value = 1.0
            if is_fed:
                self.judged += 1
                if self.level.now < self.level.rate and self.adapts:
                    self.level.update(False)
            return False
        self.p_value = self.tails.p_value(value)
        is_rejected = self.p_value <= self.level.now
        if is_fed:
            self.judged += 1
            self.rejected += is_rejected
            if self.adapts:
                self.level.update(is_rejected)
        return is_rejected

    def state(self) -> dict[str, Any]:
        """What a restart goes on with, as JSON can hold it."""
        return {
            "format": STATE_FORMAT,
            "digest": self.digest,
            "rate": self.level.rate,
            "side": self.tails.side,
            "level": self.level.now,
            "judged": self.judged,
            "rejected": self.rejected,
            "without": self.without,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on where another gate of the same baseline, rate and side left off.

        Raises BaselineError for a state of another baseline, rate, side or format, or one that can't be read; then nothing
        changes.
        """
        remedy = "Remove the saved state: the gate then begins at the agreed rate."
        if state.get("format") != STATE_FORMAT:
            raise BaselineError(
                f"a gate's state of format {state.get('format')}, this program reads 1", remedy
            )
        own = (self.digest, self.level.rate, self.tails.side)
        if (state.get("digest"), state.get("rate"), state.get("side")) != own:
            raise BaselineError("the saved state of a gate is of another baseline, rate or side", remedy)
        try:
            level = float(state["level"])
            counts = [int(state[name]) for name in ("judged", "rejected", "without")]
        except (KeyError, TypeError, ValueError) as error:
            raise BaselineError(f"the saved state of a gate can't be read: {error}", remedy) from None
        if not self.level.lowest <= level <= self.level.rate or min(counts) < 0:
            raise BaselineError(f"the saved state of a gate has a level of {level:g}", remedy)
        self.level.now = level
        self.judged, self.rejected, self.without = counts
