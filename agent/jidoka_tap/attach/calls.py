"""The methods that take the place of InferenceSession's: what they did, and a record of it."""

import inspect
import time
from typing import Any, Callable

from jidoka_tap import ways
from jidoka_tap.attach.bindings import Bindings
from jidoka_tap.attach.patches import Make, Patches
from jidoka_tap.attach.sessions import Sessions

_NEW = object()


def patch(patches: Patches, cls: type, sessions: Sessions, bindings: Bindings) -> None:
    """Watch every session of this class and of those that are made from it."""
    patches.replace(cls, "__init__", _making(sessions))
    patches.replace(cls, "run", _run(sessions))
    for name in ("run_with_ort_values", "run_async", "run_with_ortvaluevector"):
        patches.replace(cls, name, _other(sessions, ways.WAYS[name]))
    patches.replace(cls, "run_with_iobinding", _other(sessions, _readable(bindings)))


def _making(sessions: Sessions) -> Make:
    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 - it takes its place
            original(self, *arguments, **named)
            sessions.made(self, arguments[0] if arguments else named.get("path_or_bytes"))

        return __init__

    return make


def _run(sessions: Sessions) -> Make:
    begun, clock = sessions.begun, time.monotonic_ns

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        def run(self: Any, *arguments: Any, **named: Any) -> Any:
            watch: Any = begun.get(id(self), _NEW)
            if watch is _NEW:
                watch = sessions.begin(self)
            if watch is None:
                return original(self, *arguments, **named)
            start_ns = clock()
            outputs = original(self, *arguments, **named)
            end_ns = clock()
            if len(arguments) > 1:
                names, feed = arguments[:2]
            else:
                names = arguments[0] if arguments else named.get("output_names")
                feed = named.get("input_feed")
            watch.record(start_ns, end_ns, 0, 0, 0, names, outputs, feed)
            return outputs

        return run

    return make


class _Call:
    """The session's own method, and what became of it."""

    __slots__ = ("_original", "_session", "is_begun", "is_done", "result")

    def __init__(self, original: Callable[..., Any], session: Any) -> None:
        self._original, self._session = original, session
        self.is_begun = self.is_done = False
        self.result: Any = None

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.is_begun = True
        self.result = self._original(self._session, *arguments, **named)
        self.is_done = True
        return self.result


def _other(sessions: Sessions, way: Callable[..., Any]) -> Make:
    """As the tap's own way to run a session (jidoka_tap.ways); the record is by the way, whatever happens to it."""

    def make(original: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def method(self: Any, *arguments: Any, **named: Any) -> Any:
            watch: Any = sessions.begun.get(id(self), _NEW)
            if watch is _NEW:
                watch = sessions.begin(self)
            if watch is None or not _fits(signature, (self, *arguments), named):
                return original(self, *arguments, **named)
            call = _Call(original, self)
            try:
                return way(watch, call, *arguments, **named)
            except Exception as error:
                if call.is_begun and not call.is_done:
                    raise  # the session's own
                sessions.say("a call wasn't watched: %s: %s" % (type(error).__name__, error))
                return call.result if call.is_done else original(self, *arguments, **named)

        return method

    return make


def _fits(signature: inspect.Signature, arguments: Any, named: Any) -> bool:
    """False for arguments that the session's own method refuses: its words are better than ours."""
    try:
        signature.bind(*arguments, **named)
    except TypeError:
        return False
    return True


def _readable(bindings: Bindings) -> Callable[..., Any]:
    def run_with_iobinding(watch: Any, call: _Call, iobinding: Any, *arguments: Any, **named: Any) -> Any:
        readable = bindings.known(iobinding)
        return ways.run_with_iobinding(
            watch, call, iobinding if readable is None else readable, *arguments, **named
        )

    return run_with_iobinding
