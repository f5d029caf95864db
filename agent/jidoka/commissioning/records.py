"""What was measured and shown at this site: `STATE_DIR/commissioning.jsonl`, one JSON object a line.

Each line carries the SHA-256 of the one before, so that a line that is edited or taken away shows. It proves nothing
against who may write the whole file.
"""

from __future__ import annotations

import calendar
import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ConfigurationError

from jidoka.commissioning.measured import Measured

NAME = "commissioning.jsonl"
KINDS = ("probe", "drill")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
OWNER = "Run as the user that owns the state directory."


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
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}", OWNER) from None
    found: list[Entry] = []
    previous = ""
    for number, line in enumerate(lines, 1):
        entry = _entry(path, number, line)
        if entry.previous != previous:
            raise _broken(path, number, "doesn't follow from the line before: one was changed or taken away")
        previous = hashlib.sha256(line).hexdigest()
        found.append(entry)
    return found


def _entry(path: Path, number: int, line: bytes) -> Entry:
    try:
        entry = Entry(**json.loads(line))
        time.strptime(entry.at, TIME_FORMAT)
    except (ValueError, TypeError, RecursionError):
        raise _broken(path, number, "isn't an entry") from None
    if entry.kind not in KINDS or not isinstance(entry.values, dict):
        raise _broken(path, number, "isn't an entry")
    return entry


def _broken(path: Path, number: int, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path}:{number}: {what}",
        "Compare it with the ledger; move the file away and do probe and drill again: jidoka plc drill --help",
    )


def append(state_dir: str | Path, entry: Entry) -> Entry:
    """Write one entry behind the others, on the disk when this returns. Raises ConfigurationError."""
    path = file_of(state_dir)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            given = entries(state_dir)
            last = path.read_bytes().splitlines()[-1] if given else b""
            written = Entry(**{**asdict(entry), "previous": hashlib.sha256(last).hexdigest() if last else ""})
            file.write(json.dumps(asdict(written), sort_keys=True).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be written: {error.strerror}", OWNER) from None
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    return written


def measured_of(given: Sequence[Entry]) -> Measured:
    """The newest of each figure."""
    names = ("answer_ms", "scan_ms", "hold_limit_ms", "function", "withdraw_ms", "withdraw_least_ms",
             "silent_ms")  # fmt: skip
    values: dict[str, Any] = {}
    for entry in given:
        values |= {name: entry.values[name] for name in names if entry.values.get(name) is not None}
    return Measured(**values, at=given[-1].at if given else "")


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
