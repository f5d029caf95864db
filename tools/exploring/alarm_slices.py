"""One alarm's table, explored to closure with every event in every state, for each class of alarm.

The book knows whether the condition holds and whether somebody saw it, by what was told; it doesn't read the table.
K1: normal means gone and seen. K2: what holds the machine is neither shelved nor suppressed. K3: active and not seen is
shown as such. K4: what holds the machine waits for the reset. K5: silence changes nothing. K6: what becomes active and
unseen is heard. K7: nothing is hidden but by a decision to hide it. K8: what can't occur in a state is given all the same, and
changes nothing at all. Source: INTERLOCK §3.
"""

from __future__ import annotations

from jidoka.alarms.alarm import Alarm, Withheld, step
from jidoka.alarms.table import Annunciation, Event, State

from tools.exploring import snapshot
from tools.exploring.book import claim
from tools.exploring.canonical import BASE_NS, Form, Rule, drop
from tools.exploring.core_slices import Slice

HIDDEN = (State.SHELVED, State.SUPPRESSED, State.OUT_OF_SERVICE)
PRIORITIES = {Event.TRUE: "medium", Event.SEVERITY_RISES: "high", Event.SEVERITY_FALLS: "low"}
#: decisions to hide, and where they lead
HIDES = {
    Event.SHELVE: State.SHELVED,
    Event.SUPPRESS: State.SUPPRESSED,
    Event.OUT: State.OUT_OF_SERVICE,
}
#: what can't occur: the end of what doesn't hide it; a call where nobody is waited for; taking back what is hidden
CANNOT: dict[Event, frozenset[State]] = {
    Event.UNSHELVE: frozenset(State) - {State.SHELVED},
    Event.SHELF_ENDS: frozenset(State) - {State.SHELVED},
    Event.SUPPRESS_ENDS: frozenset(State) - {State.SUPPRESSED},
    Event.BACK: frozenset(State) - {State.OUT_OF_SERVICE},
    Event.REALARM: frozenset({State.NORMAL, *HIDDEN}),
    Event.UNACKNOWLEDGE: frozenset(HIDDEN),
}
HOLDERS = {
    Event.SHELVE: Withheld("shelf", reason="r"),
    Event.SUPPRESS: Withheld("rule"),
    Event.OUT: Withheld("permit", permit="7"),
}
ROOTS = {
    "an alarm": Alarm("x"),
    "a trip that holds the machine": Alarm("x", is_trip=True, is_holding=True),
    "a trip that holds nothing": Alarm("x", is_trip=True),
}
BY_NAME = {event.value: event for event in Event}
#: what makes an alarm normal again
MENDING = frozenset(
    each.value
    for each in (
        Event.FALSE, Event.ACKNOWLEDGE, Event.RESET, Event.UNSHELVE, Event.SHELF_ENDS, Event.SUPPRESS_ENDS, Event.BACK,
        Event.DATA_BACK,
    )
)  # fmt: skip
RULES: dict[str, dict[str, Rule]] = {
    "AlarmWorld": {"form": drop, "now_ns": drop},
    "Alarm": {
        **dict.fromkeys(("id", "since_ns", "active_ns", "sounded_ns", "calls", "count", "seen", "acknowledged_revision"), drop),
        "revision": lambda alarm, value, _: value == alarm.acknowledged_revision,
        "withheld": lambda _, value, __: value and value.by,
    },
}  # fmt: skip
snapshot.never_changes(Form)


class AlarmWorld:
    """See `tools.exploring.search.World`. Events: the table's."""

    def __init__(self) -> None:
        self.form = Form(RULES, {}, 1)

    def begin(self, root: str) -> None:
        self.now_ns = 2 * BASE_NS
        self.alarm = ROOTS[root]
        self.is_true = self.is_unseen = False

    def may(self, event: str) -> bool:
        kind = BY_NAME[event]
        if kind in (Event.FALSE, Event.SEVERITY_RISES, Event.SEVERITY_FALLS):
            return self.is_true
        return kind is not Event.TRUE or not self.is_true

    def happen(self, event: str) -> None:
        kind, before = BY_NAME[event], self.alarm
        self.now_ns += 1
        outcome = step(before, kind, self.now_ns, HOLDERS.get(kind), PRIORITIES.get(kind, ""))
        after = self.alarm = outcome.alarm
        self._note(kind, before, bool(outcome.refused))
        state, is_shown = after.state, after.state not in HIDDEN
        if state is State.NORMAL:
            claim(not self.is_true, f"K1: normal while the condition holds, by {event}")
            claim(not self.is_unseen, f"K1: normal though nobody saw it, by {event}")
        if before.is_holding:
            claim(
                state not in (State.SHELVED, State.SUPPRESSED),
                f"K2: {state.value} while it holds the machine",
            )
            is_gone = before.below is not State.NORMAL and after.below is State.NORMAL
            claim(not is_gone or kind is Event.RESET, f"K4: it left without a reset, by {event}")
        if is_shown and self.is_true and self.is_unseen:
            claim(state is State.ACTIVE, f"K3: {state.value} though it is active and unseen, by {event}")
        if state in HIDDEN and state is not before.state:
            claim(HIDES.get(kind) is state, f"K7: {state.value} by {event}")
        if before.state in CANNOT.get(kind, ()):
            is_nothing = after == before and outcome.sign is Annunciation.NOTHING
            claim(is_nothing, f"K8: {before.state.value} became {state.value} by {event}")
        if kind in (Event.NO_DATA, Event.DATA_BACK):
            claim(
                after.below is before.below, f"K5: {before.below.value} became {after.below.value} by {event}"
            )
        if state is State.ACTIVE and before.state is not State.ACTIVE and kind is not Event.UNACKNOWLEDGE:
            claim(outcome.sign is Annunciation.SOUND, f"K6: active and not heard, by {event}")

    def _note(self, kind: Event, before: Alarm, is_refused: bool) -> None:
        """What an event means for the condition, and for whether somebody saw it."""
        if kind in (Event.TRUE, Event.FALSE):
            self.is_true = kind is Event.TRUE
            self.is_unseen = self.is_unseen or self.is_true
        elif is_refused:
            return
        elif kind is Event.UNKNOWN:
            self.is_true = self.is_unseen = True
        elif (
            (kind is Event.ACKNOWLEDGE_REMOTE and not before.is_trip)
            or kind is Event.ACKNOWLEDGE
            or (kind is Event.UNSHELVE and before.state is State.SHELVED)
        ):
            self.is_unseen = False
        elif kind in (Event.SEVERITY_RISES, Event.UNACKNOWLEDGE) and before.below is not State.NORMAL:
            self.is_unseen = self.alarm.below in (State.ACTIVE, State.RETURNED)

    def key(self) -> bytes:
        return self.form.key(self, self.now_ns)

    @property
    def marks(self) -> int:
        return int(self.alarm.state is State.NORMAL)

    def told_state(self) -> str:
        return f"{self.alarm.state.value} (below {self.alarm.below.value})"


ALARMS: tuple[Slice, ...] = tuple(
    Slice(
        f"alarm: {root}",
        "one alarm, every event in every state",
        tuple(BY_NAME),
        AlarmWorld,
        (root,),
        True,
        mending=MENDING,
    )
    for root in ROOTS
)
