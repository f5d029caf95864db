"""What the commands below `jidoka plc` need of a site: its configuration, its plan and its line."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.plan import Plan

from jidoka.commissioning.site import line_of
from jidoka.commissioning.ways import Line
from jidoka.config.compile import plan_of
from jidoka.config.load import Checked, load_file
from jidoka.config.schema import PlcSettings


class Site(NamedTuple):
    """One configuration with a PLC. line: with the port made absolute."""

    checked: Checked
    plan: Plan
    plc: PlcSettings
    line: Line


def site_of(configuration: Path) -> Site:
    """Read and check it. Raises ConfigurationError, also where it has no PLC."""
    checked = load_file(configuration)
    plan, plc = plan_of(checked), checked.config.plc
    if plc is None or plan.link is None:
        raise ConfigurationError(
            f"{configuration}: there is no `plc:`", "Add it with its port, or name another file."
        )
    return Site(checked, plan, plc, dataclasses.replace(line_of(plc), link=plan.link))
