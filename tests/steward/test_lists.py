"""A list acknowledgement: each alarm against the revision that was seen, and nothing that wasn't on the list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator
from jidoka.steward.core import Core
from jidoka.steward.effects import Effect, Record, Reply, ToGuard
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.lists import MOST, items_of
from jidoka_bridge.messages import Kind, Message

from tests.steward.site import cause, make_plan

S = 1_000_000_000
SHARED = {"request": "q", "reason": "seen, will look", "role": "operator", "person": "p1"}


def message(kind: Kind, body: dict[str, Any]) -> Message:
    return Message(kind, 0, 0, json.dumps(body).encode())


class Place:
    """A steward's core with a guard that knows two causes, R-03 and R-04, and one alarm of the steward's own."""

    def __init__(self, folder: Path) -> None:
        self.core = Core(make_plan(folder), b"b" * 16, lambda text: ("c" * 8, text.encode()))
        self.core.alarms.begin(S, S)
        self.core.on_guard_connected(S)
        for name in ("R-03", "R-04"):
            self.guard(Kind.CAUSE, cause(id=name, revision=2))
        self.core.why_not_recording = "the disk is full"
        self.core.tick(2 * S)
        self.core.why_not_recording = ""
        self.core.tick(3 * S)
        assert self.annunciator.shown.listed[0]["id"] == "not recording"

    @property
    def annunciator(self) -> Annunciator:
        return self.core.alarms.annunciator

    def guard(self, kind: Kind, body: dict[str, Any], now_ns: int = 4 * S) -> list[Effect]:
        return self.core.on_guard(now_ns, message(kind, body))

    def acknowledge(self, *seen: tuple[str, int], **more: Any) -> list[Effect]:
        items = [{"cause": name, "revision": revision} for name, revision in seen]
        return self.core.on_peer(4 * S, 7, message(Kind.ACKNOWLEDGE, {**SHARED, "list": items, **more}))

    def answer(self, request: str, refused: str = "") -> list[Effect]:
        body = {
            "request": request,
            "ok": not refused,
            "refused": refused,
            "remedy": "Look again.",
            "value": {},
        }
        return self.guard(Kind.ANSWER, body)


def replies(effects: list[Effect]) -> list[Reply]:
    return [each for each in effects if isinstance(each, Reply)]


def outcomes(effects: list[Effect]) -> dict[str, str]:
    (reply,) = replies(effects)
    assert (reply.peer, reply.value["request"], reply.value["ok"]) == (7, "q", True)
    return {each["cause"]: each["refused"] for each in reply.value["value"]["list"]}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_each_is_decided_by_itself_and_one_answer_comes_when_the_last_is(place: Place) -> None:
    asked = place.acknowledge(("R-03", 2), ("not recording", 1), ("R-04", 1))
    assert [each.value["cause"] for each in asked if isinstance(each, ToGuard)] == ["R-03", "R-04"]
    assert not replies(asked)
    assert not replies(place.answer("q/0"))
    done = place.answer("q/2", "R-04 has changed: revision 2 now, 1 was seen")
    assert outcomes(done) == {
        "R-03": "",
        "not recording": "",
        "R-04": "R-04 has changed: revision 2 now, 1 was seen",
    }
    assert replies(done)[0].is_after_record
    kinds = [each.kind for effects in (asked, done) for each in effects if isinstance(each, Record)]
    assert kinds.count(EntryKind.REFUSAL) == 1
    states = {each["id"]: each["state"] for each in place.annunciator.shown.listed}
    # of the trip class the guard's own record tells, and it didn't yet
    assert states == {"R-03": "B", "R-04": "B", "not recording": "C"}


def test_what_was_not_on_the_list_is_left_alone(place: Place) -> None:
    assert outcomes(place.acknowledge(("not recording", 1)))["not recording"] == ""
    states = {each["id"]: each["state"] for each in place.annunciator.shown.listed}
    assert states == {"R-03": "B", "R-04": "B", "not recording": "C"}


def test_one_that_changed_since_it_was_seen_is_refused_and_the_others_count(place: Place) -> None:
    place.acknowledge(("not recording", 0), ("nobody", 1), ("R-03", 2))
    place.answer("q/1", "there is no cause 'nobody'")
    told = outcomes(place.answer("q/2"))
    assert told["R-03"] == ""
    assert "has changed" in told["not recording"]
    assert "no cause" in told["nobody"]


def test_a_guard_that_says_nothing_is_told_for_each(place: Place) -> None:
    place.acknowledge(("R-03", 2), ("R-04", 2))
    told = outcomes(place.core.tick(9 * S))
    assert all("doesn't answer" in refused for refused in told.values())


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "1 to 50"),
        ("all", "1 to 50"),
        ([{"cause": "R-03", "revision": 1}] * 2, "stands twice"),
        ([{"cause": "R-03"}], "the revision that was seen"),
        ([{"cause": "R-03", "revision": True}], "the revision that was seen"),
        ([{"revision": 3}], "names its alarm"),
        (["R-03"], "names its alarm"),
        ([{"cause": f"R-{n}", "revision": 1} for n in range(MOST + 1)], "1 to 50"),
    ],
)
def test_what_is_no_list_is_refused_whole(place: Place, given: Any, why: str) -> None:
    effects = place.core.on_peer(4 * S, 7, message(Kind.ACKNOWLEDGE, {**SHARED, "list": given}))
    (reply,) = replies(effects)
    assert not reply.value["ok"]
    assert why in reply.value["refused"]
    assert any(isinstance(each, Record) and each.kind is EntryKind.REFUSAL for each in effects)
    assert not [each for each in effects if isinstance(each, ToGuard)]


def test_the_same_request_twice_is_refused_while_the_first_is_under_way(place: Place) -> None:
    place.acknowledge(("R-03", 2))
    (reply,) = replies(place.acknowledge(("R-04", 2)))
    assert "under way" in reply.value["refused"]
    assert outcomes(place.answer("q/0")) == {"R-03": ""}


def test_a_list_can_take_nothing_back(place: Place) -> None:
    (item,) = items_of({**SHARED, "undo": True, "list": [{"cause": "R-03", "revision": 2, "undo": True}]})
    assert "undo" not in item
    assert place.annunciator.shown.load(Clock(S, S))["flood"] is False
