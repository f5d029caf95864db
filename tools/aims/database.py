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
#: events that are sent one by one; more are copied
FEW = 5
COLUMNS = (
    "device_id", "lane", "seq", "time", "type", "subject", "boot", "leaf", "historical", "digest", "data", "payload",
)  # fmt: skip

_NAMES = ", ".join(COLUMNS)
PUT_BATCH = f"INSERT INTO event ({_NAMES}) SELECT {_NAMES} FROM batch ON CONFLICT DO NOTHING"
PUT_ONE = f"INSERT INTO event ({_NAMES}) VALUES ({', '.join(['%s'] * len(COLUMNS))}) ON CONFLICT DO NOTHING"
PUT_LIVE = (
    "INSERT INTO live VALUES (%s, %s, %s, %s) ON CONFLICT (device_id, topic) "
    "DO UPDATE SET time = EXCLUDED.time, data = EXCLUDED.data WHERE live.time <= EXCLUDED.time"
)
PUT_CONFLICT = (
    "INSERT INTO conflict (device_id, lane, seq, digest, payload) "
    "SELECT device_id, lane, seq, %(digest)s, %(payload)s FROM event "
    "WHERE device_id = %(device)s AND lane = %(lane)s AND seq = %(seq)s AND digest <> %(digest)s ON CONFLICT DO NOTHING"
)
LOCK_LANE = "SELECT 1 FROM cursor WHERE device_id = %(device)s AND lane = %(lane)s FOR UPDATE"
_FROM = "(SELECT contiguous FROM cursor WHERE device_id = %(device)s AND lane = %(lane)s)"
#: the row number of a gap-free run grows as its seq does
ADVANCE = f"""
UPDATE cursor SET contiguous = found.seq FROM (
    SELECT max(run.seq) AS seq FROM (
        SELECT seq, row_number() OVER (ORDER BY seq) AS n FROM event
        WHERE device_id = %(device)s AND lane = %(lane)s AND seq > {_FROM} ORDER BY seq LIMIT %(most)s
    ) run WHERE run.seq = run.n + {_FROM}
) found WHERE device_id = %(device)s AND lane = %(lane)s AND found.seq IS NOT NULL
"""


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
        self._lanes: set[tuple[str, str]] = set()  # (tree, lane) that have a cursor
        with self._connection.transaction(), self._connection.cursor() as cursor:
            # several workers may start at once
            cursor.execute("SELECT pg_advisory_xact_lock(7091)")
            cursor.execute(SCHEMA.read_bytes())
            cursor.execute(
                "CREATE TEMPORARY TABLE batch (LIKE event INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
            )

    def close(self) -> None:
        self._connection.close()

    def store(self, letters: Sequence[Letter]) -> Stored:
        """Commit a batch. Raises psycopg.Error: then nothing of it is stored, and the connection is of no more use."""
        stored = Stored()
        events = [each for each in letters if isinstance(each, Event)]
        lives = [each for each in letters if isinstance(each, Live)]
        self._know({(each.tree, each.lane) for each in events} | {(each.tree, "") for each in lives})
        with self._connection.transaction():
            if len(events) > FEW:
                self._copy(events)
            # statements that don't wait for each other's answers: one way there and back for all of them
            with self._connection.pipeline():
                put, cursors = self._put_events(events), self._advance(events)
                self._put_lives(lives)
                odd = [self._put_unreadable(each) for each in letters if isinstance(each, Unreadable)]
            if events:
                stored.events = put.rowcount
                stored.contiguous = {tree: dict(cursor.fetchall()) for tree, cursor in cursors.items()}
            if stored.events < len(events):
                stored.conflicts = self._put_conflicts(events)
            stored.unreadable = sum(each.rowcount for each in odd)
        return stored

    def _know(self, lanes: set[tuple[str, str]]) -> None:
        """Devices, and cursors of their lanes, in a transaction of its own: nobody waits for it after its end."""
        fresh = sorted(lanes - self._lanes)
        if not fresh:
            return
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for tree, lane in fresh:
                cursor.execute("INSERT INTO device (tree) VALUES (%s) ON CONFLICT DO NOTHING", (tree,))
                cursor.execute("SELECT device_id FROM device WHERE tree = %s", (tree,))
                row = cursor.fetchone()
                assert row is not None
                self._devices[tree] = int(row[0])
                if lane:
                    cursor.execute(
                        "INSERT INTO cursor VALUES (%s, %s, 0) ON CONFLICT DO NOTHING", (row[0], lane)
                    )
        self._lanes.update(fresh)

    def _row(self, event: Event) -> tuple[Any, ...]:
        return (
            self._devices[event.tree], event.lane, event.seq, event.time, event.type, event.subject, event.boot,
            event.leaf, event.historical, event.digest, event.data, event.payload,
        )  # fmt: skip

    def _copy(self, events: Sequence[Event]) -> None:
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY batch ({_NAMES}) FROM STDIN") as copy,
        ):
            for each in events:
                copy.write_row(self._row(each))

    def _put_events(self, events: Sequence[Event]) -> psycopg.Cursor[Any]:
        cursor = self._connection.cursor()
        if len(events) > FEW:
            cursor.execute(PUT_BATCH)
        elif events:
            cursor.executemany(PUT_ONE, [self._row(each) for each in events])
        return cursor

    def _advance(self, events: Sequence[Event]) -> dict[str, psycopg.Cursor[Any]]:
        """Each lane's cursor over what is there without a gap; the answers tell where all of a device's are."""
        for tree, lane in sorted({(each.tree, each.lane) for each in events}):
            # several workers may store one lane: the lock comes first, so that what is looked at next is what they committed
            place = {"device": self._devices[tree], "lane": lane, "most": MOST_STEPS}
            self._connection.execute(LOCK_LANE, place)
            self._connection.execute(ADVANCE, place)
        return {
            tree: self._connection.execute(
                "SELECT lane, contiguous FROM cursor WHERE device_id = %s", (self._devices[tree],)
            )
            for tree in {each.tree for each in events}
        }

    def _put_conflicts(self, events: Sequence[Event]) -> int:
        """Some were there already: those that were other ones. Returns how many came new."""
        cursor = self._connection.cursor()
        cursor.executemany(
            PUT_CONFLICT,
            [
                {
                    "device": self._devices[each.tree], "lane": each.lane, "seq": each.seq, "digest": each.digest,
                    "payload": each.payload,
                }
                for each in events
            ],
        )  # fmt: skip
        return cursor.rowcount

    def _put_lives(self, lives: Sequence[Live]) -> None:
        newest = {(each.tree, each.topic): each for each in sorted(lives, key=lambda each: each.time)}
        for live in newest.values():
            self._connection.execute(PUT_LIVE, (self._devices[live.tree], live.topic, live.time, live.data))

    def _put_unreadable(self, bad: Unreadable) -> psycopg.Cursor[Any]:
        return self._connection.execute(
            "INSERT INTO unreadable (topic, why, digest, payload) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (bad.topic.replace("\0", "�"), bad.why.replace("\0", "�"), bad.digest, bad.payload),
        )
