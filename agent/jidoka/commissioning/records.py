"""What was measured and shown at this site: `STATE_DIR/commissioning.jsonl`, one JSON object a line.

Each line carries the SHA-256 of the one before, so that a line that is edited or taken away shows. It proves nothing
against who may write the whole file.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ConfigurationError

from jidoka import chained_lines
from jidoka.chained_lines import ChainError
from jidoka.commissioning.measured import Measured

NAME = "commissioning.jsonl"
KINDS = ("probe", "drill")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
OWNER = "Run as the user that owns the state directory."
COMPARE = (
    "Compare it with the ledger; move the file away and do probe and drill again: jidoka plc drill --help"
)


@dataclass(frozen=True)
class Entry:
    """One thing that was done. values: what came out; plan, map: digests; previous: SHA-256 of the line before."""

    kind: str
    at: str
    role: str
    person: str
    plan: str
    map: str
    values: dict[str, Any] = field(default_factory=dict)
    previous: str = ""

    def age_s(self, now_s: float) -> float:
        """Seconds since then, by the wall clock."""
        return now_s - calendar.timegm(time.strptime(self.at, TIME_FORMAT))


def now_text() -> str:
    """The wall clock as entries carry it."""
    return time.strftime(TIME_FORMAT, time.gmtime())


def file_of(state_dir: str | Path) -> Path:
    """Where a device's entries lie."""
    return Path(state_dir) / NAME


def entries(state_dir: str | Path) -> list[Entry]:
    """Every entry, oldest first. Raises ConfigurationError where a line was changed or is missing."""
    path = file_of(state_dir)
    try:
        lines = chained_lines.read(path)
    except ChainError as error:
        raise _faulty(error) from None
    return [_entry(path, number, values) for number, values in enumerate(lines, 1)]


def _entry(path: Path, number: int, values: dict[str, Any]) -> Entry:
    try:
        entry = Entry(**values)
        time.strptime(entry.at, TIME_FORMAT)
    except (ValueError, TypeError):
        raise _faulty(ChainError(f"{path}:{number}", "isn't an entry")) from None
    if entry.kind not in KINDS or not isinstance(entry.values, dict):
        raise _faulty(ChainError(f"{path}:{number}", "isn't an entry"))
    return entry


def _faulty(error: ChainError) -> ConfigurationError:
    return ConfigurationError(str(error), OWNER if error.why.startswith("can't be") else COMPARE)


def append(state_dir: str | Path, entry: Entry) -> Entry:
    """Write one entry behind the others, on the disk when this returns. Raises ConfigurationError."""
    entries(state_dir)  # behind what isn't an entry nothing is written
    values = asdict(entry)
    del values["previous"]
    try:
        return Entry(**chained_lines.append(file_of(state_dir), values))
    except ChainError as error:
        raise _faulty(error) from None


def measured_of(given: Sequence[Entry], transport: str) -> Measured:
    """The newest of each figure, of this transport: over another one nothing takes as long. (Early entries don't say.)"""
    names = ("answer_ms", "scan_ms", "hold_limit_ms", "function", "withdraw_ms", "withdraw_least_ms",
             "silent_ms")  # fmt: skip
    values: dict[str, Any] = {}
    at = dict.fromkeys(KINDS, "")
    for entry in given:
        if entry.values.get("transport", transport) != transport:
            continue
        at[entry.kind] = entry.at
        values |= {name: entry.values[name] for name in names if entry.values.get(name) is not None}
    return Measured(**values, probed_at=at["probe"], drilled_at=at["drill"])


def last(given: Sequence[Entry], kind: str) -> Entry | None:
    """The newest entry of a kind."""
    return next((each for each in reversed(given) if each.kind == kind), None)


def rejecting_drill(given: Sequence[Entry], map_digest: str) -> Entry | None:
    """The newest drill that showed a part rejected with A off, with this register map."""
    return next(
        (
            each
            for each in reversed(given)
            if each.kind == "drill" and each.map == map_digest and each.values.get("rejected") is True
        ),
        None,
    )
