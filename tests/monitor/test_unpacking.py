"""What is remembered of descriptors gives the same records, and the same refusals, as reading each by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor.unpacking import MOST_LAYOUTS, Unpacker
from jidoka_tap import wire

from tests.monitor import line
from tools._hostile_records import MUTATIONS, SLOT_BYTES, SLOTS, Application

STRIDE = wire.SLOT_HEAD.size + SLOT_BYTES
UNPACKER = Unpacker()


def outcome(unpack: Any, body: memoryview, memory: bytes | None) -> Any:
    """The record as plain values, or the error's text."""

    def take_slot(slot: int, number: int, size: int) -> memoryview:
        if slot >= SLOTS or size > SLOT_BYTES:
            raise wire.WireError(f"slot {slot}, {size} bytes of {number}")
        begin = slot * STRIDE + wire.SLOT_HEAD.size
        return memoryview(memory or b"")[begin : begin + size]

    try:
        record = unpack(body, None if memory is None else take_slot)
    except ValueError as error:
        return type(error), str(error)
    plain = [
        (each.role, each.index, each.shape, each.dtype, None if each.array is None else each.array.tobytes(),
         None if each.array is None else (each.array.shape, each.array.dtype))
        for each in record.tensors
    ]  # fmt: skip
    return (*record[:-1], plain)


@settings(max_examples=1000, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.sampled_from(MUTATIONS), max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_a_record_is_the_same_whether_its_descriptors_are_known_or_not(
    seed: int, mutations: list[Any], is_in_arena: bool, has_arena: bool
) -> None:
    application = Application(seed)
    memory = bytearray(SLOTS * STRIDE)
    application.memory = memory  # type: ignore[assignment]
    datagram = application._in_arena() if is_in_arena else application._inline()
    for mutation in mutations:
        mutation(application, datagram)
    body = memoryview(bytes(datagram))[wire.HEADER.size :]
    mapped = bytes(memory) if has_arena else None
    expected = outcome(wire.unpack_record, body, mapped)
    fresh = Unpacker()
    assert [outcome(fresh.unpack, body, mapped) for _ in range(3)] == [expected] * 3
    assert outcome(UNPACKER.unpack, body, mapped) == expected


def test_tensors_that_are_not_sent_stay_so() -> None:
    big = np.zeros(100_000, np.uint8)
    content = [
        *line.tensors(np.random.default_rng(1)),
        (wire.INPUT, 1, big),
        (wire.OUTPUT, 1, np.ones(3, np.uint8)),
    ]
    body = memoryview(line.record_datagram(1, content))[wire.HEADER.size :]
    unpacker = Unpacker()
    first, second = unpacker.unpack(body), unpacker.unpack(body)
    assert second.tensors[2].array is None
    assert second.tensors[2].shape == (100_000,)
    assert second.tensors[3].array.tolist() == first.tensors[3].array.tolist() == [1, 1, 1]


def test_a_count_that_claims_more_descriptors_than_came_is_refused_though_the_rest_is_known() -> None:
    content = [(wire.OUTPUT, 0, np.zeros(0, np.float32))]
    body = bytearray(line.record_datagram(1, content)[wire.HEADER.size :])
    unpacker = Unpacker()
    unpacker.unpack(memoryview(body))
    body[36] = 2
    assert outcome(unpacker.unpack, memoryview(body), None) == outcome(
        wire.unpack_record, memoryview(body), None
    )
    assert outcome(unpacker.unpack, memoryview(body), None)[0] is wire.WireError


def test_an_application_that_never_repeats_itself_fills_no_memory() -> None:
    unpacker = Unpacker()
    for size in range(1, 3 * MOST_LAYOUTS):
        body = line.record_datagram(1, [(wire.OUTPUT, 0, np.zeros(size, np.float32))])[wire.HEADER.size :]
        unpacker.unpack(memoryview(body))
        assert len(unpacker._layouts) <= MOST_LAYOUTS
