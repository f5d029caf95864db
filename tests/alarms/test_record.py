"""What is written down of an alarm comes through a restart, and what can't be read is never taken for normal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jidoka.alarms.acts import LONGEST_SERVICE_NS, SHIFT_NS, Act
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.changes import Change
from jidoka.alarms.definition import HOUR_NS, SECOND_NS, Definition
from jidoka.alarms.record import past_of, recorded, restored, shown
from jidoka.alarms.table import Annunciation, Event, State
from jidoka.alarms.until import Clock, Until

WRITTEN = Clock(1000 * SECOND_NS, 10**18)
WORDS = Definition("R-05", "medium", "fading", "advise", "The lamp fades.", "Change the lamp.")
ACTIVE = Alarm(
    "R-05", False, False, "high", State.ACTIVE, State.ACTIVE, True, 7, 5, 3, WRITTEN.ns, WRITTEN.ns - 5, WRITTEN.ns - 3, 2,
)  # fmt: skip
SEEN = replace(
    ACTIVE, state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED, seen=Seen("operator", "s2", "other")
)
SHELF = Withheld(
    "person", "operator", "s2", "nuisance", until=Until(WRITTEN.ns, WRITTEN.wall_ns, HOUR_NS), rank=1
)
SHELVED = replace(SEEN, state=State.SHELVED, withheld=SHELF)
OUT = replace(ACTIVE, state=State.OUT_OF_SERVICE, withheld=replace(SHELF, permit="P-17"))
RULED = replace(ACTIVE, state=State.SUPPRESSED, withheld=Withheld("rule", reason="changeover"))
LOST = replace(ACTIVE, has_data=False, was_seen_remotely=True, is_stale=True)
TRIP = replace(ACTIVE, is_trip=True, is_holding=True)


def body(alarm: Alarm, act: Act | None = None, *events: Event) -> dict[str, Any]:
    made = recorded(Change(alarm, State.NORMAL, events, Annunciation.SOUND, True, act), WORDS)
    read: dict[str, Any] = json.loads(json.dumps(made))
    return read


@pytest.mark.parametrize("alarm", [ACTIVE, SEEN, SHELVED, OUT, RULED, LOST, TRIP, Alarm("R-05")])
def test_within_a_boot_an_alarm_comes_back_as_it_was(alarm: Alarm) -> None:
    later = Clock(WRITTEN.ns + 9, WRITTEN.wall_ns + 9)
    assert restored(body(alarm), WRITTEN, True, later) == alarm


def test_after_another_boot_times_are_ages_and_a_shelf_has_what_is_left_of_it() -> None:
    booted = Clock(50 * SECOND_NS, WRITTEN.wall_ns + HOUR_NS // 4)
    found = restored(body(SHELVED), WRITTEN, False, booted)
    assert found.active_ns == booted.ns - HOUR_NS // 4 - 5
    assert found.since_ns == booted.ns - HOUR_NS // 4
    assert found.withheld is not None
    assert found.withheld.until is not None
    assert found.withheld.until.left_ns(booted) == HOUR_NS * 3 // 4
    assert replace(found, since_ns=0, active_ns=0, sounded_ns=0, withheld=None) == replace(
        SHELVED, since_ns=0, active_ns=0, sounded_ns=0, withheld=None
    )
    calm = restored(body(Alarm("R-05")), WRITTEN, False, booted)
    assert (calm.since_ns, calm.active_ns) == (0, 0)


def test_who_and_why_stand_in_the_record_of_an_acknowledgement_only() -> None:
    act = Act("acknowledge", "R-05", "quality", "q1", True, 7, "cause found")
    told = body(SEEN, act, Event.ACKNOWLEDGE)
    assert (told["person"], told["reason"]) == ({"role": "quality", "pseudonym": "q1"}, "cause found")
    assert told["events"] == [Event.ACKNOWLEDGE.value]
    shelved = body(SHELVED, replace(act, kind="shelve"), Event.SHELVE)
    assert (shelved["reason"], shelved["withheld"]["reason"]) == ("", "nuisance")
    assert body(ACTIVE)["person"] is None


def test_a_list_shows_letter_quality_and_who_is_called() -> None:
    told = shown(LOST, WORDS)
    assert (told["state"], told["quality"], told["called"], told["class"]) == (
        "B",
        "no data",
        "engineer",
        "other",
    )
    assert shown(TRIP, WORDS)["class"] == "trip"
    assert shown(Alarm("R-05"), WORDS)["called"] == ""


def test_a_record_from_before_there_were_shelves_is_read() -> None:
    old = {
        "id": "R-05", "state": "C", "meaning": "active, acknowledged", "was": "B", "sign": "s", "priority": "low",
        "class": "other", "revision": 2, "acknowledged_revision": 2, "count": 1, "since_ns": 77, "quality": "good",
    }  # fmt: skip
    found = restored(old, WRITTEN, True, WRITTEN)
    assert (found.state, found.below, found.since_ns, found.sounded_ns) == (
        State.ACKNOWLEDGED, State.ACKNOWLEDGED, 77, 77,
    )  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"state": "Z"},
        {"state": "E"},
        {"below": "E"},
        {"below": "D"},
        {"priority": "unheard of"},
        {"revision": None},
        {"seen": {"who": "me"}},
        {"withheld": {}},
        {"state": "E", "withheld": {**body(SHELVED)["withheld"], "until": None}},
        {"state": "G", "withheld": {**body(OUT)["withheld"], "until": None}},
        {
            "state": "E",
            "withheld": {
                **body(SHELVED)["withheld"],
                "until": {"length_ns": SHIFT_NS + 1, "set_ns": 0, "set_wall_ns": 0},
            },
        },
        {"state": "E", "withheld": {**body(SHELVED)["withheld"], "until": 5}},
    ],
)
def test_what_cannot_be_is_no_state(change: dict[str, Any]) -> None:
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        restored({**body(ACTIVE), **change}, WRITTEN, True, WRITTEN)


def test_every_field_stands_under_its_own_name() -> None:
    act = Act("acknowledge", "R-05", "quality", "q1", True, 7, "cause found")
    made = recorded(
        Change(SHELVED, State.RETURNED, (Event.ACKNOWLEDGE,), Annunciation.FLASH, False, act), WORDS
    )
    assert made == {
        "id": "R-05", "state": "E", "meaning": "shelved until its end", "below": "C", "was": "D", "sign": "f",
        "priority": "high", "class": "other", "response": "advise", "text": "The lamp fades.", "remedy": "Change the lamp.",
        "risk": "fading", "revision": 7, "acknowledged_revision": 5, "quality": "good", "count": 3,
        "since_ns": WRITTEN.ns, "active_ns": WRITTEN.ns - 5, "sounded_ns": WRITTEN.ns - 3, "calls": 2,
        "called": SHELVED.escalated_to, "stale": False, "seen_remotely": False, "heard": False,
        "seen": {"role": "operator", "pseudonym": "s2", "reason": "other"},
        "person": {"role": "quality", "pseudonym": "q1"}, "reason": "cause found",
        "events": [Event.ACKNOWLEDGE.value], "evidence": {},
        "withheld": {
            "by": "person", "role": "operator", "pseudonym": "s2", "reason": "nuisance", "permit": "", "one_shot": False,
            "rank": 1,
            "until": {
                "set_ns": WRITTEN.ns, "set_wall_ns": WRITTEN.wall_ns, "length_ns": HOUR_NS,
                "end_wall_ns": WRITTEN.wall_ns + HOUR_NS,
            },
        },
    }  # fmt: skip
    told = shown(SHELVED, WORDS)
    assert set(made) - set(told) == {"meaning", "was", "sign", "risk", "person", "reason", "events", "heard", "active_ns",
                                     "sounded_ns", "evidence"}  # fmt: skip
    assert told["letter meaning"] == "shelved until its end"


@pytest.mark.parametrize("event", list(Event))
def test_only_an_acknowledgement_has_a_reason(event: Event) -> None:
    act = Act("acknowledge", "R-05", "quality", "q1", True, 7, "cause found")
    is_one = event in {Event.ACKNOWLEDGE, Event.ACKNOWLEDGE_REMOTE}
    assert body(SEEN, act, event)["reason"] == ("cause found" if is_one else "")


@pytest.mark.parametrize(
    ("alarm", "change", "why"),
    [
        (ACTIVE, {"below": "D"}, "R-05: state B over D"),
        (ACTIVE, {"priority": "unheard of"}, "R-05: priority unheard of"),
        (SHELVED, {"withheld": {**body(SHELVED)["withheld"], "until": None}}, "R-05: shelved until its end, and no end is recorded"),
    ],
)  # fmt: skip
def test_why_a_record_is_none_is_told(alarm: Alarm, change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}$"):
        restored({**body(alarm), **change}, WRITTEN, True, WRITTEN)


def with_length(alarm: Alarm, length_ns: int) -> dict[str, Any]:
    told = body(alarm)
    told["withheld"]["until"]["length_ns"] = length_ns
    return told


@pytest.mark.parametrize(("alarm", "longest_ns"), [(SHELVED, SHIFT_NS), (OUT, LONGEST_SERVICE_NS)])
def test_an_end_is_between_at_once_and_the_longest_that_there_is(alarm: Alarm, longest_ns: int) -> None:
    for length_ns in (1, longest_ns):
        assert restored(with_length(alarm, length_ns), WRITTEN, True, WRITTEN).state is alarm.state
    for length_ns in (0, longest_ns + 1):
        with pytest.raises(ValueError, match="no end is recorded"):
            restored(with_length(alarm, length_ns), WRITTEN, True, WRITTEN)


def test_what_an_old_record_doesnt_tell_is_as_of_an_alarm_that_just_came() -> None:
    old = {
        "id": "R-05", "state": "B", "priority": "low", "class": "other", "revision": 2, "acknowledged_revision": 1,
    }  # fmt: skip
    found = restored(old, WRITTEN, True, WRITTEN)
    assert found == Alarm(
        "R-05", state=State.ACTIVE, below=State.ACTIVE, revision=2, acknowledged_revision=1, count=1
    )


def test_a_shelf_for_once_stays_one() -> None:
    once = replace(SHELVED, withheld=replace(SHELF, is_one_shot=True))
    found = restored(body(once), WRITTEN, True, WRITTEN)
    assert found.withheld is not None
    assert found.withheld.is_one_shot is True


def test_a_wall_clock_that_was_set_back_makes_nothing_younger() -> None:
    booted = Clock(50 * SECOND_NS, WRITTEN.wall_ns - 7)
    assert restored(body(ACTIVE), WRITTEN, False, booted).active_ns == booted.ns - 5
    assert past_of({"chatter": {"strikes_ns": [WRITTEN.ns], "rows": [False, False]}}, WRITTEN, True, booted).strikes_ns == (
        WRITTEN.ns,
    )  # fmt: skip
