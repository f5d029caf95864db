"""The trace of a guard: every call to the outside with its result, in a bounded file, and the plan that it ran with.

Format 1: `JDKGUARD1`, then blocks: u32 bytes as stored, u32 bytes inflated, u32 CRC-32 of the stored ones, little-endian,
and a piece of one zlib stream (flushed at the block's end) with whole lines. The first line is a JSON object {plan}; each other one is JSON [part, name, arguments or null, result]:
null is an attribute that was read. A file that was cut is good up to the cut.
"""

from __future__ import annotations

import dataclasses
import json
import queue
import struct
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jidoka_bridge import errors
from jidoka_bridge import plan as plans
from jidoka_bridge.guard.latch import Latch, LatchError
from jidoka_bridge.guard.realtime import Held
from jidoka_bridge.plan import Plan

MAGIC = b"JDKGUARD1"
BLOCK = struct.Struct("<III")
#: hours: 10 kB a second where the monitor speaks 20 times a second, as in the tests
LIMIT_BYTES = 64 << 20
#: lines are handed to the thread that writes them when so many bytes wait, or after so long
BLOCK_BYTES = 1 << 16
BLOCK_NS = 200_000_000
MOST_BYTES = 1 << 26
WAITING_BLOCKS = 64
#: the last line of a trace that reached its limit or whose disk was too slow
END = ["", "end", None, None]
_ERRORS: dict[str, type[Exception]] = {
    each.__name__: each for each in (LatchError, errors.LinkError, errors.RefusedError, OSError)
}
_RECORDS: dict[str, type[Any]] = {"Latch": Latch, "Held": Held}


class Failed(Exception):  # noqa: N818 - an outcome, not an error of its own
    """A call that raised, as a result. error: what was raised."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def packed(value: Any) -> Any:
    """A value as JSON can hold it, so that `unpacked` gives the same."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Failed):
        name = next((name for name, kind in _ERRORS.items() if isinstance(value.error, kind)), "OSError")
        args = [getattr(value.error, key) for key in ("what", "remedy") if hasattr(value.error, key)]
        return {"error": name, "args": args or [str(value.error)]}
    name = type(value).__name__
    if name in _RECORDS:
        fields = {key: getattr(value, key) for key in _names(value)}
        return {"record": name, "fields": {key: packed(each) for key, each in fields.items()}}
    if isinstance(value, dict):
        return {"dict": {key: packed(each) for key, each in value.items()}}
    if isinstance(value, list | tuple | set | frozenset):
        return [packed(each) for each in value]
    return value


def unpacked(value: Any) -> Any:
    """The value again; lists stand for tuples too. Raises KeyError or TypeError for what `packed` doesn't make."""
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "error" in value:
        return Failed(_ERRORS[value["error"]](*value["args"]))
    if "record" in value:
        fields = {key: unpacked(each) for key, each in value["fields"].items()}
        return _RECORDS[value["record"]](**fields)
    return {key: unpacked(each) for key, each in value["dict"].items()}


def _names(value: Any) -> tuple[str, ...]:
    return getattr(value, "_fields", None) or tuple(field.name for field in dataclasses.fields(value))


