"""Knobs of something in software as a JSON file that somebody may change while the host runs."""

from __future__ import annotations

import difflib
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from jidoka_bridge.errors import ConfigurationError

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of knobs. commissioned: all of them as commissioned; names: of those that there are; thing: what they
    belong to, for people; example: a remedy that shows how they are written."""

    commissioned: T
    names: Iterable[str]
    thing: str
    example: str

    def read(self, path: Path) -> T:
        """The knobs in a JSON object; those that are left out are as commissioned.

        Raises ConfigurationError: the file can't be read, isn't such an object, or a knob is unknown or out of range.
        """
        try:
            value = json.loads(path.read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{path}: can't be read: {error.strerror}", self.example) from None
        except (ValueError, RecursionError) as error:
            place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
            raise ConfigurationError(f"{path}: isn't JSON{place}", self.example) from None
        if not isinstance(value, dict):
            raise ConfigurationError(f"{path}: isn't a JSON object", self.example)
        for name in value:
            if name not in self.names:
                near = difflib.get_close_matches(name, self.names, 1)
                hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(self.names)}."
                raise ConfigurationError(f"{path}: {name!r} is no knob of the {self.thing}.", hint)
        try:
            return type(self.commissioned)(**value)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}: {error.what}", error.remedy) from None


class KnobFile(Generic[T]):
    """The knobs as they are now. A missing file is the thing as commissioned; a faulty one is said in the log and the
    knobs stay as they were, except at the start, where it raises ConfigurationError."""

    def __init__(self, kind: Kind[T], path: Path | None) -> None:
        self._kind, self._path = kind, path
        self._seen = self._stamp()
        self._knobs = self._read()

    def current(self) -> T:
        """Read again if the file was replaced or written since the last time."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._knobs = self._read()
            except ConfigurationError as error:
                log.warning("%s The %s stays as it was.", error.what, self._kind.thing)
        return self._knobs

    def _read(self) -> T:
        if self._path is None or self._seen is None:
            return self._kind.commissioned
        return self._kind.read(self._path)

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size)
