"""What a drill's looks show, and what doesn't count as shown."""

from __future__ import annotations

import dataclasses

import pytest
from jidoka.cli.plc_drill import remedy_of
from jidoka.commissioning.drill import (
    Gate,
    Look,
    Withdrawal,
    is_over,
    shown_by,
    silent_ms_of,
    values_of,
    withdrawal_of,
)
from jidoka.commissioning.picture import picture
from jidoka.commissioning.view import View, changed, of_blocks, of_status
from jidoka_bridge.guard.plc_memory import memory_of
from jidoka_bridge.link.blocks import BlockB, BlockC
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Input, PlcState, Word
from rich.console import Console

MS = 1_000_000
ON = View("steward", True, "MACHINE_AND_AI", "ARMED", "NONE", ("KEY_AUTO", "DRILL"), 290, 100, 0, 3, 12.0)
OFF = dataclasses.replace(ON, actual="WITHHOLD", remaining_ms=0)
FALLBACK = dataclasses.replace(ON, actual="MACHINE")


def test_the_reaction_lies_between_the_last_beat_that_showed_it_on_and_the_first_that_showed_it_off() -> None:
    looks = [Look(ON, 990 * MS), Look(ON, 1_060 * MS), Look(OFF, 1_130 * MS), Look(OFF, 1_200 * MS)]
    assert withdrawal_of(1_000 * MS, looks) == Withdrawal(60.0, 130.0)
    assert withdrawal_of(1_000 * MS, [Look(ON, 990 * MS), Look(OFF, 1_050 * MS)]) == Withdrawal(0.0, 50.0)


def test_an_output_that_was_off_before_or_never_reads_off_is_no_measurement() -> None:
    assert withdrawal_of(1_000 * MS, [Look(OFF, 990 * MS)]) is None
    assert withdrawal_of(1_000 * MS, [Look(ON, 1_060 * MS)]) is None
    nothing = dataclasses.replace(OFF, actual="")
    assert withdrawal_of(1_000 * MS, [Look(nothing, 1_060 * MS)]) is None


def test_the_silent_time_is_the_longest_hold_time_that_the_plc_showed_with_scan_and_relay() -> None:
    looks = [Look(dataclasses.replace(ON, remaining_ms=left), 0) for left in (200, 305, 240)]
    assert silent_ms_of(looks, Link("port")) == 305 + 10 + 15
    assert silent_ms_of([Look(OFF, 0)], Link("port")) is None


def test_only_a_reading_that_is_above_the_formula_at_its_most_favourable_is_over() -> None:
    assert not is_over(None, 100)
    assert not is_over(99.0, 100)
    assert is_over(101.0, 100)


@pytest.mark.parametrize(
    ("view", "lack"),
    [
        (dataclasses.replace(FALLBACK, link_up=False), "link to the PLC is down"),
        (dataclasses.replace(FALLBACK, inputs=("KEY_AUTO",)), "input DRILL is off"),
        (ON, "A is on"),
        (FALLBACK, ""),
        (OFF, ""),
    ],
)
def test_the_reject_path_is_shown_only_with_link_drill_and_a_off(view: View, lack: str) -> None:
    assert lack in Gate(view).lack
    assert bool(Gate(view).lack) == bool(lack)


def test_a_rejected_part_counts_only_if_a_was_off_all_the_time_and_a_part_was_counted() -> None:
    before = Gate(FALLBACK)
    after = Gate(dataclasses.replace(FALLBACK, parts=101))
    assert shown_by(before, after, "rejected") == (True, 1, "")
    assert shown_by(before, after, "passed") == (False, 1, "the person said: passed")
    assert remedy_of(shown_by(before, after, "passed")).startswith("Wire A into the reject path")
    assert remedy_of(shown_by(before, before, "rejected")).startswith("Do the drill again")
    assert remedy_of(shown_by(before, after, "nothing")).startswith("Do the drill again")
    assert "no part" in shown_by(before, before, "rejected").why
    backwards = Gate(dataclasses.replace(FALLBACK, parts=99))
    assert "no part" in shown_by(before, backwards, "rejected").why
    pressed = Gate(dataclasses.replace(after.view, accepted=4))
    assert "reset was pressed" in shown_by(before, pressed, "rejected").why
    risen = Gate(dataclasses.replace(after.view, actual="MACHINE_AND_AI"))
    assert "A is on" in shown_by(before, risen, "rejected").why


