"""Who may do what with an alarm, with which reason, for how long."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from jidoka.alarms.acts import LONGEST_SERVICE_NS, SHIFT_NS, Act, Site, judge
from jidoka.alarms.alarm import Alarm, Seen
from jidoka.alarms.definition import HOUR_NS
from jidoka.alarms.table import TABLE, Event, State
from jidoka.alarms.until import Clock

NOW = Clock(5, 500)
SITE = Site(("cause found", "other"))
ACTIVE = Alarm("R-05", priority="medium", state=State.ACTIVE, below=State.ACTIVE, revision=3)
SEEN = replace(
    ACTIVE, state=State.ACKNOWLEDGED, below=State.ACKNOWLEDGED, seen=Seen("operator", "s2", "other")
)
SHELVED, OUT = replace(ACTIVE, state=State.SHELVED), replace(ACTIVE, state=State.OUT_OF_SERVICE)
ACT = Act("acknowledge", "R-05", "operator", "s2", True, 3, "cause found", 4 * HOUR_NS, "P-17")


@pytest.mark.parametrize(
    ("act", "alarm", "event", "word"),
    [
        (ACT, ACTIVE, Event.ACKNOWLEDGE, ""),
        (replace(ACT, is_remote=True), ACTIVE, Event.ACKNOWLEDGE_REMOTE, ""),
        (replace(ACT, is_entitled=False), ACTIVE, Event.ACKNOWLEDGE_WRONG, "may not acknowledge"),
        (replace(ACT, is_entitled=False, role=""), ACTIVE, Event.ACKNOWLEDGE_WRONG, "(none)"),
        (replace(ACT, reason=""), ACTIVE, Event.ACKNOWLEDGE_WRONG, "isn't a reason"),
        (replace(ACT, revision=2), ACTIVE, Event.ACKNOWLEDGE_WRONG, "revision 3 now, 2 was seen"),
        (replace(ACT, revision=None), ACTIVE, Event.ACKNOWLEDGE_WRONG, "none was seen"),
        (replace(ACT, kind="unacknowledge"), SEEN, Event.UNACKNOWLEDGE, ""),
        (replace(ACT, kind="unacknowledge", is_remote=True), SEEN, Event.ACKNOWLEDGE_WRONG, "from here"),
        (replace(ACT, kind="unacknowledge"), ACTIVE, Event.ACKNOWLEDGE_WRONG, "isn't acknowledged"),
        (replace(ACT, kind="unacknowledge", role="quality"), SEEN, Event.ACKNOWLEDGE_WRONG, "by operator"),
        (
            replace(ACT, kind="unacknowledge"),
            replace(SEEN, seen=None),
            Event.ACKNOWLEDGE_WRONG,
            "by somebody",
        ),
        (replace(ACT, kind="shelve"), ACTIVE, Event.SHELVE, ""),
        (replace(ACT, kind="shelve", is_entitled=False), ACTIVE, Event.SHELVE_WRONG, "may not shelve"),
        (replace(ACT, kind="shelve", reason=" "), ACTIVE, Event.SHELVE_WRONG, "a reason is needed"),
        (replace(ACT, kind="shelve", length_ns=0), ACTIVE, Event.SHELVE_WRONG, "0 h is no time"),
        (replace(ACT, kind="shelve", length_ns=4 * HOUR_NS + 1), ACTIVE, Event.SHELVE_WRONG, "no time"),
        (replace(ACT, kind="unshelve"), SHELVED, Event.UNSHELVE, ""),
        (replace(ACT, kind="unshelve"), ACTIVE, Event.SHELVE_WRONG, "isn't shelved"),
        (replace(ACT, kind="unshelve", is_entitled=False), SHELVED, Event.SHELVE_WRONG, "may not unshelve"),
        (replace(ACT, kind="out of service"), ACTIVE, Event.OUT, ""),
        (replace(ACT, kind="out of service", is_entitled=False), ACTIVE, Event.SHELVE_WRONG, "Maintenance"),
        (replace(ACT, kind="out of service", is_remote=True), ACTIVE, Event.SHELVE_WRONG, "from here"),
        (replace(ACT, kind="out of service", permit=""), ACTIVE, Event.SHELVE_WRONG, "permit"),
        (
            replace(ACT, kind="out of service", length_ns=LONGEST_SERVICE_NS + 1),
            ACTIVE,
            Event.SHELVE_WRONG,
            "an end",
        ),
        (replace(ACT, kind="out of service"), OUT, Event.SHELVE_WRONG, "already"),
        (replace(ACT, kind="back in service"), OUT, Event.BACK, ""),
        (replace(ACT, kind="back in service"), ACTIVE, Event.SHELVE_WRONG, "isn't out of service"),
        (replace(ACT, kind="back in service", is_entitled=False), OUT, Event.SHELVE_WRONG, "Maintenance"),
    ],
)
def test_an_act_is_the_event_that_the_table_knows_and_a_wrong_one_says_why(
    act: Act, alarm: Alarm, event: Event, word: str
) -> None:
    judged = judge(act, alarm, SITE, NOW)
    assert judged.event is event
    assert bool(judged.refused) == bool(word)
    assert word in f"{judged.refused} {judged.remedy}"
    assert not judged.refused or judged.remedy
    assert not word or TABLE[event][alarm.state].refused, "the table refuses it as well"


def test_no_site_may_let_a_shelf_last_longer_than_a_shift() -> None:
    generous = Site(("other",), longest_shelf_ns=99 * HOUR_NS, is_shelving_local=True)
    shelve = replace(ACT, kind="shelve", length_ns=SHIFT_NS)
    judged = judge(shelve, ACTIVE, generous, NOW)
    assert judged.event is Event.SHELVE
    assert judged.withheld is not None
    assert judged.withheld.until is not None
    assert (judged.withheld.until.set_ns, judged.withheld.until.set_wall_ns) == (5, 500)
    assert judged.withheld.rank == 1
    assert judge(replace(shelve, length_ns=SHIFT_NS + 1), ACTIVE, generous, NOW).refused
    assert "at the machine only" in judge(replace(shelve, is_remote=True), ACTIVE, generous, NOW).refused


def test_an_act_that_there_is_not_is_an_error_of_whoever_sent_it() -> None:
    with pytest.raises(KeyError):
        judge(replace(ACT, kind="hide"), ACTIVE, SITE, NOW)


@pytest.mark.parametrize(
    ("kind", "alarm", "fields", "refused", "remedy"),
    [
        ("acknowledge", ACTIVE, {"revision": 2}, "R-05 has changed: revision 3 now, 2 was seen", "Look at it again, then acknowledge."),
        ("back in service", OUT, {"is_entitled": False, "role": ""}, "the role (none) may not take an alarm back from here", "Maintenance does, at the machine."),
        ("back in service", OUT, {"is_entitled": False}, "the role operator may not take an alarm back from here", "Maintenance does, at the machine."),
        ("back in service", OUT, {"is_remote": True}, "the role operator may not take an alarm back from here", "Maintenance does, at the machine."),
        ("back in service", ACTIVE, {}, "R-05 isn't out of service", "See: jidoka alarm list"),
        ("unshelve", ACTIVE, {}, "R-05 isn't shelved", "See: jidoka alarm list"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_and_what_to_do(
    kind: str, alarm: Alarm, fields: dict[str, Any], refused: str, remedy: str
) -> None:
    judged = judge(replace(ACT, kind=kind, **fields), alarm, SITE, NOW)
    assert (judged.refused, judged.remedy) == (refused, remedy)
