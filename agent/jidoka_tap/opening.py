"""The taps of this process, shared by what runs the same model, and `open_tap` for programs without a session."""

import os
import threading
import time
import weakref
from typing import Any, Dict, Optional, Sequence

from jidoka_tap.counts import Counts
from jidoka_tap.gate import Gate
from jidoka_tap.pulse import start_thread
from jidoka_tap.sender import Tap
from jidoka_tap.verdict import Verdict

DEFAULT_SOCKET = "/run/jidoka/tap/tap.sock"

_taps: "weakref.WeakSet[Tap]" = weakref.WeakSet()
_taps_lock = threading.RLock()  # re-entrant: a session may be collected, and so released, at any moment


def tap_for(
    model: str,
    sha256: str,
    socket: Optional[str],
    inputs: Sequence[str],
    outputs: Sequence[str],
    runtime: str,
    is_gated: bool,
) -> Tap:
    """The tap of this model in this process, started; each use of it ends with `release`.

    Raises ValueError if neither the model's id nor its file's SHA-256 is given, or that isn't one.
    """
    if not model and not sha256:
        raise ValueError(
            "which model is it? Give its id in the monitor's plan, or sha256= of its file in hexadecimal digits"
        )
    sha256 = sha256.lower()
    if sha256 and (len(sha256) != 64 or set(sha256) - set("0123456789abcdef")):
        raise ValueError("sha256=%r isn't a SHA-256 in 64 hexadecimal digits" % sha256)
    path = socket or os.environ.get("JIDOKA_TAP_SOCKET") or DEFAULT_SOCKET
    wanted = (model, sha256, path, list(inputs), list(outputs))
    with _taps_lock:
        for tap in _taps:
            if not tap.is_closed and (tap.model, tap.sha256, tap.path, tap.inputs, tap.outputs) == wanted:
                break
        else:
            tap = Tap(model, path, inputs, outputs, lambda tap: start_thread(tap, runtime), sha256)
            _taps.add(tap)
        tap.users += 1
        tap.gates += is_gated
    tap.begin()
    return tap


def release(tap: Tap, is_gated: bool) -> None:
    """One use of a tap is over, or the interpreter ends: the last one says goodbye."""
    with _taps_lock:
        tap.users -= 1
        tap.gates -= is_gated
        is_last = tap.users == 0
    if is_last:
        tap.close("the application has ended or closed the model")


def open_tap(
    model: str,
    outputs: Sequence[str],
    inputs: Sequence[str] = (),
    socket: Optional[str] = None,
    *,
    sha256: str = "",
    runtime: str = "",
    gate: bool = False,
    deadline_s: float = 0.1,
    when_silent: str = "reject",
) -> "OpenTap":
    """A tap for a program that runs its model without an onnxruntime session.

    model: the model's id in the monitor's plan; outputs, inputs: all names, as the manifest has them; runtime: what
    runs it, for people; socket, sha256 and the gate as in `jidoka_tap.watch`.
    """
    tap = tap_for(model, sha256, socket, inputs, outputs, runtime, gate)
    try:
        return OpenTap(tap, Gate(tap, deadline_s, when_silent) if gate else None)
    except ValueError:
        release(tap, gate)
        raise


class OpenTap:
    """Records of one model, made by hand. Closed by `close`, as a context manager, or when it is collected."""

    def __init__(self, tap: Tap, gate: Optional[Gate]) -> None:
        self.tap = tap
        self._gate = gate
        self._close = weakref.finalize(self, release, tap, gate is not None)

    def record_outputs(
        self,
        outputs: Dict[str, Any],
        inputs: Optional[Dict[str, Any]] = None,
        *,
        part: int = 0,
        position: int = 0,
        recipe: int = 0,
        start_ns: Optional[int] = None,
        end_ns: Optional[int] = None,
    ) -> Optional[Verdict]:
        """One inference: arrays by name; start and end are CLOCK_MONOTONIC, by default both are now.

        Returns the verdict where the tap is a gate, else None at once. Raises Rejected, only as a gate.
        """
        end = time.monotonic_ns() if end_ns is None else end_ns
        start = end if start_ns is None else start_ns
        names, values, gate = list(outputs), list(outputs.values()), self._gate
        if gate is None:
            self.tap.record(start, end, part, position, recipe, names, values, inputs or {})
            return None
        answer = gate.record(start, end, part, position, recipe, names, values, inputs or {})
        return gate.verdict if answer is None else gate.in_words(answer)

    def image(self, part: int, array: Any) -> None:
        """A small picture for the next record of this part, see `Tap.image`."""
        self.tap.image(part, array)

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return self.tap.counts

    def close(self) -> None:
        """Say goodbye, unless something else in this process uses the same model's tap."""
        self._close()

    def __enter__(self) -> "OpenTap":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _after_fork_in_child() -> None:
    """The child has a connection of its own, once it runs the model; the parent's stays with the parent."""
    global _taps_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _taps_lock = threading.RLock()
    for tap in list(_taps):
        if tap.link.sock is not None:
            tap.link.sock.close()
        tap.begin_afresh()


os.register_at_fork(after_in_child=_after_fork_in_child)
