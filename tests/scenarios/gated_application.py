"""An application whose calls are gated, big enough for the arena: `python -m tests.scenarios.gated_application FOLDER SOCKET MODEL`.

A parent that only starts workers anew, as a service manager would, and a worker that calls its model in turn through a
gate that rejects in silence and one that passes. FOLDER/pid holds the worker's process id; while FOLDER/away exists
none is started. Each call is a row of FOLDER/calls, which outlives any kill.
"""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: a batch whose pictures don't fit into a message
BATCH = 8
DEADLINE_S = 0.25
PAUSE_S = 0.004
BREATH_S = 0.01

_ROW = struct.Struct("<QQQQBBB5x")
GATES = ("reject", "pass")


class Call(NamedTuple):
    """One gated call. begun_ns, ended_ns: CLOCK_MONOTONIC; late_ns: the most that a thread beside it woke up late
    since the call before; gate: index of GATES; is_refused: Rejected was raised; is_silent: no verdict came."""

    pid: int
    begun_ns: int
    ended_ns: int
    late_ns: int
    gate: int
    is_refused: bool
    is_silent: bool


def calls_in(folder: Path, since: int = 0) -> list[Call]:
    """The calls so far, without the first `since`; a row that is being written isn't there yet."""
    file = folder / "calls"
    data = file.read_bytes()[since * _ROW.size :] if file.exists() else b""
    whole = len(data) - len(data) % _ROW.size
    return [
        Call(pid, begun_ns, ended_ns, late_ns, gate, bool(is_refused), bool(is_silent))
        for pid, begun_ns, ended_ns, late_ns, gate, is_refused, is_silent in _ROW.iter_unpack(data[:whole])
    ]


def worker_of(folder: Path) -> int:
    """Process id of the present worker, 0 while there is none."""
    text = ""
    with contextlib.suppress(FileNotFoundError):
        text = (folder / "pid").read_text()
    return int(text) if text.isdigit() else 0


class Breath(threading.Thread):
    """Sleeps and notes by how much it woke up late: what the machine, not the gate, adds to a call."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.worst_ns = 0

    def run(self) -> None:
        while True:
            begun_ns = time.monotonic_ns()
            time.sleep(BREATH_S)
            self.worst_ns = max(self.worst_ns, time.monotonic_ns() - begun_ns - int(BREATH_S * 1e9))

    def take(self) -> int:
        worst_ns, self.worst_ns = self.worst_ns, 0
        return worst_ns


def work(folder: Path, socket: str, model: str) -> None:
    """Gated calls without end."""
    import numpy as np
    from jidoka_tap import Rejected, watch

    from tests.tap.conftest import open_session

    breath = Breath()
    breath.start()
    gates = [
        watch(open_session(), model, socket, gate=True, deadline_s=DEADLINE_S, when_silent=each)
        for each in GATES
    ]
    pictures = np.random.default_rng(1).integers(0, 256, (BATCH, 1, 96, 96), np.uint8)
    out = os.open(folder / "calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for gate in _turns():
        session, is_refused = gates[gate], False
        begun_ns = time.monotonic_ns()
        try:
            session.run(None, {"image": pictures})
        except Rejected:
            is_refused = True
        ended_ns = time.monotonic_ns()
        verdict = session.verdict
        is_silent = verdict is None or verdict.is_silent
        os.write(out, _ROW.pack(os.getpid(), begun_ns, ended_ns, breath.take(), gate, is_refused, is_silent))
        time.sleep(PAUSE_S)


def _turns() -> Iterator[int]:
    while True:
        yield from range(len(GATES))


def main() -> None:
    """Start workers until killed."""
    folder, socket, model = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    import numpy  # noqa: F401 - a fork has what its parent has loaded
    import onnxruntime  # noqa: F401
    from jidoka_bridge.notify import notify

    notify("READY=1")
    while True:
        if (folder / "away").exists():
            time.sleep(BREATH_S)
            continue
        worker = os.fork()
        if not worker:
            work(folder, socket, model)
        (folder / "pid.new").write_text(str(worker))
        (folder / "pid.new").replace(folder / "pid")
        os.waitpid(worker, 0)
        (folder / "pid").unlink()


if __name__ == "__main__":
    main()
