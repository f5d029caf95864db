"""The real guard is killed, stopped, loses its port and its disk: withheld in time, nothing lost, nothing rises by itself.

A few rounds; `python tools/kill_guard.py` does hundreds, and kills the other programs as well.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.processes import programs
from tools.killing.guard import Floor, disk_rounds, kill_rounds, port_rounds, stop_rounds

pytestmark = pytest.mark.process
#: this machine may be busy with other tests, and where SCHED_FIFO isn't allowed the PLC's own scans come late
SLOW_MS = 100


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    folder = tmp_path_factory.mktemp("floor")
    with programs(folder) as start:
        made = Floor(folder, start, random.Random(3))
        made.begin()
        yield made


def test_a_killed_guard_is_withheld_in_time_and_its_successor_has_lost_nothing(floor: Floor) -> None:
    tally = kill_rounds(floor, 2)
    assert not tally.wrong
    assert tally.in_run
    assert tally.late_ms <= SLOW_MS


def test_a_stopped_guard_is_withheld_in_time_and_raises_nothing_when_it_goes_on(floor: Floor) -> None:
    tally = stop_rounds(floor, 2)
    assert not tally.wrong
    assert tally.late_ms <= SLOW_MS


def test_a_port_that_goes_and_comes_back_under_another_number_raises_nothing(floor: Floor) -> None:
    tally = port_rounds(floor, 1)
    assert not tally.wrong
    assert tally.in_run


def test_a_full_disk_still_withholds_and_nothing_is_answered_as_kept(floor: Floor) -> None:
    tally = disk_rounds(floor, 1)
    assert not tally.wrong
    assert tally.in_run
