"""One step of the test protocol, and the columns that it is signed in."""

from __future__ import annotations

from typing import NamedTuple

HEAD = ("no.", "step", "expected", "seen / measured", "done", "name, date, signature")
#: of a command that keeps who did it
WHO = "--config CONFIGURATION --role engineer --person NAME"


class Step(NamedTuple):
    """One step. part: the heading it stands under."""

    part: str
    do: str
    expected: str
