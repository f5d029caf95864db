"""Why there is no link, in words: nothing at once, steady while it stands, forgotten when the link is good."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from jidoka_bridge.errors import PlainError, sentence
from jidoka_bridge.guard.line_faults import EMPTY, SENTENCES, STANDS_NS, Watch
from jidoka_bridge.plan import Link

LINK = Link(port="/dev/plc", unit=9)
BEAT_NS = 30_000_000


def heard(*whys: str, beats: int = 100) -> list[str]:
    """The sentence after each beat while the reasons come in turn."""
    watch = Watch(LINK)
    return [watch.lack(beat * BEAT_NS, False, whys[beat % len(whys)]) for beat in range(beats)]


@pytest.mark.parametrize("why", [*SENTENCES, "exception 2", "stale"])
def test_every_reason_has_a_sentence_that_names_the_port(why: str) -> None:
    last = heard(why)[-1]
    assert "/dev/plc" in last
    assert "{" not in last


def test_the_first_lost_beats_are_no_fault_yet() -> None:
    told = heard("no answer")
    first = next(beat for beat, lack in enumerate(told) if lack)
    assert first * BEAT_NS >= STANDS_NS
    assert "doesn't answer as unit 9" in told[first]


def test_a_noisy_line_changes_its_sentence_once_a_second_at_most() -> None:
    told = heard("line crc", "other unit", "babble", "resync pause")
    changes = sum(one != other for one, other in itertools.pairwise(told))
    assert changes <= len(told) * BEAT_NS // STANDS_NS


def test_a_pause_says_nothing_about_the_line() -> None:
    assert not any(heard(*EMPTY))


def test_a_good_link_forgets_what_was_said() -> None:
    watch = Watch(LINK)
    for beat in range(100):
        watch.lack(beat * BEAT_NS, False, "no answer")
    assert watch.lack(100 * BEAT_NS, True, "") == ""
    assert watch.lack(101 * BEAT_NS, False, "no answer") == ""


def counted(*errors: tuple[int, int] | None) -> str:
    """The sentence after two seconds of garbled answers, while a driver counts (framing, parity) errors like this."""
    watch, counts = Watch(LINK), list(errors)
    for beat in range(2 * STANDS_NS // BEAT_NS):
        lack = watch.lack(beat * BEAT_NS, False, "line crc", lambda: counts.pop(0) if counts else errors[-1])
    return lack


@pytest.mark.parametrize(
    ("errors", "told"),
    [
        ((None, None), "come garbled (CRC): baud, parity or a disturbed line"),
        (((7, 9), (7, 9)), "come garbled (CRC): baud, parity or a disturbed line"),
        (((7, 9), (8, 99)), "framing errors: the PLC has another baud than 19200"),
        (((7, 9), (7, 10)), "parity errors: the PLC has another parity than E"),
        ((None, (7, 10)), "come garbled (CRC): baud, parity or a disturbed line"),
    ],
)
def test_what_the_driver_counts_tells_a_wrong_baud_from_a_wrong_parity(
    errors: tuple[tuple[int, int] | None, ...], told: str
) -> None:
    assert told in counted(*errors)


def test_a_plc_that_answers_and_offers_nothing_is_told_at_once_and_forgotten_with_the_offer() -> None:
    watch = Watch(LINK)
    assert "offers no session" in watch.lack(0, True, "", is_unoffered=True)
    assert "other master" in watch.remedy
    assert watch.lack(1, True, "") == ""


def test_another_plan_that_is_approved_there_is_told_while_the_line_is_good() -> None:
    watch = Watch(LINK)
    assert (
        watch.lack(0, True, "", is_unapproved=True)
        == "the PLC at /dev/plc has approved another plan than this one"
    )
    assert "hold the reset button for 4 s" in watch.remedy
    assert watch.lack(1, True, "") == ""
    assert watch.lack(2, False, "no answer", is_unapproved=True) == "", "nobody knows what it approved"


def test_a_plc_that_refuses_block_d_is_told_before_what_it_has_approved() -> None:
    watch = Watch(LINK)
    told = watch.lack(0, True, "", is_unrecorded=True, is_unapproved=True)
    assert told == (
        "the PLC at /dev/plc doesn't take block D (registers 20 to 31), before which nothing is armed"
    )
    assert "free to be written" in watch.remedy
    assert watch.lack(1, True, "") == ""
    assert watch.lack(2, False, "no answer", is_unrecorded=True) == ""


def test_what_stands_in_the_plc_goes_before_what_a_beat_says() -> None:
    watch = Watch(LINK)
    assert watch.lack(0, True, "", skew="another map", is_unoffered=True) == "/dev/plc: another map"
    watch.forget()
    for beat in range(100):
        lack = watch.lack(beat * BEAT_NS, False, "number", foreign=True)
    assert "somebody else speaks" in lack


@pytest.mark.parametrize("why", SENTENCES)
def test_the_page_for_people_has_every_sentence(why: str) -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    telling = max(re.split(r"\{\w+\}", SENTENCES[why]), key=len)
    assert telling.strip(" :") in page


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("it is gone", "it is gone."),
        ("Did you mean 'a'?", "Did you mean 'a'?"),
        ("Make it anew with: jidoka plan FILE", "Make it anew with: jidoka plan FILE"),
        ("FILE.yaml: is gone", "FILE.yaml: is gone."),
        ("", ""),
    ],
)
def test_a_message_is_a_sentence_unless_it_ends_in_a_command(text: str, told: str) -> None:
    assert sentence(text) == told


def test_the_remedy_stands_on_a_line_of_its_own() -> None:
    assert str(PlainError("it is gone", "Bring it")) == "it is gone.\n  Bring it."
    assert str(PlainError("it is gone")) == "it is gone."
