"""One site's line to its PLC: the way that beats go, and its times."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from jidoka_bridge.link.times import LinkTimes, as_set, needed
from jidoka_bridge.plan import Link

from jidoka.config.link import hold_ms_of

#: (transport, function codes) -> how people call it, and what it is
WAYS: dict[tuple[str, str], tuple[str, str]] = {
    ("rtu", "23"): ("FC23", "function code 23, block A there and block B back in one exchange"),
    ("rtu", "16+03"): ("FC16+03", "function codes 16 and 03, two exchanges a beat"),
    ("modbus-tcp", "23"): ("TCP FC23", "Modbus TCP with function code 23"),
    ("modbus-tcp", "16+03"): (
        "TCP FC16+03",
        "Modbus TCP with function codes 16 and 03, two exchanges a beat",
    ),
}


@dataclass(frozen=True)
class Line:
    """One line as it is, or as a lever would make it. beat_ms: as set, None = the shortest."""

    link: Link
    answer_ms: float
    beat_ms: float | None = None

    @property
    def way(self) -> tuple[str, str]:
        """Transport and function codes; what is left to the PLC counts as 23."""
        return self.link.transport, "16+03" if self.link.function == "16+03" else "23"

    @property
    def times(self) -> LinkTimes:
        """As the plan promises them: what `jidoka.config.link.table_of` makes of the same settings."""
        least = needed(self.link, answer_ms=self.answer_ms)
        beat_ms = math.ceil(max(self.beat_ms or 0.0, least.beat_ms))
        return as_set(
            dataclasses.replace(
                self.link,
                beat_ms=beat_ms,
                reply_timeout_ms=math.floor(least.reply_timeout_ms),
                hold_ms=hold_ms_of(self.link, beat_ms),
            )
        )

    def by(self, transport: str, function: str) -> Line:
        """The same line, another way."""
        return with_link(self, transport=transport, function=function)


def with_link(line: Line, **values: int | str) -> Line:
    """The same line with other values of its link."""
    return dataclasses.replace(line, link=dataclasses.replace(line.link, **values))  # type: ignore[arg-type]
