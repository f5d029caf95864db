"""`alarms:`: what people may do with alarms at this site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jidoka.config.quantities import Duration
from jidoka.config.schema.base import Settings


class AlarmSettings(Settings):
    """How long an alarm may be shelved, and from where. A trip alarm can't be shelved at all."""

    shelve_at_most: Annotated[float, Duration("1 min", "8 h")] = Field(
        default=14_400.0, description="Longest shelf; one shift is the most that there is."
    )
    shelve_from: Literal["anywhere", "machine"] = Field(
        default="anywhere", description="Whether somebody who isn't at the machine may shelve."
    )
