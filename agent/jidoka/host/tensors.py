"""From a picture to what a model's input wants: size, colour, layout, element type and range of the manifest."""

from __future__ import annotations

from typing import Any

import numpy as np
from jidoka_bridge.errors import InputError, ModelError
from numpy.typing import NDArray
from PIL import Image

from jidoka.config.manifest import Bundle, Input

CHANNELS = {"grey": 1, "RGB": 3, "BGR": 3}
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes for 16 bits a pixel
BYTE_RANGE = (0.0, 255.0)


class Shape:
    """The one input of a bundle, understood as a picture.

    Raises ModelError for a bundle that a picture can't be made for: several inputs, no layout or colour, a free
    height or width, a range that is missing.
    """

    def __init__(self, bundle: Bundle) -> None:
        if len(bundle.inputs) != 1:
            raise _unfit(bundle, f"has {len(bundle.inputs)} inputs")
        (stated,) = bundle.inputs
        self.name = stated.name
        if stated.layout is None or stated.colour is None or len(stated.shape) != 4:
            raise _unfit(bundle, f"says no layout and colour of four axes for {stated.name!r}")
        self.is_channels_last = stated.layout == "NHWC"
        self.colour = stated.colour
        _, *sizes = stated.shape
        channels, height, width = (sizes[2], sizes[0], sizes[1]) if self.is_channels_last else sizes
        if not isinstance(height, int) or not isinstance(width, int):
            raise _unfit(bundle, f"leaves height or width of {stated.name!r} free")
        if channels != CHANNELS[stated.colour]:
            raise _unfit(
                bundle,
                f"gives {stated.name!r} {channels} channels, {stated.colour} has {CHANNELS[stated.colour]}",
            )
        self.height, self.width = height, width
        self.dtype = np.dtype(stated.dtype)
        self.low, self.high = _range_of(bundle, stated, self.dtype)

    def tensor(self, picture: Image.Image | NDArray[np.uint8]) -> NDArray[Any]:
        """A batch of one from a picture, a Pillow image or (height, width) uint8 grey; its aspect isn't kept.

        Raises InputError for pixels that are no grey levels or colours.
        """
        pixels: NDArray[Any] = (
            picture if isinstance(picture, np.ndarray) and self._takes(picture) else self._drawn(picture)
        )
        planes: NDArray[Any] = pixels.reshape(self.height, self.width, -1)
        if self.colour == "BGR":
            planes = planes[..., ::-1]
        if not self.is_channels_last:
            planes = planes.transpose(2, 0, 1)
        if (self.low, self.high) != BYTE_RANGE or self.dtype != np.uint8:
            scaled = planes.astype(np.float64) * ((self.high - self.low) / 255.0) + self.low
            planes = scaled if self.dtype.kind == "f" else np.rint(scaled)
        return np.ascontiguousarray(planes[None], self.dtype)

    def _takes(self, pixels: NDArray[np.uint8]) -> bool:
        return self.colour == "grey" and pixels.shape == (self.height, self.width)

    def _drawn(self, picture: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        if image.mode in DEEP_MODES:
            image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
        elif image.mode == "F":
            raise InputError(
                "its pixels are fractions without a known range", "Save it with 8 or 16 bits a pixel."
            )
        image = image.convert("L" if self.colour == "grey" else "RGB")
        if image.size != (self.width, self.height):
            image = image.resize((self.width, self.height), Image.Resampling.BILINEAR)
        return np.asarray(image, np.uint8)


def _range_of(bundle: Bundle, stated: Input, dtype: np.dtype[Any]) -> tuple[float, float]:
    if stated.range is not None:
        return stated.range
    if dtype == np.uint8:
        return BYTE_RANGE
    raise _unfit(bundle, f"gives no range for {stated.name!r}, which is {dtype}")


def _unfit(bundle: Bundle, why: str) -> ModelError:
    return ModelError(
        f"{bundle.folder}: the manifest {why}: no picture can be made for it.",
        "The host runs models with one picture as input; run others in an application that is watched by the tap.",
    )
