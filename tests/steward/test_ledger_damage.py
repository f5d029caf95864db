"""Every changed byte of a ledger is found, every torn tail is cut and counted, damage is never cut."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.writer import Ledger
from jidoka_bridge.errors import LedgerError, RefusedError

from tests.processes import wait_until
from tests.steward import independent_reader
from tests.steward.site import decision

BOOT = b"0123456789abcdef"


def open_ledger(path: Path, boot: bytes = BOOT) -> tuple[Ledger, list[Entry]]:
    found: list[Entry] = []
    return Ledger(path, boot, lambda _offset, entry: found.append(entry), 1_000), found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a ledger with two boots, all lanes and a decision block."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.jdl"
    for boot in (BOOT, b"another boot id."):
        ledger, _ = open_ledger(path, boot)
        ledger.append(Kind.BOOT, b'{"event":"start"}', 5, 6)
        ledger.append(Kind.TRANSITION, b'{"number":1}', 7, 8)
        rows = tuple(decision(number) for number in range(3))
        serial = 1 if boot == BOOT else 2
        ledger.append(Kind.DECISIONS, Block("m", serial, boot, 1, rows).encode(), 9, 10)
        ledger.append(Kind.LOSS, b"{}", 11, 12)
        assert ledger.close()
    return path.read_bytes()


def boundaries(data: bytes, path: Path) -> list[int]:
    path.write_bytes(data)
    at, found = 40, [40]
    for entry in entries(path):
        at += entry.size
        found.append(at)
    return found


def test_a_change_of_any_byte_is_found(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(small)
    assert check(path).is_good
    for at in range(len(small)):
        for change in (0x01, 0x80, 0xFF):
            damaged = bytearray(small)
            damaged[at] ^= change
            path.write_bytes(damaged)
            try:
                report = check(path)
            except LedgerError:
                assert at < 40
                continue
            assert not report.is_good, f"byte {at} ^ {change:#x} went unnoticed"
            assert report.faults[0].offset <= at


def test_a_change_of_any_byte_is_found_by_the_independent_reader(small: bytes) -> None:
    assert list(independent_reader.read(small))
    for at in range(len(small)):
        damaged = bytearray(small)
        damaged[at] ^= 0x10
        with pytest.raises(independent_reader.BrokenError):
            list(independent_reader.read(bytes(damaged)))


def test_a_tail_torn_at_any_byte_is_cut_and_what_was_whole_stays(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    whole = boundaries(small, path)
    for cut in range(40, len(small)):
        path.write_bytes(small[:cut])
        kept = sum(end <= cut for end in whole) - 1
        ledger, found = open_ledger(path)
        ledger.close()
        assert len(found) == kept
        assert (ledger.torn is not None) == (cut not in whole)
        assert ledger.torn_bytes == cut - whole[kept]
        assert path.read_bytes() == small[: whole[kept]]


def test_a_torn_tail_is_told_with_its_place_by_check(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    whole = boundaries(small, path)
    path.write_bytes(small[:-3])
    fault = check(path).faults[0]
    assert fault.is_torn
    assert (fault.offset, fault.index) == (whole[-2], len(whole) - 2)


def test_a_tail_of_noise_is_torn_and_zeros_are_room_for_entries_to_come(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    rows = (
        (os.urandom(300), 300),
        (b"\xff" * 59, 59),
        (b"\xff" * 59 + bytes(100_000), 59),
        (bytes(200), 0),
        (bytes(300_000), 0),
    )
    for tail, torn_bytes in rows:
        path.write_bytes(small + tail)
        assert check(path).is_good is not bool(torn_bytes)
        assert list(independent_reader.read(small + tail if not torn_bytes else small))
        ledger, found = open_ledger(path)
        assert len(found) == len(boundaries(small, path)) - 1
        ledger.close()
        assert (ledger.torn is not None, ledger.torn_bytes) == (bool(torn_bytes), torn_bytes)
        assert path.read_bytes() == small


def test_zeros_with_anything_behind_them_are_damage_or_torn_as_everything_else(
    small: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(small + bytes(5_000) + b"\x01" + bytes(5_000))
    fault = check(path).faults[0]
    assert (fault.offset, fault.is_torn) == (len(small), True)
    whole = boundaries(small, path)
    path.write_bytes(small[: whole[1]] + bytes(whole[2] - whole[1]) + small[whole[2] :])
    fault = check(path).faults[0]
    assert (fault.offset, fault.is_torn) == (whole[1], False)


def test_an_unfinished_creation_is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    for length in (0, 1, 39):
        path.write_bytes(b"\x89JDKLG\r\n" + bytes(31)[: max(0, length - 8)] if length else b"")
        os.truncate(path, length)
        ledger, found = open_ledger(path)
        ledger.close()
        assert not found
        assert check(path).is_good


def test_damage_is_refused_with_its_place_and_nothing_is_cut(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    whole = boundaries(small, path)
    damaged = bytearray(small)
    damaged[whole[1] + 60] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(
        LedgerError, match=f"byte {whole[1]}, entry 1: damaged.*next readable entry is at byte {whole[2]}"
    ):
        open_ledger(path)
    assert path.read_bytes() == damaged


def test_an_entry_that_was_taken_out_is_found(small: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    whole = boundaries(small, path)
    for i in range(len(whole) - 2):
        path.write_bytes(small[: whole[i]] + small[whole[i + 1] :])
        assert "expected" in check(path).faults[0].what
    path.write_bytes(small[: whole[2]] + small[whole[1] : whole[2]] + small[whole[2] :])
    assert not check(path).is_good, "an entry that stands there twice"


def test_two_steward_cannot_write_one_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    ledger, _ = open_ledger(path)
    with pytest.raises(RefusedError, match="another program writes this ledger"):
        open_ledger(path)
    ledger.close()
    open_ledger(path)[0].close()


def test_what_is_committed_can_be_read_at_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    ledger, _ = open_ledger(path)
    tickets = [ledger.append(Kind.BOOT, b"{}", 1, 1)]
    tickets += [ledger.append(Kind.TRANSITION, b"{}", n, n, urgent=True, tag=n) for n in range(1, 200)]
    done = []
    wait_until(lambda: bool(done.extend(ledger.take_committed())) or len(done) == 200, "all committed")
    assert done == tickets
    found = list(entries(path))
    assert [entry.index for entry in found] == list(range(200))
    assert [entry.lane_number for entry in found[1:]] == list(range(1, 200))
    ledger.close()


def test_a_ledger_goes_on_behind_what_it_has(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    for opening in range(4):
        ledger, found = open_ledger(path)
        assert len(found) == 2 * opening
        ledger.append(Kind.BOOT, b"{}", 10 - opening, 1)  # an earlier time within one boot is lifted
        ledger.append(Kind.ALARM, b"{}", 10 - opening, 1)
        assert ledger.close()
    assert check(path).is_good
