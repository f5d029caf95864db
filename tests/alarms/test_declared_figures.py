"""Every figure that the alarms go by, as it is declared to people: a figure is changed here and there, or not at all."""

from __future__ import annotations

import dataclasses

import pytest
from jidoka.alarms import acting, acts, alarm, definition, facts, flood, load, signal, table, until
from jidoka.alarms.acts import KINDS, Act, Site
from jidoka.alarms.alarm import Alarm, Outcome, Withheld
from jidoka.alarms.definition import Definition
from jidoka.alarms.signal import ChatterRule, Signal
from jidoka.alarms.table import Annunciation, Cell, State

S = 1_000_000_000
MIN, H = 60 * S, 3600 * S


@pytest.mark.parametrize(
    ("found", "declared"),
    [
        # ISA-18.2: more than 10 in 10 minutes is a flood until fewer than 5; stale after a day; chatter is 3 a minute
        ((flood.BEGINS_ABOVE, flood.WINDOW_NS, flood.ENDS_BELOW), (10, 10 * MIN, 5)),
        (definition.STALE_NS, 24 * H),
        ((load.CHATTERS, load.WINDOW_NS, load.KEPT_WINDOWS, load.MOST_FREQUENT), (3, 10 * MIN, 4320, 10)),
        (
            signal.CHATTER,
            (ChatterRule(3, MIN, 5 * S, 5 * MIN, 15 * MIN), ChatterRule(6, H, 10 * S, H, 3 * H)),
        ),
        # INTERLOCK §3: a shelf is 4 h by default and one shift at most; a permit ends too
        ((acts.SHELF_NS, acts.SHIFT_NS, acts.LONGEST_SERVICE_NS), (4 * H, 8 * H, 30 * 24 * H)),
        # called again after so long, and then whom
        (definition.REALARM_NS, {"low": 8 * H, "medium": 30 * MIN, "high": 5 * MIN}),
        (definition.LONGEST_REALARM_NS, 8 * H),
        (definition.ESCALATION, ("operator", "maintenance", "engineer")),
        (definition.PRIORITIES, ("low", "medium", "high")),
        (definition.OFF_DELAY_NS, 30 * S),
        ((definition.SECOND_NS, definition.MINUTE_NS, definition.HOUR_NS), (S, MIN, H)),
        # a clock step is more than 1 s beyond what a wall clock may be slewed
        ((until.SECOND_NS, until.STEP_NS, until.SLEW), (S, S, 1000)),
        (acting.BULK, {"", "*", "all"}),
        (facts.FACTS, ("changeover", "not running", "override")),
    ],
)
def test_a_figure_is_the_declared_one(found: object, declared: object) -> None:
    assert found == declared


def test_an_alarm_begins_with_nothing() -> None:
    assert vars(Alarm("x")) == {
        "id": "x", "is_trip": False, "is_holding": False, "priority": "low", "state": State.NORMAL, "below": State.NORMAL,
        "has_data": True, "revision": 0, "acknowledged_revision": 0, "count": 0, "since_ns": 0, "active_ns": 0,
        "sounded_ns": 0, "calls": 0, "is_stale": False, "was_seen_remotely": False, "seen": None, "withheld": None,
    }  # fmt: skip
    assert vars(Withheld("rule")) == {
        "by": "rule", "role": "", "pseudonym": "", "reason": "", "permit": "", "until": None, "is_one_shot": False, "rank": 0,
    }  # fmt: skip
    assert Outcome(Alarm("x")) == Outcome(Alarm("x"), Annunciation.NOTHING, "")


def test_a_definition_a_signal_an_act_and_a_site_begin_plain() -> None:
    assert vars(Definition("x")) == {
        "id": "x", "priority": "low", "risk": "", "response": "", "text": "", "remedy": "", "on_delay_ns": 0,
        "off_delay_ns": 30 * S, "dead_band": 0.0, "suppressed_while": (), "is_own": True, "is_event": False,
    }  # fmt: skip
    plain = Signal()
    assert (plain.raw, plain.raw_ns, plain.is_true, plain.strikes, plain.rows) == (
        False, 0, False, (), (False, False),
    )  # fmt: skip
    act = Act("shelve", "x", "operator", "s2", True)
    assert dataclasses.astuple(act)[5:] == (None, "", 0, "", False, False)
    assert Site(("other",)) == (("other",), 4 * H, False)
    assert KINDS == (
        "acknowledge", "unacknowledge", "shelve", "unshelve", "out of service", "back in service",
    )  # fmt: skip


def test_a_cell_says_only_what_it_is_told() -> None:
    assert Cell(State.NORMAL) == (State.NORMAL, Annunciation.NOTHING, None, "", "", False, False, None, False)
    assert set(table.LIFE) == set(State) - table.WITHHELD
    assert alarm.ESCALATION is definition.ESCALATION
