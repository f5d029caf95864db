"""What is fixed about an alarm: its words, its priority, how long a condition must last, when it is called again."""

from __future__ import annotations

from dataclasses import dataclass

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS

#: from low to high
PRIORITIES: tuple[str, ...] = ("low", "medium", "high")
#: how long an alarm of this priority may stay unacknowledged before it is called again; each call doubles it
REALARM_NS: dict[str, int] = {"low": 8 * HOUR_NS, "medium": 30 * MINUTE_NS, "high": 5 * MINUTE_NS}
LONGEST_REALARM_NS = 8 * HOUR_NS
#: active for so long: stale (ISA-18.2)
STALE_NS = 24 * HOUR_NS
#: how long a condition must be gone where nothing else is said: so no alarm can come three times in a minute
OFF_DELAY_NS = 30 * SECOND_NS
#: who is called, one after the other
ESCALATION: tuple[str, ...] = ("operator", "maintenance", "engineer")


@dataclass(frozen=True)
class Definition:
    """An alarm of the plan or of the agent itself.

    on_delay_ns, off_delay_ns: how long the condition must be there, or gone, first; dead_band: share of the limit
    that a value must fall below it before the condition counts as gone; suppressed_while: other alarms' ids or
    facts; is_own: its revisions are counted here, others' come with their cause; is_event: of something that happens
    rather than lasts, so that no sensor chatters when it comes often.
    """

    id: str
    priority: str = "low"
    risk: str = ""
    response: str = ""
    text: str = ""
    remedy: str = ""
    on_delay_ns: int = 0
    off_delay_ns: int = OFF_DELAY_NS
    dead_band: float = 0.0
    suppressed_while: tuple[str, ...] = ()
    is_own: bool = True
    is_event: bool = False


def rank(priority: str) -> int:
    """Place in PRIORITIES; an unknown word is taken for the highest."""
    return PRIORITIES.index(priority) if priority in PRIORITIES else len(PRIORITIES) - 1
