"""The latch file: torn slots, lost files, a kill between writes, one writer."""

from __future__ import annotations

import functools
import os
import random
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config.risk_checks import MOST_RISKS
from jidoka_bridge.errors import ConfigurationError, RefusedError
from jidoka_bridge.guard import latch
from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.latch import SLOT_BYTES, Latch, LatchError, Writer
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.plan import CauseSpec, ConditionSpec, Model
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import Rig, plan
from tests.processes import wait_until

BOOT = b"0123456789abcdef"


def put(path: Path, slot: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(slot * SLOT_BYTES)
        file.write(data)


def made(folder: Path) -> Path:
    """A file with states 6 (slot 0) and 7 (slot 1)."""
    path = folder / "latch"
    latch.create(path, NEW)
    put(path, 0, latch.encode(Latch(6, BOOT, {"n": 6})))
    put(path, 1, latch.encode(Latch(7, BOOT, {"n": 7})))
    return path


def test_the_newest_state_is_read(tmp_path: Path) -> None:
    assert latch.read(made(tmp_path)) == Latch(7, BOOT, {"n": 7})


@pytest.mark.parametrize("slot", [0, 1])
def test_a_torn_slot_leaves_the_other(tmp_path: Path, slot: int) -> None:
    path = made(tmp_path)
    put(path, slot, os.urandom(SLOT_BYTES // 2))
    found = latch.read(path)
    assert (found.number, found.torn) == (7 - slot, True)


@pytest.mark.parametrize("damage", ["missing", "empty", "both torn", "short"])
def test_without_a_readable_slot_the_guard_locks_out(tmp_path: Path, damage: str) -> None:
    path = made(tmp_path)
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "both torn": os.urandom(2 * SLOT_BYTES), "short": b"JDKL"}[damage])
    with pytest.raises(LatchError) as failed:
        latch.read(path)
    guard = Guard(plan(), None, str(failed.value), [], 1)
    assert guard.interlock.state is State.LOCKOUT
    assert guard.causes["latch file"].latched


@pytest.mark.parametrize(
    ("slot", "flaw"),
    [
        (b"", "empty"),
        (bytes(SLOT_BYTES), "empty"),
        (b"JDKL", "only 4 of 4096 bytes"),
        (b"\x7fELF".ljust(SLOT_BYTES, b"x"), r"no latch file's, it begins with b'\x7fELF'"),
        (
            latch.HEAD.pack(latch.MAGIC, 2, 0, 1, BOOT).ljust(SLOT_BYTES, b"x"),
            "of format 2, this program reads 1",
        ),
        (latch.encode(Latch(1, BOOT, {}))[:30].ljust(SLOT_BYTES, b"x"), "torn, its CRC is wrong"),
    ],
)
def test_what_is_wrong_with_a_slot_is_said(tmp_path: Path, slot: bytes, flaw: str) -> None:
    assert latch.look_at(slot) == (None, flaw)
    path = tmp_path / "latch"
    path.write_bytes(slot)
    with pytest.raises(LatchError, match="neither slot can be read") as failed:
        latch.read(path)
    assert f"one is {flaw}" in str(failed.value)


@pytest.mark.parametrize(
    ("body", "flaw"),
    [
        (b"nonsense", "of content that can't be read"),
        (zlib.compress(b"{"), "of content that can't be read"),
        (zlib.compress(b"[" * 100_000), "of content that can't be read"),
        (zlib.compress(b"[]"), "of content that is no state"),
    ],
)
def test_content_with_a_right_crc_may_be_nonsense_all_the_same(body: bytes, flaw: str) -> None:
    head = latch.HEAD.pack(latch.MAGIC, latch.VERSION, len(body), 1, BOOT)
    slot = head + latch.CRC.pack(zlib.crc32(head + body)) + body
    assert latch.look_at(slot.ljust(SLOT_BYTES, b"\0")) == (None, flaw)


def test_a_state_that_is_too_long_for_a_slot_is_refused() -> None:
    with pytest.raises(LatchError, match="don't fit a slot"):
        latch.encode(Latch(1, BOOT, {"noise": os.urandom(SLOT_BYTES).hex()}))


def test_a_failed_write_never_costs_the_last_good_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(tmp_path)
    writer = Writer(path)
    real = os.pwrite
    for number in (8, 9, 10):
        monkeypatch.setattr(os, "pwrite", lambda to, data, at: real(to, data[:40], at))
        assert writer._write(Latch(number, BOOT, {"n": number})) == "the disk is full"
        found = latch.read(path)
        assert (found.content, found.torn) == ({"n": 7}, True)
    monkeypatch.setattr(os, "pwrite", real)
    assert not writer._write(Latch(11, BOOT, {"n": 11}))
    assert latch.read(path) == Latch(11, BOOT, {"n": 11})
    writer.close()


def test_each_single_flipped_bit_is_found() -> None:
    slot = latch.encode(Latch(3, BOOT, {"lockout": True}))
    used = len(slot.rstrip(b"\0"))
    for bit in range(8 * used):
        damaged = bytearray(slot)
        damaged[bit // 8] ^= 1 << bit % 8
        assert latch.decode(bytes(damaged)) is None, bit


@given(st.binary(max_size=2 * SLOT_BYTES))
def test_garbage_is_no_state_and_no_crash(data: bytes) -> None:
    latch.decode(data)


def test_what_is_too_long_is_refused_not_cut() -> None:
    noise = random.Random(1)
    content = {str(number): noise.random() for number in range(1000)}
    with pytest.raises(LatchError, match="don't fit"):
        latch.encode(Latch(1, BOOT, content))


def test_an_existing_file_is_never_replaced(tmp_path: Path) -> None:
    path = made(tmp_path)
    with pytest.raises(ConfigurationError, match="exists already"):
        latch.create(path, NEW)
    assert latch.read(path).number == 7


def test_the_writer_writes_in_turn_and_reports(tmp_path: Path) -> None:
    path = made(tmp_path)
    writer = Writer(path)
    results: list[tuple[int, str]] = []

    def is_written(number: int) -> bool:
        results.extend(writer.results())
        return bool(results) and results[-1][0] >= number

    for number in (8, 9):
        writer.submit(Latch(number, BOOT, {"n": number}))
        wait_until(functools.partial(is_written, number), "written")
    writer.close()
    assert results == [(8, ""), (9, "")]
    put(path, 1, bytes(SLOT_BYTES))
    assert latch.read(path).content == {"n": 8}


def test_a_file_deleted_under_the_writer_is_made_again(tmp_path: Path) -> None:
    path = made(tmp_path)
    writer = Writer(path)
    path.unlink()
    writer.submit(Latch(8, BOOT, {"n": 8}))
    writer.close()
    assert latch.read(path).number == 8


def test_a_directory_that_is_gone_is_reported_as_a_failed_write(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    path = made(folder)
    writer = Writer(path)
    path.unlink()
    folder.rmdir()
    writer.submit(Latch(8, BOOT, {"n": 8}))
    found: list[tuple[int, str]] = []

    def has_result() -> bool:
        found.extend(writer.results())
        return bool(found)

    wait_until(has_result, "a result")
    writer.close()
    assert found[0][0] == 8
    assert found[0][1]


def test_a_file_that_cant_be_made_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    latch.create(tmp_path / "state" / "latch", NEW)
    with pytest.raises(ConfigurationError, match="exists already"):
        latch.create(tmp_path / "state" / "latch", NEW)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="can't make the latch file"):
        latch.create(tmp_path / "file" / "latch", NEW)


def test_a_writer_that_found_no_folder_writes_as_soon_as_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "later" / "latch"
    writer = Writer(path)
    writer._wake.release()  # nothing to write
    path.parent.mkdir()
    writer.submit(Latch(8, BOOT, {"n": 8}))
    writer.close()
    assert latch.read(path) == Latch(8, BOOT, {"n": 8}, torn=True)


def test_only_one_writer_holds_the_file(tmp_path: Path) -> None:
    path = made(tmp_path)
    first = Writer(path)
    with pytest.raises(RefusedError, match="another guard"):
        Writer(path)
    first.close()
    Writer(path).close()


WRITING = """
import itertools, sys
from pathlib import Path
from jidoka_bridge.guard.latch import Latch, Writer
writer = Writer(Path(sys.argv[1]))
for number in itertools.count(8):
    writer.submit(Latch(number, bytes(16), {"n": number, "fill": "x" * (number % 900)}))
    while not writer.results():
        pass
    print(number, flush=True)
"""


@pytest.mark.process
def test_a_kill_at_any_moment_loses_no_finished_write(tmp_path: Path) -> None:
    path = made(tmp_path)
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITING, str(path)], stdout=subprocess.PIPE, start_new_session=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(random.randrange(2, 12))]
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.readlines()
        process.wait()
        finished = max(int(line) for line in lines if line.endswith(b"\n"))
        found = latch.read(path)
        assert found.number in (finished, finished + 1)
        assert found.content["n"] == found.number


