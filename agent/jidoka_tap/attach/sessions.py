"""The attached sessions of this process: which model each runs, and the tap that it has since its first call."""

import contextlib
import logging
import socket
import sys
import threading
import weakref
from typing import Any, Dict, Optional, Set

from jidoka_tap import watched
from jidoka_tap.attach.finder import RUNTIME
from jidoka_tap.attach.models import Models, Named
from jidoka_tap.attach.settings import Settings
from jidoka_tap.model_file import source_of
from jidoka_tap.opening import release, tap_for
from jidoka_tap.sender import Tap
from jidoka_tap.ways import Watch

log = logging.getLogger("jidoka_tap")
BY = "jidoka attach"


class Sessions:
    """All of them, by id().

    begun: of each session that was called, its watch, or None if it is left alone. Nothing here raises but for
    the application's own mistakes: what fails is said once, and the session runs as without.
    """

    def __init__(self, settings: Settings) -> None:
        self.begun: Dict[int, Optional[Watch]] = {}
        self._socket = settings.socket
        self._models = Models(settings)
        self._named: Dict[int, Named] = {}
        self._ends: Dict[int, Any] = {}
        self._waiting: Set[int] = set()  # left alone while the only model's session lives
        self._beginning: Set[int] = set()
        self._said: Set[str] = set()
        self._is_on = True
        self.after_fork()

    def after_fork(self) -> None:
        """In the child: another thread of the parent may have held the lock."""
        self._lock = threading.RLock()
        self._beginning.clear()

    def made(self, session: Any, source: Any) -> None:
        """A session was made from `source`: its path or its bytes."""
        try:
            if self._is_on:
                if watched.watched_by(session) == BY:  # __init__ once more, on the same object
                    watched.release(session)
                self._end(id(session))
                self._name(id(session), session, source)
        except Exception as error:  # noqa: BLE001 - whatever it is, the application has its session
            self.say("a session can't be attached: %s: %s" % (type(error).__name__, error))

    def begin(self, session: Any) -> Optional[Watch]:
        """The watch of a session that is called for the first time; None if it is left alone."""
        if not self._is_on:
            return None
        key = id(session)
        with self._lock:
            if key in self.begun:
                return self.begun[key]
            if key in self._beginning:  # a class of the application's that runs itself to tell its inputs
                return None
            self._beginning.add(key)
            try:
                self.begun[key] = self._watch(key, session)
                if self.begun[key] is not None and watched.watched_by(session) != BY:
                    self._let_go(key)  # watch() took it meanwhile, in another thread
            except Exception as error:  # noqa: BLE001 - whatever it is, the application gets its outputs
                self.begun[key] = None
                self.say("a session can't be attached: %s: %s" % (type(error).__name__, error))
            finally:
                self._beginning.discard(key)
            return self.begun[key]

    def say(self, text: str) -> None:
        """A warning, once."""
        if text not in self._said:
            self._said.add(text)
            log.warning("attach: %s", text)

    def stop(self) -> None:
        """End every tap; nothing is attached any more."""
        self._is_on = False
        for key, end in list(self._ends.items()):
            alive = end.peek()
            if alive is not None and watched.watched_by(alive[0]) == BY:
                watched.release(alive[0])
            self._end(key)

    def _name(self, key: int, session: Any, source: Any) -> Named:
        named = self._named[key] = self._models.name(key, source)
        self._ends[key] = weakref.finalize(session, self._end, key)
        if named.why_not:
            self.say(named.why_not)
            if self._models.holders:
                self._waiting.add(key)
        return named

    def _watch(self, key: int, session: Any) -> Optional[Watch]:
        if watched.watched_by(session):
            return None  # by watch(), which is more than this
        named = self._named.get(key)
        if named is None:  # made before we were here, or by another way than the class's own
            named = self._name(key, session, source_of(session))
        if named.why_not:
            return None
        inputs = [each.name for each in session.get_inputs()]
        outputs = [each.name for each in session.get_outputs()]
        runtime = "%s %s" % (RUNTIME, getattr(sys.modules.get(RUNTIME), "__version__", "?"))
        tap = tap_for(named.model, named.sha256, self._socket, inputs, outputs, runtime, False)
        try:
            watched.claim(session, BY, lambda: self._let_go(key))
        except RuntimeError:  # watch() was quicker, in another thread
            release(tap, False)
            return None
        return Watch(None, tap, False, tap.record)

    def _let_go(self, key: int) -> None:
        """watch() takes the session over: it says more, as it knows the part, and may be a gate."""
        watch, self.begun[key] = self.begun.get(key), None
        if watch is not None:
            _end_tap(watch.tap)

    def _end(self, key: int) -> None:
        """A session is gone. No lock: it may be collected at any moment, in any thread."""
        self._named.pop(key, None)
        end = self._ends.pop(key, None)
        if end is not None:
            end.detach()
        self._waiting.discard(key)
        watch = self.begun.pop(key, None)
        if watch is not None:
            release(watch.tap, False)
        if key in self._models.holders:
            self._models.holders.discard(key)
            if not self._models.holders:
                for other in list(self._waiting):  # one of them may be the model that takes the place
                    self._waiting.discard(other)
                    self.begun.pop(other, None)
                    self._named.pop(other, None)


def _end_tap(tap: Tap) -> None:
    """Release a tap for another of the same model: its connection ends before this returns, welcome or not."""
    sock = tap.link.sock
    release(tap, False)
    if sock is not None and tap.is_closed:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
