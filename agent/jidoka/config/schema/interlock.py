"""`interlock:`: what the interlock does, asks of people, and waits for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jidoka.config.quantities import Duration
from jidoka.config.schema.base import Sentence, Settings


class ProvingSettings(Settings):
    """Limits of a proving run: a few parts made without the model, to see whether the cause is gone."""

    parts: int = Field(
        default=50, ge=1, le=10_000, description="Parts in one run, all counted as not inspected."
    )
    minutes: float = Field(
        default=10.0, gt=0, le=30, allow_inf_nan=False, description="Longest run, in minutes."
    )


class TimeSettings(Settings):
    """Time limits of the interlock. None may be 0."""

    no_data: Annotated[float, Duration("250 ms", "10 s")] = Field(
        default=0.5, description="Silence of tap or monitor after which there is no data."
    )
    no_record: Annotated[float, Duration("500 ms", "60 s")] = Field(
        default=2.0, description="Time without a working record after which there is no record."
    )
    arming: Annotated[float, Duration("1 s", "1 h")] = Field(
        default=120.0, description="Time to arm after a start before an alarm says what is missing."
    )
    offer: Annotated[float, Duration("1 s", "10 min")] = Field(
        default=600.0, description="How long a reset may be pressed after the acknowledgement."
    )
    override: Annotated[float, Duration("1 s", "8 h")] = Field(
        default=900.0, description="Longest time under the override key, one shift at most."
    )
    override_repeat: Annotated[float, Duration("1 s", "1 h")] = Field(
        default=300.0, description="How often the override alarm sounds again."
    )
    run_out: Annotated[float, Duration("100 ms", "60 s")] = Field(
        default=2.0,
        description="From the output's drop until nothing moves any more; what runs or makes parts later has moved "
        "without a permissive.",
    )
    window: Annotated[float, Duration("1 min", "24 h")] = Field(
        default=28_800.0, description="Longest time that two persons may announce for changing a model."
    )


class TripSettings(Settings):
    """How often one cause may stop the machine before somebody of another role must look at it."""

    most: int = Field(
        default=5,
        ge=1,
        le=100,
        description="Trips by one cause that a reset may follow; one more is LOCKOUT, or, where the cause is judged on "
        "records only, needs maintenance's acknowledgement.",
    )
    within: Annotated[float, Duration("1 min", "7 days")] = Field(
        default=28_800.0, description="The time within which they count."
    )


class InterlockSettings(Settings):
    """What the interlock does, and what it asks of people."""

    no_record: Literal["hold", "fallback"] = Field(
        default="hold", description="Response when nothing can be recorded: no evidence, no autonomy."
    )
    fallback: Sentence | None = Field(
        default=None,
        description="The plant's own way of making parts without the model; without it FALLBACK is HOLD.",
    )
    judgement_valid: Annotated[float, Duration("1 min", "30 days")] = Field(
        default=86_400.0, description="How old a judgement on drift may be when a reset is asked for."
    )
    ack_at: Literal["panel", "plc", "either"] = Field(
        default="panel",
        description="Where a stop is acknowledged: at this device's panel, at the PLC's own, or at either. What needs "
        "another role than the operator's is acknowledged at the panel always.",
    )
    reset_needs: Literal["one", "two"] = Field(
        default="one",
        description="How many persons acknowledge a stop before a reset; the second within a day.",
    )
    trips: TripSettings = Field(default_factory=TripSettings, description="Limits of repeated stops.")
    proving: ProvingSettings = Field(default_factory=ProvingSettings, description="Limits of a proving run.")
    times: TimeSettings = Field(default_factory=TimeSettings, description="Time limits.")
