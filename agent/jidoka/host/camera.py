"""The renderer's camera as a JSON file that somebody may change while the host runs."""

from __future__ import annotations

import difflib
import json
import logging
from dataclasses import fields
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError

from jidoka.host.renderer import COMMISSIONED, KNOB_RANGES, Camera

log = logging.getLogger(__name__)

NAMES = tuple(field.name for field in fields(Camera))


def read_camera(path: Path) -> Camera:
    """The camera in a JSON file such as {"gain": 0.8}; knobs that are left out are as commissioned.

    Raises ConfigurationError: the file can't be read, isn't such an object, or a knob is unknown or out of range.
    """
    example = 'Write knobs of the renderer, such as {"gain": 0.8}.'
    try:
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path}: can't be read: {error.strerror}", example) from None
    except (ValueError, RecursionError) as error:
        place = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ConfigurationError(f"{path}: isn't JSON{place}", example) from None
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path}: isn't a JSON object", example)
    for name in value:
        if name not in KNOB_RANGES:
            near = difflib.get_close_matches(name, NAMES, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(NAMES)}."
            raise ConfigurationError(f"{path}: {name!r} is no knob of the camera.", hint)
    try:
        return Camera(**value)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error.what}", error.remedy) from None


class CameraFile:
    """The camera as it is now. A missing file is the commissioned camera; a faulty one is said in the log and the
    camera stays as it was, except at the start, where it raises ConfigurationError."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = self._stamp()
        self._camera = COMMISSIONED if path is None or self._seen is None else read_camera(path)

    def current(self) -> Camera:
        """Read again if the file was replaced or written since the last time."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._camera = (
                    COMMISSIONED if self._path is None or stamp is None else read_camera(self._path)
                )
            except ConfigurationError as error:
                log.warning("%s The camera stays as it was.", error.what)
        return self._camera

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat() if self._path else None
        except OSError:
            return None
        return None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size)
