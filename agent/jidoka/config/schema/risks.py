"""`risks:`: the risk register, which is what the device does."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from jidoka_bridge.roles import ROLES
from pydantic import AfterValidator, Field

from jidoka.config.faults import UnfitError, near, shown
from jidoka.config.quantities import Budget, BudgetField, Duration, Share
from jidoka.config.schema.base import MayBe, Name, Sentence, Settings


def _owner(value: str) -> str:
    if value not in ROLES:
        raise UnfitError(f"{shown(value)} isn't a role", near(value, ROLES))
    return value


def _control(value: str) -> str:
    if not re.fullmatch(r"A\.([2-9]|10)\.[1-9]\d?(\.[1-9]\d?)?", value, re.ASCII):
        raise UnfitError(
            f"{shown(value)} isn't a control of ISO/IEC 42001 Annex A", "Write its number, such as A.6.2.6."
        )
    return value


class RiskSettings(Settings):
    """One row of the risk register: what may go wrong, how it is seen, what is done, who owns it."""

    id: Name = Field(description="Number of the row in the management system.")
    risk: Sentence = Field(description="What may go wrong, in a few words.")
    model: Name = Field(description="The model whose conditions are meant.")
    when: Annotated[str, Field(min_length=1), MayBe("conditions, see below")] = Field(
        description="Conditions joined by `or` and `and`, such as `drift(input) or invalid output`."
    )
    false_alarms: Annotated[Budget, BudgetField()] | None = Field(
        default=None,
        description="The budget of a drift detector, such as `1 per 90 days` or `1 per 10000 records`.",
    )
    tolerance: Annotated[float, Share("1 %", "90 %")] | None = Field(
        default=None,
        description="For material(…): the share of records that may come beyond the baseline's range (one in a hundred "
        "lies beyond each end anyway) before it matters.",
    )
    response: Literal["observe", "advise", "fallback", "hold", "lockout"] = Field(
        description="What the interlock does: observe < advise < fallback < hold < lockout."
    )
    priority: Literal["low", "medium", "high"] | None = Field(
        default=None, description="Of the alarm; by the response where it is left out."
    )
    owner: Annotated[
        str, AfterValidator(_owner), MayBe("one of " + ", ".join(f"`{role}`" for role in ROLES))
    ] = Field(description="The role that owns this risk.")
    controls: Annotated[
        list[Annotated[str, AfterValidator(_control)]], MayBe("list of `A.x.y` or `A.x.y.z`")
    ] = Field(
        default=[], description="Controls of ISO/IEC 42001 Annex A that this row serves, such as A.6.2.6."
    )
    text: Sentence | None = Field(default=None, description="The sentence that the operator reads.")
    remedy: Sentence | None = Field(default=None, description="What the operator does first.")
    on_delay: Annotated[float, Duration("1 ms", "10 min")] | None = Field(
        default=None, description="How long the conditions must hold first; at once where it is left out."
    )
    off_delay: Annotated[float, Duration("1 s", "1 h")] | None = Field(
        default=None,
        description="How long the conditions must be gone before the alarm is; 30 s where it is left out. Not for alarms "
        "that may stop the machine.",
    )
    dead_band: Annotated[float, Share("0.1 %", "50 %")] | None = Field(
        default=None,
        description="How far below its limit the statistic of a drift that is only observed must fall before the alarm is "
        "gone.",
    )
    suppressed_while: Annotated[
        list[str],
        Field(max_length=16),
        MayBe("list of `changeover`, `not running`, `override` and ids of other rows"),
    ] = Field(
        default=[],
        description="While one of these holds the alarm is silent and goes on in the record; never while its cause holds "
        "the machine.",
    )
