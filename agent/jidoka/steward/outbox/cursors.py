"""The cursor file beside the ledger: the highest confirmed number of each lane, replaced at once and forced to disk."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from jidoka.steward.ledger.format import Lane
from jidoka.whole_file import write_whole

#: lanes that leave the device, first things first
SENT_LANES: tuple[Lane, ...] = (Lane.ALARM, Lane.EVIDENCE, Lane.HISTORY)


def cursor_path(ledger: Path) -> Path:
    """Where the cursors of a ledger lie."""
    return ledger.with_name(ledger.name + ".cursor")


def load(ledger: Path) -> dict[Lane, int]:
    """The cursors; 0 (send everything) for a lane or file that is missing or can't be read."""
    cursors = dict.fromkeys(SENT_LANES, 0)
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        written = json.loads(cursor_path(ledger).read_bytes())
        for lane in SENT_LANES:
            cursors[lane] = max(0, int(written.get(lane.label, 0)))
    return cursors


def store(ledger: Path, cursors: dict[Lane, int]) -> None:
    """Replace the file. Raises OSError; the old one then still holds, and some messages are sent twice."""
    content = json.dumps({lane.label: number for lane, number in cursors.items()})
    write_whole(cursor_path(ledger), content.encode())
