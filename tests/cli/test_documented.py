"""Commands as the pages and the alarms write them: each can be understood, so that nobody is led to a usage error."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from jidoka.cli.main import jidoka
from jidoka.steward.commands.kinds import REFUSALS
from jidoka.steward.own_alarms import OWN
from jidoka_bridge.roles import ROLES

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/alarms.md", "docs/commissioning.md", "docs/troubleshooting.md")
#: in a sentence or a cell of a table, or on a line of its own
WRITTEN = re.compile(r"`jidoka ([^`]+)`|^    jidoka (.+)$", re.MULTILINE)
#: in a remedy, up to its end or to the sentence that goes on; words in capitals stand for the reader's
TOLD = re.compile(r"jidoka ([a-z]+?(?: (?:[a-zA-Z]+?|--[a-z-]+))*?)(?=$|[,.;:]| shows| names)")


def commands(text: str) -> Iterator[list[str]]:
    """Words behind `jidoka` of each command that is written with its arguments; `…` = whatever the reader puts there."""
    for found in WRITTEN.finditer(text):
        for part in (found[1] or found[2]).partition(" #")[0].split("&& jidoka "):
            yield shlex.split(part.replace("…", "x"))


def parsed(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the words mean, and what of them are its arguments. Raises click.UsageError."""
    found: click.Command = jidoka
    context = click.Context(jidoka, info_name="jidoka")
    while isinstance(found, click.Group) and words:
        _, below, words = found.resolve_command(context, words)
        assert below is not None
        found, context = below, click.Context(below, info_name=below.name, parent=context)
    return found, words


def understood(words: list[str]) -> click.Context:
    """As if it were called, up to where it would begin. Raises click.UsageError."""
    found, arguments = parsed(words)
    return found.make_context(" ".join(words), [*arguments])


@pytest.mark.parametrize("page", PAGES)
def test_each_command_of_a_page_can_be_understood_as_it_is_written(page: str) -> None:
    seen = 0
    for words in commands((ROOT / page).read_text()):
        _, arguments = parsed(words)  # a name alone is a mention of the command
        if arguments:
            context = understood(words)
            assert context.params.get("role") in (*ROLES, None)
            seen += 1
    assert seen


@pytest.mark.parametrize("page", PAGES)
def test_each_page_says_once_what_to_export(page: str) -> None:
    assert (ROOT / page).read_text().count("in each shell") == 1


@pytest.mark.parametrize(
    "remedy", sorted({row.remedy for row in (*OWN, *REFUSALS) if "jidoka " in row.remedy})
)
def test_each_command_that_an_alarm_tells_can_be_called_without_more(remedy: str) -> None:
    found = TOLD.findall(remedy)
    assert found, remedy
    for told in found:
        understood(told.split())


def test_the_device_is_ready_before_it_is_watched_where_commissioning_is_told() -> None:
    """Without a latch file the guard locks out, and weeks of watching show nothing."""
    text = (ROOT / "docs" / "commissioning.md").read_text()
    started = text.index("`jidoka run line7.yaml`")
    for needed in ("`jidoka guard init line7.yaml`", "`jidoka baseline learn line7.yaml"):
        assert text.index(needed) < started


def test_a_command_that_needs_more_is_noticed() -> None:
    with pytest.raises(click.UsageError, match="Missing parameter: file"):
        understood(["validate"])
    with pytest.raises(click.UsageError, match="No such option"):
        understood(["status", "--jsn"])
