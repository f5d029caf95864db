"""Which programs a device shows as here or away: those that its plan runs, no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.steward.core import Core
from jidoka.steward.gauges import of_core
from jidoka.steward.presence import programs_of
from jidoka.steward.status import status_value

from tests.steward.site import make_plan

PROGRAM_UP = 55


def core_of(folder: Path, **sections: Any) -> Core:
    plan = replace(make_plan(folder), sections={"steward": {}, **sections})
    return Core(plan, b"b" * 16, lambda text: (text, b""))


def shown(core: Core) -> dict[str, bool]:
    told = status_value(core, 0, {}, {}, {})["programs"]
    up = {
        labels["program"]: value
        for n, value, labels in of_core(core, 0, is_clock_sure=True)
        if n == PROGRAM_UP
    }
    assert up == told
    return told


@pytest.mark.parametrize("sections", [{}, {"host": None}])
def test_a_device_whose_plan_has_no_host_shows_none(tmp_path: Path, sections: dict[str, Any]) -> None:
    assert shown(core_of(tmp_path, **sections)) == {"monitor": False, "guard": False}


def test_a_host_that_the_plan_runs_is_shown_as_away_until_it_is_heard_of(tmp_path: Path) -> None:
    core = core_of(tmp_path, host={"model": "surface"})
    assert programs_of(core.plan) == ("monitor", "guard", "host")
    assert shown(core)["host"] is False
    core.presence.shows(1, "host", 1)
    assert shown(core) == {"monitor": False, "guard": False, "host": True}
