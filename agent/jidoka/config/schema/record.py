"""`record:`: how much room the record of what happened may take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jidoka.config.quantities import Bytes
from jidoka.config.schema.base import Settings


class RecordSettings(Settings):
    """The ledger's room on the disk."""

    limit: Annotated[int, Bytes("16 MB", "1000 GB")] = Field(
        default=4_000_000_000,
        description="Above it verdicts and sketches go, oldest first; their digests stay, and how many went is recorded. "
        "Alarms and evidence never go: when they alone come near it there is an alarm.",
    )
