"""What leaves the core: to whom each message goes, what is counted, and how the ring of transitions keeps its places."""

from __future__ import annotations

from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.conditions import Conditions
from jidoka_bridge.guard.interlock import Interlock
from jidoka_bridge.guard.recorder import PLAIN, Details, Out, Recorder
from jidoka_bridge.guard.reports import cause_body
from jidoka_bridge.guard.transitions import SIZE, Ring
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Word

from tests.bridge.guard.guard_rig import Rig, plan


def test_a_new_recorder_has_counted_and_told_nothing() -> None:
    recorder = Recorder(5, True)
    assert (recorder.first_out, recorder.trips, recorder.resets_refused) == (None, 0, 0)
    assert recorder.take() == []
    a_plan = plan()
    recorder.tell_all(Causes(a_plan, Conditions(a_plan)))
    assert recorder.take()[-1] == Out("steward", Kind.MODE, {})


def test_trips_and_refused_resets_are_counted_and_nothing_else_is() -> None:
    rig = Rig()
    rig.turn(3)
    rig.prove()
    recorder = rig.guard.recorder
    assert (recorder.trips, recorder.resets_refused, recorder.first_out) == (0, 0, None)
    for number in (1, 2):
        rig.hold()
        assert (recorder.trips, recorder.resets_refused, recorder.first_out) == (
            number,
            number - 1,
            "local hold",
        )
        rig.press()
        assert recorder.resets_refused == number
        rig.acknowledge_all()
        rig.turn(2)
        rig.press()
        assert rig.state == "RUN"
        assert recorder.first_out is None, "an accepted reset begins a new story"


def test_a_transition_goes_to_the_monitor_as_it_is_numbered() -> None:
    recorder, interlock = Recorder(5, True), Interlock()
    body = recorder.transition(9, interlock.apply("restart"), Word.WITHHOLD, 3, PLAIN)
    (out,) = recorder.take()
    assert out == Out("monitor", Kind.TRANSITION, body)
    assert (body["number"], body["ns"], body["proving_run"], body["cause"], body["person"]) == (
        5,
        9,
        3,
        None,
        None,
    )
    told = recorder.transition(9, interlock.apply("restart"), Word.WITHHOLD, 3, Details(text="And more."))
    assert told["text"] == f"{body['text']} And more."


def test_a_steward_that_comes_is_told_of_each_cause_and_of_the_last_mode() -> None:
    a_plan = plan()
    for is_armed in (True, False):
        recorder, causes = Recorder(1, is_armed), Causes(a_plan, Conditions(a_plan))
        causes["R-2"].strike(7, {"a": 1})
        recorder.report(causes, {"offer": "run"})
        recorder.take()
        recorder.ring.recorded(0)
        recorder.ring.add({})
        recorder.ring.sent()
        recorder.tell_all(causes)
        assert recorder.take() == [
            *(Out("steward", Kind.CAUSE, cause_body(cause, is_armed)) for cause in causes),
            Out("steward", Kind.MODE, {"offer": "run"}),
        ]
        assert len(list(recorder.ring.unsent())) == 1, "what isn't recorded is sent again"


# ---------------------------------------------------------------------- the ring


def test_a_full_ring_gives_the_oldest_up_and_keeps_what_was_sent() -> None:
    ring = Ring(1)
    assert ring.is_synchronised is False
    ring.recorded(0)
    for each in range(SIZE):
        ring.add({"each": each})
    for _ in range(3):
        ring.sent()
    ring.add({"each": SIZE})
    assert [each["number"] for each in ring.unsent()] == list(range(4, SIZE + 2)), (
        "two of the sent ones are left"
    )
    assert ring.waiting == SIZE
    ring.reconnected()
    ring.add({"each": SIZE + 1})
    assert next(ring.unsent())["number"] == 3, "nothing was sent that could be given up"


def test_what_is_recorded_was_sent_before() -> None:
    ring = Ring(1)
    ring.recorded(0)
    for _ in range(3):
        ring.add({})
    ring.recorded(1)
    assert [each["number"] for each in ring.unsent()] == [2, 3], "another guard's steward had it"
    ring.sent()
    ring.recorded(2)
    assert [each["number"] for each in ring.unsent()] == [3]


def test_the_numbers_of_an_empty_ring_go_on_behind_the_ledger_too() -> None:
    for first, recorded, expected in ((1, 40, 41), (41, 40, 41), (50, 40, 50)):
        ring = Ring(first)
        ring.recorded(recorded)
        assert ring.add({})["number"] == expected
        ring = Ring(first)
        ring.add({})
        ring.recorded(recorded)
        assert next(ring.unsent())["number"] == expected
        assert ring.last_number == expected
