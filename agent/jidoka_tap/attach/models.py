"""Which model a session runs: told by its file, or by being the application's only one."""

import os
from typing import Any, NamedTuple, Set

from jidoka_tap.attach.settings import Settings
from jidoka_tap.model_file import digest_of


class Named(NamedTuple):
    """model: its id in the plan, or "" with sha256: then the monitor finds it; sha256: of its file, "" = it can't be read.
    Neither: why_not says what to do."""

    model: str
    sha256: str
    why_not: str = ""


def called(source: Any) -> str:
    """What people call a session's model: its file."""
    if isinstance(source, (str, os.PathLike)):
        return "of %s" % os.fspath(source)
    return "of a model in memory" if source is not None else "of a model of unknown origin"


class Models:
    """What the settings say of sessions.

    holders: keys of the living sessions that are the application's only model, where it is told so; a session of
    another file beside them isn't.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._only = ""  # digest of the only model's file
        self.holders: Set[int] = set()

    def name(self, key: int, source: Any) -> Named:
        """The model of the session with this key, made from `source`: a path, bytes, None if not known."""
        model, models = self._settings.model, self._settings.models
        sha256 = digest_of(source)
        who = "the session %s (SHA-256 %s)" % (called(source), sha256 or "unknown: its file can't be read")
        if model:
            if self.holders and sha256 != self._only:
                why = "%s is left alone: --model %s is another session's, of another file" % (who, model)
                return Named("", "", why + ". Without --model each is found by its file")
            self.holders.add(key)
            self._only = sha256
            return Named(model, sha256)
        if not sha256:
            return Named(
                "", "", who + " is left alone. If it is the application's only model, say --model ID"
            )
        if models is None:
            return Named("", sha256)
        names = models.get(sha256, ())
        if len(names) == 1:
            return Named(names[0], sha256)
        if names:
            return Named(
                "", "", "%s is left alone: it is that of %s. Say --model ID" % (who, " and ".join(names))
            )
        known = ", ".join(name for each in models.values() for name in each) or "none"
        return Named(
            "",
            "",
            "%s is left alone: no model of the plan has this file (it has: %s). Add its bundle to the "
            "configuration, or say --model ID if it is one of them all the same" % (who, known),
        )
