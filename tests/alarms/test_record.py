"""What is written down of an alarm comes through a restart, and what can't be read is never taken for normal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from jidoka.alarms.acts import SHIFT_NS, Act
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.changes import Change
from jidoka.alarms.definition import HOUR_NS, SECOND_NS, Definition
from jidoka.alarms.record import recorded, restored, shown
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
