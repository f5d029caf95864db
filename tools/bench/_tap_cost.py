"""What the tap adds to a call of the model, beside a bare send of the same bytes after the same inference."""

from __future__ import annotations

import contextlib
import socket
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jidoka.config.manifest import load_bundle
from jidoka.host.model import open_session
from jidoka.host.renderer import SIZE_PX
from jidoka_tap import watch
from jidoka_tap.link import SEND_BUFFER_BYTES, SEND_FLAGS

from tools.bench._peers import listening, same_datagram
from tools.bench._rows import Row

MODEL = "surface-inspection"
REACH = 3.0
PAUSE_S = 0.001  # between calls, so that the reader has read and sleeps again, as on a line
WARM_UP = 50
#: what is sent -> inputs go with every n-th record
CASES = {"outputs": 0, f"outputs and input, {SIZE_PX} × {SIZE_PX}": 1}


class Stopwatch:
    """A session that does what the real one does and notes how long that took: what remains is the tap's own."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.own_ns = 0

    def run(self, output_names: Any, feed: Any, run_options: Any = None) -> Any:
        start_ns = time.perf_counter_ns()
        outputs = self._session.run(output_names, feed, run_options)
        self.own_ns = time.perf_counter_ns() - start_ns
        return outputs

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def listener(folder: Path, every: int) -> contextlib.AbstractContextManager[Path]:
    """A process that reads what is sent; every: which records it wants inputs with."""
    return listening("_listener", folder / "tap.sock", every)


def costs(rounds: int, every: int) -> tuple[float, float, int]:
    """(what the tap adds, what a bare send adds, bytes of the record): medians, µs.

    Three kinds of call take turns: the session alone, with a bare send behind it, and watched. Each is timed from
    outside, less what onnxruntime took of it; the first kind's remainder, which is the stopwatch, is taken off both.
    """
    stopwatch = Stopwatch(open_session(load_bundle(MODEL)))
    feed = {"image": np.random.default_rng(1).integers(0, 256, (1, 1, SIZE_PX, SIZE_PX)).astype(np.uint8)}
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as folder, listener(Path(folder), every) as path:
        watched = watch(stopwatch, MODEL, str(path))
        assert watched.tap.wait_until_connected(10.0)
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        peer.connect(str(path))
        payload = same_datagram(stopwatch.run(None, feed), feed.values() if every == 1 else ())

        def alone() -> None:
            stopwatch.run(None, feed)

        def bare() -> None:
            stopwatch.run(None, feed)
            peer.send(payload, SEND_FLAGS)

        def tapped() -> None:
            watched.run(None, feed)

        calls: tuple[Callable[[], None], ...] = (alone, bare, tapped)
        taken: tuple[list[int], ...] = ([], [], [])
        for turn in range(WARM_UP + rounds):
            for place in range(len(calls)):
                kind = (place + turn) % len(calls)  # none always comes first
                call, times = calls[kind], taken[kind]
                start_ns = time.perf_counter_ns()
                call()
                whole_ns = time.perf_counter_ns() - start_ns
                if turn >= WARM_UP:
                    times.append(whole_ns - stopwatch.own_ns)
                time.sleep(PAUSE_S)
        counts = watched.tap.counts
        assert counts.dropped == 0, counts
        watched.tap.close("the bench is over")
        peer.close()
    rest, sent, added = (statistics.median(times) / 1000 for times in taken)
    return added - rest, sent - rest, len(payload)


def rows(is_quick: bool) -> Iterator[Row]:
    """The tap's cost for each of CASES."""
    for name, every in CASES.items():
        added_us, bare_us, size_bytes = costs(250 if is_quick else 3000, every)
        peer = (
            f"a bare SEQPACKET send of the same {size_bytes} bytes after the same inference, {bare_us:.1f} µs"
        )
        yield Row(f"tap, {name}: added / bare send", added_us / bare_us, "ratio", REACH, peer=peer)
        yield Row(f"tap, {name}: added to session.run", added_us, "µs")
