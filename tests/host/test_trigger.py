"""One picture a part: the trigger reads what the PLC prints, whole lines only, and outlives the PLC."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from jidoka.host.trigger import BACKOFF_MAX_NS, BACKOFF_MIN_NS, Trigger

from tests.host.panel import Panel

S = 1_000_000_000


def test_parts_come_in_order_and_other_lines_are_passed_over(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "panel")
    trigger = Trigger(panel.path)
    assert trigger.parts(0) == []
    panel.say("part 1\nhello\npart x\npart 2\r\n\npart -3\npart 4 5\npart 6\n")
    assert trigger.parts(1) == [1, 2, 6]
    assert trigger.parts(2) == []
    trigger.close()
    panel.close()


def test_a_line_in_two_pieces_is_one_part(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "panel")
    trigger = Trigger(panel.path)
    trigger.parts(0)
    panel.say("part 1")
    assert trigger.parts(1) == []
    panel.say("23\npart")
    assert trigger.parts(2) == [123]
    panel.say(" 124\n")
    assert trigger.parts(3) == [124]
    trigger.close()
    panel.close()


def test_a_plc_that_is_restarted_is_read_again_from_its_new_terminal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "panel"
    panel = Panel(path)
    trigger = Trigger(path)
    trigger.parts(0)
    panel.say("part 7\npart")
    assert trigger.parts(1) == [7]
    panel.close()
    assert trigger.parts(2) == []
    assert trigger.fileno() == -1
    assert "waiting until it is back" in caplog.text
    again = Panel(path)
    assert trigger.parts(2 + BACKOFF_MIN_NS) == []
    again.say("part 8\n")
    assert trigger.parts(2 + 2 * BACKOFF_MIN_NS) == [8]  # the half line of before is forgotten
    trigger.close()
    again.close()


def test_an_absent_plc_is_said_once_and_tried_with_growing_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    trigger = Trigger(tmp_path / "panel")
    tries = []
    for now_ns in range(0, 20 * S, 10_000_000):
        trigger.parts(now_ns)
        if not tries or trigger.next_try_ns != tries[-1][1]:
            tries.append((now_ns, trigger.next_try_ns))
    pauses = [then - now for now, then in tries]
    assert pauses[:3] == [BACKOFF_MIN_NS, 2 * BACKOFF_MIN_NS, 4 * BACKOFF_MIN_NS]
    assert pauses[-1] == BACKOFF_MAX_NS
    assert caplog.text.count("no trigger at") == 1


def test_endless_rubbish_without_a_line_end_does_not_pile_up(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "panel")
    trigger = Trigger(panel.path)
    trigger.parts(0)
    for n in range(50):
        panel.say("x" * 2000)
        assert trigger.parts(n) == []
    assert len(trigger._rest) <= 4096
    trigger.close()
    panel.close()


def test_who_needs_more_than_the_parts_reads_every_whole_line(tmp_path: Path) -> None:
    panel = Panel(tmp_path / "panel")
    trigger = Trigger(panel.path)
    trigger.lines(0)
    panel.say("output MACHINE\npart 1\nhalf")
    assert trigger.lines(1) == [b"output MACHINE", b"part 1"]
    panel.say(" a line\n")
    assert trigger.lines(2) == [b"half a line"]
    trigger.close()
    panel.close()
