"""The latch file at its edges: what a slot looks like to the byte, who may open it, and a disk that hangs."""

from __future__ import annotations

import contextlib
import inspect
import os
import random
import stat
import threading
import zlib
from pathlib import Path

import pytest
from jidoka_bridge.errors import ConfigurationError, RefusedError
from jidoka_bridge.guard import latch
from jidoka_bridge.guard.latch import BODY_LIMIT, CRC, HEAD, SLOT_BYTES, Latch, LatchError, Writer
from jidoka_bridge.guard.remembered import NEW

from tests.processes import wait_until

BOOT = b"0123456789abcdef"
#: the writer's thread must never die
pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")


def test_a_slot_is_laid_out_as_every_version_since_the_first_reads_it() -> None:
    body = zlib.compress(b'{"a":[1,2],"b":{"c":null}}')
    head = b"JDKL" + b"\x01\x00" + len(body).to_bytes(2, "little") + (258).to_bytes(8, "little") + BOOT
    seal = zlib.crc32(head + body).to_bytes(4, "little")
    assert (SLOT_BYTES, HEAD.size, CRC.size, BODY_LIMIT) == (4096, 32, 4, 4060)
    content = {"b": {"c": None}, "a": [1, 2]}
    assert latch.encode(Latch(258, BOOT, content)) == (head + seal + body).ljust(4096, b"\0")
    assert latch.look_at((head + seal + body).ljust(4096, b"\0")) == (Latch(258, BOOT, content), "")


def noise(letters: int) -> dict[str, str]:
    return {"x": random.Random(1).randbytes(4000).hex()[:letters]}


def length(content: dict[str, str]) -> int:
    return len(zlib.compress(f'{{"x":"{content["x"]}"}}'.encode()))


def test_a_slot_holds_a_state_of_exactly_its_size_and_none_that_is_a_byte_longer() -> None:
    by_length = {length(noise(letters)): noise(letters) for letters in range(6_800, 7_400)}
    full = latch.encode(Latch(1, BOOT, by_length[4060]))
    assert (len(full), latch.decode(full)) == (4096, Latch(1, BOOT, by_length[4060]))
    with pytest.raises(LatchError) as failed:
        latch.encode(Latch(1, BOOT, by_length[4061]))
    assert str(failed.value) == "4061 bytes don't fit a slot of the latch file, at most 4060 do"


def test_a_slot_without_its_last_bytes_is_told_by_its_length() -> None:
    slot = latch.encode(Latch(1, BOOT, {}))
    assert latch.look_at(slot[:-1]) == (None, "only 4095 of 4096 bytes")
    assert latch.look_at(slot + b"more")[0] == Latch(1, BOOT, {})
    assert latch.look_at(b"X" * SLOT_BYTES) == (None, "no latch file's, it begins with b'XXXX'")


