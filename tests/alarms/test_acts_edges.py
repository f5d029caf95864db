"""Each refusal of an act, in full: what people read, and what they are told to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jidoka.alarms.acts import LONGEST_SERVICE_NS, SHIFT_NS, Act, Site, judge
from jidoka.alarms.alarm import Alarm, Seen, Withheld
from jidoka.alarms.core import Alarms
from jidoka.alarms.definition import HOUR_NS, Definition, rank
from jidoka.alarms.table import Event, State
from jidoka.alarms.until import Clock, Until

SITE = Site(("cause found", "other"), is_shelving_local=True)
NOW = Clock(5, 10**18)
ACTIVE = Alarm("R-05", state=State.ACTIVE, below=State.ACTIVE, revision=3)
SEEN = replace(
    ACTIVE, state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED, seen=Seen("quality", "q1", "other")
)
OUT = replace(ACTIVE, state=State.OUT_OF_SERVICE)
LIST = "See: jidoka alarm list"
ASK = "Ask an operator, maintenance or quality."
THERE = "Maintenance does, at the machine, with a permit."
ACK, SHELF = Event.ACKNOWLEDGE_WRONG, Event.SHELVE_WRONG


@pytest.mark.parametrize(
    ("kind", "alarm", "fields", "event", "refused", "remedy"),
    [
        ("acknowledge", ACTIVE, {"is_entitled": False}, ACK, "the role operator may not acknowledge", ASK),
        ("acknowledge", ACTIVE, {"is_entitled": False, "role": ""}, ACK, "the role (none) may not acknowledge", ASK),
        ("acknowledge", ACTIVE, {"reason": "x"}, ACK, "what was given isn't a reason", "One of: cause found, other."),
        ("acknowledge", ACTIVE, {"revision": 2}, ACK, "R-05 has changed: revision 3 now, 2 was seen",
         "Look at it again, then acknowledge."),
        ("acknowledge", ACTIVE, {"revision": None}, ACK, "R-05 has changed: revision 3 now, none was seen",
         "Look at it again, then acknowledge."),
        ("unacknowledge", SEEN, {"is_entitled": False, "role": ""}, ACK, "the role (none) may not take it back from here",
         "Whoever acknowledged it may, at the machine."),
        ("unacknowledge", SEEN, {"is_remote": True}, ACK, "the role operator may not take it back from here",
         "Whoever acknowledged it may, at the machine."),
        ("unacknowledge", ACTIVE, {}, ACK, "R-05 isn't acknowledged", LIST),
        ("unacknowledge", SEEN, {}, ACK, "R-05 was acknowledged by quality", "The same role takes it back."),
        ("unacknowledge", replace(SEEN, seen=None), {}, ACK, "R-05 was acknowledged by somebody",
         "The same role takes it back."),
        ("shelve", ACTIVE, {"is_entitled": False}, SHELF, "the role operator may not shelve", ASK),
        ("shelve", ACTIVE, {"is_entitled": False, "role": ""}, SHELF, "the role (none) may not shelve", ASK),
        ("shelve", ACTIVE, {"is_remote": True}, SHELF, "this site lets alarms be shelved at the machine only",
         "Shelve it at the machine."),
        ("shelve", ACTIVE, {"reason": "  "}, SHELF, "a reason is needed", "Say why it may be silent."),
        ("shelve", ACTIVE, {"length_ns": 0}, SHELF, "0 h is no time to shelve an alarm for", "At most 4 h."),
        ("shelve", ACTIVE, {"length_ns": 4 * HOUR_NS + 1}, SHELF, "4 h is no time to shelve an alarm for", "At most 4 h."),
        ("unshelve", ACTIVE, {"is_entitled": False}, SHELF, "the role operator may not unshelve", ASK),
        ("unshelve", ACTIVE, {"is_entitled": False, "role": ""}, SHELF, "the role (none) may not unshelve", ASK),
        ("unshelve", ACTIVE, {}, SHELF, "R-05 isn't shelved", LIST),
        ("out of service", ACTIVE, {"is_entitled": False}, SHELF,
         "the role operator may not take an alarm out of service from here", THERE),
        ("out of service", ACTIVE, {"is_remote": True, "role": ""}, SHELF,
         "the role (none) may not take an alarm out of service from here", THERE),
        ("out of service", ACTIVE, {"permit": " "}, SHELF, "the number of the permit is needed", "Get a permit to work first."),
        ("out of service", ACTIVE, {"length_ns": 0}, SHELF, "it must have an end", "At most 30 days."),
        ("out of service", ACTIVE, {"length_ns": LONGEST_SERVICE_NS + 1}, SHELF, "it must have an end", "At most 30 days."),
        ("out of service", OUT, {}, SHELF, "R-05 is out of service already: its end can't be put off", "Take it back first."),
        ("back in service", OUT, {"is_entitled": False}, SHELF, "the role operator may not take an alarm back from here",
         "Maintenance does, at the machine."),
        ("back in service", OUT, {"is_remote": True, "role": ""}, SHELF, "the role (none) may not take an alarm back from here",
         "Maintenance does, at the machine."),
        ("back in service", ACTIVE, {}, SHELF, "R-05 isn't out of service", LIST),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong_and_what_to_do(  # noqa: PLR0917
    kind: str, alarm: Alarm, fields: dict[str, Any], event: Event, refused: str, remedy: str
) -> None:
    values: dict[str, Any] = {
        "role": "operator", "pseudonym": "s2", "is_entitled": True, "revision": 3, "reason": "other", "length_ns": HOUR_NS,
        "permit": "P-1", **fields,
    }  # fmt: skip
    assert judge(Act(kind, alarm.id, **values), alarm, SITE, NOW) == (event, refused, remedy, None)


def test_the_longest_times_that_are_allowed_are_allowed() -> None:
    def asked(kind: str, length_ns: int, longest_ns: int = SHIFT_NS) -> Event:
        act = Act(kind, "R-05", "operator", "s2", True, reason="other", length_ns=length_ns, permit=" P-1 ")
        return judge(act, ACTIVE, Site(("other",), longest_ns), NOW).event

    assert asked("shelve", SHIFT_NS) is Event.SHELVE
    assert asked("shelve", SHIFT_NS + 1, longest_ns=2 * SHIFT_NS) is Event.SHELVE_WRONG, "one shift at most"
    assert asked("shelve", 1) is Event.SHELVE
    assert asked("out of service", LONGEST_SERVICE_NS) is Event.OUT
    assert asked("out of service", 1) is Event.OUT


@pytest.mark.parametrize(
    ("kind", "event", "permit", "is_one_shot"),
    [
        ("shelve", Event.SHELVE, "", True),
        ("shelve", Event.SHELVE, "", False),
        ("out of service", Event.OUT, "P-1", False),
    ],
)
def test_what_is_withheld_says_by_whom_why_and_until_when(
    kind: str, event: Event, permit: str, is_one_shot: bool
) -> None:
    act = Act(
        kind, "R-05", "quality", "q1", True, reason="other", length_ns=HOUR_NS, permit=" P-1 ", is_one_shot=is_one_shot,
    )  # fmt: skip
    alarm = replace(ACTIVE, priority="high")
    held = Withheld(
        "person", "quality", "q1", "other", permit, Until(NOW.ns, NOW.wall_ns, HOUR_NS), is_one_shot,
        rank("high") if event is Event.SHELVE else 0,
    )  # fmt: skip
    assert judge(act, alarm, SITE, NOW) == (event, "", LIST, held)


@pytest.mark.parametrize("state", list(State))
def test_where_it_is_withheld_already_the_list_says_who_did_it(state: State) -> None:
    act = Act("shelve", "R-05", "operator", "s2", True, reason="other", length_ns=HOUR_NS)
    told = judge(act, replace(ACTIVE, state=state), SITE, NOW).remedy
    is_withheld = state in {State.SHELVED, State.SUPPRESSED, State.OUT_OF_SERVICE}
    assert told == ("See who did it, and until when: jidoka alarm list" if is_withheld else LIST)


def acted(
    alarms: Alarms, kind: str = "acknowledge", name: str = "R-05", **fields: Any
) -> tuple[str, str, int]:
    values: dict[str, Any] = {"revision": 1, "reason": "other", "length_ns": HOUR_NS, **fields}
    refused, remedy, changes = alarms.act(Act(kind, name, "operator", "s2", True, **values), NOW)
    return refused, remedy, len(changes)


def test_what_is_done_or_refused_is_answered_word_by_word() -> None:
    alarms = Alarms([Definition("R-05", "medium", off_delay_ns=0)], SITE)
    for name in ("", "*", "all"):
        told = ("which alarm isn't said: nothing is done to all at once", "Name each: jidoka alarm list", 0)
        assert acted(alarms, name=name) == told
        assert alarms.may_ask_guard(Act("acknowledge", name, "operator", "s2", True))[:2] == told[:2]
    assert acted(alarms, name="R-99") == ("there is no alarm 'R-99'", LIST, 0)
    assert acted(alarms, revision=0) == ("R-05: there is nothing to acknowledge", LIST, 0)
    alarms.read("R-05", True, NOW)
    assert acted(alarms) == ("", "", 1)
    assert alarms.alarms["R-05"].seen == Seen("operator", "s2", "other")
    assert acted(alarms) == ("", "", 0), "again: nothing is new"
    assert acted(alarms, "shelve") == ("", "", 1)
    assert acted(alarms, "shelve") == (
        "R-05: it is shelved already: its end can't be put off",
        "See who did it, and until when: jidoka alarm list",
        0,
    )
    assert acted(alarms) == ("R-05: it is shelved", LIST, 0)


def test_who_acknowledged_what_is_gone_isnt_kept() -> None:
    alarms = Alarms([Definition("R-05", "medium", off_delay_ns=0)], SITE)
    alarms.read("R-05", True, NOW)
    alarms.read("R-05", False, NOW)
    assert alarms.alarms["R-05"].state is State.RETURNED
    assert acted(alarms) == ("", "", 1)
    assert (alarms.alarms["R-05"].state, alarms.alarms["R-05"].seen) == (State.NORMAL, None)
