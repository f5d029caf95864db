"""Features of the picture that a model sees, or of the thumbnail that its application hands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.features.views import Frames, frames
from jidoka.monitor.kernels.frame import frame_bytes
from jidoka.monitor.kernels.frame_floats import frame_floats
from jidoka.monitor.kernels.frame_found import (
    FINGERPRINT,
    FOUND,
    FRAME_FEATURES,
    GREY_FEATURES,
    HISTOGRAM,
    TONES,
)

#: layout -> axes that make (N, H, W, C) of it; None = an axis of length 1
AXES: dict[str, tuple[int | None, ...]] = {
    "NCHW": (0, 2, 3, 1),
    "NHWC": (0, 1, 2, 3),
    "CHW": (None, 1, 2, 0),
    "HWC": (None, 0, 1, 2),
    "NHW": (0, 1, 2, None),
    "HW": (None, 0, 1, None),
}
#: layouts whose channels lie one behind the other
PLANAR = frozenset({"NCHW", "CHW"})
#: is_planar, is_bgr, scale and offset of a thumbnail
THUMBNAIL = (False, False, 1.0, 0.0)


def is_picture(spec: Mapping[str, Any]) -> bool:
    """True if this input is a picture that is monitored."""
    return bool(spec.get("monitored")) and spec.get("layout") in AXES


def has_colour(spec: Mapping[str, Any]) -> bool:
    """True if the manifest says that this picture has three channels: their balance can drift."""
    return str(spec.get("colour") or "").lower() in {"rgb", "bgr"} and spec.get("layout") in AXES


class Picture:
    """What drifts of a picture, and what only informs. spec: the entry of the model's picture; {}: thumbnails only.

    found: (FOUND,) float64 of the last picture (kernels/frame.py says which place holds what); tones: (TONES,)
    float64, pixels' shares of all pictures since the start, added up, for histograms that people look at; repeats:
    how many pictures in a row, up to the last, are the same as the one before.
    """

    #: both, for thumbnails may come with any model, and an application may send as one what it likes
    kernels = (frame_bytes, frame_floats)

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self._is_colour = has_colour(spec)
        self.names = FRAME_FEATURES if self._is_colour else GREY_FEATURES
        self.groups = {"input": self.names}
        self.confidence = ""
        self.found = np.full(FOUND, np.nan)
        self.tones = np.zeros(TONES)
        self.pictures = 0
        self.repeats = 0
        self._size = len(self.names)
        self._last = np.nan
        layout = str(spec.get("layout") or "NHWC")
        self._axes = AXES[layout]
        low, high = spec.get("range") or (0.0, 255.0)
        scale = 255.0 / (float(high) - float(low))
        is_bgr = str(spec.get("colour") or "").lower() == "bgr"
        self._how = (layout in PLANAR, is_bgr, scale, -float(low) * scale)

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill the values of `names` from `at` on; returns how many pixels aren't finite.

        An array of another rank gives nothing.
        """
        found = frames(array, self._axes)
        if found is None:
            return 0
        return self._measure(found, self._how, values, at)

    def read_thumbnail(self, array: NDArray[Any], values: NDArray[Any], at: int) -> None:
        """As `read`, of a picture (H, W) or (H, W, 3) uint8, grey or red, green, blue."""
        found = frames(array, AXES["HW" if array.ndim == 2 else "HWC"])
        if found is not None:
            self._measure(found, THUMBNAIL, values, at)

    def _measure(
        self, of: Frames, how: tuple[bool, bool, float, float], values: NDArray[Any], at: int
    ) -> int:
        found = self.found
        kernel = frame_bytes if of.pixels.dtype == np.uint8 else frame_floats
        bad = int(kernel(*of, *how, found))
        values[at : at + self._size] = found[: self._size]
        if bad:
            self.repeats = 0
            self._last = np.nan
            return bad
        fingerprint = found[FINGERPRINT]
        self.repeats = self.repeats + 1 if fingerprint == self._last else 0
        self._last = fingerprint
        self.tones += found[HISTOGRAM:]
        self.pictures += 1
        return 0
