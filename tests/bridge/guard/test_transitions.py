"""The ring of numbered events: gap-free, and nothing passes for recorded that wasn't."""

from __future__ import annotations

import pytest
from jidoka_bridge.guard.transitions import SIZE, Ring
from jidoka_bridge.messages import MessageError


def ring_of(count: int, first: int = 1) -> Ring:
    ring = Ring(first)
    for each in range(count):
        ring.add({"each": each})
    return ring


def test_numbers_go_on_where_the_ledger_stands() -> None:
    ring = ring_of(3)
    assert list(ring.unsent()) == []  # nobody said yet how far it has recorded
    ring.recorded(40)
    assert [each["number"] for each in ring.unsent()] == [41, 42, 43]
    assert ring.last_number == 43
    ring = ring_of(2, first=50)
    ring.recorded(40)
    assert [each["number"] for each in ring.unsent()] == [50, 51]


def test_what_was_sent_is_sent_again_to_a_new_steward_until_it_is_recorded() -> None:
    ring = ring_of(3)
    ring.recorded(0)
    for _ in range(2):
        ring.sent()
    assert [each["number"] for each in ring.unsent()] == [3]
    ring.recorded(1)
    assert ring.waiting == 2
    assert [each["number"] for each in ring.unsent()] == [3]
    ring.reconnected()
    assert [each["number"] for each in ring.unsent()] == [2, 3]


def test_a_number_that_was_never_given_isnt_recorded() -> None:
    ring = ring_of(3)
    with pytest.raises(MessageError, match="3 is the last one"):
        ring.recorded(2**63)
    ring.recorded(0)
    with pytest.raises(MessageError, match="transition 4"):
        ring.recorded(4)
    ring.recorded(3)
    assert ring.waiting == 0


def test_a_full_ring_gives_the_oldest_up() -> None:
    ring = ring_of(SIZE)
    ring.recorded(0)
    ring.sent()
    assert ring.is_full
    ring.add({})
    assert ring.waiting == SIZE
    assert next(iter(ring.unsent()))["number"] == 2
