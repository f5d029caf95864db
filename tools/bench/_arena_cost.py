"""What a record with its inputs costs, beside a plain copy of the same bytes and a bare send of the same datagram."""

from __future__ import annotations

import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_tap import open_tap, wire
from jidoka_tap.link import SEND_BUFFER_BYTES, SEND_FLAGS

from tools.bench._peers import listening, same_datagram
from tools.bench._rows import Row

COPIES, SENDS = 1.3, 3.0  # the reach: so many copies of the inputs, and so many bare sends
PAUSE_S = 0.002
WARM_UP = 20
FRAMES = 3  # of a camera that fills one buffer after the other
SIZES: dict[str, tuple[int, ...]] = {
    "64 × 64": (64, 64),
    "640 × 640 × 3": (640, 640, 3),
    "1920 × 1080 × 3": (1080, 1920, 3),
}


def costs(rounds: int, shape: tuple[int, ...]) -> tuple[float, float, float]:
    """(what a record takes, what a copy of its input takes, what a bare send takes): medians, µs.

    The three take turns over the same frames, so that none finds them warmer than the others.
    """
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, shape, np.uint8) for _ in range(FRAMES)]
    outputs = {"logits": np.zeros((1, 4), np.float32), "embedding": np.zeros((1, 64), np.float32)}
    there = np.empty(shape, np.uint8)
    slot_bytes = wire.padded(frames[0].nbytes, wire.ARENA_ALIGN)
    with (
        tempfile.TemporaryDirectory(prefix="jidoka-bench-") as folder,
        listening("_arena_listener", Path(folder) / "tap.sock", slot_bytes) as path,
    ):
        tap = open_tap("m", list(outputs), ["image"], str(path))
        assert tap.tap.wait_until_connected(10.0)
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        peer.connect(str(path))
        datagram = same_datagram(outputs.values(), [frames[0]], slot_bytes)
        names, values = list(outputs), list(outputs.values())

        def record(frame: Any) -> None:
            now_ns = time.monotonic_ns()
            tap.tap.record(now_ns, now_ns, 0, 0, 0, names, values, {"image": frame})

        def copy(frame: Any) -> None:
            np.copyto(there, frame)

        def send(_: Any) -> None:
            peer.send(datagram, SEND_FLAGS)

        calls: tuple[Callable[[Any], None], ...] = (record, copy, send)
        taken: tuple[list[int], ...] = ([], [], [])
        for turn in range(WARM_UP + rounds):
            for place in range(len(calls)):
                kind = (place + turn) % len(calls)  # none always comes first
                frame = frames[turn % FRAMES]
                start_ns = time.perf_counter_ns()
                calls[kind](frame)
                whole_ns = time.perf_counter_ns() - start_ns
                if turn >= WARM_UP:
                    taken[kind].append(whole_ns)
                time.sleep(PAUSE_S)
        counts = tap.counts
        assert counts.dropped == counts.tensors_not_sent == 0, counts
        tap.close()
        peer.close()
    recorded, copied, sent = (statistics.median(times) / 1000 for times in taken)
    return recorded, copied, sent


def rows(is_quick: bool) -> Iterator[Row]:
    """The cost of a record with its inputs for each of SIZES."""
    for name, shape in SIZES.items():
        recorded_us, copied_us, sent_us = costs(150 if is_quick else 1500, shape)
        allowed_us = COPIES * copied_us + SENDS * sent_us
        peer = (
            f"{COPIES:g} × np.copyto of the input ({copied_us:.1f} µs) plus {SENDS:g} × a bare SEQPACKET send of the "
            f"same datagram ({sent_us:.1f} µs)"
        )
        yield Row(f"tap, inputs {name}: record / allowed", recorded_us / allowed_us, "ratio", 1.0, peer=peer)
        yield Row(f"tap, inputs {name}: record", recorded_us, "µs")