def test_the_record_tells_what_was_left_out_from_what_failed() -> None:
    assert values_of(Link("port"), None, None, None)["rejected"] is None
    assert values_of(Link("port"), None, None, shown_by(Gate(OFF), Gate(OFF), "nothing"))["rejected"] is False
    told = values_of(Link("port"), Withdrawal(61.234, 130.0), 330.0, None)
    assert (told["withdraw_least_ms"], told["withdraw_ms"], told["silent_ms"]) == (61.2, 130.0, 330.0)


BLOCK_B = BlockB(
    7, 8, 9, Word.MACHINE, PlcState.ARMED, Fault.NONE, Input.KEY_AUTO | Input.DRILL, parts=3, accepted=2
)
BLOCK_C = BlockC(0x0102, 0x7CC441EA, 310, 12, 1, part_count=99)


def test_a_view_is_the_same_from_the_line_and_from_the_steward() -> None:
    line = of_blocks(BLOCK_B, BLOCK_C, 12 * MS, "")
    plc = {"link_up": True, "actual": "MACHINE", "state": "ARMED", "fault": "NONE", "inputs": ["KEY_AUTO", "DRILL"],
           "remaining_ms": 0, "part_count": 3, "recipe": 0, "accepted_presses": 2, "rtt_us": 12_000,
           "memory": memory_of(BLOCK_C)}  # fmt: skip
    steward = of_status(
        {"interlock": {"plc": plc, "state": "FALLBACK", "word": "MACHINE", "text": ""}, "missing": []}
    )
    assert changed(line, steward) == ("source", "agent", "word")
    assert (line.machine, line.model) == (True, False)
    assert line.memory["version"] == "1.2"
    empty = of_status({"interlock": {"plc": {}, "state": "HOLD", "word": "WITHHOLD", "text": ""}})
    assert "guard isn't here" in empty.why
    assert not of_blocks(None, None, None, "no answer").link_up


def test_only_what_is_news_is_a_change() -> None:
    assert changed(None, ON) == ("all",)
    assert changed(ON, dataclasses.replace(ON, remaining_ms=1, rtt_ms=99.0)) == ()
    assert changed(ON, dataclasses.replace(ON, parts=101)) == ("parts",)


@pytest.mark.parametrize("word", list(Word))
def test_each_word_that_may_be_read_back_shows_as_its_two_relays(word: Word) -> None:
    view = of_blocks(dataclasses.replace(BLOCK_B, actual=word), None, MS, "")
    expected = {
        Word.WITHHOLD: (False, False),
        Word.MACHINE: (True, False),
        Word.MACHINE_AND_AI: (True, True),
        Word.ABSTAIN: (False, True),
    }
    assert (view.machine, view.model) == expected[word]


def test_the_picture_shows_lamps_hold_time_inputs_and_memory() -> None:
    console = Console(width=160, record=True, force_terminal=False)
    console.print(
        picture(of_blocks(dataclasses.replace(BLOCK_B, remaining_ms=155), BLOCK_C, MS, ""), 310, [1.0, 4.0])
    )
    told = console.export_text()
    for words in (
        "█" * 20 + "·" * 20,
        "155 of 310 ms",
        "drill",
        "own limit W, ms 310",
        "1.0 to 4.0 ms",
        "link up",
    ):
        assert words in told
    assert "approved plan none" in told
    approved = dataclasses.replace(BLOCK_C, approved_digest=0x0C0FFEE0)
    console.print(picture(of_blocks(BLOCK_B, approved, MS, ""), 310, []))
    assert "approved plan 0c0ffee0" in console.export_text()
    console.print(picture(of_blocks(None, None, None, "no answer"), 310, []))
    assert "NO LINK" in console.export_text()
