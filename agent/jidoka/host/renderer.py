"""Pictures of turned metal parts as an inspection camera sees them, for demonstrations and tests without a camera."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from jidoka_bridge.errors import ConfigurationError
from numpy.typing import NDArray

from jidoka.host.turned_part import (
    AXIS_PX,
    CLASSES,
    DEFECTS,
    KINDS,
    SIZE_PX,
    UNKNOWN_DEFECTS,
    X_PX,
    Y_PX,
    Plane,
    draw_part,
)

__all__ = [
    "CLASSES",
    "COMMISSIONED",
    "DEFECTS",
    "KINDS",
    "KNOB_RANGES",
    "SIZE_PX",
    "UNKNOWN_DEFECTS",
    "Camera",
    "Line",
    "render",
]

Image = NDArray[np.uint8]

LENS_BLUR_PX = 0.55
DUST_PLACES = 64


@dataclass(frozen=True)
class Camera:
    """Lamp, lens and sensor in front of the part. The defaults are the station as commissioned.

    gain: light times exposure, as a ratio to the commissioned value, 0.05 to 4; a failing lamp lowers it.
    offset: added to every pixel, in grey levels, -128 to 128 (black level, stray light).
    blur_px: standard deviation of the blur beyond the lens's own, in pixels, 0 to 8.
    noise: standard deviation of the sensor noise, in grey levels, 0 to 64.
    light_deg: where the lamp stands, in degrees counterclockwise from the image's right, -360 to 360.
    dust: specks on the glass, in number, 0 to 64; they stay where they are from image to image.
    scale: size of the part in the image, as a ratio to the commissioned value, 0.7 to 1.1.
    Raises ConfigurationError for a value that is outside its range or isn't a finite number.
    """

    gain: float = 1.0
    offset: float = 0.0
    blur_px: float = 0.0
    noise: float = 2.0
    light_deg: float = 35.0
    dust: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            low, high, unit = KNOB_RANGES[field.name]
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise ConfigurationError(
                    f"camera: {field.name} is {value!r}, which is not a number from {low:g} to {high:g} {unit}.",
                    f"Give a value in that range; the commissioned station has {field.default:g}.",
                )


KNOB_RANGES: dict[str, tuple[float, float, str]] = {
    "gain":      (0.05, 4.0, "(ratio)"),
    "offset":    (-128.0, 128.0, "grey levels"),
    "blur_px":   (0.0, 8.0, "pixels"),
    "noise":     (0.0, 64.0, "grey levels"),
    "light_deg": (-360.0, 360.0, "degrees"),
    "dust":      (0.0, float(DUST_PLACES), "specks"),
    "scale":     (0.7, 1.1, "(ratio)"),
}  # fmt: skip

COMMISSIONED = Camera()


def render(kind: str, rng: np.random.Generator, camera: Camera = COMMISSIONED) -> Image:
    """Draw one part of the given kind, with its natural variation, as this camera sees it.

    kind: one of KINDS; rng: all chance comes from it (the same state draws the same part, and for one
    kind the camera doesn't change how much is drawn from it).
    Returns (96, 96) uint8, grey. Raises ConfigurationError for an unknown kind.
    """
    if kind not in KINDS:
        raise ConfigurationError(
            f"renderer: {kind!r} is not a kind of part.", f"Use one of {', '.join(KINDS)}."
        )
    return _expose(draw_part(kind, rng, camera.light_deg, camera.scale), rng, camera)


class Line:
    """An endless stream of parts, as they come down a conveyor, of which a stated share is defective.

    seed: any non-negative integer; part n is the same in every run. defect_share: 0 to 1.
    kinds: what a defective part may have, each as likely as the others.
    Raises ConfigurationError for a share outside 0 to 1 or an unknown kind.
    """

    def __init__(self, seed: int, defect_share: float = 0.08, kinds: tuple[str, ...] = DEFECTS) -> None:
        if not 0.0 <= defect_share <= 1.0:
            raise ConfigurationError(
                f"line: defect_share is {defect_share!r}, which is not from 0 to 1.",
                "Give a share, such as 0.08.",
            )
        if seed < 0:
            raise ConfigurationError(f"line: seed is {seed!r}, which is negative.", "Give 0 or more.")
        if not kinds or not set(kinds) <= set(KINDS):
            raise ConfigurationError(
                f"line: kinds {kinds!r} are not all kinds of part.", f"Choose from {', '.join(KINDS)}."
            )
        self.seed = seed
        self.defect_share = defect_share
        self.kinds = kinds
        self.parts_made = 0

    def part(self, camera: Camera = COMMISSIONED) -> tuple[Image, str]:
        """Make the next part: its image, (96, 96) uint8, and what it really is."""
        rng = np.random.default_rng([self.seed, self.parts_made])
        self.parts_made += 1
        is_defective = rng.random() < self.defect_share
        pick = int(rng.integers(len(self.kinds)))
        kind = self.kinds[pick] if is_defective else "ok"
        return render(kind, rng, camera), kind

    def __iter__(self) -> Iterator[tuple[Image, str]]:
        while True:
            yield self.part()


def _expose(light: Plane, rng: np.random.Generator, camera: Camera) -> Image:
    """Lens, glass and sensor: blur, dust, gain, offset, noise, then whole grey levels.

    light: (96, 96) float32 in grey levels at gain 1. Returns (96, 96) uint8.
    """
    lens = _blur_matrix(math.hypot(LENS_BLUR_PX, camera.blur_px))
    seen = lens @ light @ lens.T
    if camera.dust:
        seen *= _dust_on_glass(camera.dust)
    seen *= np.float32(camera.gain)
    seen += np.float32(camera.offset + 0.5)  # 0.5: the cast below cuts off
    seen += rng.standard_normal(seen.shape, dtype=np.float32) * np.float32(camera.noise)
    image: Image = np.clip(seen, 0.0, 255.0, out=seen).astype(np.uint8)
    return image


@lru_cache(maxsize=64)
def _blur_matrix(sigma_px: float) -> Plane:
    """Gaussian blur along one axis as a (96, 96) matrix whose rows sum to 1, edges included."""
    gap_px = AXIS_PX[:, None].astype(np.float64) - AXIS_PX[None, :]
    weight = np.exp(-0.5 * np.square(gap_px / sigma_px))
    matrix: Plane = (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix


@lru_cache(maxsize=64)
def _dust_on_glass(specks: float) -> Plane:
    """How much light passes the glass, (96, 96) in 0 to 1; specks keep their places, the last one may be faint."""
    rng = np.random.default_rng(0x0D057)
    passes = np.ones((SIZE_PX, SIZE_PX), np.float32)
    for n in range(math.ceil(specks)):
        x, y = rng.uniform(-SIZE_PX / 2, SIZE_PX / 2, 2)
        radius_px, opacity = rng.uniform(1.0, 2.4), rng.uniform(0.2, 0.45) * min(1.0, specks - n)
        square = np.square(X_PX - np.float32(x)) + np.square(Y_PX - np.float32(y))
        passes *= np.float32(1.0) - np.float32(opacity) * np.exp(square * np.float32(-0.5 / radius_px**2))
    passes.setflags(write=False)
    return passes
