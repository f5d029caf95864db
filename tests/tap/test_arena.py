"""Large tensors go through the arena that the monitor hands out: copied once, whole, and only where there is room."""

from __future__ import annotations

import fcntl
import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka_tap import OpenTap, open_tap, watch, wire
from jidoka_tap.arena import Arena
from jidoka_tap.layout import lay_out

from tests.processes import wait_until
from tests.tap.listener import Listener, Shared, tensor
from tests.tap.test_layout import TENSORS
from tests.tap.test_session import watched

Listen = Callable[..., Listener]
Feed = dict[str, Any]
RNG = np.random.default_rng(2)
LARGE = RNG.integers(0, 256, (640, 640, 3), np.uint8)
OUTPUTS = {"logits": np.arange(10, dtype=np.float32)}
ROOM = (3, wire.padded(LARGE.nbytes, wire.ARENA_ALIGN))


def opened(path: Path, listener: Listener, inputs: tuple[str, ...] = ("image",), **how: Any) -> OpenTap:
    tap = open_tap("m", ["logits"], inputs, str(path), **how)
    listener.wait_for_connection(tap.tap)
    return tap


def mappings() -> int:
    return Path("/proc/self/maps").read_text().count("/memfd:test-arena")


@given(
    tensors=TENSORS, limit=st.sampled_from([0, 64, 400]), slot_bytes=st.sampled_from([0, 64, 512, 1 << 16])
)
def test_a_record_in_the_arena_is_the_plain_one_byte_for_byte(
    tensors: list[tuple[int, int, np.ndarray]], limit: int, slot_bytes: int
) -> None:
    shared = Shared(2, max(slot_bytes, 64))
    places, arrays = [(role, index) for role, index, _ in tensors], [array for *_, array in tensors]
    room = memoryview(bytearray(wire.SLOT_HEAD.size + slot_bytes))
    pieces, not_sent = wire.pack_record(
        9, 7, 100, 11, tensors, position=2, recipe=3, inline_limit_bytes=limit, slot=(0, room)
    )
    plain = wire.encode(wire.RECORD, 111, b"".join(pieces))
    arena = Arena(shared.descriptor, 2, max(slot_bytes, 64))
    layout = lay_out(places, arrays, limit, slot_bytes)
    if layout.in_arena:
        arena.words[0] = arena.words[1] = 9
        for n, view in layout.views(arena, 0):
            view[...] = arrays[n]
    made = b"".join(
        bytes(piece) if isinstance(piece, (bytes, bytearray)) else piece.tobytes()
        for piece in layout.pieces(9, (100, 111), (7, 2, 3), arrays, 0, 0 if layout.in_arena else -1)
    )
    assert made == plain
    assert [places[n] for n in layout.not_sent] == not_sent
    assert bytes(shared.memory[: len(room)]) == bytes(room)
    record = wire.unpack_record(wire.decode(made)[2], shared.take)
    for got, array in zip(record.tensors, arrays, strict=True):
        assert got.shape == array.shape
        assert got.array is None or got.array.tobytes() == array.tobytes()
    del arena, layout
    shared.close()


def test_inputs_beyond_the_inline_limit_arrive_whole_and_slots_are_used_again(
    path: Path, listen: Listen
) -> None:
    listener = listen(arena=ROOM)
    with opened(path, listener) as tap:
        for n in range(10):
            image = np.roll(LARGE, n)
            tap.record_outputs(OUTPUTS, {"image": image}, part=n)
            record = listener.wait_for_records(n + 1)[-1]
            assert np.array_equal(tensor(record, wire.INPUT, 0), image)
            assert np.array_equal(tensor(record, wire.OUTPUT, 0), OUTPUTS["logits"])
    assert set(listener.shared[0].taken) == {0}  # the one that is in the caches
    assert tap.counts.tensors_not_sent == tap.counts.arena_full == 0


def test_large_outputs_and_inputs_lie_side_by_side_in_one_slot(path: Path, listen: Listen) -> None:
    listener = listen(arena=(2, 4 << 20))
    boxes = RNG.random((1, 3549, 85), dtype=np.float32)
    with open_tap("m", ["boxes", "scores"], ["image"], str(path)) as tap:
        listener.wait_for_connection(tap.tap)
        scores = RNG.random((7, 3001), dtype=np.float32)
        tap.record_outputs({"scores": scores, "boxes": boxes}, {"image": LARGE[::2, 1:, ::-1]})
        (record,) = listener.wait_for_records(1)
    assert np.array_equal(tensor(record, wire.OUTPUT, 0), boxes)
    assert np.array_equal(tensor(record, wire.OUTPUT, 1), scores)
    assert np.array_equal(tensor(record, wire.INPUT, 0), LARGE[::2, 1:, ::-1])


def test_each_nth_record_and_a_region_go_through_the_arena_too(path: Path, listen: Listen) -> None:
    listener = listen(arena=ROOM, terms={"every": 3, "roi": [100, 50, 400, 300]})
    with opened(path, listener) as tap:
        for n in range(9):
            tap.record_outputs(OUTPUTS, {"image": np.roll(LARGE, n)})
            listener.wait_for_records(n + 1)
    images = [[t.array for t in r.tensors if t.role == wire.INPUT] for r in listener.records]
    assert [len(each) for each in images] == [1, 0, 0] * 3
    for n in (0, 3, 6):
        assert np.array_equal(images[n][0], np.roll(LARGE, n)[50:350, 100:500])


