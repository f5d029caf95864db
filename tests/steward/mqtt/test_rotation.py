"""Which broker is tried next: in order, each in both versions, with growing pauses, and back to the first in a bounded time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from jidoka.broker.endpoint import Broker
from jidoka.broker.line import V5, V311
from jidoka.steward.mqtt.rotation import (
    ATTEMPTS_EACH,
    BACKOFF_MAX_S,
    BACKOFF_MIN_S,
    FLAP_MAX_S,
    STABLE_S,
    Rotation,
)


def rotation(count: int, jitter: float = 1.0) -> Rotation:
    """jitter: every draw is its middle, times this."""
    return Rotation(
        [Broker(f"broker{n}") for n in range(count)], 60.0, lambda low, high: jitter * (low + high) / 2
    )


def test_each_broker_is_tried_twice_and_then_the_next_one() -> None:
    made = rotation(3)
    tried = []
    for _ in range(8):
        tried.append(made.rank)
        made.ended(0.0, is_version_refused=False)
    assert tried == [0, 0, 1, 1, 2, 2, 0, 0]


def test_a_broker_that_refuses_mqtt_5_is_asked_in_3_1_1_before_the_next_one() -> None:
    made = rotation(2)
    assert made.current.version is V5
    assert made.current.is_probe(is_version_refused=True)
    made.ended(0.0, is_version_refused=True)
    assert (made.rank, made.current.version) == (0, V311)
    assert not made.current.is_probe(is_version_refused=True)
    made.ended(0.0, is_version_refused=True)
    assert (made.rank, made.current.version) == (1, V5)


def test_a_broker_that_spoke_mqtt_5_once_is_not_asked_in_3_1_1_because_it_hangs_up() -> None:
    made = rotation(1)
    made.came_up(0.0)
    made.ended(0.0, is_version_refused=False)
    made.ended(0.0, is_version_refused=True)
    assert made.current.version is V5


def test_a_lost_connection_begins_at_the_first_broker_again() -> None:
    made = rotation(3)
    for _ in range(2 * ATTEMPTS_EACH):
        made.ended(0.0, is_version_refused=False)
    made.came_up(10.0)
    assert made.rank == 2
    assert made.ended(10.0 + STABLE_S, is_version_refused=False) == BACKOFF_MIN_S
    assert made.rank == 0


def test_while_a_spare_serves_the_first_is_tried_again_in_a_bounded_time() -> None:
    made = rotation(2)
    made.came_up(0.0)
    assert not made.should_try_first(1e6), "it is the first"
    made.ended(0.0, is_version_refused=False)
    for _ in range(ATTEMPTS_EACH):
        made.ended(0.0, is_version_refused=False)
    made.came_up(100.0)
    assert not made.should_try_first(159.0)
    assert made.should_try_first(166.1)
    made.stays(166.1)
    assert not made.should_try_first(167.0)
    assert made.should_try_first(233.0)
    made.returned()
    assert made.rank == 0


def test_pauses_double_up_to_their_limit_and_begin_anew_after_a_connection() -> None:
    made = rotation(2)
    pauses = [made.ended(0.0, is_version_refused=False) for _ in range(12)]
    assert pauses[0] == BACKOFF_MIN_S
    assert all(later == min(2 * earlier, BACKOFF_MAX_S) for earlier, later in pairwise(pauses))
    made.came_up(0.0)
    assert made.ended(STABLE_S, is_version_refused=False) == BACKOFF_MIN_S


def test_connections_that_last_for_a_moment_are_not_made_in_a_tight_loop() -> None:
    made = rotation(1)
    pauses = []
    for attempt in range(12):
        made.came_up(float(attempt))
        pauses.append(made.ended(attempt + 0.1, is_version_refused=False))
    assert pauses[0] == BACKOFF_MIN_S
    assert pauses[-1] == FLAP_MAX_S


@given(st.integers(1, 5), st.lists(st.sampled_from(["ended", "refused", "up"]), max_size=60))
def test_whatever_happens_some_broker_is_always_next_and_none_is_left_out_for_long(
    count: int, events: list[str]
) -> None:
    made = Rotation([Broker(f"broker{n}") for n in range(count)])
    for event in events:
        if event == "up":
            made.came_up(0.0)
        else:
            assert 0 < made.ended(0.0, is_version_refused=event == "refused") <= 1.5 * BACKOFF_MAX_S
    seen = set()
    for _ in range(ATTEMPTS_EACH * count + 1):
        seen.add(made.rank)
        made.ended(0.0, is_version_refused=False)
    assert seen == set(range(count))
