"""A record of the C library is, byte for byte, the record that the Python tap sends."""

from __future__ import annotations

import mmap
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka_tap import wire
from jidoka_tap.choice import cut

from tests.processes import wait_until
from tests.tap.c import library
from tests.tap.c.library import BAD_ARGUMENT, OK, Tap
from tests.tap.listener import Listener, Shared

NAMES = [f"t{n}" for n in range(70)]
TIMES = (1_000, 5_000)
DTYPES = [*wire.DTYPES.values(), np.dtype(complex)]
BIG = np.arange(70_000, dtype=np.uint8)


class Ear:
    """The monitor's end, which keeps datagrams as they came."""

    def __init__(self, path: Path, arena: tuple[int, int] | None, terms: dict[str, Any]) -> None:
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.server.bind(str(path))
        self.server.listen(1)
        self.server.settimeout(20.0)
        self.arena = Shared(*arena) if arena else None
        self.terms = terms

    def welcome(self) -> None:
        self.peer = self.server.accept()[0]
        self.peer.settimeout(20.0)
        assert wire.decode(self.peer.recv(70_000))[0] == wire.HELLO
        place = {"slots": self.arena.slots, "slot_bytes": self.arena.slot_bytes} if self.arena else None
        message = wire.encode_json(wire.WELCOME, 0, {"model": "m", "every": 1, "arena": place, **self.terms})
        socket.send_fds(self.peer, [message], [self.arena.descriptor] if self.arena else [])

    def record(self) -> bytes:
        while True:
            datagram = self.peer.recv(100_000)
            if wire.decode(datagram)[0] == wire.RECORD:
                return datagram

    def close(self) -> None:
        self.peer.close()
        self.server.close()
        if self.arena is not None:
            self.arena.close()


@pytest.fixture
def hear(built: Path, path: Path) -> Iterator[Callable[..., tuple[Ear, Tap]]]:
    opened: list[Any] = []

    def start(arena: tuple[int, int] | None = None, **terms: Any) -> tuple[Ear, Tap]:
        ear = Ear(path, arena, terms)
        tap = Tap(library.load(built / "libjidoka_tap.so"), path, inputs=NAMES, outputs=NAMES)
        ear.welcome()
        wait_until(lambda: bool(tap.counts.is_connected), "the tap is connected")
        opened.extend([ear, tap])
        return ear, tap

    yield start
    for each in reversed(opened):
        each.close()


def number_of(datagram: bytes) -> int:
    return int(wire.RECORD_HEAD.unpack_from(datagram, wire.HEADER.size)[0])


def expected(datagram: bytes, tensors: list[tuple[int, int, Any]], room: Any = None, **how: Any) -> bytes:
    """What the Python tap would have sent; room: a slot of memory like the arena's, written."""
    slot = (0, room) if room is not None else None
    pieces, _ = wire.pack_record(
        number_of(datagram), 7, TIMES[0], TIMES[1] - TIMES[0], tensors, position=2, recipe=3, slot=slot, **how
    )
    return wire.encode(wire.RECORD, TIMES[1], b"".join(pieces))


def send(tap: Tap, tensors: list[tuple[int, int, Any]]) -> int:
    return tap.record(tensors, part=7, position=2, recipe=3, times=TIMES)


@st.composite
def some_tensors(draw: st.DrawFn) -> list[tuple[int, int, np.ndarray]]:
    made = []
    for n in range(draw(st.integers(0, 6))):
        shape = draw(st.lists(st.integers(0, 5) | st.integers(6, 60), max_size=7))
        while np.prod(shape, dtype=float) > 40_000:
            shape.pop()
        dtype = draw(st.sampled_from(DTYPES))
        size = int(np.prod(shape, dtype=int)) * dtype.itemsize
        data = np.random.default_rng(n).integers(0, 2, size, np.uint8).tobytes()
        made.append(
            (draw(st.sampled_from([wire.OUTPUT, wire.INPUT])), n, np.frombuffer(data, dtype).reshape(shape))
        )
    return made


def test_any_record_is_that_of_the_python_tap_inline_and_in_the_arena(hear: Callable[..., Any]) -> None:
    ear, tap = hear((2, 131_072))

    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(some_tensors())
    def check(tensors: list[tuple[int, int, np.ndarray]]) -> None:
        assert send(tap, tensors) == OK
        datagram = ear.record()
        room = bytearray(wire.SLOT_HEAD.size + 131_072)
        assert datagram == expected(datagram, tensors, memoryview(room))
        if wire.RECORD_HEAD.unpack_from(datagram, wire.HEADER.size)[-1]:
            used = room.rstrip(b"\0")
            assert ear.arena.memory[:16] == room[:16]
            assert ear.arena.memory[wire.SLOT_HEAD.size : len(used)] == used[wire.SLOT_HEAD.size :]
            wire.unpack_record(wire.decode(datagram)[2], ear.arena.take)  # gives the slot back

    check()
    assert tap.counts.dropped == 0


