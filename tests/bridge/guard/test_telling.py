"""What is told to whom and when: changes at once, the rest each half second, transitions to a steward that takes them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from jidoka_bridge.guard.peers import Peer
from jidoka_bridge.guard.telling import STATUS_NS, Telling
from jidoka_bridge.messages import Kind

from tests.bridge.guard.guard_rig import Rig


class Ear:
    """A peer that keeps what it is told. is_taking: what was sent has gone out."""

    def __init__(self) -> None:
        self.heard: list[Kind] = []
        self.is_taking = True

    def send_json(self, now_ns: int, kind: Kind, body: dict[str, Any]) -> None:
        del now_ns, body
        self.heard.append(kind)

    def send(self, now_ns: int, kind: Kind, body: bytes) -> None:
        del now_ns, body
        self.heard.append(kind)

    def flush(self, now_ns: int) -> bool:
        del now_ns
        return self.is_taking

    def take_answers(self) -> list[tuple[Kind, dict[str, Any]]]:
        return []


def made() -> tuple[Rig, Telling, Ear, Ear]:
    rig, monitor, steward = Rig(), Ear(), Ear()
    rig.guard.recorded(rig.now, 0)
    rig.guard.latch_written = rig.guard.latch_number
    system = SimpleNamespace(notify=lambda _: None)
    return (
        rig,
        Telling(rig.guard, cast("Peer", monitor), cast("Peer", steward), None, system),
        monitor,
        steward,
    )


def test_a_status_goes_to_both_on_a_change_and_else_each_half_second() -> None:
    rig, telling, monitor, steward = made()
    for after_ns, times in ((0, 1), (STATUS_NS - 1, 1), (STATUS_NS, 2)):
        telling.tell(rig.now + after_ns)
        assert monitor.heard.count(Kind.PLC_STATUS) == steward.heard.count(Kind.PLC_STATUS) == times
    rig.guard.run.number += 1
    telling.tell(rig.now + STATUS_NS + 1)
    assert monitor.heard.count(Kind.PLC_STATUS) == 3


def test_transitions_wait_for_a_steward_that_takes_them() -> None:
    rig, telling, _, steward = made()
    steward.is_taking = False
    telling.tell(rig.now)
    assert Kind.TRANSITION not in steward.heard
    steward.is_taking = True
    telling.tell(rig.now)
    assert Kind.TRANSITION in steward.heard
    count = steward.heard.count(Kind.TRANSITION)
    telling.tell(rig.now)
    assert steward.heard.count(Kind.TRANSITION) == count, "once"