def test_a_full_arena_costs_the_large_tensors_and_never_the_record(
    path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(arena=ROOM)
    with opened(path, listener) as tap:
        for n in range(5):  # nobody reads
            tap.record_outputs(OUTPUTS, {"image": np.roll(LARGE, n)})
        assert (tap.counts.sent, tap.counts.arena_full, tap.counts.tensors_not_sent) == (5, 2, 2)
        records = listener.wait_for_records(5)
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        records = listener.wait_for_records(6)
        images = [tensor(record, wire.INPUT, 0) for record in records]
        assert [image is None for image in images] == [False, False, False, True, True, False]
        assert all(np.array_equal(images[n], np.roll(LARGE, n)) for n in range(3))
        assert records[4].tensors[1].shape == LARGE.shape
        wait_until(lambda: "hasn't freed a place" in caplog.text, "the log says so")


def test_a_monitor_that_never_gives_a_slot_back_gets_all_else(path: Path, listen: Listen) -> None:
    listener = listen(arena=ROOM)
    with opened(path, listener) as tap:
        listener.shared[0].busy = True
        for n in range(6):
            tap.record_outputs(OUTPUTS, {"image": LARGE})
            listener.wait_for_records(n + 1)
        assert tap.counts.arena_full == 3
    assert listener.shared[0].taken == [0, 1, 2]


def test_a_record_larger_than_a_slot_goes_without_what_has_no_room(
    path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(arena=(3, LARGE.nbytes - LARGE.nbytes % 64 - 64))
    with opened(path, listener) as tap:
        for n in range(2):
            tap.record_outputs(OUTPUTS, {"image": LARGE})
            listener.wait_for_records(n + 1)
        assert tensor(listener.records[-1], wire.INPUT, 0) is None
        assert tap.counts.arena_full == tap.counts.tensors_not_sent == 2
        wait_until(lambda: "input 'image' isn't sent" in caplog.text, "the log names it")


def test_a_send_that_fails_leaves_its_slot_free(path: Path, listen: Listen) -> None:
    listener = listen(arena=(1, ROOM[1]))
    small = {"image": np.zeros(10, np.uint8)}
    with opened(path, listener) as tap:
        while tap.counts.dropped == 0:  # nobody reads: the queue in the kernel fills up
            tap.record_outputs({"logits": np.zeros(10_000, np.float32)}, small)
        for _ in range(3):
            tap.record_outputs(OUTPUTS, {"image": LARGE})
        assert (tap.counts.dropped, tap.counts.arena_full) == (4, 0)
        listener.wait_for_records(tap.counts.sent)
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        assert np.array_equal(tensor(listener.wait_for_records(tap.counts.sent)[-1], wire.INPUT, 0), LARGE)


def test_a_new_connection_has_a_new_arena_and_the_old_mapping_goes(path: Path, listen: Listen) -> None:
    first = listen(arena=ROOM)
    with opened(path, first) as tap:
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        first.wait_for_records(1)
        assert mappings() == 2  # the listener's own, and the tap's
        first.close()
        wait_until(lambda: not tap.counts.is_connected, "the end is noticed")
        wait_until(lambda: mappings() == 0, "the old mapping is gone")
        second = listen(arena=(2, ROOM[1] + 640))
        second.wait_for_connection(tap.tap)
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        assert np.array_equal(tensor(second.wait_for_records(1)[0], wire.INPUT, 0), LARGE)
    gc.collect()
    second.wait(lambda: second.ended == 1, "the tap has left")
    wait_until(lambda: mappings() == 1, "closing unmaps it")


def test_descriptors_are_closed_and_not_inherited(path: Path, listen: Listen) -> None:
    listener = listen(arena=ROOM, surplus=3)
    with opened(path, listener) as tap:
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        listener.wait_for_records(1)
        links = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        arenas = [int(each.name) for each in links if "test-arena" in str(each.readlink())]
        # the listener's, and one for each mapping, which Python keeps: the listener's and the tap's
        assert len(arenas) == 3
        assert all(fcntl.fcntl(each, fcntl.F_GETFD) & fcntl.FD_CLOEXEC for each in arenas)


@pytest.mark.parametrize("what", ["unsealed", "too small", "no descriptor"])
def test_memory_that_cannot_be_trusted_is_not_mapped_and_records_go_without_large_tensors(
    what: str, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen()
    if what == "unsealed":
        listener.arena, listener.seals = ROOM, 0
    else:
        listener.arena = (1, 64) if what == "too small" else None
        listener.terms = {"arena": {"slots": 3, "slot_bytes": ROOM[1]}}
    with opened(path, listener) as tap:
        wait_until(lambda: "memory can't be used" in caplog.text, "the log says so")
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        (record,) = listener.wait_for_records(1)
        assert tensor(record, wire.INPUT, 0) is None
        assert tap.counts.tensors_not_sent == 1


def test_a_later_welcome_without_a_descriptor_keeps_the_arena(path: Path, listen: Listen) -> None:
    listener = listen(arena=ROOM)
    with opened(path, listener) as tap:
        terms = {"arena": {"slots": ROOM[0], "slot_bytes": ROOM[1]}, "reasons": {"0": "new"}}
        listener.peers[0].send(wire.encode_json(wire.WELCOME, 0, terms))
        wait_until(lambda: bool(tap.tap.terms.reasons == ((0, "new"),)), "the new terms hold")
        tap.record_outputs(OUTPUTS, {"image": LARGE})
        assert np.array_equal(tensor(listener.wait_for_records(1)[0], wire.INPUT, 0), LARGE)


def test_a_forked_child_uses_an_arena_of_its_own(path: Path, listen: Listen) -> None:
    listener = listen(arena=ROOM)
    with opened(path, listener) as tap:
        tap.record_outputs(OUTPUTS, {"image": LARGE}, part=1)
        listener.wait_for_records(1)
        child = os.fork()
        if child == 0:
            ok = False
            try:
                tap.record_outputs(OUTPUTS, {"image": LARGE})  # starts the child's connection
                ok = tap.tap.wait_until_connected(20)
                tap.record_outputs(OUTPUTS, {"image": np.roll(LARGE, 5)}, part=2)
            finally:
                os._exit(0 if ok and tap.counts.sent == 1 else 1)
        records = listener.wait_for_records(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert np.array_equal(tensor(records[1], wire.INPUT, 0), np.roll(LARGE, 5))
        assert len(listener.shared) == 2
        assert listener.shared[0].taken == [0]


def test_only_what_the_monitor_wants_is_in_a_record(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(terms={"wanted": {"outputs": ["logits"], "inputs": []}})
    own = watched(session, path, listener)
    for n in range(3):
        logits, _ = own.run(None, feed)
        own.run(["logits"], feed)
        records = listener.wait_for_records(2 * n + 2)
    for record in records:
        assert [(each.role, each.index) for each in record.tensors] == [(wire.OUTPUT, 0)]
    assert np.array_equal(tensor(records[-2], wire.OUTPUT, 0), logits)
    assert "embedding" not in caplog.text


def test_a_picture_goes_with_the_next_record_of_its_part(path: Path, listen: Listen) -> None:
    listener = listen(arena=(2, 1 << 20), terms={"every": 0})
    grey, colour = LARGE[:48, :64, 0], LARGE[:300, :400]
    with opened(path, listener) as tap:
        tap.image(7, grey)
        tap.image(0, colour)
        for part in (5, 7, 7):
            tap.record_outputs(OUTPUTS, {"image": LARGE}, part=part)
            listener.wait_for_records(1)
        records = listener.wait_for_records(3)
    assert np.array_equal(tensor(records[0], wire.INPUT, wire.THUMBNAIL), colour)
    assert np.array_equal(tensor(records[1], wire.INPUT, wire.THUMBNAIL), grey)
    assert [each.role for each in records[2].tensors] == [wire.OUTPUT]
    assert tap.counts.tensors_not_sent == 0


def test_a_picture_is_copied_and_pictures_that_nobody_fetches_are_few(path: Path, listen: Listen) -> None:
    listener = listen()
    with opened(path, listener) as tap:
        picture = np.zeros((4, 4), np.uint8)
        for part in range(1, 1000):
            tap.image(part, picture)
        picture[:] = 9
        tap.record_outputs(OUTPUTS, part=1)  # long gone
        tap.record_outputs(OUTPUTS, part=999)
        records = listener.wait_for_records(2)
    assert len(records[0].tensors) == 1
    assert not tensor(records[1], wire.INPUT, wire.THUMBNAIL).any()


@pytest.mark.parametrize(
    "picture",
    [np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros(4, np.uint8), [[1, 2]], None, np.zeros((0, 3), np.uint8)],
)  # fmt: skip
def test_what_is_no_picture_is_said_and_not_sent(
    picture: Any, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen()
    with opened(path, listener) as tap:
        tap.image(0, picture)
        tap.record_outputs(OUTPUTS)
        assert len(listener.wait_for_records(1)[0].tensors) == 1
        wait_until(lambda: "tap.image() takes" in caplog.text, "the log says so")


def test_watch_takes_large_inputs_of_a_session_too(path: Path, listen: Listen) -> None:
    class Session:
        """Somebody else's: the three methods that are needed, and no more."""

        def __init__(self) -> None:
            self.names = [type("Name", (), {"name": "x"})]

        def get_inputs(self) -> Any:
            return self.names

        def get_outputs(self) -> Any:
            return self.names

        def run(self, _names: Any, feed: Any, _options: Any = None) -> Any:
            return [feed["x"].astype(np.float32)]

    listener = listen(arena=(2, 8 << 20))
    own = watch(Session(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    (output,) = own.run(None, {"x": LARGE})
    (record,) = listener.wait_for_records(1)
    assert np.array_equal(tensor(record, wire.OUTPUT, 0), output)
    assert np.array_equal(tensor(record, wire.INPUT, 0), LARGE)
