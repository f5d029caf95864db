"""Whoever sees an alarm can acknowledge it: at the guard where that knows of it, else at the steward."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.definition import STALE_NS
from jidoka.alarms.until import Clock
from jidoka.cli.alarm_screen import listed
from jidoka.steward.core import Core
from jidoka.steward.effects import Effect, Record, Reply, ToGuard
from jidoka.steward.ledger.format import LANE_OF, Entry
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka_bridge.guard.acts import judge_acknowledge
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.remembered import restore_causes
from jidoka_bridge.guard.reports import cause_body
from jidoka_bridge.messages import Kind, Message
from jidoka_bridge.plan import CauseSpec

from tests.steward.site import DRIFT, cause, make_plan

S = 1_000_000_000
BOOT = b"b" * 16
PERSON = {"role": "operator", "person": "p1"}


class Place:
    """A steward's core with a guard at its other end; what is recorded is kept, as a ledger would."""

    def __init__(self, folder: Path, before: Place | None = None, *rows: CauseSpec) -> None:
        plan = replace(make_plan(folder), causes=rows)
        self.core = Core(plan, BOOT, lambda text: ("c" * 8, text.encode()))
        self.entries: list[tuple[EntryKind, int, dict[str, Any]]] = []
        for kind, at_ns, body in before.entries if before else ():
            header = (kind, LANE_OF[kind], 0, 0, at_ns, at_ns, BOOT)
            self.core.restore(Entry(*header, json.dumps(body).encode()))
        began_s = before.entries[-1][1] // S + 1 if before else 1
        self.core.alarms.begin(began_s * S, began_s * S)
        self.core.on_guard_connected(began_s * S)

    def keep(self, effects: list[Effect], at_s: float) -> list[Effect]:
        told = [each for each in effects if isinstance(each, Record)]
        self.entries += [(each.kind, round(at_s * S), each.value) for each in told]
        return effects

    def guard(self, kind: Kind, body: dict[str, Any], at_s: float) -> list[Effect]:
        message = Message(kind, 0, 0, json.dumps(body).encode())
        return self.keep(self.core.on_guard(round(at_s * S), message), at_s)

    def ask(self, kind: Kind, body: dict[str, Any], at_s: float) -> list[Effect]:
        message = Message(kind, 0, 0, json.dumps({"request": "q", **PERSON, **body}).encode())
        return self.keep(self.core.on_peer(round(at_s * S), 7, message), at_s)

    def acknowledge(self, revision: int, at_s: float, reason: str = "cause found") -> list[Effect]:
        return self.ask(Kind.ACKNOWLEDGE, {"cause": "R-05", "revision": revision, "reason": reason}, at_s)

    def tick(self, *at_s: float) -> None:
        for each in at_s:
            self.keep(self.core.tick(round(each * S)), each)

    @property
    def shown(self) -> dict[str, Any]:
        shown = self.core.alarms.annunciator.shown
        return next(each for each in (*shown.listed, *shown.normal) if each["id"] == "R-05")

    @property
    def text(self) -> str:
        return listed(
            {"now_ns": 0, "alarms": [self.shown], "withheld": [], "alarm_load": {"flood": False}}, False
        )

    @property
    def state(self) -> str:
        return str(self.shown["state"])

    def last(self) -> dict[str, Any]:
        """The last entry of the alarm."""
        return [body for kind, _, body in self.entries if kind is EntryKind.ALARM and body["id"] == "R-05"][
            -1
        ]


def advised(**fields: Any) -> dict[str, Any]:
    return cause(**{"id": "R-05", "response": "advise", "trip": False, "latched": False, **fields})


def is_granted_here(effects: list[Effect]) -> bool:
    """By the steward, without a word to the guard, and with an entry of the act."""
    (reply,) = (each for each in effects if isinstance(each, Reply))
    assert not [each for each in effects if isinstance(each, ToGuard)]
    kinds = [each.kind for each in effects if isinstance(each, Record)]
    return bool(reply.value["ok"]) and kinds == [EntryKind.ACT, EntryKind.ALARM]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_alarm_that_came_off_its_shelf_can_be_acknowledged_though_the_guard_has_nothing_to_acknowledge(
    place: Place,
) -> None:
    place.guard(Kind.CAUSE, advised(acknowledged=1), 2)
    place.ask(Kind.ALARM_ACT, {"act": "shelve", "alarm": "R-05", "reason": "nuisance", "for_s": 60}, 3)
    place.tick(64)
    assert place.state == "B"
    place.guard(Kind.CAUSE, advised(active=False, acknowledged=1), 65)
    place.tick(66, 100)
    assert place.state == "D"
    assert is_granted_here(place.acknowledge(1, 101))
    assert place.state == "A"


