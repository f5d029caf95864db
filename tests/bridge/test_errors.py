"""How a mistake is told: sentences with a full stop, and commands that can be copied."""

from __future__ import annotations

import pytest
from jidoka_bridge.errors import sentence, told


@pytest.mark.parametrize(
    "text",
    [
        "See: jidoka status",
        "Learn it: jidoka baseline learn /site.7/line7.yaml",
        "Install it: pip install x>=1.2",
    ],
)
def test_a_command_at_the_end_gets_no_full_stop_that_would_be_copied(text: str) -> None:
    assert sentence(text) == text


@pytest.mark.parametrize("text", ["It is gone", "Make one: jidoka plan x.yaml. Then start again"])
def test_any_other_sentence_gets_one(text: str) -> None:
    assert sentence(text) == f"{text}."


def test_the_remedy_stands_on_a_line_of_its_own() -> None:
    assert told("no such file", "Name one") == "no such file.\n  Name one."