def test_a_restart_after_every_write_comes_back_with_what_was_latched() -> None:
    """Killed after each single write of a story with a trip, acknowledgement and lockout: nothing raises, nothing is lost."""
    rig = Rig()
    contents = []
    for act in (
        lambda: rig.turn(3),
        rig.hold,
        rig.acknowledge_all,
        lambda: rig.guard.fail(rig.now, "x"),
        rig.turn,
    ):
        act()
        rig.turn()
        contents.append((rig.content, rig.state, {c.id for c in rig.guard.causes if c.latched}))
    for content, state, latched in contents:
        again = Rig(content=content)
        again.turn(40)
        expected = "LOCKOUT" if state == "LOCKOUT" else "HOLD"
        assert (again.state, again.word) == (expected, "WITHHOLD")
        assert latched | {"restart"} == {c.id for c in again.guard.causes if c.latched}


def test_as_many_causes_as_a_configuration_may_have_fit_a_slot_each_acknowledged_by_two() -> None:
    rng = random.Random(1)
    conditions = tuple(
        ConditionSpec(f"camera{n % 8}:drift(output_{n})", "camera0", True, 0.0) for n in range(MOST_RISKS)
    )
    causes = tuple(
        CauseSpec(f"R-{n:03d}", "risk", "hold", "high", 32 + n, "t.", "r.", (conditions[n].id,))
        for n in range(MOST_RISKS)
    )
    models = tuple(Model(f"camera{n}", "enforce", digest="0" * 64) for n in range(8))
    whole = plan(conditions=conditions, causes=causes, models=models, reset_needs="two")
    guard = Guard(whole, Latch(1, BOOT, dict(NEW)), "", [], 10**12)
    people = [{"role": "maintenance", "pseudonym": rng.randbytes(8).hex()} for _ in range(40)]
    for cause in guard.causes:
        cause.revision = rng.randint(1, 400)
        cause.latched, cause.acknowledged_revision, cause.second_revision = (
            True,
            cause.revision,
            cause.revision,
        )
        cause.person, cause.second = rng.choice(people), rng.choice(people)
    guard.note_latch(10**12)
    assert len(latch.encode(guard.latch(BOOT))) == SLOT_BYTES
