"""The end of a ledger's file: what it costs the disk, that no byte of it is ever wrong, and that no room or no such writes are no fault."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.tail import BLOCKS_BYTES, READY_BYTES, SMALL_BYTES, Tail
from jidoka.steward.ledger.writer import Ledger

BOOT = b"0123456789abcdef"


def written(path: Path, pieces: list[bytes], begin: bytes = b"") -> tuple[bytes, int]:
    """(what the file holds, size of the blocks it was written in)."""
    path.write_bytes(begin)
    tail = Tail(path, len(begin))
    for piece in pieces:
        tail.write(piece)
        tail.sync()
        assert path.read_bytes().rstrip(b"\0")[-1:] == piece[-1:], "who reads the file meanwhile sees it"
    tail.close()
    return path.read_bytes(), tail.block_bytes


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=9_000),
    st.lists(st.one_of(st.integers(1, 600), st.integers(1, 5 * SMALL_BYTES), st.integers(250_000, 300_000)), max_size=8),
    st.sampled_from([*BLOCKS_BYTES, 0]),
)  # fmt: skip
def test_what_is_written_in_pieces_of_any_size_is_what_stands_there_and_behind_it_are_zeros(
    begin: bytes, sizes: list[int], block_bytes: int
) -> None:
    path = Path(f"/tmp/jidoka-tail-{os.getpid()}")
    rng = random.Random(7)
    pieces = [rng.randbytes(size - 1) + b"\x01" for size in sizes]
    try:
        with pytest.MonkeyPatch.context() as patch:
            takes_blocks_of(patch, block_bytes)
            found, used = written(path, pieces, begin)
    finally:
        path.unlink()
    whole = begin + b"".join(pieces)
    assert found[: len(whole)] == whole
    assert not found[len(whole) :].strip(b"\0")
    assert len(found) - len(whole) < READY_BYTES + 2 * BLOCKS_BYTES[-1]
    assert used == block_bytes or not pieces


def takes_blocks_of(patch: pytest.MonkeyPatch, block_bytes: int) -> None:
    """A disk of such blocks; 0: nothing goes past the page cache, as in some file systems."""
    real = os.pwritev

    def pwritev(descriptor: int, buffers: list[Any], offset: int) -> int:
        size = sum(len(each) for each in buffers)
        if not block_bytes or size % block_bytes or offset % block_bytes:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(descriptor, buffers, offset)

    patch.setattr(os, "pwritev", pwritev)


def test_a_file_system_without_such_writes_is_written_to_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refusing(path: Path, flags: int, *more: Any) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return real(path, flags, *more)

    monkeypatch.setattr(os, "open", refusing)
    assert written(tmp_path / "f", [b"one", b"two"], b"head") == (b"headonetwo", 0)


def test_where_there_is_no_room_for_zeros_the_entry_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwritev

    def full(descriptor: int, buffers: list[Any], offset: int) -> int:
        if sum(len(each) for each in buffers) == READY_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, buffers, offset)

    monkeypatch.setattr(os, "pwritev", full)
    found, _ = written(tmp_path / "f", [b"one", b"two"])
    assert found.rstrip(b"\0") == b"onetwo"
    assert len(found) <= BLOCKS_BYTES[-1]


def test_an_error_is_the_callers_to_see_and_a_new_beginning_goes_on_behind_the_last_good_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"")
    tail = Tail(path, 0)
    tail.write(b"good")
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
        with pytest.raises(OSError, match="broken"):
            tail.write(b"lost")
    tail.close()
    again = Tail(path, 4)
    again.write(b"found")
    again.close()
    assert path.read_bytes().rstrip(b"\0") == b"goodfound"


def test_a_killed_writers_file_ends_in_zeros_and_goes_on_and_an_orderly_stop_cuts_them_off(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.jdl"
    ledger = Ledger(path, BOOT, lambda *_: None, 1)
    ledger.append(Kind.BOOT, b"{}", 1, 1)
    ledger.append(Kind.ACT, b'{"n":1}', 2, 2, urgent=True)
    while ledger.committed_entries < 2:
        pass
    killed = path.read_bytes()  # as a SIGKILL now would leave it
    assert ledger.close()
    assert path.stat().st_size == ledger.committed_bytes
    assert len(killed) > ledger.committed_bytes
    path.write_bytes(killed)
    assert check(path).is_good
    seen: list[int] = []
    ledger = Ledger(path, BOOT, lambda _offset, entry: seen.append(entry.index), 1)
    assert (seen, ledger.torn) == ([0, 1], None)
    ledger.append(Kind.ACT, b'{"n":2}', 3, 3, urgent=True)
    assert ledger.close()
    assert (check(path).entries, check(path).is_good) == (3, True)
    assert path.stat().st_size == ledger.committed_bytes


def test_who_reads_while_it_is_written_finds_a_whole_ledger_up_to_some_entry(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    ledger = Ledger(path, BOOT, lambda *_: None, 1)
    ledger.append(Kind.BOOT, b"{}", 0, 0, urgent=True)
    reads, most = 0, 0
    for number in range(1, 1_500):
        body = b'{"n":%d,"x":"%s"}' % (number, b"x" * (number * 37 % 900))
        ledger.append(Kind.ACT, body, number, number, urgent=number % 3 == 0)
        if number % 30 == 0:
            found = list(entries(path))
            assert [each.index for each in found] == list(range(len(found)))
            assert check(path).is_good
            assert most <= len(found) <= number + 1
            reads, most = reads + 1, len(found)
    assert reads == 49
    assert ledger.close()
