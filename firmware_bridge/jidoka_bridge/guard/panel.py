"""Acknowledging at the PLC's own panel: block B carries a counter, the number of a reason, and a person's number.

The panel shows what block A says: one cause at a time, the first one, then the next that still waits. A press of its
key acknowledges that one, if it stood there long enough to be read. It has the force of an operator's acknowledgement
at the machine; what needs another role can't be acknowledged there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.messages import Kind
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS

if TYPE_CHECKING:
    from jidoka_bridge.guard.causes import Cause
    from jidoka_bridge.guard.core import Guard
    from jidoka_bridge.guard.link_view import LinkView

PANEL, PLC, EITHER = "panel", "plc", "either"
#: how long a cause must have stood there before a press can mean it
READ_NS = 1_000 * MS_NS
#: of a counter of 8 bits
MOST = 0xFF


class Shown:
    """What the PLC's panel shows: a cause at a revision, since when; and the counter that a press there moves.

    is_sure: nothing else went out since, which might be shown without an answer having come. reference: (connection, counter)
    of the last good beat; is_near: the link has been up since then.
    """

    def __init__(self) -> None:
        self.cause = ""
        self.revision = 0
        self.since_ns = 0
        self.asked = ("", 0)
        self.is_sure = True
        self.reference: tuple[int, int] | None = None
        self.is_near = False

    def asks(self, cause: Cause | None) -> None:
        """What the request that just went out says."""
        self.asked = (cause.id, cause.revision) if cause else ("", 0)
        self.is_sure &= self.asked == (self.cause, self.revision)

    def answered(self, now_ns: int) -> None:
        """It was answered, so that it is shown from now on."""
        if self.asked != (self.cause, self.revision):
            (self.cause, self.revision), self.since_ns = self.asked, now_ns
        self.is_sure = True

    def lose(self) -> None:
        """The link isn't up: nobody knows what is shown."""
        self.cause, self.revision, self.is_near = "", 0, False

    def is_pressed(self, view: LinkView) -> bool:
        """Somebody pressed the key since the last look. A PLC that begins anew counts from 0; behind 255 comes 0 as well."""
        before, self.reference = self.reference, (view.connection, view.acknowledges)
        self.is_sure &= self.is_near and before is not None and before[0] == view.connection
        self.is_near = True
        is_anew = view.acknowledges == 0 and before != (view.connection, MOST)
        return before is not None and before[1] != view.acknowledges and not is_anew


def cause_on_the_wire(guard: Guard) -> Cause | None:
    """The first cause; once it is acknowledged, the next that isn't; without either a latched one, to be acknowledged again."""
    first = guard.causes.by_id.get(guard.recorder.first_out or "")
    waiting = guard.causes.unacknowledged()
    if waiting and (first is None or first.is_acknowledged):
        return waiting[0]
    return first or next((cause for cause in guard.causes if cause.latched), None)


def take(guard: Guard, now_ns: int, view: LinkView) -> None:
    """A good beat: the counter has moved since the one before, so somebody has pressed the key there."""
    if not (view.is_up and view.is_own):
        return
    if guard.shown.is_pressed(view):
        _acknowledge(guard, now_ns, view)
    guard.shown.answered(now_ns)


def _acknowledge(guard: Guard, now_ns: int, view: LinkView) -> None:
    shown, number = guard.shown, view.acknowledge_reason
    reason = ACKNOWLEDGE_REASONS[number - 1] if 1 <= number <= len(ACKNOWLEDGE_REASONS) else ""
    body: dict[str, Any] = {
        "cause": shown.cause,
        # what hasn't stood there for long enough to be read, or may have been something else, was acknowledged unseen
        "revision": shown.revision if shown.is_sure and now_ns - shown.since_ns >= READ_NS else 0,
        "reason": reason,
        "role": "operator",
        "person": f"PLC {view.person}",
        "at": PLC,
    }
    guard.act(now_ns, Kind.ACKNOWLEDGE, body)
