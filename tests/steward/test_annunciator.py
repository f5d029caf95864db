"""The steward's alarms without its sockets: what time, silence and the ledger make of them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.acts import Act
from jidoka.alarms.definition import SECOND_NS
from jidoka.alarms.facts import FACTS
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka.steward.answers import LIMIT_NS, Answers
from jidoka.steward.core import Core
from jidoka.steward.gauges import of_alarms
from jidoka.steward.ledger.format import LANE_OF, Entry
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.own_alarms import OWN
from jidoka.steward.surroundings import facts_of_plc, statistics_of
from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import CauseSpec

from tests.steward.site import DRIFT, MODEL, cause, make_plan

PLAN = replace(
    make_plan(Path("/nowhere")),
    causes=(CauseSpec("R-09", "slow", "observe", "low", 40, "The lamp ages.", "Plan one.", any_of=(DRIFT,)),),
    sections={"alarms": {"rows": {"R-09": {"dead_band": 0.2, "off_delay_s": 1.0}}, "shelve": {}}},
)
GOOD = Facts(True, True, frozenset(), frozenset({MODEL}), frozenset(), {}, {})


def at(seconds: float) -> Clock:
    ns = round(seconds * SECOND_NS)
    return Clock(ns, 10**18 + ns)


def letters(annunciator: Annunciator) -> dict[str, str]:
    return {each["id"]: each["state"] for each in annunciator.shown.listed}


def begun() -> Annunciator:
    made = Annunciator(PLAN)
    assert made.begin(at(0)) == []
    return made


def body(**fields: Any) -> dict[str, Any]:
    return cause(**{"id": "R-05", "response": "advise", "trip": False, "latched": False, **fields})


def test_every_alarm_of_the_agents_own_comes_from_what_it_sees_and_goes_with_it() -> None:
    annunciator = begun()
    assert annunciator.tick(GOOD, at(1)) == []
    bad = Facts(
        False,
        False,
        frozenset({MODEL}),
        frozenset(),
        None,
        {DRIFT: "on"},
        {},
        is_nearly_full=True,
        certificate_days=3,
    )
    told = {entry["id"] for second in (2, 8) for entry in annunciator.tick(bad, at(second))}
    assert told == {
        "not recording", "guard away", f"monitor silent:{MODEL}", "R-09", "ledger nearly full", "certificate ends soon",
    }  # fmt: skip
    annunciator.tick(bad._replace(certificate_days=20), at(8.5))
    assert letters(annunciator)["certificate ends"] == "B"
    annunciator.refused_command(at(9))
    assert letters(annunciator)["refused command"] == "B"
    promised = {
        "agreed error rate refuted",
        "false-alarm budget refuted",
        "slices differ",
    }  # nothing is, in this plan
    assert {row.id for row in OWN} - {each.partition(":")[0] for each in letters(annunciator)} == {
        "chattering", *promised,
    }  # fmt: skip
    good = GOOD._replace(judgements={DRIFT: "off"})
    annunciator.tick(good, at(10))
    annunciator.tick(good, at(60))
    assert set(letters(annunciator).values()) == {"D"}, "gone, and still to be acknowledged"


def test_an_observing_row_that_isnt_judged_any_more_stays_as_it_was() -> None:
    annunciator = begun()
    for second, judgement, state in (
        (1, "on", "B"),
        (2, "unknown", "B"),
        (60, "unknown", "B"),
        (61, "off", "B"),
        (63, "off", "D"),
    ):
        annunciator.tick(GOOD._replace(judgements={DRIFT: judgement}), at(second))
        assert letters(annunciator) == {"R-09": state}, second


def test_what_the_guard_told_is_old_while_it_is_away_and_keeps_its_state() -> None:
    annunciator = begun()
    annunciator.take(body(), "", at(1))
    away = GOOD._replace(is_guard_here=False)
    annunciator.tick(away, at(2))
    [entry] = [each for each in annunciator.tick(away, at(8)) if each["id"] == "R-05"]
    assert (entry["state"], entry["quality"], entry["sign"]) == ("B", "no data", "log")
    _, [back] = annunciator.take(body(), "", at(9))
    assert back["quality"] == "good"


def test_an_alarm_that_the_guard_does_not_know_any_more_ends_in_the_open() -> None:
    before = begun()
    _, [entry] = before.take(body(), "", at(1))
    after = Annunciator(PLAN)
    after.restore_alarm(json.loads(json.dumps(entry)), at(1), True)
    after.begin(at(2))
    assert letters(after) == {"R-05": "B"}
    after.tick(GOOD, at(30))
    assert letters(after) == {"R-05": "B"}, "no guard was there to tell"
    after.guard_connected(at(30))
    after.tick(GOOD, at(41))
    after.tick(GOOD, at(80))
    assert letters(after) == {"R-05": "D"}


def test_the_dead_band_goes_by_the_detectors_statistic() -> None:
    annunciator = begun()
    on = GOOD._replace(judgements={DRIFT: "on"}, statistics={MODEL: (11.0, 10.0)})
    annunciator.tick(on, at(1))
    near = GOOD._replace(judgements={DRIFT: "off"}, statistics={MODEL: (8.5, 10.0)})
    for second in (2, 20):
        annunciator.tick(near, at(second))
    assert letters(annunciator) == {"R-09": "B"}
    far = near._replace(statistics={MODEL: (7.5, 10.0)})
    for second in (21, 23):
        annunciator.tick(far, at(second))
    assert letters(annunciator) == {"R-09": "D"}


def test_a_flood_lists_by_priority_and_the_first_first() -> None:
    annunciator = begun()
    for number in range(12):
        priority = "high" if number == 7 else "low"
        annunciator.take(body(id=f"S-{number}", priority=priority, since_ns=number), "", at(1 + number))
    assert annunciator.shown.summary["flood"]
    assert [each["id"] for each in annunciator.shown.listed][:3] == ["S-7", "S-0", "S-1"]
    assert annunciator.shown.summary["active"] == len(annunciator.shown.summary["list"]) == 12
    assert annunciator.shown.load(at(20))["last_10_min"] == 12
    assert (50, 12, {}) in list(of_alarms(annunciator.shown.summary, annunciator.shown.load(at(20))))


def test_the_load_is_the_same_after_a_restart() -> None:
    before, entries = begun(), []
    for second, active in ((1, True), (2, False), (40, True), (41, False), (9000, True)):
        revision = 1 + (second >= 40) + (second >= 9000)
        entries += [
            (each, at(second))
            for each in before.take(body(active=active, revision=revision), "", at(second))[1]
        ]
        entries += [(each, at(second + 31)) for each in before.tick(GOOD, at(second + 31))]
    after = Annunciator(PLAN)
    for entry, written in entries:
        after.restore_alarm(json.loads(json.dumps(entry)), written, True)
    after.begin(at(9100))
    one, other = before.shown.load(at(9100)), after.shown.load(at(9100))
    assert one["alarms"] == 3
    same = ("alarms", "calls", "peak_10_min", "priorities", "most_frequent", "stale_24_h")
    assert {name: one[name] for name in same} == {name: other[name] for name in same}


def test_a_cause_by_the_name_of_an_own_alarm_is_refused() -> None:
    annunciator = begun()
    for name in ("chattering", "R-09"):
        with pytest.raises(ValueError, match=name):
            annunciator.take(body(id=name), "", at(1))


def test_facts_hold_only_while_the_plc_says_so() -> None:
    status = PlcStatus(64, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, PlcStatus.LINK_UP)
    assert facts_of_plc(None) is None
    assert facts_of_plc(replace(status, flags=0)) is None
    assert facts_of_plc(status) == {"changeover", "not running"} | (facts_of_plc(status) or set()) & {
        "override"
    }
    assert (facts_of_plc(status) or set()) <= set(FACTS)
    assert statistics_of({MODEL: {"statistic": {"log": 1, "limit_log": None}}, "x": {}}) == {}
    assert statistics_of({MODEL: {"statistic": {"log": 1, "limit_log": 2.5}}}) == {MODEL: (1.0, 2.5)}


def test_an_answer_waits_for_the_disk_and_says_so_when_that_takes_too_long() -> None:
    answers = Answers()
    answers.keep(5, 1, {"ok": True}, 0)
    answers.keep(6, 2, {"ok": True}, 0)
    assert answers.due(4, 1) == []
    assert answers.due(5, 1) == [(1, {"ok": True})]
    [(peer, late)] = answers.due(5, LIMIT_NS)
    assert (peer, late["ok"]) == (2, False)
    assert "isn't recorded yet" in late["refused"]
    assert answers.due(9, LIMIT_NS) == []


@pytest.mark.parametrize("last", ["tripped", "back to normal"])
def test_a_row_that_only_observes_now_is_heard_though_it_tripped_under_an_earlier_plan(last: str) -> None:
    held = cause(id="R-09")
    seen = {**held, "active": False, "latched": False, "acknowledged_revision": 1}
    earlier = Annunciator(replace(PLAN, causes=()))
    entries = [earlier.take(each, "", at(1))[1] for each in ([held] if last == "tripped" else [held, seen])]
    after = Annunciator(PLAN)
    for entry in (each for told in entries for each in told):
        after.restore_alarm(json.loads(json.dumps(entry)), at(1), True)
    after.begin(at(2))
    off, on = (GOOD._replace(judgements={DRIFT: judgement}) for judgement in ("off", "on"))
    after.tick(off, at(3))
    after.tick(off, at(10))
    assert letters(after).get("R-09", "A") == ("D" if last == "tripped" else "A")
    after.tick(on, at(11))
    assert letters(after) == {"R-09": "B"}
    [alarm] = after.shown.listed
    act = Act("acknowledge", "R-09", "operator", "s2", True, alarm["revision"], "cause found")
    assert after.act(act, at(12))[0].refused == ""
    assert letters(after) == {"R-09": "C"}


def test_what_the_guard_told_when_it_came_back_is_not_called_old_again() -> None:
    annunciator = begun()
    annunciator.take(body(), "", at(1))
    away = GOOD._replace(is_guard_here=False)
    for second in (2, 8):
        annunciator.tick(away, at(second))
    annunciator.guard_connected(at(9))
    annunciator.take(body(), "", at(9))
    for second in (10, 60):  # before and after the alarm of its absence has gone
        annunciator.tick(GOOD, at(second))
        [alarm] = [each for each in annunciator.shown.listed if each["id"] == "R-05"]
        assert alarm["quality"] == "good"


def test_a_guard_that_went_before_it_told_anything_ends_no_alarm() -> None:
    before = begun()
    _, told = before.take(cause(), "", at(1))
    _, seen = before.take(cause(acknowledged=1), "", at(2))
    after = Annunciator(PLAN)
    for entry in (*told, *seen):
        after.restore_alarm(json.loads(json.dumps(entry)), at(2), True)
    after.begin(at(3))
    after.guard_connected(at(4))
    after.tick(GOOD._replace(is_guard_here=False), at(5))
    for second in (20, 60, 100):
        after.tick(GOOD._replace(is_guard_here=False), at(second))
    assert letters(after) == {"R-03": "C", "guard away": "B"}
    after.guard_connected(at(101))
    after.take(cause(acknowledged=1), "", at(101))
    after.tick(GOOD, at(150))
    assert letters(after)["R-03"] == "C"


@pytest.mark.parametrize(
    "told",
    [{}, {"event": "begins"}, {"event": "begins", "since_ns": "x", "alarms": 3}, {"event": "begins", "since_ns": 5, "alarms": None}],
)  # fmt: skip
def test_a_flood_entry_that_cant_be_read_is_no_flood_and_no_end_of_the_steward(told: dict[str, Any]) -> None:
    annunciator = Annunciator(PLAN)
    annunciator.restore_flood(told, at(1), True)
    assert annunciator.begin(at(2)) == []
    assert not annunciator.shown.is_flooded
    assert (annunciator.tick(GOOD, at(3)), annunciator.take_floods()) == ([], [])


def test_quiet_days_before_a_restart_count_in_the_load_after_it(tmp_path: Path) -> None:
    day_s = 86_400
    core = Core(make_plan(tmp_path), b"b" * 16, lambda text: (text, b""))
    alarm = {
        "id": "R-05",
        "state": "A",
        "priority": "low",
        "class": "other",
        "revision": 1,
        "acknowledged_revision": 1,
    }
    entries = (
        (EntryKind.BOOT, {"event": "start"}, 0),
        (EntryKind.ALARM, {**alarm, "events": [], "heard": True}, 9 * day_s),
    )
    for kind, told, second in entries:
        header = (kind, LANE_OF[kind], 0, 0, at(second).ns, at(second).wall_ns, b"b" * 16)
        core.restore(Entry(*header, json.dumps(told).encode()))
    now = at(10 * day_s - 1)
    core.alarms.begin(now.ns, now.wall_ns)
    load = core.alarms.load(now.ns)
    assert (load["alarms"], round(load["days"])) == (1, 10)
    assert load["per_10_min"] == pytest.approx(1 / 1440, rel=0.01)


def test_what_the_steward_sees_by_itself_has_data_again_once_it_was_looked_at() -> None:
    annunciator = Annunciator(PLAN)
    for name in ("not recording", "R-09"):
        annunciator.restore_alarm({"id": name, "state": "Q"}, at(1), True)
    annunciator.begin(at(2))
    annunciator.tick(GOOD._replace(is_recording=False, heard=frozenset()), at(3))
    quality = {each["id"]: (each["state"], each["quality"]) for each in annunciator.shown.listed}
    assert quality == {"not recording": ("B", "good"), "R-09": ("B", "no data")}


@pytest.mark.parametrize("state", ["B", "C", "E", "D"])
def test_a_row_that_the_plan_made_worse_since_its_alarm_came_sounds_again(state: str) -> None:
    before, told = begun(), []
    on = GOOD._replace(judgements={DRIFT: "on"})
    told += before.tick(on, at(1))
    for kind, letter in (("acknowledge", "C"), ("shelve", "E")):
        if letter == state:
            act = Act(kind, "R-09", "operator", "s2", True, 1, "cause found", 600 * SECOND_NS)
            told += before.act(act, at(2))[1]
    if state == "D":
        off = GOOD._replace(judgements={DRIFT: "off"})
        told += before.tick(off, at(2)) + before.tick(off, at(4))
    assert told[-1]["state"] == state
    worse = Annunciator(replace(PLAN, causes=(replace(PLAN.causes[0], priority="high"),)))
    for each in told:
        worse.restore_alarm(json.loads(json.dumps(each)), at(4), True)
    [entry] = worse.begin(at(5))
    assert (entry["priority"], entry["sign"]) == ("high", "S")
    assert entry["state"] == ("D" if state == "D" else "B")
    again = Annunciator(replace(PLAN, causes=(replace(PLAN.causes[0], priority="low"),)))
    again.restore_alarm(json.loads(json.dumps(entry)), at(5), True)
    assert again.begin(at(6)) == [], "the worst stays until it is acknowledged"
