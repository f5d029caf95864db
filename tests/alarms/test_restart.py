"""What the record keeps beside an alarm's state: that it chatters, a flood that is on, and words that people wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.definition import MINUTE_NS, SECOND_NS
from jidoka.alarms.flood import BEGINS_ABOVE, ENDS_BELOW, WINDOW_NS, Flood
from jidoka.alarms.record import past_of
from jidoka.alarms.signal import CHATTER, NO_PAST
from jidoka.alarms.until import Clock
from jidoka.cli.alarm_screen import listed
from jidoka.steward.alarm_desk import AlarmDesk
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka.steward.effects import Record
from jidoka.steward.ledger.format import Entry, Lane
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.people import people_path, sealed
from jidoka.steward.written import Written
from jidoka_bridge.messages import Kind, PlcStatus
from jidoka_bridge.plan import CauseSpec, Plan
from jidoka_bridge.registers import Input

from tests.steward.site import DRIFT, make_plan

BEGAN = 1_000 * SECOND_NS
WALL = 1_700_000_000 * SECOND_NS


def plan(folder: Path, rows: int = 1) -> Plan:
    causes = tuple(
        CauseSpec(f"R-{n:02}", "drift", "observe", "low", 40 + n, "It drifts.", "Look.", (DRIFT,))
        for n in range(rows)
    )
    rows_section = {cause.id: {"off_delay_s": 0.0} for cause in causes}
    return replace(make_plan(folder), causes=causes, sections={"alarms": {"rows": rows_section}})


class Steward:
    """The annunciator with a clock, and the ledger's entries of it."""

    def __init__(self, a_plan: Plan, now_ns: int = BEGAN, wall_ns: int = WALL) -> None:
        self.plan, self.now = a_plan, Clock(now_ns, wall_ns)
        self.annunciator = Annunciator(a_plan)
        self.alarms: list[tuple[dict[str, Any], Clock]] = []
        self.floods: list[tuple[dict[str, Any], Clock]] = []

    def begin(self, before: Steward | None = None, *, is_this_boot: bool = True) -> Steward:
        for body, at in before.alarms if before else ():
            self.annunciator.restore_alarm(body, at, is_this_boot)
        for body, at in before.floods if before else ():
            self.annunciator.restore_flood(body, at, is_this_boot)
        self.keep(self.annunciator.begin(self.now))
        return self

    def keep(self, bodies: list[dict[str, Any]]) -> None:
        self.alarms += [(body, self.now) for body in bodies]
        self.floods += [(body, self.now) for body in self.annunciator.take_floods()]

    def drift(self, *, is_on: bool, after_ns: int = SECOND_NS) -> None:
        self.now = Clock(self.now.ns + after_ns, self.now.wall_ns + after_ns)
        judgements = {DRIFT: "on" if is_on else "off"}
        facts = Facts(True, True, frozenset(), frozenset(), frozenset(), judgements, {})
        self.keep(self.annunciator.tick(facts, self.now))

    @property
    def chattering(self) -> list[str]:
        found: list[str] = self.annunciator.shown.load(self.now)["chattering"]
        return found


def chatter(steward: Steward) -> Steward:
    for _ in range(CHATTER[0].strikes):
        steward.drift(is_on=True)
        steward.drift(is_on=False)
    assert steward.chattering == ["R-00"]
    return steward


@pytest.mark.parametrize("is_this_boot", [True, False])
def test_an_alarm_that_chattered_before_the_restart_does_so_after_it_until_it_was_quiet(
    tmp_path: Path, is_this_boot: bool
) -> None:
    before = chatter(Steward(plan(tmp_path)).begin())
    away_ns = 10 * SECOND_NS
    now_ns = before.now.ns + away_ns if is_this_boot else 50 * SECOND_NS
    after = Steward(before.plan, now_ns, before.now.wall_ns + away_ns).begin(
        before, is_this_boot=is_this_boot
    )
    assert after.chattering == ["R-00"]
    told = len(after.alarms)
    after.drift(is_on=False)
    assert not [
        body for body, _ in after.alarms[told:] if "chatter found" in body["events"]
    ]  # it was told already
    after.drift(is_on=False, after_ns=CHATTER[0].quiet_ns)
    after.drift(is_on=False)
    assert after.chattering == []


@pytest.mark.parametrize(
    "kept",
    [
        None, {}, {"strikes_ns": [1], "rows": [True]}, {"strikes_ns": [], "rows": [True, False]},
        {"strikes_ns": [3, 1], "rows": [True, False]}, {"strikes_ns": "x", "rows": [True, False]}, {"strikes_ns": [None], "rows": []},
    ],
)  # fmt: skip
def test_a_past_that_cant_be_read_is_none(kept: Any) -> None:
    assert past_of({"chatter": kept}, Clock(9, 9), True, Clock(10, 10)) == NO_PAST


def flooded(folder: Path) -> Steward:
    steward = Steward(plan(folder, rows=BEGINS_ABOVE + 1)).begin()
    steward.drift(is_on=True)
    return steward


