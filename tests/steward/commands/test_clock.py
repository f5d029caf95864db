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