def test_a_new_file_holds_two_equal_states_and_is_for_its_owner_and_group(tmp_path: Path) -> None:
    path = tmp_path / "state" / "jidoka" / "latch"
    before = os.umask(0)
    try:
        latch.create(path, NEW)
    finally:
        os.umask(before)
    boot = bytes.fromhex(Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", ""))
    data = path.read_bytes()
    assert data == latch.encode(Latch(0, boot, NEW)) + latch.encode(Latch(1, boot, NEW))
    assert (len(boot), boot) == (16, latch.boot_id())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert latch.read(path) == Latch(1, boot, NEW, torn=False)


def test_why_a_file_cant_be_made_or_read_is_said_in_full(tmp_path: Path) -> None:
    path = tmp_path / "latch"
    with pytest.raises(LatchError) as missing:
        latch.read(path)
    assert str(missing.value) == f"{path}: No such file or directory"
    latch.create(path, NEW)
    with pytest.raises(ConfigurationError) as again:
        latch.create(path, NEW)
    assert (again.value.what, again.value.remedy) == (
        f"{path}: the latch file exists already",
        (
            "It is never replaced, for it keeps a lockout over restarts. After a lockout because there was none: "
            "acknowledge (jidoka ack), then an engineer unlocks (jidoka unlock)."
        ),
    )
    with pytest.raises(ConfigurationError) as impossible:
        latch.create(path / "folder" / "latch", NEW)
    assert (impossible.value.what, impossible.value.remedy) == (
        f"{path / 'folder' / 'latch'}: can't make the latch file: Not a directory",
        "Give a state_dir that this user may write, or run as the user that owns it.",
    )
    path.write_bytes(b"x" * SLOT_BYTES + bytes(SLOT_BYTES) + b"what follows is none of the two")
    with pytest.raises(LatchError) as torn:
        latch.read(path)
    flaws = "one is no latch file's, it begins with b'xxxx', the other empty"
    assert str(torn.value) == f"{path}: neither slot can be read: {flaws}"


@pytest.mark.parametrize("newest", [0, 1])
def test_a_new_writer_spares_the_newest_state(tmp_path: Path, newest: int) -> None:
    path = tmp_path / "latch"
    slots = [latch.encode(Latch(5 + (slot == newest), BOOT, {"slot": slot})) for slot in (0, 1)]
    path.write_bytes(b"".join(slots))
    writer = Writer(path)
    assert writer._write(Latch(7, BOOT, {})) == ""
    writer.close()
    assert path.read_bytes()[newest * SLOT_BYTES :][:SLOT_BYTES] == slots[newest]
    assert latch.read(path).number == 7


def test_a_torn_slot_is_written_before_a_good_one_of_number_0(tmp_path: Path) -> None:
    path = tmp_path / "latch"
    path.write_bytes(latch.encode(Latch(0, BOOT, {"good": 1})) + b"x" * SLOT_BYTES)
    writer = Writer(path)
    assert writer._slot == 1
    writer.close()


def test_a_writer_keeps_its_descriptors_to_itself_and_never_waits_for_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "latch"
    before = os.umask(0)
    try:
        writer = Writer(
            path
        )  # there was none: the guard is in LOCKOUT, and what it then writes must be found
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not any(os.get_inheritable(each) for each in (writer._descriptor, writer.finished, writer._signal))
    assert not any(os.get_blocking(each) for each in (writer.finished, writer._signal))
    assert (writer._thread.name, writer._thread.daemon) == ("latch", True)
    assert writer.results() == []
    with pytest.raises(RefusedError) as failed:
        Writer(path)
    assert (failed.value.what, failed.value.remedy) == (
        f"{path}: another guard holds the latch file",
        "One device has one guard: stop the other first.",
    )
    os.fstat(1)
    writer.close()
    writer.close()
    os.fstat(1)  # closed twice, it closes nothing else
    assert writer._descriptor == -1


def test_only_the_newest_of_the_states_that_wait_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on, real = threading.Event(), threading.Event(), os.fdatasync

    def hang(descriptor: int) -> None:
        hangs.set()
        assert goes_on.wait(20)
        real(descriptor)

    writer = Writer(tmp_path / "latch")
    monkeypatch.setattr(os, "fdatasync", hang)
    writer.submit(Latch(1, BOOT, {}))
    assert hangs.wait(20)
    for number in (2, 3, 4):
        writer.submit(Latch(number, BOOT, {}))
    writer.close(limit_s=0.01)  # a disk that hangs is waited for no longer than that
    assert writer._thread.is_alive()
    assert writer._descriptor >= 0, "it may still be written"
    goes_on.set()
    writer.close(limit_s=20)
    assert writer.results() == [(1, ""), (4, "")]
    assert writer.results() == []
    assert latch.read(tmp_path / "latch").number == 4


def test_what_fails_is_told_and_tried_again_with_the_same_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(tmp_path / "latch")

    def fail(_: int) -> None:
        raise RuntimeError

    monkeypatch.setattr(os, "fdatasync", fail)
    assert writer._write(Latch(1, BOOT, {})) == "RuntimeError", "an error without a text is told by its name"
    monkeypatch.undo()
    assert writer._slot == 0
    assert writer._write(Latch(2, BOOT, {})) == ""
    assert writer._slot == 1
    assert writer._write(Latch(3, BOOT, {})) == ""
    assert writer._slot == 0
    (tmp_path / "latch").unlink()
    (tmp_path / "latch").mkdir()
    assert writer._write(Latch(4, BOOT, {})) == f"{tmp_path / 'latch'}: can't be opened"
    assert writer._descriptor == -1
    writer.close()


def test_a_writer_whose_file_somebody_else_took_says_so(tmp_path: Path) -> None:
    path = tmp_path / "latch"
    first = Writer(path)
    path.unlink()
    second = Writer(path)
    assert "another guard holds the latch file" in first._write(Latch(1, BOOT, {}))
    assert second._write(Latch(1, BOOT, {})) == ""
    first.close()
    second.close()


def test_a_writer_that_is_given_nothing_writes_nothing_and_waits_for_as_long_as_it_lives(
    tmp_path: Path,
) -> None:
    path = tmp_path / "latch"
    latch.create(path, NEW)
    before = path.read_bytes()
    writer = Writer(path)
    writer._wake.release()
    writer._thread.join(0.05)
    assert writer._thread.is_alive(), "it is only woken for nothing"
    writer.close()
    assert not writer._thread.is_alive()
    assert (writer.results(), path.read_bytes()) == ([], before)
    assert inspect.signature(Writer.close).parameters["limit_s"].default == 2.0


def test_a_loop_that_never_looks_doesnt_keep_the_writer_from_writing(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "latch")
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer._signal, bytes(4096))
    for number in (1, 2):
        writer.submit(Latch(number, BOOT, {}))
        wait_until(lambda: not writer._results.empty(), "written")
        assert writer.results() == [(number, "")]
    writer.close()


def test_a_writer_whose_file_cant_be_opened_holds_no_descriptor(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "later" / "latch")
    assert (writer._descriptor, writer._slot, writer._closing) == (-1, 0, False)
    assert writer._write(Latch(1, BOOT, {})) == f"{tmp_path / 'later' / 'latch'}: can't be opened"
    writer.close()


def test_a_writer_that_is_closed_holds_no_file_and_closes_nothing_of_others(tmp_path: Path) -> None:
    path = tmp_path / "latch"
    latch.create(path, NEW)
    writer = Writer(path)
    writer.close()
    assert writer._descriptor == -1
    taken = os.open(os.devnull, os.O_RDONLY)  # may well have its number
    writer.close()
    os.fstat(taken)
    os.close(taken)