def test_a_flood_has_an_entry_where_it_begins_and_one_where_it_ends(tmp_path: Path) -> None:
    steward = flooded(tmp_path)
    ((begins, _),) = steward.floods
    assert (begins["event"], begins["count"], begins["since_ns"]) == (
        "begins",
        BEGINS_ABOVE + 1,
        steward.now.ns,
    )
    steward.drift(is_on=True, after_ns=WINDOW_NS)
    (_, (ends, _)) = steward.floods
    assert (ends["event"], ends["alarms"], ends["since_ns"]) == ("ends", BEGINS_ABOVE + 1, begins["since_ns"])
    assert ends["count"] < ENDS_BELOW
    assert "is over" in ends["text"]


@pytest.mark.parametrize("is_this_boot", [True, False])
def test_a_flood_outlives_a_restart_and_still_ends_once(tmp_path: Path, is_this_boot: bool) -> None:
    before = flooded(tmp_path)
    away_ns = MINUTE_NS
    now_ns = before.now.ns + away_ns if is_this_boot else 5_000 * SECOND_NS
    after = Steward(before.plan, now_ns, before.now.wall_ns + away_ns).begin(
        before, is_this_boot=is_this_boot
    )
    assert after.annunciator.shown.is_flooded
    assert not after.floods
    after.drift(is_on=True, after_ns=WINDOW_NS - away_ns - SECOND_NS)
    assert after.annunciator.shown.is_flooded
    after.drift(is_on=True, after_ns=2 * SECOND_NS)
    ((ends, _),) = after.floods
    assert (ends["event"], ends["alarms"]) == ("ends", BEGINS_ABOVE + 1)
    third = Steward(before.plan, after.now.ns, after.now.wall_ns).begin(after)
    assert not third.annunciator.shown.is_flooded


def test_without_a_record_of_its_beginning_alarms_of_the_last_minutes_still_count() -> None:
    flood = Flood()
    flood.restore([n * SECOND_NS for n in range(BEGINS_ABOVE)], 0, 0)
    turn = flood.came(60 * SECOND_NS)
    assert turn is not None
    assert turn.recent == BEGINS_ABOVE + 1


# ---------------------------------------------------------------------- what somebody wrote when he silenced it


def desk(folder: Path) -> AlarmDesk:
    made = AlarmDesk(plan(folder), sealed)
    made.begin(BEGAN, WALL)
    return made


def test_what_somebody_wrote_is_in_the_list_until_it_is_erased_and_in_no_entry(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jdl"
    first = desk(tmp_path)
    body = {"act": "shelve", "alarm": "R-00", "for_s": 600.0, "reason": "nuisance", "text": "the crane shades it",
            "role": "operator", "person": "p1", "request": "q"}  # fmt: skip
    effects = first.act(BEGAN + SECOND_NS, 7, Kind.ALARM_ACT, body)
    records = [each for each in effects if isinstance(each, Record)]
    assert first.withheld[0]["written"] == "the crane shades it"
    assert "crane" not in json.dumps([each.value for each in records])
    assert "crane" not in json.dumps(first.annunciator.shown.summary)
    people_path(ledger).write_bytes(b"".join(each.secret for each in records))

    second = AlarmDesk(plan(tmp_path), sealed)
    for each in records:
        if each.kind is EntryKind.ACT:
            second.restore_act(each.value)
        else:
            header = (each.kind, Lane.ALARM, 0, 0, BEGAN + SECOND_NS, WALL + SECOND_NS, b"b" * 16)
            second.restore(Entry(*header, json.dumps(each.value).encode()), each.value, True)
    second.begin(BEGAN + 2 * SECOND_NS, WALL + 2 * SECOND_NS)
    written = Written(ledger)
    written.refresh(second)
    assert second.withheld[0]["written"] == "the crane shades it"
    assert "“the crane shades it”" in listed(
        {"now_ns": BEGAN, "alarms": [], "withheld": second.withheld, "alarm_load": second.load(BEGAN)}, False
    )
    people_path(ledger).unlink()
    written.refresh(second)
    assert second.withheld[0]["written"] == ""


def test_what_somebody_wrote_of_a_shelf_that_ended_isnt_shown_of_a_rule_that_suppresses(
    tmp_path: Path,
) -> None:
    rows = {"R-00": {"suppressed_while": ["changeover"]}}
    ruled = AlarmDesk(replace(plan(tmp_path), sections={"alarms": {"rows": rows}}), sealed)
    ruled.begin(BEGAN, WALL)
    body = {"act": "shelve", "alarm": "R-00", "for_s": 60.0, "reason": "nuisance", "text": "the crane shades it",
            "role": "operator", "person": "p1", "request": "q"}  # fmt: skip
    ruled.act(BEGAN + SECOND_NS, 7, Kind.ALARM_ACT, body)
    changeover = PlcStatus(int(Input.CHANGEOVER), 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, PlcStatus.LINK_UP)
    for after_s in (62, 63):
        ruled.tick(
            BEGAN + after_s * SECOND_NS, is_recording=True, is_guard_here=True, plc=changeover, judgements={}, summaries={},
        )  # fmt: skip
    [alarm] = ruled.withheld
    assert (alarm["state"], alarm["withheld"]["reason"], alarm["written"]) == ("F", "changeover", "")
