"""`watch`: a model session that does what it did before, and is seen by the monitor."""

import functools
import sys
import time
import weakref
from typing import Any, List, Optional, Sequence

from jidoka_tap import watched
from jidoka_tap.gate import Gate
from jidoka_tap.model_file import digest_of, source_of
from jidoka_tap.opening import release, tap_for
from jidoka_tap.sender import Tap
from jidoka_tap.verdict import Verdict
from jidoka_tap.ways import WAYS, Watch

#: what a session must have to be watched
NEEDED = ("run", "get_inputs", "get_outputs")


def watch(
    session: Any,
    model: str = "",
    socket: Optional[str] = None,
    *,
    sha256: str = "",
    gate: bool = False,
    deadline_s: float = 0.1,
    when_silent: str = "reject",
) -> "WatchedSession":
    """The session, watched: use the result in its place.

    session: an onnxruntime.InferenceSession or something with its run(), get_inputs() and get_outputs();
    model: the model's id in the monitor's plan, or "": then it is found by its file; sha256: of that file in hexadecimal
    digits, for a session that doesn't tell what it was made of (onnxruntime's does: the file is read once more, here);
    socket: path of the monitor's tap socket (default: the environment's JIDOKA_TAP_SOCKET, else
    /run/jidoka/tap/tap.sock). The monitor may be away, come back or hang: the application doesn't notice, the log
    `jidoka_tap` tells. Sessions of the same model in one process share a connection: to the monitor they are one writer.

    gate: each call returns its outputs only after the monitor's verdict of its record, and raises Rejected if that is a
    reject. deadline_s: the most it waits for that; when_silent: what stands for a verdict that doesn't come, "reject"
    (Rejected is raised) or "pass" (said once in the log, counted as unjudged).

    Raises TypeError for what isn't a session, ValueError for a model, SHA-256, deadline or when_silent that can't be,
    RuntimeError for a session that is watched already.
    """
    if type(session) is WatchedSession:
        raise RuntimeError(
            "this session is already watched, by watch(): it is the result of it, use it as it is"
        )
    missing = [
        name for name in NEEDED if isinstance(session, type) or not callable(getattr(session, name, None))
    ]
    if missing:
        raise TypeError(
            "watch() needs a session with run(output_names, feed), get_inputs() and get_outputs() as "
            "onnxruntime.InferenceSession has them; %r has no %s(). Give it these, or use jidoka_tap.open_tap() and hand "
            "the outputs to its record_outputs()" % (session, "(), ".join(missing))
        )
    watched.claim(session, "watch()")
    try:
        inputs = [each.name for each in session.get_inputs()]
        outputs = [each.name for each in session.get_outputs()]
        digest = sha256 or digest_of(source_of(session))
        tap = tap_for(model, digest, socket, inputs, outputs, _runtime(session), gate)
        try:
            return WatchedSession(session, tap, Gate(tap, deadline_s, when_silent) if gate else None)
        except ValueError:
            release(tap, gate)
            raise
    except BaseException:
        watched.release(session)
        raise


class WatchedSession:
    """A session whose calls the monitor sees. Every other attribute is the session's own.

    tap: the records' way to the monitor, with its `counts` and `image()`; verdict: of this thread's last call, where the
    session is a gate.
    """

    __slots__ = ("__weakref__", "_jidoka_gate", "_jidoka_record", "_jidoka_session", "_jidoka_tap")

    def __init__(self, session: Any, tap: Tap, gate: Optional[Gate]) -> None:
        object.__setattr__(self, "_jidoka_session", session)
        object.__setattr__(self, "_jidoka_tap", tap)
        object.__setattr__(self, "_jidoka_gate", gate)
        object.__setattr__(self, "_jidoka_record", tap.record if gate is None else gate.record)
        weakref.finalize(self, _end, session, tap, gate is not None)

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
        """What the session's run() returns or raises, unchanged; as a gate, raises Rejected too.

        part: number of the part that the input shows, position: which of several looks at it, recipe: what is
        being made; 0 = unknown. part below 2**64, the others below 2**16. The other ways to run a session take them too.
        """
        start_ns = time.monotonic_ns()
        outputs = self._jidoka_session.run(output_names, input_feed, run_options)
        end_ns = time.monotonic_ns()
        self._jidoka_record(start_ns, end_ns, part, position, recipe, output_names, outputs, input_feed)
        return outputs

    @property
    def tap(self) -> Tap:
        """The records' way to the monitor."""
        tap: Tap = self._jidoka_tap
        return tap

    @property
    def verdict(self) -> Optional[Verdict]:
        """The verdict of this thread's last call; None before the first, and where the session is no gate."""
        gate: Optional[Gate] = self._jidoka_gate
        return None if gate is None else gate.verdict

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # isinstance(watched, InferenceSession) holds, as an application may ask
        return type(self._jidoka_session)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_jidoka_"):  # not set yet: a copy in the making
            raise AttributeError(name)
        value = getattr(self._jidoka_session, name)
        way = WAYS.get(name)
        if way is None:
            return value
        own = Watch(self, self._jidoka_tap, self._jidoka_gate is not None, self._jidoka_record)
        return functools.partial(way, own, value)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._jidoka_session, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._jidoka_session, name)

    def __dir__(self) -> List[str]:
        return sorted(set(dir(self._jidoka_session)) | {"tap", "verdict"})

    def __repr__(self) -> str:
        return "<%r watched as %r>" % (self._jidoka_session, self._jidoka_tap.name)


def _runtime(session: Any) -> str:
    """What runs the session, with its version and, where it tells, its provider; for people and the inventory."""
    module = sys.modules.get(type(session).__module__.partition(".")[0])
    try:
        on = "on %s" % session.get_providers()[0]
    except Exception:  # noqa: BLE001 - somebody else's object: whatever it does, the application goes on
        on = ""
    return ("%s %s %s" % (getattr(module, "__name__", "?"), getattr(module, "__version__", ""), on)).strip()


def _end(session: Any, tap: Tap, is_gated: bool) -> None:
    """A watched session is gone, or the interpreter ends."""
    watched.release(session)
    release(tap, is_gated)
