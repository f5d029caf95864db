"""Features of the picture that a model sees, or of the thumbnail that its application hands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from jidoka.monitor.features.views import frames
from jidoka.monitor.kernels.frame import FRAME_FEATURES, frame_features

#: layout -> axes that make (N, H, W, C) of it; None = an axis of length 1
AXES: dict[str, tuple[int | None, ...]] = {
    "NCHW": (0, 2, 3, 1),
    "NHWC": (0, 1, 2, 3),
    "CHW": (None, 1, 2, 0),
    "HWC": (None, 0, 1, 2),
    "NHW": (0, 1, 2, None),
    "HW": (None, 0, 1, None),
}


def is_picture(spec: Mapping[str, Any]) -> bool:
    """True if this input is a picture that is monitored."""
    return bool(spec.get("monitored")) and spec.get("layout") in AXES


class Picture:
    """Brightness, contrast, sharpness and noise. spec: the entry of the model's picture; {}: thumbnails only."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.names = FRAME_FEATURES
        self.groups = {"input": FRAME_FEATURES}
        self.confidence = ""
        self._axes = AXES[spec.get("layout") or "NHWC"]
        self._is_bgr = str(spec.get("colour") or "").lower() == "bgr"
        low, high = spec.get("range") or (0.0, 255.0)
        self._scale = 255.0 / (float(high) - float(low))
        self._offset = -float(low) * self._scale

    def read(self, array: NDArray[Any], values: NDArray[Any], at: int) -> int:
        """Fill values[at:at + 4]; returns how many pixels aren't finite. An array of another rank gives nothing."""
        view = frames(array, self._axes, self._is_bgr)
        if view is None:
            return 0
        return int(frame_features(view, self._scale, self._offset, values[at : at + 4]))

    @staticmethod
    def read_thumbnail(array: NDArray[Any], values: NDArray[Any], at: int) -> None:
        """As `read`, of a picture (H, W) or (H, W, 3) uint8, grey or red, green, blue."""
        view = frames(array, AXES["HW" if array.ndim == 2 else "HWC"], False)
        if view is not None:
            frame_features(view, 1.0, 0.0, values[at : at + 4])
