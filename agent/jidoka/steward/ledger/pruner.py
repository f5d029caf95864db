"""Keeps a ledger within its limit, on the thread of its writer: looks, chooses, removes, and says what to record.

One pass at a time: a pass is over once the entry that counts what went is on the disk, and only then is it forgotten what
was to be done. So each removal is recorded once, whatever is killed when.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import LedgerError

from jidoka.steward.ledger import trimming
from jidoka.steward.ledger.format import FILE_HEADER, Entry, FileHeader, FormatError, Kind, Lane
from jidoka.steward.ledger.removed import Runs
from jidoka.steward.ledger.room import Room

LOOK_S = 0.25


class Pruner:
    """descriptor: of the locked file; limit_bytes: 0 for none. Finishes at once what a kill interrupted. Raises LedgerError.

    `room` is read by the loop, `runs` by the courier; everything else is the writer's thread's.
    """

    def __init__(self, descriptor: int, path: Path, limit_bytes: int) -> None:
        self.room = Room(limit_bytes)
        self.runs = Runs()
        self._path = path
        self._descriptor = descriptor
        self._acknowledged: int | None = 0
        self._position = FILE_HEADER.size
        self._is_position_known = False
        self._untold: dict[str, Any] | None = None
        self._told_at: int | None = None  # index of the entry that tells of the pass that is under way
        self._under_way: tuple[trimming.Plan, dict[str, Any]] | None = None  # written down, not done yet
        self._next_s = 0.0
        try:
            self._ledger_id = FileHeader.decode(os.pread(descriptor, FILE_HEADER.size, 0)).ledger_id
            self._untold = trimming.finish(descriptor, path)
        except FormatError as error:
            if trimming.journal_path(path).exists():
                raise LedgerError(
                    f"{path}: {error}",
                    "Keep both files as evidence; the next start without them begins a new ledger.",
                ) from None
        except OSError as error:
            raise LedgerError(
                f"{path}: can't finish the removal of history: {error.strerror}",
                "See dmesg for the disk's state.",
            ) from None

    # ------------------------------------------------------------ the caller's side

    def acknowledged(self, number: int | None) -> None:
        """The AIMS has the history lane up to `number`; None: nobody is told anything."""
        self._acknowledged = number

    def before(self, on_entry: Callable[[int, Entry], None]) -> Callable[[int, Entry], None]:
        """At opening: see each entry before `on_entry` does."""

        def seen(offset: int, entry: Entry) -> None:
            if entry.lane is Lane.HISTORY and entry.kind is not Kind.REMOVED:
                self.room.history_bytes += entry.size
                if not self._is_position_known:
                    self._position, self._is_position_known = offset, True
            elif entry.kind is Kind.RETENTION and self._untold is not None and _is_same(entry, self._untold):
                self._untold = None
            on_entry(offset, entry)

        return seen

    # ------------------------------------------------------------ the writer's thread

    def work(self, committed_bytes: int) -> bytes | None:
        """Look whether room is short and remove some history. Returns the body of the entry that is to tell of it."""
        now_s = time.monotonic()
        if now_s < self._next_s or self._told_at is not None:
            return None
        self._next_s = now_s + LOOK_S
        if self._untold is None:
            self._untold = self._pass(committed_bytes)
        return None if self._untold is None else json.dumps(self._untold, separators=(",", ":")).encode()

    def is_told_by(self, index: int) -> None:
        """The entry that tells of the pass got this place in the ledger."""
        self._told_at, self._untold = index, None

    def committed(self, index: int, history_bytes: int) -> None:
        """Entries up to `index` reached the disk, so many bytes of them history."""
        self.room.history_bytes += history_bytes
        if self._told_at is not None and index >= self._told_at:
            with contextlib.suppress(OSError):  # tried again with the next entries
                trimming.forget_journal(self._path)
                self._told_at = None

    def _pass(self, committed_bytes: int) -> dict[str, Any] | None:
        room, acknowledged = self.room, self._acknowledged
        try:
            if self._under_way is not None:
                return self._finish()
            trimming.forget_journal(self._path)  # what it tells of was recorded before this program began
            disk = os.statvfs(self._path.parent)
            file = os.fstat(self._descriptor)
            ready = max(0, file.st_size - committed_bytes)  # zeros for entries to come
            room.measure(file.st_blocks * 512 - ready, disk.f_bavail * disk.f_frsize)
            if not room.is_due(acknowledged, committed_bytes):
                return None
            return self._remove(committed_bytes, acknowledged)
        except (OSError, FormatError) as error:
            room.why_not = str(getattr(error, "strerror", None) or error)
            room.found_nothing(acknowledged, committed_bytes)
            return None

    def _remove(self, committed_bytes: int, acknowledged: int | None) -> dict[str, Any] | None:
        # where the file system can't give blocks back this fails, before anything is changed
        trimming.punch(self._descriptor, committed_bytes + (1 << 30), committed_bytes + (1 << 30) + 1)
        goal = self.room.excess_bytes(trimming.PASS_BYTES)
        plan = trimming.choose(self._descriptor, self._position, committed_bytes, acknowledged, goal)
        self._position = plan.position
        if not plan.runs:
            if plan.is_at_end:
                self._position = FILE_HEADER.size
                self.room.found_nothing(acknowledged, committed_bytes)
            return None
        told = plan.told(self.room.limit_bytes)
        trimming.write_journal(self._path, self._ledger_id, plan.runs, told)
        self._under_way = plan, told
        return self._finish()

    def _finish(self) -> dict[str, Any]:
        assert self._under_way is not None
        plan, told = self._under_way
        for run in plan.runs:
            self.runs.add(run.offset, run.end)
        trimming.carry_out(self._descriptor, plan.runs)
        self._under_way = None
        self.room.went(plan.counts.total(), plan.history)
        self.room.why_not = ""
        return told


def _is_same(entry: Entry, told: dict[str, Any]) -> bool:
    """A retention entry tells of exactly this pass: each entry is removed once only, so its first names it."""
    try:
        body = entry.json()
    except FormatError:
        return False
    return body.get("first") == told.get("first") and body.get("what") == told.get("what")
