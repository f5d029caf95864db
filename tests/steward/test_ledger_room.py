"""A ledger keeps within its limit: history goes, oldest first, alarms and evidence never; whatever is killed when."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from jidoka.steward.blocks import Blocks
from jidoka.steward.ledger import pruner, trimming, writer
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, FormatError, Kind, Lane
from jidoka.steward.ledger.places import read_numbered
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.removed import Runs, removed_of
from jidoka.steward.ledger.room import Room
from jidoka.steward.ledger.trimming import journal_path
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt.envelope import Place
from jidoka.steward.mqtt.letters import Letters
from jidoka.steward.outbox.figures import ticket_of
from jidoka.steward.outbox.outbox import AIMS, Outbox

from tests.processes import wait_until
from tests.steward import independent_reader
from tests.steward.schemas import validate
from tests.steward.site import decision

BOOT = b"0123456789abcdef"
PLACE = Place("plant", "line", "press")
ROUNDS = 12


def _body(rng: random.Random, serial: int) -> bytes:
    rows = tuple(
        decision(
            n,
            confidence=rng.random(),
            score1=rng.random(),
            score2=rng.random(),
            record_ns=rng.getrandbits(60),
        )
        for n in range(256)
    )
    return Block("eye", serial, BOOT, 1, rows).encode()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A ledger of about 260 kB, most of it history: three blocks, a sketch, a transition, an act, and so on."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.jdl"
    rng = random.Random(7)
    ledger = Ledger(path, BOOT, lambda *_: None, 1)
    ledger.append(Kind.BOOT, b'{"event":"start"}', 1, 1)
    for turn in range(ROUNDS):
        for each in range(3):
            ledger.append(Kind.DECISIONS, _body(rng, 3 * turn + each + 1), 2, 2)
        ledger.append(
            Kind.SKETCH,
            json.dumps({"model": "eye", "feature": "luma", "records": 9, "kll": "A" * 2500}).encode(),
            3,
            3,
        )
        ledger.append(Kind.TRANSITION, b'{"number":%d}' % (turn + 1), 4, 4)
        ledger.append(Kind.ACT, b'{"act":"hold","request":"%d"}' % turn, 5, 5)
    assert ledger.close()
    return path.read_bytes()


def opened(
    path: Path, limit_bytes: int = 0, acknowledged: int | None = None
) -> tuple[Ledger, list[tuple[int, Entry]]]:
    found: list[tuple[int, Entry]] = []
    ledger = Ledger(path, BOOT, lambda offset, entry: found.append((offset, entry)), 1, limit_bytes)
    ledger.pruner.acknowledged(acknowledged)
    return ledger, found


def pruned(path: Path, full: bytes, limit_bytes: int, acknowledged: int | None) -> Ledger:
    """The same ledger within its limit, still open."""
    path.write_bytes(full)
    ledger, _ = opened(path, limit_bytes, acknowledged)
    wait_until(lambda: ledger.pruner.room.removed > 0 and not journal_path(path).exists(), "history went")
    return ledger


def what_stays(path: Path) -> list[Entry]:
    return [
        each for each in entries(path) if each.lane is not Lane.HISTORY and each.kind is not Kind.RETENTION
    ]


def test_the_oldest_history_goes_and_is_counted_and_everything_else_stays_as_it_was(
    full: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(full)
    before, was = what_stays(path), {each.index: each for each in entries(path)}
    ledger = pruned(path, full, 200_000, None)
    wait_until(lambda: not ledger.pruner.room.is_due(None, ledger.committed_bytes), "it is within its limit")
    wait_until(lambda: not journal_path(path).exists(), "what went is recorded")
    assert ledger.close()
    assert path.stat().st_blocks * 512 < 200_000
    assert path.stat().st_size > len(full), "no entry moved"
    assert what_stays(path) == before
    after = list(entries(path))
    runs = [each for each in after if each.kind is Kind.REMOVED]
    gone = {run.index + i: each for run in runs for i, each in enumerate(removed_of(run).gone)}
    kept = [each.index for each in after if each.kind in {Kind.DECISIONS, Kind.SKETCH}]
    assert max(gone) < min(kept), "oldest first"
    for index, each in gone.items():
        assert each.sha256 == hashlib.sha256(was[index].body).hexdigest()
    told = [each.json() for each in after if each.kind is Kind.RETENTION]
    assert sum(each["count"] for each in told) == len(gone)
    assert sum(sum(each["kinds"].values()) for each in told) == len(gone)
    report = check(path)
    assert report.is_good, report.faults
    assert report.removed == len(gone)
    assert list(independent_reader.read(path.read_bytes()))


def test_what_went_is_told_by_the_same_bytes_as_before_and_sketches_stay_until_they_are_acknowledged(
    full: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(full)

    def told(runs: Runs) -> dict[int, bytes]:
        outbox = Outbox(path, AIMS)
        for offset, entry in first:
            outbox.add(ticket_of(offset, entry, ""))
        outbox.runs = runs
        letters = Letters(PLACE, b"another boot id.", path, outbox)
        letters.open()
        lane, found = outbox.lanes[Lane.HISTORY], {}
        lane.window = 10_000
        while (following := lane.next()) is not None:
            number, offset = following
            lane.mark_sent(number)
            found[number] = letters.letter(offset, number).payload
        return found

    ledger, first = opened(path)
    assert ledger.close()
    before = told(Runs())
    ledger = pruned(path, full, 60_000, 0)
    assert told(ledger.pruner.runs) == before, "by offsets that were noted before"
    assert ledger.close()
    ledger, first = opened(path)
    assert told(Runs()) == before, "by what a new start finds"
    assert ledger.close()
    kinds = [each.kind for each in entries(path)]
    assert kinds.count(Kind.SKETCH) == ROUNDS
    assert not kinds.count(Kind.DECISIONS)
    for payload in before.values():
        validate(payload)


def test_without_the_cursors_what_was_acknowledged_before_it_went_is_not_told_again(
    full: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.jdl"
    pruned(path, full, 150_000, 20).close()
    outbox = Outbox(path, AIMS)
    for offset, entry in opened_and_closed(path):
        outbox.add(ticket_of(offset, entry, ""))
        if entry.kind is Kind.REMOVED:
            outbox.at_least(Lane.HISTORY, removed_of(entry).acknowledged)
    assert outbox.lanes[Lane.HISTORY].cursor >= 12


def opened_and_closed(path: Path) -> list[tuple[int, Entry]]:
    ledger, found = opened(path)
    assert ledger.close()
    return found


def test_the_serial_of_the_next_block_goes_on_though_all_blocks_went(full: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    pruned(path, full, 16_000, None).close()
    blocks, ledger = Blocks(BOOT, 0), Ledger(path, BOOT, lambda *_: None, 1)
    for entry in entries(path):
        blocks.restore(entry)
    blocks.add(ledger, "eye", [decision(n) for n in range(256)], 9, 9)
    assert ledger.close()
    assert check(path).is_good


def test_an_offset_that_no_longer_holds_its_number_is_refused(full: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(full)
    at = {entry.index: offset for offset, entry in opened_and_closed(path)}
    with path.open("rb") as file, pytest.raises(FormatError, match="expected 9"):
        read_numbered(file.fileno(), at[0], 9, Runs())


def test_near_the_limit_counts_only_what_may_never_go() -> None:
    room = Room(1_000, history_bytes=900)
    room.measure(990, 1 << 40)
    assert not room.is_nearly_full
    room.history_bytes = 190
    room.measure(990, 1 << 40)
    assert room.is_nearly_full
    room.measure(949, 1 << 40)
    assert room.is_nearly_full, "a dead band"
    room.measure(939, 1 << 40)
    assert not room.is_nearly_full


def test_history_goes_while_the_disk_is_nearly_full_whatever_the_limit() -> None:
    room = Room(1 << 40, history_bytes=900)
    room.measure(990, 63 << 20)
    assert room.is_due(None, 990)
    room.measure(990, 65 << 20)
    assert not room.is_due(None, 990)


# ------------------------------------------------------------ killed at each step

CALLS: tuple[tuple[object, str], ...] = (
    (os, "pwrite"), (os, "fdatasync"), (os, "fsync"), (os, "ftruncate"), (Path, "replace"), (Path, "unlink"), (trimming, "punch"),
)  # fmt: skip


def die_at(call: int) -> None:
    """The program ends before its `call`th change of the disk; an uneven one ends in the middle of a write."""
    seen = [0]

    def dying(original: Callable[..., object], name: str) -> Callable[..., object]:
        def called(*arguments: object, **more: object) -> object:
            seen[0] += 1
            if seen[0] > call // 2:
                if name == "pwrite" and call % 2:
                    descriptor, data, offset = arguments
                    os.lseek(int(str(descriptor)), int(str(offset)), os.SEEK_SET)
                    os.write(int(str(descriptor)), bytes(data)[: len(bytes(data)) // 2])  # type: ignore[call-overload]
                os._exit(9)
            return original(*arguments, **more)

        return called

    for owner, name in CALLS:
        setattr(owner, name, dying(getattr(owner, name), name))


def dies(path: Path, call: int) -> bool:
    """Prune in a process of its own that dies at a place. False if it came through."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0
    try:
        die_at(call)
        ledger, _ = opened(path, 200_000, 30)
        wait_until(
            lambda: ledger.pruner.room.removed > 0 and not journal_path(path).exists(), "history went", 10
        )
        ledger.close()
        os._exit(0)
    finally:
        os._exit(1)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer waits for nothing."""
    monkeypatch.setattr(writer, "GROUP_NS", 0)
    monkeypatch.setattr(writer, "PROBE_S", 0.001)
    monkeypatch.setattr(pruner, "LOOK_S", 0.0)


@pytest.mark.usefixtures("hasty")
def test_a_kill_at_any_step_loses_nothing_and_each_removal_is_told_once(full: bytes, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jdl"
    path.write_bytes(full)
    before = what_stays(path)
    removed, call = 0, 0
    while True:
        path.write_bytes(full)
        journal_path(path).unlink(missing_ok=True)
        has_died = dies(path, call)
        ledger, _ = opened(path)
        wait_until(lambda: not journal_path(path).exists(), "what went is recorded")
        assert ledger.close()
        after = list(entries(path))
        assert what_stays(path) == before, f"call {call}"
        gone = sum(len(removed_of(each).gone) for each in after if each.kind is Kind.REMOVED)
        told = sum(each.json()["count"] for each in after if each.kind is Kind.RETENTION)
        assert gone == told, f"call {call}: {gone} went, {told} are told of"
        report = check(path)
        assert report.is_good, f"call {call}: {report.faults}"
        removed += bool(gone)
        if not has_died:
            break
        call += 1
    assert removed > 5
    assert call > 20
