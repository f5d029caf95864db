"""A directory into which a camera program writes: each new image once, as soon as it is complete."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from jidoka_bridge.errors import InputError

from jidoka.host.sources.images import ARRAYS, is_hidden, load_arrays, load_image
from jidoka.host.sources.sample import Sample, Source

log = logging.getLogger(__name__)

LOOK_S = 0.1
#: a look at a huge folder takes long; looking is not to take more than a tenth of the time
SHARE_OF_LOOKING = 10
SETTLED_NS = 300_000_000
#: tried after 0.3, 0.6, 1.2 … s, the last time after 9.6 s: a program that writes more slowly has died
MOST_TRIES = 6
MOST_TOLD = 5


class Stamp(NamedTuple):
    """What a file is, whatever it is called."""

    inode: int
    size: int
    mtime_ns: int


class _Growing(NamedTuple):
    """A file that isn't done. since_ns: first seen as it is now; tries: how often it couldn't be read like this."""

    stamp: Stamp
    since_ns: int
    tries: int = 0

    @property
    def is_due_ns(self) -> int:
        return self.since_ns + (SETTLED_NS << self.tries)


class WatchedFolder(Source):
    """New image files of a directory, in the order in which they were written.

    Files that are there at the start are passed over, or taken first where `move_to` is given: a spool is emptied.
    A file counts as complete when size and time of change stood still for 0.3 s and it can be read whole; one that
    stays unreadable for 10 s is told and passed over. What was done is remembered by (inode, size, time), for as
    long as the file is there: a file that is renamed isn't a new picture, one that is overwritten is.
    Raises InputError: no such folder, or one of both can't be used.
    """

    def __init__(self, folder: Path, move_to: Path | None = None) -> None:
        self.text = f"watch:{folder}"
        self.look_again_s = LOOK_S
        self._folder, self._move_to = folder, move_to
        self._growing: dict[str, _Growing] = {}
        self._done: set[Stamp] = set()
        self._ready: deque[tuple[str, Stamp]] = deque()
        self._taken: list[tuple[str, Stamp]] = []
        self._place = self._passed_over = 0
        self._next_look_ns = 0
        self._is_lost = False
        try:
            there = self._scan()
        except OSError as error:
            why = "no such folder" if isinstance(error, FileNotFoundError) else error.strerror
            raise InputError(
                f"{folder}: can't be watched: {why}.",
                "Give a folder that is there and that this user may read.",
            ) from None
        if move_to is None:
            self._done.update(there.values())
        else:
            _require_target(folder, move_to)
        if there:
            how = "passed over" if move_to is None else "taken first"
            log.info("%s: files that are there already: %d, %s", folder, len(there), how)

    def take(self, now_ns: int) -> Sample | None:
        if not self._ready and now_ns >= self._next_look_ns:
            self._look(now_ns)
        while self._ready:
            name, stamp = self._ready.popleft()
            file = self._folder / name
            try:
                if file.suffix == ARRAYS:
                    sample = Sample(name, self._place, tensors=load_arrays(file))
                else:
                    sample = Sample(name, self._place, picture=load_image(file))
            except InputError as error:
                self._not_yet(name, stamp, error)
                continue
            self._growing.pop(name, None)
            self._done.add(stamp)
            self._place += 1
            self._taken.append((name, stamp))
            return sample
        return None

    def finished(self) -> None:
        taken, self._taken = self._taken, []
        for name, stamp in taken if self._move_to else ():
            assert self._move_to is not None
            with contextlib.suppress(FileNotFoundError):  # whoever wrote it has removed it
                _move(self._folder / name, self._move_to, stamp)

    def counts(self) -> dict[str, int]:
        return {"passed over": self._passed_over}

    def _look(self, now_ns: int) -> None:
        """Which files stood still since the last looks."""
        begun_ns = time.monotonic_ns()
        try:
            there = self._scan()
        except OSError as error:
            if not self._is_lost:
                log.warning("%s can't be read (%s): waiting until it is back", self._folder, error.strerror)
            self._is_lost = True
            self._next_look_ns = now_ns + int(LOOK_S * 1e9)
            return
        if self._is_lost:
            log.info("%s is back", self._folder)
            self._is_lost = False
        self._done.intersection_update(there.values())
        before, self._growing = self._growing, {}
        for name, stamp in there.items():
            if stamp in self._done:
                continue
            known = before.get(name)
            growing = known if known is not None and known.stamp == stamp else _Growing(stamp, now_ns)
            self._growing[name] = growing
            if now_ns >= growing.is_due_ns:
                self._ready.append((name, stamp))
        self._ready = deque(sorted(self._ready, key=lambda each: (each[1].mtime_ns, each[0])))
        pause_ns = max(int(LOOK_S * 1e9), SHARE_OF_LOOKING * (time.monotonic_ns() - begun_ns))
        self.look_again_s = pause_ns / 1e9
        self._next_look_ns = now_ns + pause_ns

    def _scan(self) -> dict[str, Stamp]:
        found: dict[str, Stamp] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):  # it went while we looked
                    if not is_hidden(entry.name) and entry.is_file():
                        status = entry.stat()
                        found[entry.name] = Stamp(status.st_ino, status.st_size, status.st_mtime_ns)
        return found

    def _not_yet(self, name: str, stamp: Stamp, error: InputError) -> None:
        """It stood still, and still isn't a whole image: slowly written, or none at all."""
        growing = self._growing.get(name)
        if growing is None or growing.stamp != stamp or not os.path.lexists(self._folder / name):
            return
        self._growing[name] = growing._replace(tries=growing.tries + 1)
        if growing.tries + 1 >= MOST_TRIES:
            self._done.add(stamp)
            self._passed_over += 1
            if self._passed_over <= MOST_TOLD:
                more = "; more such files are only counted" if self._passed_over == MOST_TOLD else ""
                log.warning("%s It is passed over%s.", error.what, more)


def _require_target(folder: Path, move_to: Path) -> None:
    try:
        move_to.mkdir(parents=True, exist_ok=True)
        is_same = folder.exists() and move_to.samefile(folder)
    except OSError as error:
        raise InputError(
            f"{move_to}: can't be used to move files to: {error.strerror}.",
            "Give a folder that this user may write.",
        ) from None
    if is_same:
        raise InputError(f"{move_to}: is the watched folder itself.", "Move the files to another folder.")


def _move(file: Path, folder: Path, stamp: Stamp) -> None:
    """Move the file, unless another took its place meanwhile; one of the same name isn't overwritten."""
    status = file.stat()
    if Stamp(status.st_ino, status.st_size, status.st_mtime_ns) != stamp:
        return
    target, n = folder / file.name, 1
    while os.path.lexists(target):
        target, n = folder / f"{file.stem}-{n}{file.suffix}", n + 1
    try:
        shutil.move(file, target)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(
            f"{file}: can't be moved to {folder}: {error.strerror}.", "Let this user write both folders."
        ) from None
