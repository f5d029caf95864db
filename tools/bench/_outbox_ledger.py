"""A ledger as days without a broker leave it: written by the real writer, with a clock of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.topics import body_of

SECOND_NS = 1_000_000_000
#: not this kernel's: everything in the ledger happened before the last start
BOOT = b"an earlier boot."
#: messages that are pending at most before the writer is waited for
ROOM_BYTES = 4 << 20
SKETCH_EVERY = 180


class Made(NamedTuple):
    """A ledger that was written. seconds: what it took; size: bytes of the file."""

    events: int
    alarms: int
    seconds: float
    size: int


def events(count: int, alarms: int) -> Iterator[tuple[Kind, dict[str, Any]]]:
    """One event a second: `alarms` of them changes of an alarm, some sketches, the rest conditions."""
    every = max(1, count // max(1, alarms))
    told = 0
    for second in range(count):
        if second % every == 0 and told < alarms:
            told += 1
            yield Kind.ALARM, _alarm(told)
        elif second % SKETCH_EVERY == 1:
            yield Kind.SKETCH, _sketch(second)
        else:
            yield Kind.CONDITION, _condition(second)


def write(path: Path, count: int, alarms: int, wall_ns: int) -> Made:
    """The ledger of `count` seconds that ended at `wall_ns`. Raises LedgerError."""
    began_s = time.monotonic()
    ledger = Ledger(path, BOOT, lambda *_: None, wall_ns)
    first_ns = wall_ns - count * SECOND_NS
    ledger.append(Kind.BOOT, body_of(Kind.BOOT, _boot()), 0, first_ns)
    for second, (kind, value) in enumerate(events(count, alarms)):
        at_ns = second * SECOND_NS
        while ledger.append(kind, body_of(kind, value), at_ns, first_ns + at_ns) is None:
            time.sleep(0.002)
        if second % 1024 == 0:
            ledger.take_committed()
    if not ledger.close(60):
        raise RuntimeError("the ledger couldn't be written")
    return Made(count, alarms, time.monotonic() - began_s, path.stat().st_size)


def _boot() -> dict[str, Any]:
    return {"event": "start", "program": "steward", "version": "0", "plan": "0" * 64, "previous": "none"}


def _alarm(number: int) -> dict[str, Any]:
    is_on = number % 2 == 1
    return {
        "id": f"R-{number % 40:02}", "state": "B" if is_on else "A", "meaning": "unacknowledged" if is_on else "normal",
        "was": "A" if is_on else "B", "sign": "S" if is_on else "-", "priority": "high", "class": "trip",
        "risk": "model drift", "response": "hold", "text": "The model's input drifts.", "heard": is_on,
        "remedy": "Look at lens and lighting.", "revision": number, "count": 1, "since_ns": number * SECOND_NS,
    }  # fmt: skip


def _sketch(second: int) -> dict[str, Any]:
    return {
        "model": "surface", "feature": f"f{second % 20}", "kll": "A" * 2400, "records": 108_000, "recipe": 7,
        "from_ns": second * SECOND_NS, "to_ns": (second + 3600) * SECOND_NS,
    }  # fmt: skip


def _condition(second: int) -> dict[str, Any]:
    return {
        "id": "surface:drift(all)", "model": "surface", "judgement": "on" if second % 2 else "off", "revision": second,
        "value": 12.5 + second % 7, "limit": 10.0, "judged_ns": second * SECOND_NS, "judged_n": 300, "needed_n": 300,
        "run": 0, "evidence": {"feature": "luma mean", "direction": "up", "z": 4.2, "onset_part": second},
    }  # fmt: skip
