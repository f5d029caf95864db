"""Why there is no link, in words: nothing at once, steady while it stands, forgotten when the link is good."""

from __future__ import annotations

import itertools

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
