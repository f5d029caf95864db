"""Stores batches of letters in PostgreSQL, each in one transaction; what was committed may be acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tools.aims.letters import Event, Letter, Live, Unreadable

SCHEMA = Path(__file__).with_name("schema.sql")
#: numbers that a cursor moves over in one step; more wait for the next batch
MOST_STEPS = 100_000
COLUMNS = (
    "device_id", "lane", "seq", "time", "type", "subject", "boot", "leaf", "historical", "digest", "data", "payload",
)  # fmt: skip


@dataclass
class Stored:
    """What a commit brought. contiguous: device's tree -> lane -> the highest number up to which nothing is missing, of
    every device that the batch touched; conflicts, unreadable: how many came new."""

    events: int = 0
    conflicts: int = 0
    unreadable: int = 0
    contiguous: dict[str, dict[str, int]] = field(default_factory=dict)


class Database:
    """One connection. address: as libpq takes it. Raises psycopg.Error where the server can't be reached."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address)
        self._devices: dict[str, int] = {}
        with self._connection.transaction(), self._connection.cursor() as cursor:
            # several workers may start at once
            cursor.execute("SELECT pg_advisory_xact_lock(7091)")
            cursor.execute(SCHEMA.read_bytes())

    def close(self) -> None:
        self._connection.close()

    def store(self, letters: Sequence[Letter]) -> Stored:
        """Commit a batch. Raises psycopg.Error: then nothing of it is stored, and the connection is of no more use."""
        stored = Stored()
        with self._connection.transaction(), self._connection.cursor() as cursor:
            events = [each for each in letters if isinstance(each, Event)]
            lives = [each for each in letters if isinstance(each, Live)]
            trees = {each.tree for each in events} | {each.tree for each in lives}
            for tree in sorted(trees - self._devices.keys()):
                self._devices[tree] = self._device(cursor, tree)
            if events:
                self._store_events(cursor, events, stored)
            newest = {(each.tree, each.topic): each for each in sorted(lives, key=lambda each: each.time)}
            for live in newest.values():
                cursor.execute(
                    "INSERT INTO live VALUES (%s, %s, %s, %s) ON CONFLICT (device_id, topic) "
                    "DO UPDATE SET time = EXCLUDED.time, data = EXCLUDED.data WHERE live.time <= EXCLUDED.time",
                    (self._devices[live.tree], live.topic, live.time, live.data),
                )
            for bad in (each for each in letters if isinstance(each, Unreadable)):
                cursor.execute(
                    "INSERT INTO unreadable (topic, why, digest, payload) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    (bad.topic.replace("\0", "�"), bad.why.replace("\0", "�"), bad.digest, bad.payload),
                )  # fmt: skip
                stored.unreadable += cursor.rowcount
        return stored

    def _device(self, cursor: psycopg.Cursor[Any], tree: str) -> int:
        cursor.execute("INSERT INTO device (tree) VALUES (%s) ON CONFLICT DO NOTHING", (tree,))
        cursor.execute("SELECT device_id FROM device WHERE tree = %s", (tree,))
        row = cursor.fetchone()
        assert row is not None
        return int(row[0])

    def _store_events(self, cursor: psycopg.Cursor[Any], events: Sequence[Event], stored: Stored) -> None:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS batch (LIKE event INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
        )
        names = ", ".join(COLUMNS)
        with cursor.copy(f"COPY batch ({names}) FROM STDIN") as copy:
            for each in events:
                copy.write_row(
                    (
                        self._devices[each.tree], each.lane, each.seq, each.time, each.type, each.subject, each.boot,
                        each.leaf, each.historical, each.digest, each.data, each.payload,
                    )
                )  # fmt: skip
        cursor.execute(f"INSERT INTO event ({names}) SELECT {names} FROM batch ON CONFLICT DO NOTHING")
        stored.events = cursor.rowcount
        cursor.execute(
            "INSERT INTO conflict (device_id, lane, seq, digest, payload) "
            "SELECT b.device_id, b.lane, b.seq, b.digest, b.payload FROM batch b JOIN event e USING (device_id, lane, seq) "
            "WHERE e.digest <> b.digest ON CONFLICT DO NOTHING"
        )
        stored.conflicts = cursor.rowcount
        for tree, lane in sorted({(each.tree, each.lane) for each in events}):
            self._advance(cursor, self._devices[tree], lane)
        for tree in {each.tree for each in events}:
            cursor.execute("SELECT lane, contiguous FROM cursor WHERE device_id = %s", (self._devices[tree],))
            stored.contiguous[tree] = {str(lane): int(number) for lane, number in cursor.fetchall()}

    def _advance(self, cursor: psycopg.Cursor[Any], device: int, lane: str) -> None:
        """Move a lane's cursor over what is there without a gap. Locks its row: several workers may store one lane."""
        cursor.execute("INSERT INTO cursor VALUES (%s, %s, 0) ON CONFLICT DO NOTHING", (device, lane))
        cursor.execute(
            "SELECT contiguous FROM cursor WHERE device_id = %s AND lane = %s FOR UPDATE", (device, lane)
        )
        row = cursor.fetchone()
        assert row is not None
        contiguous = int(row[0])
        # the row number of a gap-free run grows as its seq does
        cursor.execute(
            "SELECT coalesce(max(seq), %(from)s) FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS n FROM event "
            "WHERE device_id = %(device)s AND lane = %(lane)s AND seq > %(from)s ORDER BY seq LIMIT %(most)s) run "
            "WHERE seq = n + %(from)s",
            {"from": contiguous, "device": device, "lane": lane, "most": MOST_STEPS},
        )
        row = cursor.fetchone()
        assert row is not None
        if int(row[0]) > contiguous:
            contiguous = int(row[0])
            cursor.execute(
                "UPDATE cursor SET contiguous = %s WHERE device_id = %s AND lane = %s",
                (contiguous, device, lane),
            )
