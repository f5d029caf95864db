"""The renderer's camera as a JSON file that somebody may change while the host runs."""

from __future__ import annotations

from pathlib import Path

from jidoka.host.knob_file import Kind, KnobFile
from jidoka.host.renderer import COMMISSIONED, KNOB_RANGES, Camera

CAMERA = Kind(COMMISSIONED, KNOB_RANGES, "camera", 'Write knobs of the renderer, such as {"gain": 0.8}.')


def read_camera(path: Path) -> Camera:
    """The camera in a JSON file such as {"gain": 0.8}; knobs that are left out are as commissioned.

    Raises ConfigurationError: the file can't be read, isn't such an object, or a knob is unknown or out of range.
    """
    return CAMERA.read(path)


class CameraFile(KnobFile[Camera]):
    """The camera as it is now."""

    def __init__(self, path: Path | None) -> None:
        super().__init__(CAMERA, path)
