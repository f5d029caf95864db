"""The latch file: two 4 KiB slots written in turn, each with a number, the boot id and a CRC-32.

What the guard must remember over its own death: lockout, latched causes with their acknowledgements, the count of
proving runs. A slot torn by a power cut leaves the other one; with no readable slot the guard locks out.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import struct
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ConfigurationError, RefusedError

SLOT_BYTES = 4096
MAGIC = b"JDKL"
VERSION = 1
#: magic, version, length of the body, number, boot id; then the CRC-32 over all that and the body
HEAD = struct.Struct("<4sHHQ16s")
CRC = struct.Struct("<I")
BODY_LIMIT = SLOT_BYTES - HEAD.size - CRC.size


class LatchError(Exception):
    """The latch file is missing, damaged, or can't be written; the text says which."""


@dataclass(frozen=True)
class Latch:
    """One readable state of the file. number rises with each write; torn: the other slot was unreadable."""

    number: int
    boot_id: bytes
    content: dict[str, Any]
    torn: bool = False


def boot_id() -> bytes:
    """The kernel's boot id, 16 bytes."""
    return bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))


def encode(latch: Latch) -> bytes:
    """One slot, padded. Raises LatchError if the content is too long for it."""
    body = zlib.compress(json.dumps(latch.content, sort_keys=True, separators=(",", ":")).encode())
    if len(body) > BODY_LIMIT:
        raise LatchError(f"{len(body)} bytes don't fit a slot of the latch file, at most {BODY_LIMIT} do")
    head = HEAD.pack(MAGIC, VERSION, len(body), latch.number, latch.boot_id)
    return (head + CRC.pack(zlib.crc32(head + body)) + body).ljust(SLOT_BYTES, b"\0")


def decode(slot: bytes) -> Latch | None:
    """The state in a slot, or None if it is empty, torn, of another version or no slot at all."""
    return look_at(slot)[0]


def look_at(slot: bytes) -> tuple[Latch | None, str]:
    """The state in a slot and "", or None and what is wrong with it."""
    try:
        return _decode(slot), ""
    except LatchError as error:
        return None, str(error)


def _decode(slot: bytes) -> Latch:
    """As `look_at`; raises LatchError with what is wrong."""
    if not slot.strip(b"\0"):
        raise LatchError("empty")
    if len(slot) < SLOT_BYTES:
        raise LatchError(f"only {len(slot)} of {SLOT_BYTES} bytes")
    magic, version, length, number, boot = HEAD.unpack_from(slot)
    if magic != MAGIC:
        raise LatchError(f"no latch file's, it begins with {magic!r}")
    if version != VERSION:
        raise LatchError(f"of format {version}, this program reads {VERSION}")
    start = HEAD.size + CRC.size
    body = slot[start : start + length]
    if CRC.unpack_from(slot, HEAD.size)[0] != zlib.crc32(slot[: HEAD.size] + body):
        raise LatchError("torn, its CRC is wrong")
    try:
        content = json.loads(zlib.decompress(body))
    except (ValueError, RecursionError, zlib.error):
        raise LatchError("of content that can't be read") from None
    if not isinstance(content, dict):
        raise LatchError("of content that is no state")
    return Latch(number, boot, content)


