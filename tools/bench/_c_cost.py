"""What a record costs from the C library, beside a bare send of as many bytes from the same C program."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.bench import _tap_cost
from tools.bench._rows import Row
from tools.bench._tap_cost import MODEL, listener

SOURCES = Path(__file__).resolve().parents[2] / "agent" / "jidoka_tap" / "c"
RECORD_BYTES = 272  # a small classifier's outputs
PAUSE_US = 1000
REACH = 3.0


def rows(is_quick: bool) -> Iterator[Row]:
    """The library's record against a bare send; nothing where the machine has no compiler."""
    if not shutil.which("gcc") or not shutil.which("make"):
        return
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as name:
        folder = Path(name)
        subprocess.run(
            ["make", "-s", "-C", str(SOURCES), f"OUT={folder}", "all", "examples"],
            check=True, capture_output=True,
        )  # fmt: skip
        program = next(folder.rglob("bench_record"))
        with listener(folder, 0) as path:
            done = subprocess.run(
                [str(program), str(path), MODEL, str(RECORD_BYTES), str(300 if is_quick else 5000), str(PAUSE_US)],
                check=True, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
    figures = json.loads(done.stdout)
    assert not figures["failed"], figures
    record_us, bare_us = figures["record_ns"] / 1000, figures["bare_ns"] / 1000
    peer = (
        f"a bare send of the same {figures['datagram_bytes']} bytes from the same program, {bare_us:.1f} µs"
    )
    yield Row("C library: record / bare send", record_us / bare_us, "ratio", REACH, peer=peer)
    yield Row("C library: record", record_us, "µs")
    added_us, _, size_bytes = _tap_cost.costs(150 if is_quick else 1500, 0)
    peer = f"the Python tap, a record of {size_bytes} bytes behind an inference, {added_us:.1f} µs"
    yield Row("C library: record / Python tap", record_us / added_us, "ratio", 1.0, peer=peer)
