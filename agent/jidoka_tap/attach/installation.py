"""Attaching and undoing it: one installation a process."""

import os
import sys
from typing import Mapping, Optional

from jidoka_tap.attach import calls, finder
from jidoka_tap.attach.bindings import Bindings
from jidoka_tap.attach.patches import Patches
from jidoka_tap.attach.sessions import Sessions
from jidoka_tap.attach.settings import SOCKET, Settings, read


class Installation:
    """What is attached in this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.patches = Patches()
        self.sessions = Sessions(settings)

    def patch(self) -> None:
        """onnxruntime is there."""
        runtime = sys.modules[finder.RUNTIME]
        cls = runtime.InferenceSession
        if not isinstance(cls, type):
            raise TypeError(
                "onnxruntime.InferenceSession isn't a class, somebody has replaced it: %r" % (cls,)
            )
        bindings = Bindings()
        bindings.patch(self.patches, runtime.IOBinding)
        calls.patch(self.patches, cls, self.sessions, bindings)

    def undo(self) -> None:
        self.patches.undo()
        self.sessions.stop()


_installed: Optional[Installation] = None


def install(model: str = "", socket: Optional[str] = None, *, children: bool = True) -> None:
    """Watch every onnxruntime session of this process from now on, as `jidoka attach` does from its start.

    model: id of the application's only model, "" = each is found by the SHA-256 of its file; socket: the monitor's;
    children: forked ones too. Raises RuntimeError where it is attached already.
    """
    _install(Settings(model, None, socket, children))


def install_as(variables: Mapping[str, str]) -> None:
    """What the start-up hook calls, with what it found in the environment."""
    socket = {SOCKET: os.environ[SOCKET]} if SOCKET in os.environ else {}
    _install(read({**socket, **variables}))


def undo() -> None:
    """Put every method back, end the taps, and start child processes as without; nothing happens if nothing is
    attached."""
    global _installed  # noqa: PLW0603 - one a process
    finder.stop_waiting()
    finder.strip(os.environ)
    if _installed is not None:
        _installed.undo()
        _installed = None


def _install(settings: Settings) -> None:
    global _installed  # noqa: PLW0603
    if _installed is not None:
        raise RuntimeError("this process is attached already: attach it once")
    installation = _installed = Installation(settings)
    try:
        finder.wait_for_runtime(installation.patch)
    except BaseException:
        undo()
        raise


def _after_fork_in_child() -> None:
    if _installed is not None:
        _installed.sessions.after_fork()
        if not _installed.settings.has_children:
            undo()


os.register_at_fork(after_in_child=_after_fork_in_child)