class TraceWriter:
    """Appends lines; a thread deflates and writes. A trace that was there is kept as `FILE.1`.

    The loop never waits for it: where the disk is too slow, or the file reaches its limit, the trace ends there and
    says so. Raises ConfigurationError if the file can't be made.
    """

    def __init__(
        self, path: Path, plan: Plan, limit_bytes: int = LIMIT_BYTES, *, magic: bytes = MAGIC
    ) -> None:
        self.path = path
        self.is_ended = False
        self._limit_bytes = limit_bytes
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._since_ns = 0
        self._blocks: queue.Queue[bytes | None] = queue.Queue(WAITING_BLOCKS)
        try:
            if path.exists():
                path.replace(path.with_name(f"{path.name}.1"))
            self._file = path.open("wb")
        except OSError as error:
            raise errors.ConfigurationError(
                f"{path}: can't write the trace: {error.strerror}",
                "Name a file in a folder that this user may write.",
            ) from None
        self._file.write(magic)
        self._line(json.dumps({"plan": json.loads(plan.canonical())}))
        self._thread = threading.Thread(target=self._work, name="trace", daemon=True)
        self._thread.start()

    def add(self, now_ns: int, part: str, name: str, arguments: Any, result: Any) -> None:
        """One call. arguments: None for an attribute."""
        if self.is_ended:
            return
        line = [part, name, packed(arguments), packed(result)]
        self._line(json.dumps(line, separators=(",", ":")))
        self._since_ns = self._since_ns or now_ns
        if self._waiting_bytes >= BLOCK_BYTES or now_ns - self._since_ns >= BLOCK_NS:
            self._hand_over()

    def close(self, limit_s: float = 2.0) -> None:
        """Write what waits and end the thread; a disk that hangs is waited for that long."""
        if not self.is_ended:
            self._hand_over()
        self.is_ended = True
        self._blocks.put(None)
        self._thread.join(limit_s)

    def _line(self, line: str) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def _hand_over(self) -> None:
        if self._blocks.qsize() >= WAITING_BLOCKS - 2:
            self.is_ended = True
            self._waiting.append(json.dumps(END))
        raw = "\n".join(self._waiting).encode()
        self._waiting, self._waiting_bytes, self._since_ns = [], 0, 0
        if raw:
            self._blocks.put_nowait(raw)

    def _work(self) -> None:
        size, deflate = self._file.tell(), zlib.compressobj(6)
        with self._file:
            while (raw := self._blocks.get()) is not None:
                is_last = size >= self._limit_bytes
                if is_last:
                    raw = json.dumps(END).encode()
                stored = deflate.compress(raw) + deflate.flush(zlib.Z_SYNC_FLUSH)
                size += BLOCK.size + len(stored)
                try:
                    self._file.write(BLOCK.pack(len(stored), len(raw), zlib.crc32(stored)) + stored)
                    self._file.flush()
                except OSError:
                    is_last = True
                if is_last:
                    self.is_ended = True
                    return


def read(
    path: Path, magic: bytes = MAGIC, *, how: str = "Make one with: jidoka guard run PLAN --trace FILE"
) -> tuple[Plan, Iterator[list[Any]]]:
    """The plan of a trace, and its lines. magic: of its kind; how: to make one.

    Raises InputError where it is none, or damaged before its end.
    """
    lines = _lines(path, magic)
    try:
        plan = plans.parse(next(lines)["plan"])
    except (StopIteration, KeyError, TypeError, ValueError, AttributeError):
        raise errors.InputError(
            f"{path}: isn't a trace of this kind, or one of another version", how
        ) from None
    return plan, lines


def _lines(path: Path, magic: bytes) -> Iterator[Any]:
    inflate = zlib.decompressobj()
    try:
        with path.open("rb") as file:
            if file.read(len(magic)) != magic:
                return
            while len(head := file.read(BLOCK.size)) == BLOCK.size:
                stored_bytes, raw_bytes, crc = BLOCK.unpack(head)
                stored = file.read(stored_bytes) if stored_bytes <= MOST_BYTES else b""
                if len(stored) < stored_bytes and not file.read(1):
                    return  # cut while it was written
                if zlib.crc32(stored) != crc or raw_bytes > MOST_BYTES:
                    raise ValueError("CRC")
                for text in inflate.decompress(stored, raw_bytes + 1).split(b"\n"):
                    line = json.loads(text)
                    if line == END:
                        return
                    yield line
    except OSError as error:
        raise errors.InputError(
            f"{path}: can't be read: {error.strerror}", "Name a file that a program wrote as its trace."
        ) from None
    except (ValueError, zlib.error):
        raise errors.InputError(f"{path}: is damaged", "Take another copy of it.") from None
