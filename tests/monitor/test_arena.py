"""What comes through the arena is whole, or refused with its reason; its size can't be changed by anybody."""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.arena import Arena, Refusal
from jidoka_tap import wire

from tests.monitor.application import write_slot

SLOTS, SLOT_BYTES = 3, 4096
STRIDE = wire.SLOT_HEAD.size + SLOT_BYTES


@pytest.fixture
def arena() -> Iterator[Arena]:
    made = Arena(SLOTS, SLOT_BYTES, memoryview(bytearray(SLOT_BYTES)))
    yield made
    made.close()


def written(arena: Arena, slot: int, number: int, data: bytes) -> mmap.mmap:
    memory = mmap.mmap(arena.descriptor, 0)
    write_slot(memory, SLOT_BYTES, slot, number, [(wire.OUTPUT, 0, np.frombuffer(data, np.uint8))])
    return memory


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=SLOT_BYTES), st.integers(0, SLOTS - 1), st.integers(0, 2**64 - 1))
def test_what_was_written_is_what_is_taken(data: bytes, slot: int, number: int) -> None:
    arena = Arena(SLOTS, SLOT_BYTES, memoryview(bytearray(SLOT_BYTES)))
    try:
        written(arena, slot, number, data)
        assert bytes(arena.take(slot, number, len(data))) == data
    finally:
        arena.close()


def test_what_was_taken_is_a_copy(arena: Arena) -> None:
    memory = written(arena, 0, 7, b"as it was")
    copy = arena.take(0, 7, 9)
    memory[wire.SLOT_HEAD.size : wire.SLOT_HEAD.size + 9] = b"something"
    assert bytes(copy) == b"as it was"
    assert copy.readonly, "as the bytes of a datagram are"


@pytest.mark.parametrize("slot", [-1, SLOTS, 65_534])
def test_a_slot_that_is_not_there_is_refused_and_left_alone(arena: Arena, slot: int) -> None:
    with pytest.raises(Refusal) as refused:
        arena.take(slot, 1, 8)
    assert refused.value.reason == "no such slot"
    arena.release(slot, 1)


def test_more_than_a_slot_holds_is_refused(arena: Arena) -> None:
    written(arena, 2, 5, b"x" * SLOT_BYTES)
    assert len(arena.take(2, 5, SLOT_BYTES)) == SLOT_BYTES
    for size in (SLOT_BYTES + 1, 2**32):
        with pytest.raises(Refusal) as refused:
            arena.take(2, 5, size)
        assert refused.value.reason == "slot too small"


@pytest.mark.parametrize("place", [0, 8], ids=["begun", "ended"])
def test_a_slot_whose_head_says_another_number_is_refused(arena: Arena, place: int) -> None:
    memory = written(arena, 1, 9, b"data")
    memory[STRIDE + place : STRIDE + place + 8] = (10).to_bytes(8, "little")
    with pytest.raises(Refusal) as refused:
        arena.take(1, 9, 4)
    assert refused.value.reason == "slot not written"


def test_a_slot_that_is_written_while_it_is_copied_is_refused(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = written(arena, 0, 3, b"data")
    read = os.preadv

    def read_and_be_overtaken(*arguments: object) -> int:
        came = read(*arguments)  # type: ignore[arg-type]
        memory[0:8] = (4).to_bytes(8, "little")  # the application begins its next record
        return came

    monkeypatch.setattr(os, "preadv", read_and_be_overtaken)
    with pytest.raises(Refusal) as refused:
        arena.take(0, 3, 4)
    assert refused.value.reason == "slot changed"


def test_the_application_sees_which_record_is_done_with(arena: Arena) -> None:
    memory = mmap.mmap(arena.descriptor, 0)
    arena.release(1, 2**64 - 1)
    assert [wire.SLOT_HEAD.unpack_from(memory, slot * STRIDE)[2] for slot in range(SLOTS)] == [
        0,
        2**64 - 1,
        0,
    ]


def test_nobody_can_change_the_size_or_the_seals(arena: Arena) -> None:
    size = os.fstat(arena.descriptor).st_size
    assert size == SLOTS * STRIDE
    for other in (0, size - 1, size + 1, 10 * size):
        with pytest.raises(PermissionError):
            os.ftruncate(arena.descriptor, other)
    with pytest.raises(PermissionError):
        fcntl.fcntl(arena.descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)


def test_a_hole_is_read_as_zeros_and_costs_no_memory(arena: Arena) -> None:
    memory = written(arena, 0, 3, b"data" * 1024)
    fallocate = ctypes.CDLL(None, use_errno=True).fallocate
    size = os.fstat(arena.descriptor).st_size
    assert fallocate(arena.descriptor, 3, ctypes.c_long(0), ctypes.c_long(size)) == 0
    with pytest.raises(Refusal) as refused:
        arena.take(0, 3, 4096)
    assert refused.value.reason == "slot not written"
    assert os.fstat(arena.descriptor).st_blocks == 0, "reading filled no hole"
    assert memory[: wire.SLOT_HEAD.size] == bytes(wire.SLOT_HEAD.size)


def test_the_descriptor_is_freed_once_and_isnt_inherited(arena: Arena) -> None:
    assert not os.get_inheritable(arena.descriptor)
    descriptor = arena.descriptor
    arena.close()
    arena.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