@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
def test_every_element_type_of_the_wire_is_sent(dtype: np.dtype, hear: Callable[..., Any]) -> None:
    ear, tap = hear()
    tensors = [(wire.OUTPUT, 0, np.ones((1, 3), dtype)), (wire.INPUT, 4, np.zeros((), dtype))]
    assert send(tap, tensors) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, tensors)


def test_a_large_tensor_without_an_arena_is_only_named_and_the_next_one_still_sent(
    hear: Callable[..., Any],
) -> None:
    ear, tap = hear()
    tensors = [(wire.OUTPUT, 0, np.zeros(40_000, np.float32)), (wire.OUTPUT, 1, np.ones(20_000, np.uint8))]
    assert send(tap, tensors) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, tensors)
    assert (tap.counts.tensors_not_sent, tap.counts.arena_full) == (1, 0)
    wait_until(lambda: any("output 0 isn't sent" in line for line in tap.log), "the log says so")


def test_the_monitors_inline_limit_holds(hear: Callable[..., Any]) -> None:
    ear, tap = hear(inline_limit_bytes=100)
    tensors = [(wire.OUTPUT, n, np.full(60, n, np.uint8)) for n in range(3)]
    assert send(tap, tensors) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, tensors, inline_limit_bytes=100)


def test_records_of_64_tensors_go_and_what_is_beyond_is_counted(hear: Callable[..., Any]) -> None:
    ear, tap = hear()
    tensors = [(wire.OUTPUT, n, np.full(3, n, np.float32)) for n in range(66)]
    assert send(tap, tensors) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, tensors[:64])
    assert tap.counts.tensors_not_sent == 2


def test_numbers_go_up_by_one_from_the_clocks_microseconds_and_count_what_was_dropped(
    hear: Callable[..., Any],
) -> None:
    ear, tap = hear()
    first = tap.counts.records
    send(tap, [])
    tap.record([(wire.OUTPUT, 99, BIG)])  # there is no such output
    send(tap, [])
    a, b = number_of(ear.record()), number_of(ear.record())
    assert (b - a, first) == (2, 0)
    assert (tap.counts.records, tap.counts.sent, tap.counts.dropped) == (3, 2, 1)


def test_times_that_are_not_given_are_now(hear: Callable[..., Any]) -> None:
    ear, tap = hear()
    tap.record([])
    datagram = ear.record()
    start_ns, latency_ns = wire.RECORD_HEAD.unpack_from(datagram, wire.HEADER.size)[2:4]
    assert latency_ns == 0
    assert start_ns == wire.HEADER.unpack_from(datagram)[-1] > 0


@pytest.mark.parametrize("shape", [(3, 20, 30), (1, 20, 30, 3), (2, 1, 20, 30), (20, 30), (5, 20, 30, 4)])
@pytest.mark.parametrize(
    "roi", [[4, 3, 8, 5], [0, 0, 30, 20], [0, 5, 30, 4], [25, 15, 100, 100], [40, 2, 3, 3]]
)
def test_the_region_of_interest_is_cut_as_the_python_tap_cuts_it(
    shape: tuple[int, ...], roi: list[int], hear: Callable[..., Any]
) -> None:
    image = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    region = cut(image, tuple(roi), wire.INLINE_LIMIT_BYTES)
    ear, tap = hear(roi=roi)
    assert send(tap, [(wire.INPUT, 0, image)]) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, [(wire.INPUT, 0, np.ascontiguousarray(region))])


def test_a_region_larger_than_a_record_lies_in_the_arena(hear: Callable[..., Any]) -> None:
    image = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    ear, tap = hear((1, 307_200), roi=[10, 20, 300, 200])
    assert send(tap, [(wire.INPUT, 0, image)]) == OK
    record = wire.unpack_record(wire.decode(ear.record())[2], ear.arena.take)
    assert np.array_equal(
        np.frombuffer(record.tensors[0].array, np.uint8).reshape(200, 300, 3), image[20:220, 10:310]
    )


def test_a_tensor_without_data_is_only_named(hear: Callable[..., Any]) -> None:
    ear, tap = hear()
    array = np.ones((2, 3), np.float32)
    assert send(tap, [library.tensor(wire.OUTPUT, 1, array, has_data=False)]) == OK
    (found,) = wire.unpack_record(wire.decode(ear.record())[2]).tensors
    assert (found.index, found.shape, found.dtype, found.array) == (1, (2, 3), np.dtype(np.float32), None)


