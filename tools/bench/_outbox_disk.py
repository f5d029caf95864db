"""What storing and forgetting messages writes to the disk: the ledger and its cursor beside a table in sqlite's WAL.

python tools/bench/_outbox_disk.py ledger|sqlite FOLDER MESSAGES GROUP

Each is a program of its own, so that /proc/PID/io counts it alone: `write_bytes`, what it made the kernel write. The file
system's own journal isn't in it; what the whole disk wrote meanwhile has it, and whatever else was written (`disk_bytes`, of
use on a quiet machine; null where the folder lies on no block device). Both force each group to the disk and forget 500
messages at a time.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jidoka.steward.ledger.format import LANE_OF, Kind, Lane
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.topics import body_of
from jidoka.steward.outbox.outbox import AIMS, Outbox

from tools.bench._outbox_ledger import BOOT, SECOND_NS, events

ACKNOWLEDGED = 500
BODIES = 1_000


def bodies() -> list[tuple[Kind, bytes]]:
    return [(kind, body_of(kind, value)) for kind, value in events(BODIES, 16)]


def by_ledger(folder: Path, messages: int, group: int) -> None:
    """The real writer, outbox and cursor file."""
    ledger = Ledger(folder / "ledger.jdl", BOOT, lambda *_: None, 1)
    outbox, numbers, waiting = Outbox(ledger.path, AIMS), dict.fromkeys(Lane, 0), 0
    ledger.append(Kind.BOOT, b"{}", 0, 0)
    numbers[Lane.EVIDENCE] = 1
    made = bodies()
    for number in range(messages):
        kind, body = made[number % BODIES]
        numbers[LANE_OF[kind]] += 1
        waiting += 1
        is_last = waiting == group or number == messages - 1
        ledger.append(kind, body, number, number * SECOND_NS, urgent=is_last)
        if is_last:
            waiting = 0
            while ledger.committed_entries < number + 2:
                time.sleep(0)
            for ticket in ledger.take_committed():
                outbox.add(ticket)
        if number % ACKNOWLEDGED == ACKNOWLEDGED - 1 and not waiting:
            outbox.committed({"committed": {lane.label: numbers[lane] for lane in outbox.lanes}}, 0.0)
            outbox.store(float(number), is_last=True)
    ledger.close()


def by_sqlite(folder: Path, messages: int, group: int) -> None:
    """One table, the rows deleted once they are acknowledged; WAL, synchronous=FULL, checkpoints as they come."""
    base = sqlite3.connect(folder / "outbox.db", isolation_level=None)
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute(
        "CREATE TABLE outbox (lane INTEGER, seq INTEGER, body BLOB, PRIMARY KEY (lane, seq)) WITHOUT ROWID"
    )
    numbers = dict.fromkeys(Lane, 0)
    made = bodies()
    base.execute("BEGIN")
    for number in range(messages):
        kind, body = made[number % BODIES]
        lane = LANE_OF[kind]
        numbers[lane] += 1
        base.execute("INSERT INTO outbox VALUES (?, ?, ?)", (int(lane), numbers[lane], body))
        if number % group == group - 1:
            base.execute("COMMIT")
            base.execute("BEGIN")
        if number % ACKNOWLEDGED == ACKNOWLEDGED - 1:
            for each, last in numbers.items():
                base.execute("DELETE FROM outbox WHERE lane = ? AND seq <= ?", (int(each), last))
    base.execute("COMMIT")
    base.close()


def main() -> None:
    what, folder, messages, group = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    on_disk, before, began_s = _disk_bytes(folder), _written(), time.monotonic()
    (by_ledger if what == "ledger" else by_sqlite)(folder, messages, group)
    found = {
        "bytes": (_written() - before) / messages,
        "per_s": messages / (time.monotonic() - began_s),
        "disk_bytes": None if on_disk is None else ((_disk_bytes(folder) or 0) - on_disk) / messages,
    }
    print(json.dumps(found))


def _disk_bytes(folder: Path) -> int | None:
    """What the disk below has written since the machine began, with all that waited for it."""
    os.sync()
    device = folder.stat().st_dev
    try:
        fields = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()
    except OSError:
        return None
    return 512 * int(fields[6])  # Documentation/block/stat.rst: write sectors


def _written() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


if __name__ == "__main__":
    main()
