"""A clock is believed only where somebody keeps it right and nothing speaks against it."""

from __future__ import annotations

import pytest
from jidoka.steward.commands import clock
from jidoka.steward.commands.clock import BACK_NS, FIRST_NS, Clock

NOW_NS = FIRST_NS + 10**18


def test_a_clock_that_somebody_answers_for_is_believed() -> None:
    assert Clock(is_assumed=True).is_sure(NOW_NS)


@pytest.mark.parametrize("is_synchronised", [True, False])
def test_else_the_kernel_is_asked(monkeypatch: pytest.MonkeyPatch, is_synchronised: bool) -> None:
    monkeypatch.setattr(clock, "is_synchronised", lambda: is_synchronised)
    assert Clock(is_assumed=False).is_sure(NOW_NS) is is_synchronised


def test_a_clock_before_2020_was_never_set_whatever_the_site_says() -> None:
    assert not Clock(is_assumed=True).is_sure(FIRST_NS - 1)


def test_a_clock_that_runs_behind_the_ledger_is_not_believed() -> None:
    told = Clock(is_assumed=True)
    told.saw(NOW_NS)
    assert told.is_sure(NOW_NS - BACK_NS)
    assert not told.is_sure(NOW_NS - BACK_NS - 1)


def test_the_kernel_answers() -> None:
    assert clock.is_synchronised() in {True, False}


@pytest.mark.parametrize(
    ("wall_ns", "is_needed", "says"),
    [
        (FIRST_NS - 1, False, "says 2019-12-31 23:59 UTC: it was never set"),
        (NOW_NS - 2 * BACK_NS, False, "and the ledger has 2051-09-09 01:46 UTC already"),
        (NOW_NS, True, "knows of nobody who keeps it right"),
        (NOW_NS, False, ""),
    ],
)
def test_why_it_is_not_believed_and_what_to_do_is_in_the_status(
    monkeypatch: pytest.MonkeyPatch, wall_ns: int, is_needed: bool, says: str
) -> None:
    monkeypatch.setattr(clock, "is_synchronised", lambda: False)
    told = Clock(is_assumed=False)
    told.saw(NOW_NS)
    value = told.value(wall_ns, is_needed=is_needed)
    assert says in value["error"]
    assert bool(value["remedy"]) is bool(says)
    assert value["is_sure"] is False
