"""`watch`: a model session that does what it did before, and is seen by the monitor."""

import os
import sys
import threading
import time
import weakref
from typing import Any, List, Optional, Sequence

from jidoka_tap.pulse import start_thread
from jidoka_tap.sender import Tap

DEFAULT_SOCKET = "/run/jidoka/tap/tap.sock"
#: ways of running a session that make no records; they work as ever, are named in the log and counted
UNWATCHED = frozenset(("run_async", "run_with_iobinding", "run_with_ort_values", "run_with_ortvaluevector"))

_taps: "weakref.WeakSet[Tap]" = weakref.WeakSet()
_taps_lock = threading.RLock()  # re-entrant: a session may be collected, and so released, at any moment


def watch(session: Any, model: str, socket: Optional[str] = None) -> "WatchedSession":
    """The session, watched: use the result in its place.

    session: an onnxruntime.InferenceSession or something with its run(), get_inputs() and get_outputs();
    model: the model's id in the monitor's plan; socket: path of the monitor's tap socket (default: the
    environment's JIDOKA_TAP_SOCKET, else /run/jidoka/tap/tap.sock).
    The monitor may be away, come back or hang: the application doesn't notice, the log `jidoka_tap` tells.
    Sessions of the same model in one process share a connection: to the monitor they are one writer.
    """
    path = socket or os.environ.get("JIDOKA_TAP_SOCKET") or DEFAULT_SOCKET
    return WatchedSession(session, _tap_for(session, model, path))


class WatchedSession:
    """A session whose calls of run() the monitor sees. Every other attribute is the session's own.

    tap: the records' way to the monitor, with its `counts`.
    """

    __slots__ = ("__weakref__", "_jidoka_session", "_jidoka_tap")

    def __init__(self, session: Any, tap: Tap) -> None:
        object.__setattr__(self, "_jidoka_session", session)
        object.__setattr__(self, "_jidoka_tap", tap)
        weakref.finalize(self, _release, tap)

    def run(
        self,
        output_names: Optional[Sequence[str]],
        input_feed: Any,
        run_options: Any = None,
        *,
        part: int = 0,
        position: int = 0,
        recipe: int = 0,
    ) -> Any:
        """What the session's run() returns or raises, unchanged.

        part: number of the part that the input shows, position: which of several looks at it, recipe: what is
        being made; 0 = unknown. part below 2**64, the others below 2**16.
        """
        start_ns = time.monotonic_ns()
        outputs = self._jidoka_session.run(output_names, input_feed, run_options)
        end_ns = time.monotonic_ns()
        self._jidoka_tap.record(start_ns, end_ns, part, position, recipe, output_names, outputs, input_feed)
        return outputs

    @property
    def tap(self) -> Tap:
        """The records' way to the monitor."""
        tap: Tap = self._jidoka_tap
        return tap

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # isinstance(watched, InferenceSession) holds, as an application may ask
        return type(self._jidoka_session)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_jidoka_"):  # not set yet: a copy in the making
            raise AttributeError(name)
        value = getattr(self._jidoka_session, name)
        return self._jidoka_tap.unwatched(name, value) if name in UNWATCHED else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._jidoka_session, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._jidoka_session, name)

    def __dir__(self) -> List[str]:
        return sorted(set(dir(self._jidoka_session)) | {"tap"})

    def __repr__(self) -> str:
        return "<%r watched as %r>" % (self._jidoka_session, self._jidoka_tap.model)


def _tap_for(session: Any, model: str, path: str) -> Tap:
    """The tap of this model in this process, started."""
    inputs = [each.name for each in session.get_inputs()]
    outputs = [each.name for each in session.get_outputs()]
    module = sys.modules.get(type(session).__module__.partition(".")[0])
    runtime = ("%s %s" % (getattr(module, "__name__", "?"), getattr(module, "__version__", ""))).strip()
    wanted = (model, path, inputs, outputs)
    with _taps_lock:
        for tap in _taps:
            if not tap.is_closed and (tap.model, tap.path, tap.inputs, tap.outputs) == wanted:
                break
        else:
            tap = Tap(model, path, inputs, outputs, lambda tap: start_thread(tap, runtime))
            _taps.add(tap)
        tap.users += 1
    tap.begin()
    return tap


def _release(tap: Tap) -> None:
    """A watched session is gone, or the interpreter ends: the last one says goodbye."""
    with _taps_lock:
        tap.users -= 1
        is_last = tap.users == 0
    if is_last:
        tap.close("the application has ended or closed the model")


def _after_fork_in_child() -> None:
    """The child has a connection of its own, once it runs the model; the parent's stays with the parent."""
    global _taps_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _taps_lock = threading.RLock()
    for tap in list(_taps):
        if tap.link.sock is not None:
            tap.link.sock.close()
        tap.begin_afresh()


os.register_at_fork(after_in_child=_after_fork_in_child)
