"""What `jidoka attach` adds to `session.run`, beside the explicit `watch` of the same model in the same process."""

from __future__ import annotations

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
from jidoka_tap.attach import calls
from jidoka_tap.attach.bindings import Bindings
from jidoka_tap.attach.patches import Patches
from jidoka_tap.attach.sessions import Sessions
from jidoka_tap.attach.settings import Settings

from tools.bench._rows import Row
from tools.bench._tap_cost import CASES, MODEL, PAUSE_S, WARM_UP, Stopwatch, listener

REACH = 1.2


def stopwatch_class() -> type[Any]:
    """A class of its own with a method of its own: attaching replaces that, and no other stopwatch's."""

    class Own(Stopwatch):
        def run(self, output_names: Any, input_feed: Any, run_options: Any = None) -> Any:
            return Stopwatch.run(self, output_names, input_feed, run_options)

    return Own


def costs(rounds: int, every: int) -> tuple[float, float]:
    """(what attach adds, what watch adds): medians, ns a call.

    Three kinds of call take turns: the session alone, watched, and attached; each timed from outside, less what
    onnxruntime took of it, less the first kind's remainder.
    """
    feed = {"image": np.random.default_rng(1).integers(0, 256, (1, 1, SIZE_PX, SIZE_PX)).astype(np.uint8)}
    real = open_session(load_bundle(MODEL))
    patches = Patches()
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as folder, listener(Path(folder), every) as path:
        alone, beneath, attachable = (stopwatch_class() for _ in range(3))
        sessions = Sessions(Settings(MODEL, None, str(path)))
        calls.patch(patches, attachable, sessions, Bindings())
        plain, below, attached = alone(real), beneath(real), attachable(real)
        explicit = watch(below, MODEL, str(path))
        assert explicit.tap.wait_until_connected(10.0)
        kinds: tuple[tuple[Any, Callable[..., Any]], ...] = (
            (plain, plain.run), (below, explicit.run), (attached, attached.run),
        )  # fmt: skip
        taken: tuple[list[int], ...] = ([], [], [])
        for turn in range(WARM_UP + rounds):
            for place in range(len(kinds)):
                kind = (place + turn) % len(kinds)  # none always comes first
                watched, run = kinds[kind]
                start_ns = time.perf_counter_ns()
                run(None, feed)
                whole_ns = time.perf_counter_ns() - start_ns
                if turn >= WARM_UP:
                    taken[kind].append(whole_ns - watched.own_ns)
                time.sleep(PAUSE_S)
        counts = explicit.tap.counts
        assert counts.dropped == 0, counts
        assert counts.records == 2 * (WARM_UP + rounds), counts  # one tap has both
        sessions.stop()
        patches.undo()
        explicit.tap.close("the bench is over")
    rest, by_watch, by_attach = (statistics.median(times) for times in taken)
    return by_attach - rest, by_watch - rest


def rows(is_quick: bool) -> Iterator[Row]:
    """Attach against watch for each of CASES."""
    for name, every in CASES.items():
        attach_ns, watch_ns = costs(250 if is_quick else 3000, every)
        peer = f"watch() of the same model in the same run, {watch_ns:.0f} ns"
        yield Row(f"attach, {name}: added / watch", attach_ns / watch_ns, "ratio", REACH, peer=peer)
        yield Row(f"attach, {name}: added to session.run", attach_ns, "ns")


if __name__ == "__main__":
    for row in rows(is_quick=True):
        print(row)