def test_a_stale_alarm_that_is_gone_can_be_acknowledged_at_its_revision_only(place: Place) -> None:
    place.guard(Kind.CAUSE, advised(acknowledged=1), 2)
    late_s = 3 + STALE_NS / S
    place.tick(late_s)
    assert place.state == "B"
    assert [each for each in place.acknowledge(1, late_s + 1) if isinstance(each, ToGuard)], "it is active"
    place.guard(Kind.ANSWER, {"request": "q", "ok": False, "refused": "not now"}, late_s + 2)
    place.guard(Kind.CAUSE, advised(active=False, acknowledged=1), late_s + 3)
    place.tick(late_s + 4, late_s + 40)
    assert place.state == "D"
    (reply,) = (each for each in place.acknowledge(0, late_s + 41) if isinstance(each, Reply))
    assert "has changed" in reply.value["refused"]
    assert is_granted_here(place.acknowledge(1, late_s + 42))
    assert place.state == "A"


def test_an_alarm_that_the_plan_knows_no_more_can_be_acknowledged_and_is_gone_then(
    place: Place, tmp_path: Path
) -> None:
    place.guard(Kind.CAUSE, advised(), 2)
    after = Place(tmp_path, place)
    assert [each for each in after.acknowledge(1, 4) if isinstance(each, ToGuard)], "it may tell of it yet"
    after.guard(Kind.ANSWER, {"request": "q", "ok": False, "refused": "there is no cause 'R-05'"}, 4)
    after.tick(5, 20, 60)
    assert after.state == "D"
    assert is_granted_here(after.acknowledge(1, 61))
    assert after.state == "A"
    after.guard(Kind.CAUSE, advised(revision=2), 62)
    assert after.state == "B"
    assert [each for each in after.acknowledge(2, 63) if isinstance(each, ToGuard)], "it is the guard's again"


def test_the_reason_in_the_record_is_of_the_acknowledgement_that_counted_and_of_no_other(
    place: Place,
) -> None:
    place.guard(Kind.CAUSE, cause(id="R-05", revision=2), 2)
    for request, fields in (
        ("q1", {"role": "viewer", "person": "v1", "revision": 2, "reason": "false alarm"}),
        ("q2", {"revision": 1, "reason": "false alarm"}),
        ("q3", {"revision": 2, "reason": "acknowledged by mistake", "undo": True}),
        ("q4", {"revision": 2, "reason": "cause removed"}),
    ):
        place.ask(Kind.ACKNOWLEDGE, {"request": request, "cause": "R-05", **fields}, 3)
    person = {"role": "operator", "pseudonym": "p1"}
    place.guard(Kind.CAUSE, cause(id="R-05", revision=2, acknowledged=2, person=person), 4)
    entry = place.last()
    assert (entry["state"], entry["person"], entry["reason"]) == ("C", person, "cause removed")
    place.guard(Kind.CAUSE, cause(id="R-05", revision=3, acknowledged=2), 5)
    place.guard(Kind.CAUSE, cause(id="R-05", revision=3, acknowledged=3, person=person), 6)
    entry = place.last()
    assert (entry["state"], entry["reason"]) == ("C", ""), (
        "nobody asked for that here: it was the PLC's panel"
    )


def test_a_trip_alarm_says_who_acknowledged_it_and_why_until_it_changes(place: Place, tmp_path: Path) -> None:
    person = {"role": "operator", "pseudonym": "p1"}
    place.guard(Kind.CAUSE, cause(id="R-05"), 2)
    place.acknowledge(1, 3)
    place.guard(Kind.CAUSE, cause(id="R-05", acknowledged=1, person=person), 3)
    place.guard(Kind.ANSWER, {"request": "q", "ok": True, "refused": ""}, 3)
    seen = {**person, "reason": "cause found"}
    assert place.shown["seen"] == seen
    remote = {"cause": "R-05", "revision": 1, "reason": "other", "person": "p9", "remote": True}
    place.ask(Kind.ACKNOWLEDGE, remote, 4)
    assert (place.shown["seen"], place.shown["seen_remotely"]) == (seen, True), "a mark, and no other person"
    place.tick(5 + STALE_NS / S)
    assert (place.shown["stale"], place.shown["seen"]) == (True, seen), "it was only called"
    after = Place(tmp_path, place)
    assert after.shown["seen"] == seen
    assert ", by operator p1: cause found" in after.text
    after.guard(Kind.CAUSE, cause(id="R-05", active=False, acknowledged=1, person=person), 90_000)
    assert (after.state, after.shown["seen"]) == ("L", seen)
    after.guard(Kind.CAUSE, cause(id="R-05", revision=2, acknowledged=1, person=person), 90_001)
    assert (after.state, after.shown["seen"], after.shown["seen_remotely"]) == ("B", None, False)


def test_who_acknowledged_at_the_plcs_panel_is_told_without_a_reason_that_nobody_gave(place: Place) -> None:
    person = {"role": "operator", "pseudonym": "PLC 7"}
    place.guard(Kind.CAUSE, cause(id="R-05", acknowledged=1, person=person), 2)
    assert "active, acknowledged for 0 s, by operator PLC 7\n" in place.text


