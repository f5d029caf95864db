"""What the streams and gates have seen so far, kept over a restart: one file each, of no use to another baseline.

Format 1: `JDKSTRM1`, u32 length of the header, header (JSON), arrays one after the other, SHA-256 of all before.
Little-endian. Restored are the statistics, the history for the onset, and what was found to be on. What was found to be
off is judged anew: nobody knows what happened in between. A gate's file is `JDKGATE1` and the like without arrays: the level
that it adapted to, and its counts.
"""

from __future__ import annotations

import hashlib
import json
import logging
import struct
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.messages import Judgement
from jidoka_bridge.plan import Plan

from jidoka.monitor.baseline import Key
from jidoka.monitor.core import Monitor
from jidoka.monitor.drift import Stream
from jidoka.monitor.gates import Gate
from jidoka.monitor.models import ModelState

LOG = logging.getLogger("monitor")

MAGIC, GATE_MAGIC = b"JDKSTRM1", b"JDKGATE1"
LENGTH = struct.Struct("<I")


def path_of(plan: Plan, model: str, key: Key) -> Path:
    """Where one stream's file lies."""
    return Path(plan.state_dir) / "streams" / model / f"recipe-{key[0]}.position-{key[1]}.stream"


def gate_path_of(plan: Plan, model: str, key: Key) -> Path:
    """Where the file of one gate lies."""
    return path_of(plan, model, key).with_suffix(".gate")


def encode(stream: Stream, names: dict[int, str]) -> list[bytes]:
    """The file's bytes without its digest, in pieces. names: condition index -> id."""
    arrays = stream.arrays()
    watches = {
        names[i]: {
            "records": watch.detector.records,
            "statistic": watch.detector.statistic,
            "is_on": watch.judgement is Judgement.ON,
            "evidence": watch.evidence,
        }
        for i, watch in stream.watches.items()
    }
    header = {
        "baseline": stream.baseline.digest,
        "bets": stream.digest,
        "total": stream.history.total,
        "last_part": stream.history.last_part,
        "arrays": {name: [array.dtype.str, *array.shape] for name, array in arrays.items()},
        "watches": watches,
    }
    return [*_head(MAGIC, header), *(array.tobytes() for array in arrays.values())]


def encode_gate(gate: Gate) -> list[bytes]:
    """The bytes of a gate's file without its digest, in pieces."""
    return _head(GATE_MAGIC, gate.state())


def _head(magic: bytes, header: Mapping[str, Any]) -> list[bytes]:
    text = json.dumps(header, sort_keys=True).encode()
    return [magic, LENGTH.pack(len(text)), text]


def restore(stream: Stream, names: dict[int, str], data: bytes, now_ns: int) -> None:
    """Let a stream go on where the file left it. Raises ValueError if the file isn't whole or of another baseline."""
    header, body = _parse(data, MAGIC)
    if header["baseline"] != stream.baseline.digest:
        raise ValueError("it belongs to another baseline")
    arrays = stream.arrays()
    shapes = {name: [array.dtype.str, *array.shape] for name, array in arrays.items()}
    if header["bets"] != stream.digest or header["arrays"] != shapes:
        raise ValueError("the bets are others than when it was written: another program or configuration")
    kept = [header["watches"][names[i]] for i in stream.watches]
    for array in arrays.values():
        array[...] = np.frombuffer(body[: array.nbytes], array.dtype).reshape(array.shape)
        body = body[array.nbytes :]
    stream.history.total, stream.history.last_part = int(header["total"]), int(header["last_part"])
    for watch, each in zip(stream.watches.values(), kept, strict=True):
        watch.detector.records, watch.detector.statistic = int(each["records"]), float(each["statistic"])
        if each["is_on"]:
            # by the clock of this start: the one of before may have been another boot's
            watch.judgement, watch.judged_ns = Judgement.ON, now_ns
            watch.evidence = dict(each["evidence"])


def restore_gate(gate: Gate, data: bytes) -> None:
    """Let a gate go on where the file left it. Raises ValueError, or BaselineError if it is of another baseline or rate."""
    header, _ = _parse(data, GATE_MAGIC)
    gate.restore(header)


def _parse(data: bytes, magic: bytes) -> tuple[dict[str, Any], bytes]:
    if data[: len(magic)] != magic:
        raise ValueError("it isn't one (cut off, another file, or another program's)")
    if len(data) < 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise ValueError("its digest doesn't match: it was cut or changed")
    (length,) = LENGTH.unpack_from(data, len(magic))
    start = len(magic) + LENGTH.size
    return json.loads(data[start : start + length]), data[start + length : -32]


def restore_all(monitor: Monitor, now_ns: int) -> list[str]:
    """Restore every stream of which a file is there; returns what was refused, in sentences for people."""
    refused = []
    names = {condition.index: condition.id for condition in monitor.conditions}
    for model, state in monitor.models.items():
        for key, stream in state.streams.items():
            path = path_of(monitor.plan, model, key)
            try:
                restore(stream, names, path.read_bytes(), now_ns)
            except FileNotFoundError:
                continue
            except (OSError, ValueError, KeyError, TypeError) as error:
                refused.append(f"{path}: isn't used, the stream begins afresh: {error}")
                continue
            state.current[key] = stream
        for key, gate in _gates_of(state).items():
            path = gate_path_of(monitor.plan, model, key)
            try:
                restore_gate(gate, path.read_bytes())
            except FileNotFoundError:
                continue
            except BaselineError as error:
                refused.append(f"{path}: isn't used, the gate begins at the agreed rate: {error.what}")
            except (OSError, ValueError, KeyError, TypeError) as error:
                refused.append(f"{path}: isn't used, the gate begins at the agreed rate: {error}")
    return refused


def _gates_of(state: ModelState) -> Mapping[Key, Gate]:
    return state.gates.gates if state.gates is not None else {}


def snapshot(monitor: Monitor) -> list[tuple[Path, list[bytes]]]:
    """Path and content of every stream that has seen a record, and of every gate that has judged one."""
    names = {condition.index: condition.id for condition in monitor.conditions}
    streams = [
        (path_of(monitor.plan, model, key), encode(stream, names))
        for model, state in monitor.models.items()
        for key, stream in state.current.items()
    ]
    gates = [
        (gate_path_of(monitor.plan, model, key), encode_gate(gate))
        for model, state in monitor.models.items()
        for key, gate in _gates_of(state).items()
        if gate.judged
    ]
    return [*streams, *gates]


def write(taken: Iterable[tuple[Path, list[bytes]]]) -> None:
    """Write each file as a whole or not at all; what can't be written is said and left."""
    for path, pieces in taken:
        body = b"".join(pieces)
        part = path.with_suffix(f"{path.suffix}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            part.write_bytes(body + hashlib.sha256(body).digest())
            part.replace(path)
        except OSError as error:
            LOG.warning("%s: what was seen can't be kept over a restart: %s", path, error.strerror)


class Saver:
    """Writes snapshots on a thread of its own: the loop only copies some 100 kB a stream."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def save(self, monitor: Monitor) -> None:
        """Take a snapshot and begin to write it; nothing if the last one is still being written."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=write, args=(snapshot(monitor),), daemon=True)
            self._thread.start()

    def finish(self, monitor: Monitor) -> None:
        """At a planned stop: wait for what is being written, then write what there is now."""
        if self._thread is not None:
            self._thread.join()
        write(snapshot(monitor))
