"""The one writer of a ledger: numbers entries at once, commits them in groups on a thread of its own.

`append` never waits. The thread writes what is pending behind the last committed byte and calls fdatasync: at once
if an entry is urgent, else after 250 ms. What failed is written again from that byte, into a newly opened file
(after a failed fdatasync the kernel may have forgotten the pages). Only what fdatasync confirmed is `committed`. How it is
written is `tail`'s.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jidoka.steward.ledger.format import LANE_OF, Entry, Kind, Lane, encode
from jidoka.steward.ledger.opening import open_locked, read_all, remedy_for
from jidoka.steward.ledger.people import people_path
from jidoka.steward.ledger.pruner import Pruner
from jidoka.steward.ledger.spool import SpoolFile, spool_path
from jidoka.steward.ledger.tail import Tail

GROUP_NS = 250_000_000
STUCK_NS = 500_000_000
RETRY_S = 0.25
PROBE_S = 0.5
MAX_PENDING_BYTES = 8 << 20
MIN_FREE_BYTES = 1 << 20


class Ticket(NamedTuple):
    """Where an entry lies. offset: byte in the file; size: bytes there; count: numbers of its lane that it stands for, more
    than one where entries were removed; tag, topic: whatever the caller gave with it."""

    offset: int
    kind: Kind
    lane: Lane
    index: int  # type: ignore[assignment]  # hides a method of tuples that nobody calls here
    lane_number: int
    tag: int = 0
    topic: str = ""
    size: int = 0
    count: int = 1  # type: ignore[assignment]  # hides a method of tuples that nobody calls here


@dataclass
class _Pending:
    data: bytes
    ticket: Ticket
    since_ns: int
    secret: bytes


class _SpoolJob(NamedTuple):
    model: str
    data: bytes
    is_fresh: bool
    since_ns: int


class Ledger:
    """The ledger file at `path`, locked by this program. Raises LedgerError if it is damaged or somebody else's.

    boot: 16 bytes of this boot's id; on_entry(offset, entry) is called for every entry that is already there.
    After opening, `torn` names the tail that was cut (the caller records it), `wake` is a descriptor that becomes
    readable after each commit.
    """

    def __init__(
        self, path: Path, boot: bytes, on_entry: Callable[[int, Entry], None], wall_ns: int, limit_bytes: int = 0
    ) -> None:  # fmt: skip
        self.path = path
        self.boot = boot
        self.error = ""
        self.remedy = ""
        self.refused: dict[str, int] = {}  # entries that found no room, by kind, since the last report
        self._file = open_locked(path, wall_ns)
        self.pruner = Pruner(self._file.fileno(), path, limit_bytes)
        found = read_all(self._file, path, self.pruner.before(on_entry))
        self.torn, self.torn_bytes = found.torn, found.torn_bytes
        self._end, self._next = found.end, found.continuity
        if self._next.boot != boot:
            self._next.monotonic_ns = 0  # a new boot's clock begins anew
        self.committed_bytes = self._end
        self.committed_entries = self._next.index
        self._spools: dict[str, SpoolFile] = {}
        self._pending: deque[_Pending] = deque()
        self._pending_bytes = 0
        self._spool_jobs: deque[_SpoolJob] = deque()
        self._done: deque[Ticket] = deque()
        self._is_urgent = False
        self._is_stopping = False
        self._condition = threading.Condition()
        self.wake, self._wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._tail: Tail | None = None
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------ the caller's side

    def append(
        self, kind: Kind, body: bytes, now_ns: int, wall_ns: int, *, urgent: bool = False, tag: int = 0,
        secret: bytes = b"", topic: str = "",
    ) -> Ticket | None:  # fmt: skip
        """Number an entry and hand it to the writer. secret: a line for the side file, stored before the entry.

        None: 8 MiB already wait for a disk that doesn't take them; counted in `refused`.
        """
        with self._condition:
            if self._pending_bytes + len(body) > MAX_PENDING_BYTES:
                self.refused[kind.label] = self.refused.get(kind.label, 0) + 1
                return None
            lane = LANE_OF[kind]
            self._next.lanes[lane] += 1
            now_ns = self._next.monotonic_ns = max(now_ns, self._next.monotonic_ns)
            entry = Entry(
                kind, lane, self._next.index, self._next.lanes[lane], now_ns, wall_ns, self.boot, body
            )
            ticket = Ticket(self._end, kind, lane, entry.index, entry.lane_number, tag, topic, entry.size)
            self._next.index += 1
            self._end += entry.size
            self._pending.append(_Pending(encode(entry), ticket, now_ns, secret))
            self._pending_bytes += entry.size
            self._is_urgent = self._is_urgent or urgent
            self._condition.notify()
            return ticket

    def spool(self, model: str, data: bytes, now_ns: int, *, is_fresh: bool) -> None:
        """Add rows to the open block of a model, or begin its spool anew, behind what was appended before."""
        with self._condition:
            self._spool_jobs.append(_SpoolJob(model, data, is_fresh, now_ns))
            self._condition.notify()

    def take_committed(self) -> list[Ticket]:
        """Entries that reached the disk since the last call, in order."""
        done = self._done
        return [done.popleft() for _ in range(len(done))]

    def is_recording(self, now_ns: int) -> bool:
        """True while what is appended reaches the disk: no error, and nothing waits longer than 0.5 s."""
        with self._condition:
            first = (self._pending[0].since_ns if self._pending else now_ns,
                     self._spool_jobs[0].since_ns if self._spool_jobs else now_ns)  # fmt: skip
            return not self.error and now_ns - min(first) < STUCK_NS

    @property
    def entries(self) -> int:
        """Entries including those that wait."""
        return self._next.index

    @property
    def lane_numbers(self) -> dict[Lane, int]:
        """The last number of each lane, including those that wait."""
        return dict(self._next.lanes)

    def close(self, limit_s: float = 5.0) -> bool:
        """Commit what waits, stop the thread, release the lock. False if something could not be written."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        self._thread.join(limit_s)
        if self._thread.is_alive():
            return False  # the disk hangs: the thread ends with the program, and its descriptors with it
        if self._tail is not None:
            self._tail.close()
        with contextlib.suppress(OSError):  # the zeros behind the end do no harm
            os.ftruncate(self._file.fileno(), self.committed_bytes)
            os.fsync(self._file.fileno())
        self._file.close()
        for descriptor in (self.wake, self._wake_writer):
            os.close(descriptor)
        return not self._pending

    # ------------------------------------------------------------ the writer's thread

    def _run(self) -> None:
        while True:
            batch, jobs, is_last = self._wait()
            try:
                self._commit(batch, jobs)
                if not batch and not jobs:
                    self._probe()
                self._prune()
            except OSError as error:
                self._fail(f"{self.path}: {error.strerror or error}", remedy_for(error))
                if is_last:
                    return
                time.sleep(RETRY_S)
                continue
            if self.error:
                self._fail("", "")
            if is_last:
                return

    def _wait(self) -> tuple[list[_Pending], int, bool]:
        """What to commit now: everything pending, the count of spool jobs, and whether that was the end."""
        with self._condition:
            while not self._is_stopping and not self._is_urgent:
                if not self._pending and not self._spool_jobs:
                    if not self._condition.wait(PROBE_S):
                        break
                    continue
                # the group: whatever comes within 250 ms shares one fdatasync
                self._condition.wait_for(lambda: self._is_urgent or self._is_stopping, GROUP_NS / 1e9)
                break
            self._is_urgent = False
            return list(self._pending), len(self._spool_jobs), self._is_stopping

    def _commit(self, batch: list[_Pending], jobs: int) -> None:
        if batch:
            self._commit_entries(batch)
        for _ in range(jobs):
            job = self._spool_jobs[0]
            spool = self._spools.setdefault(job.model, SpoolFile(spool_path(self.path, job.model)))
            if job.is_fresh:
                spool.begin(job.data)
            else:
                spool.append(job.data)
            with self._condition:
                self._spool_jobs.popleft()

    def _commit_entries(self, batch: list[_Pending]) -> None:
        secrets = b"".join(pending.secret for pending in batch)
        if secrets:
            self._append_secrets(secrets)
        if self._tail is None:
            self._tail = Tail(self.path, self.committed_bytes)
        data = b"".join(pending.data for pending in batch)
        self._tail.write(data)
        self._tail.sync()
        with self._condition:
            for pending in batch:
                self._pending.popleft()
                self._done.append(pending.ticket)
            self._pending_bytes -= len(data)
            self.committed_bytes += len(data)
            self.committed_entries += len(batch)
        self.pruner.committed(batch[-1].ticket.index, sum(_history_bytes(each.ticket) for each in batch))
        self._wake()

    def _prune(self) -> None:
        """History goes where room is short. What fails here costs room only: recording goes on."""
        body = self.pruner.work(self.committed_bytes)
        if body is not None:
            now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
            ticket = self.append(Kind.RETENTION, body, now_ns, wall_ns)
            if ticket is not None:
                self.pruner.is_told_by(ticket.index)

    def _append_secrets(self, lines: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(people_path(self.path), flags, 0o600)
        try:
            write_all_appending(descriptor, lines)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _probe(self) -> None:
        """Nothing to write: would the disk take something? So that a full disk is known before it matters."""
        room = os.statvfs(self.path.parent)
        if room.f_flag & os.ST_RDONLY:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        if room.f_bavail * room.f_frsize < MIN_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _fail(self, error: str, remedy: str) -> None:
        if error and self._tail is not None:
            self._tail.close()
            self._tail = None
        with self._condition:
            self.error, self.remedy = error, remedy
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: whoever reads it is woken already
            os.write(self._wake_writer, b"\0")


def _history_bytes(ticket: Ticket) -> int:
    return ticket.size if ticket.lane is Lane.HISTORY else 0


def write_all_appending(descriptor: int, data: bytes) -> None:
    """All of `data` at the end of a file opened with O_APPEND. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