def test_since_when_an_alarm_is_gone_isnt_since_when_it_came(place: Place) -> None:
    place.guard(Kind.CAUSE, cause(id="R-05", since_ns=2 * S), 2)
    place.guard(Kind.CAUSE, cause(id="R-05", active=False, since_ns=2 * S), 7_202)
    value = {"now_ns": 7_262 * S, "alarms": [place.shown], "withheld": [], "alarm_load": {"flood": False}}
    assert "gone, not acknowledged for 60 s" in listed(value, False)


def test_words_that_are_no_reason_stand_in_no_entry(place: Place) -> None:
    place.core.on_refused_command(2 * S, "")
    body = {"cause": "refused command", "revision": 1, "reason": "Anna has seen it", "text": "she is ill"}
    effects = place.ask(Kind.ACKNOWLEDGE, body, 3)
    (reply,) = (each for each in effects if isinstance(each, Reply))
    assert reply.value["refused"] == "what was given isn't a reason"
    (refusal,) = (each for each in effects if isinstance(each, Record))
    assert refusal.kind is EntryKind.REFUSAL
    assert "Anna" not in json.dumps(refusal.value)
    assert b"Anna" in refusal.secret


def test_what_tripped_under_an_earlier_plan_can_be_acknowledged_though_its_row_only_observes_now(
    tmp_path: Path,
) -> None:
    row = CauseSpec("R-05", "slow", "observe", "low", 40, "The lamp ages.", "Plan one.", any_of=(DRIFT,))
    place = Place(tmp_path, None, row)
    causes = Causes(place.core.plan, Conditions(place.core.plan))
    restore_causes(causes, {"causes": {"R-05": [True, 3, 0, None, ""]}, "seconds": {}})
    assert causes.unacknowledged() == [causes["R-05"]], "no reset before that"
    place.guard(Kind.CAUSE, cause_body(causes["R-05"], True), 2)
    assert place.state == "A", "the alarm is its condition's"
    (passed,) = (each for each in place.acknowledge(3, 3) if isinstance(each, ToGuard))
    assert judge_acknowledge(passed.value, causes) == ("", "")
    causes["R-05"].acknowledge(3 * S, {"role": "operator", "pseudonym": "p1"})
    place.guard(Kind.CAUSE, cause_body(causes["R-05"], True), 3)
    answered = place.guard(Kind.ANSWER, {"request": "q", "ok": True, "refused": ""}, 3)
    assert [each.value["act"] for each in answered if isinstance(each, Record)] == ["acknowledge"]
    (reply,) = (each for each in place.acknowledge(3, 4) if isinstance(each, Reply))
    assert not reply.value["ok"]
    place.core.conditions.judgements[DRIFT] = "on"
    place.tick(5)
    assert is_granted_here(place.acknowledge(1, 6)), "its own alarm is the steward's as ever"
    with pytest.raises(ValueError, match="the steward's own"):
        place.core.alarms.annunciator.take(cause(id="guard away"), "", Clock(7 * S, 7 * S))


def with_an_aged_lamp(tmp_path: Path) -> Place:
    """A row that advises is on, and somebody has acknowledged it."""
    row = CauseSpec("R-05", "slow", "advise", "medium", 40, "The lamp ages.", "Plan one.", any_of=(DRIFT,))
    place = Place(tmp_path, None, row)
    place.core.conditions.judgements[DRIFT] = "on"
    place.guard(Kind.CAUSE, advised(acknowledged=1), 2)
    place.tick(20)
    return place


def test_an_advised_row_is_not_gone_because_a_guard_that_starts_anew_has_not_heard_of_it_yet(
    tmp_path: Path,
) -> None:
    place = with_an_aged_lamp(tmp_path)
    place.core.on_guard_lost(21 * S)
    place.core.on_guard_connected(22 * S)
    causes = Causes(place.core.plan, Conditions(place.core.plan))
    person = {"role": "operator", "pseudonym": "p1"}
    restore_causes(causes, {"causes": {"R-05": [False, 1, 1, person, ""]}, "seconds": {}})
    place.guard(Kind.CAUSE, cause_body(causes["R-05"], True), 22)
    place.tick(23, 60)
    assert (place.state, place.shown["quality"]) == ("C", "no data")
    place.core.conditions.judgements[DRIFT] = "off"
    place.tick(61)
    assert place.shown["quality"] == "good"
    place.tick(92)
    assert place.state == "A", "judged gone, and for its off-delay"


def test_an_advised_row_that_a_new_guard_hears_of_again_goes_on_as_it_was(tmp_path: Path) -> None:
    place = with_an_aged_lamp(tmp_path)
    place.core.on_guard_connected(22 * S)
    place.guard(Kind.CAUSE, advised(active=False, acknowledged=1), 22)
    place.guard(Kind.CAUSE, advised(revision=2, acknowledged=1), 23)
    assert (place.state, place.shown["quality"], place.shown["revision"]) == ("C", "good", 2)
    place.guard(Kind.CAUSE, advised(active=False, revision=2, acknowledged=2), 50)
    place.tick(51, 90)
    assert place.state == "A", "what it says later it knows"