def test_a_thumbnail_goes_with_its_record_though_no_inputs_are_wanted(hear: Callable[..., Any]) -> None:
    ear, tap = hear(every=0, wanted={"outputs": None, "inputs": []})
    picture = np.arange(30, dtype=np.uint8).reshape(2, 5, 3)
    tensors = [(wire.OUTPUT, 0, BIG[:8]), (wire.INPUT, 0, BIG[:9]), (wire.INPUT, wire.THUMBNAIL, picture)]
    assert send(tap, tensors) == OK
    datagram = ear.record()
    assert datagram == expected(datagram, [tensors[0], tensors[2]])


@pytest.mark.parametrize(
    "wrong",
    [
        (wire.OUTPUT, 70, BIG), (wire.INPUT, 70, BIG), (2, 0, BIG), (wire.INPUT, wire.THUMBNAIL, BIG),
        (wire.INPUT, wire.THUMBNAIL, np.zeros((4, 4), np.float32)), (wire.OUTPUT, wire.THUMBNAIL, BIG),
        (wire.INPUT, wire.THUMBNAIL, np.zeros((4, 4, 4), np.uint8)),
    ],
)  # fmt: skip
def test_a_tensor_that_cannot_be_is_a_bad_argument_and_its_record_is_dropped(
    wrong: tuple[int, int, np.ndarray], hear: Callable[..., Any]
) -> None:
    _, tap = hear()
    assert tap.record([(wire.OUTPUT, 0, BIG[:4]), wrong]) == BAD_ARGUMENT
    assert tap.counts.dropped == 1


@pytest.mark.parametrize("shape", [(-1,), (2**32,), (3, -2)])
def test_a_shape_that_the_wire_cannot_say_is_a_bad_argument(
    shape: tuple[int, ...], hear: Callable[..., Any]
) -> None:
    _, tap = hear()
    wrong = library.tensor(wire.OUTPUT, 0, np.zeros((1,) * len(shape), np.uint8))
    for n, axis in enumerate(shape):
        wrong.shape[n] = axis
    assert tap.record([wrong]) == BAD_ARGUMENT


def test_a_shape_larger_than_memory_is_only_named(hear: Callable[..., Any]) -> None:
    ear, tap = hear((1, 64))
    huge = library.tensor(wire.OUTPUT, 0, np.zeros((1, 1, 1, 1), np.uint64))
    for n in range(4):
        huge.shape[n] = 2**32 - 1
    assert tap.record([huge]) == OK
    assert wire.unpack_record(wire.decode(ear.record())[2]).tensors[0].array is None


def test_when_no_slot_is_free_the_record_goes_without_its_large_tensors(hear: Callable[..., Any]) -> None:
    ear, tap = hear((2, 70_016))
    ear.arena.busy = True
    tensors = [(wire.OUTPUT, 0, BIG), (wire.OUTPUT, 1, BIG[:100])]
    for _ in range(3):
        assert send(tap, tensors) == OK
    in_arena = [wire.RECORD_HEAD.unpack_from(ear.record(), wire.HEADER.size)[-1] for _ in range(2)]
    assert in_arena == [1, 2]
    datagram = ear.record()
    assert datagram == expected(datagram, tensors)
    assert (tap.counts.arena_full, tap.counts.tensors_not_sent) == (1, 1)
    ear.arena.memory[16:24] = ear.arena.memory[:8]  # released
    assert send(tap, tensors) == OK
    assert wire.RECORD_HEAD.unpack_from(ear.record(), wire.HEADER.size)[-1] == 1


def test_an_arena_that_could_shrink_is_never_mapped(
    built: Path, path: Path, listen: Callable[..., Listener]
) -> None:
    listener = listen(arena=(2, 70_016))
    listener.seals = 0
    tap = Tap(library.load(built / "libjidoka_tap.so"), path, outputs=NAMES)
    listener.wait_for_connection(tap)
    assert tap.record([(wire.OUTPUT, 0, BIG)]) == OK
    assert tap.counts.tensors_not_sent == 1
    wait_until(lambda: any("isn't sealed" in line for line in tap.log), "the log says why")
    tap.close()


def test_an_arena_smaller_than_the_monitor_says_is_never_mapped(
    built: Path, path: Path, listen: Callable[..., Listener]
) -> None:
    listen_to = listen(arena=(2, 64), terms={"arena": {"slots": 2, "slot_bytes": mmap.PAGESIZE * 16}})
    tap = Tap(library.load(built / "libjidoka_tap.so"), path, outputs=NAMES)
    listen_to.wait_for_connection(tap)
    assert tap.record([(wire.OUTPUT, 0, BIG)]) == OK
    assert tap.counts.tensors_not_sent == 1
    wait_until(lambda: any("smaller than" in line for line in tap.log), "the log says why")
    tap.close()