def read(path: Path) -> Latch:
    """The newest readable state. Raises LatchError if the file is missing or neither slot can be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LatchError(f"{path}: {error.strerror}") from None
    looks = [look_at(data[:SLOT_BYTES]), look_at(data[SLOT_BYTES : 2 * SLOT_BYTES])]
    found = [latch for latch, _ in looks if latch is not None]
    flaws = [flaw for latch, flaw in looks if latch is None]
    if not found:
        raise LatchError(f"{path}: neither slot can be read: one is {flaws[0]}, the other {flaws[1]}")
    newest = max(found, key=lambda latch: latch.number)
    return Latch(newest.number, newest.boot_id, newest.content, torn=bool(flaws))


def create(path: Path, content: dict[str, Any]) -> None:
    """Make the file for a new device. Raises ConfigurationError if it exists or can't be made."""
    remedy = (
        "It is never replaced, for it keeps a lockout over restarts. After a lockout because there was none: "
        "acknowledge (jidoka ack), then an engineer unlocks (jidoka unlock)."
    )
    boot = boot_id()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    except OSError as error:
        if path.exists():
            raise ConfigurationError(f"{path}: the latch file exists already", remedy) from None
        raise ConfigurationError(
            f"{path}: can't make the latch file: {error.strerror}",
            "Give a state_dir that this user may write, or run as the user that owns it.",
        ) from None
    try:
        os.write(descriptor, encode(Latch(0, boot, content)) + encode(Latch(1, boot, content)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    _sync_directory(path.parent)


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _older_slot(descriptor: int) -> int:
    """The slot that doesn't hold the newest readable state: the next one to be written."""
    slots = [decode(os.pread(descriptor, SLOT_BYTES, SLOT_BYTES * slot)) for slot in (0, 1)]
    numbers = [-1 if latch is None else latch.number for latch in slots]
    return numbers.index(min(numbers))


class Writer:
    """Writes the latch file in one thread of its own; only the newest state that waits is written.

    `finished` is a descriptor for select, readable when results wait; `results` returns (number, error text).
    Raises RefusedError where another guard holds the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._slot = 0
        self._lock = threading.Lock()
        self._waiting: Latch | None = None
        self._wake = threading.Semaphore(0)
        self._results: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        self.finished, self._signal = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._closing = False
        self._hold_file()
        self._thread = threading.Thread(target=self._work, name="latch", daemon=True)
        self._thread.start()

    def submit(self, latch: Latch) -> None:
        """Hand over a state; an older one that still waits is replaced by it."""
        with self._lock:
            self._waiting = latch
        self._wake.release()

    def results(self) -> list[tuple[int, str]]:
        """What was finished since the last call: (number, "" or why it failed)."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.finished, 4096)
        found = []
        while not self._results.empty():
            found.append(self._results.get())
        return found

    def close(self, limit_s: float = 2.0) -> None:
        """Write what waits, then end the thread; a disk that hangs is waited for `limit_s` only."""
        self._closing = True
        self._wake.release()
        self._thread.join(limit_s)
        if not self._thread.is_alive() and self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _hold_file(self) -> None:
        """Open and lock the file, making an empty one if it is missing (the guard is in LOCKOUT then)."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError:
            return  # each write tries again and reports why it fails
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise RefusedError(
                f"{self._path}: another guard holds the latch file",
                "One device has one guard: stop the other first.",
            ) from None
        self._descriptor = descriptor
        self._slot = _older_slot(descriptor)

    def _work(self) -> None:
        while True:
            self._wake.acquire()
            with self._lock:
                latch, self._waiting = self._waiting, None
            if latch is not None:
                self._results.put((latch.number, self._write(latch)))
                with contextlib.suppress(BlockingIOError):
                    os.write(self._signal, b".")
            elif self._closing:
                return

    def _write(self, latch: Latch) -> str:
        try:
            if self._descriptor < 0 or os.fstat(self._descriptor).st_nlink == 0:
                self._reopen()
            written = os.pwrite(self._descriptor, encode(latch), SLOT_BYTES * self._slot)
            os.fdatasync(self._descriptor)
        except Exception as error:  # noqa: BLE001 - the thread must live to try again
            return str(error) or type(error).__name__
        if written != SLOT_BYTES:
            return "the disk is full"
        self._slot = 1 - self._slot  # only now: the last good state is never written over
        return ""

    def _reopen(self) -> None:
        """The file was deleted under the guard, or couldn't be opened: what is written must be found again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._hold_file()
        if self._descriptor < 0:
            raise LatchError(f"{self._path}: can't be opened")
        _sync_directory(self._path.parent)
