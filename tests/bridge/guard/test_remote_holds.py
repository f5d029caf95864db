"""Whoever may hold from elsewhere may hold as often as the desk lets through: it never ends in a lockout, nor gives anything."""

from __future__ import annotations

import pytest
from jidoka_bridge.plan import Trips

from tests.bridge.guard.guard_rig import Rig, plan


@pytest.mark.parametrize("most", [1, 5])
def test_holds_from_elsewhere_never_count_towards_a_lockout(most: int) -> None:
    rig = Rig(plan(trips=Trips(most=most)))
    rig.prove()
    for _ in range(most + 10):
        assert rig.state == "RUN"
        assert rig.hold(remote=True)["ok"]
        rig.turn()
        assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
        rig.acknowledge_all()
        rig.turn(2)
        assert rig.guard.offer.target == "run"
        rig.press()
    assert not [event for event in rig.events if event["to"] == "LOCKOUT" or "too many" in event["event"]]


def test_holds_one_after_the_other_leave_it_held_and_raise_nothing() -> None:
    rig = Rig()
    rig.prove()
    for number in range(100):
        rig.hold(remote=True, request=f"r{number}")
        rig.turn()
        assert (rig.state, rig.word) == ("HOLD", "WITHHOLD")
