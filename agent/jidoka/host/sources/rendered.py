"""The built-in renderer's line as a source: parts without end."""

from __future__ import annotations

from jidoka.host.camera import CameraFile
from jidoka.host.renderer import Line
from jidoka.host.sources.sample import Sample, Source


class RenderedParts(Source):
    """Parts of the built-in renderer as they come down its line; the same seed makes the same parts."""

    text = "renderer"

    def __init__(self, seed: int, camera: CameraFile) -> None:
        self._line = Line(seed)
        self._camera = camera

    def take(self, now_ns: int = 0) -> Sample:
        del now_ns
        place = self._line.parts_made
        image, truth = self._line.part(self._camera.current())
        return Sample(f"rendered part {place}", place, picture=image, truth=truth)
