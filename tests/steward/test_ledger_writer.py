"""The ledger's writer says that it records only while the disk takes everything that it was given."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jidoka.steward.ledger.spool import spool_path
from jidoka.steward.ledger.writer import STUCK_NS, Ledger

from tests.processes import wait_until


def test_rows_that_wait_for_a_disk_that_hangs_are_noticed_as_an_entry_is(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jdl", bytes(16), lambda *_: None, 1)
    spool = spool_path(ledger.path, "eye")
    hangs = spool.with_name(spool.name + ".new")
    os.mkfifo(hangs)  # to open it takes until somebody reads
    now_ns = time.monotonic_ns()
    ledger.spool("eye", b"rows", now_ns, is_fresh=True)
    assert ledger.is_recording(now_ns + STUCK_NS - 1)
    assert not ledger.is_recording(now_ns + STUCK_NS)
    wait_until(lambda: _is_opened(hangs), "the writer has met it")
    hangs.unlink()
    wait_until(lambda: ledger.is_recording(now_ns + STUCK_NS), "all was written")
    assert spool.read_bytes() == b"rows"
    assert ledger.close()


def _is_opened(fifo: Path) -> bool:
    """True once a writer has it open, who goes on by that: its next write is refused by the pipe."""
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(reader, 1) != b""
    except BlockingIOError:  # no end of the file: somebody has it open to write
        return True
    finally:
        os.close(reader)
