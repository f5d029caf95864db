"""What benches measure beside: a program that listens, and a record as it is on the wire."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from jidoka_tap import wire

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def listening(module: str, path: Path, *arguments: object) -> Iterator[Path]:
    """A program of tools.bench that listens at `path`, from when it says that it is ready."""
    command = [sys.executable, "-m", f"tools.bench.{module}", str(path), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            yield path
        finally:
            process.kill()


def same_datagram(outputs: Iterable[Any], inputs: Iterable[Any], slot_bytes: int = 0) -> bytes:
    """The record of one call as it is on the wire, without what lies in the arena. slot_bytes: 0 = there is none."""
    tensors = [(wire.OUTPUT, n, array) for n, array in enumerate(outputs)]
    tensors += [(wire.INPUT, n, array) for n, array in enumerate(inputs)]
    slot = (0, memoryview(bytearray(wire.SLOT_HEAD.size + slot_bytes))) if slot_bytes else None
    pieces, not_sent = wire.pack_record(1, 0, time.monotonic_ns(), 0, tensors, slot=slot)
    assert not not_sent
    return wire.encode(wire.RECORD, time.monotonic_ns(), b"".join(pieces))
