"""From a picture to what a model's input wants: size, colour, layout, element type and range of the manifest."""

from __future__ import annotations

from typing import Any

import numpy as np
from jidoka_bridge.errors import InputError, ModelError
from numpy.typing import NDArray
from PIL import Image

from jidoka.config.manifest import Bundle, Input
from jidoka.host.sources.sample import Pixels

CHANNELS = {"grey": 1, "RGB": 3, "BGR": 3}
DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N")  # Pillow's modes for 16 bits a pixel
BYTE_RANGE = (0.0, 255.0)


class PictureInput:
    """One input of a bundle, understood as a picture.

    size: (width, height) for sizes that the manifest leaves free; without it each picture keeps its own.
    Raises ModelError for an input that a picture can't be made for: no layout or colour, not four axes, a range that
    is missing, or a size against the manifest's.
    """

    def __init__(self, bundle: Bundle, stated: Input, size: tuple[int, int] | None = None) -> None:
        self.name = stated.name
        if stated.layout is None or stated.colour is None or len(stated.shape) != 4:
            raise _unfit(bundle, f"says no layout and colour of four axes for {stated.name!r}")
        self.is_channels_last = stated.layout == "NHWC"
        self.colour = stated.colour
        _, *sizes = stated.shape
        channels, height, width = (sizes[2], sizes[0], sizes[1]) if self.is_channels_last else sizes
        if isinstance(channels, int) and channels != CHANNELS[stated.colour]:
            raise _unfit(
                bundle,
                f"gives {stated.name!r} {channels} channels, {stated.colour} has {CHANNELS[stated.colour]}",
            )
        self.width = _one_size(bundle, "width", width, size and size[0])
        self.height = _one_size(bundle, "height", height, size and size[1])
        self.dtype = np.dtype(stated.dtype)
        self.low, self.high = _range_of(bundle, stated, self.dtype)

    def tensor(self, picture: Pixels) -> NDArray[Any]:
        """A batch of one from a Pillow image, (height, width) uint8 grey or (height, width, 3) RGB; its aspect isn't
        kept.

        Raises InputError for pixels that are no grey levels or colours.
        """
        pixels: NDArray[Any] = (
            picture if isinstance(picture, np.ndarray) and self._takes(picture) else self._drawn(picture)
        )
        planes: NDArray[Any] = pixels.reshape(*pixels.shape[:2], -1)
        if self.colour == "BGR":
            planes = planes[..., ::-1]
        if not self.is_channels_last:
            planes = planes.transpose(2, 0, 1)
        if (self.low, self.high) != BYTE_RANGE or self.dtype != np.uint8:
            planes = self._in_range(planes)
        return np.ascontiguousarray(planes[None], self.dtype)

    def _in_range(self, planes: NDArray[Any]) -> NDArray[Any]:
        """Grey levels 0 to 255 spread over the manifest's range: a table of 256 values."""
        levels = np.arange(256, dtype=np.float64) * ((self.high - self.low) / 255.0) + self.low
        table = (levels if self.dtype.kind == "f" else np.rint(levels)).astype(self.dtype)
        spread: NDArray[Any] = table[planes]
        return spread

    def _takes(self, pixels: NDArray[np.uint8]) -> bool:
        is_grey = pixels.ndim == 2
        return (
            is_grey == (self.colour == "grey")
            and self.height in {None, pixels.shape[0]}
            and self.width in {None, pixels.shape[1]}
        )

    def _drawn(self, picture: Pixels) -> NDArray[np.uint8]:
        image = Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture
        if image.mode in DEEP_MODES:
            image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
        elif image.mode == "F":
            raise InputError(
                "its pixels are fractions without a known range", "Save it with 8 or 16 bits a pixel."
            )
        image = image.convert("L" if self.colour == "grey" else "RGB")
        size = (self.width or image.width, self.height or image.height)
        if image.size != size:
            image = image.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(image, np.uint8)


def _one_size(bundle: Bundle, side: str, stated: int | str, wanted: int | None) -> int | None:
    if not isinstance(stated, int):
        return wanted
    if wanted not in {None, stated}:
        raise ModelError(
            f"{bundle.folder}: the model takes a {side} of {stated} pixels, not {wanted}.",
            "Leave --size out: pictures are brought to the model's size.",
        )
    return stated


def _range_of(bundle: Bundle, stated: Input, dtype: np.dtype[Any]) -> tuple[float, float]:
    if stated.range is not None:
        return stated.range
    if dtype == np.uint8:
        return BYTE_RANGE
    raise _unfit(bundle, f"gives no range for {stated.name!r}, which is {dtype}")


def _unfit(bundle: Bundle, why: str) -> ModelError:
    return ModelError(
        f"{bundle.folder}: the manifest {why}: no picture can be made for it.",
        "State layout, colour and range of the input in the manifest, or give a source of states or tensors.",
    )
