"""The part before the camera: a turned flange under a lamp, sound or damaged, as the light it returns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

SIZE_PX = 96
DEFECTS = ("scratch", "pit", "dent")
CLASSES = ("ok", *DEFECTS)
# defects that can be drawn and seen, but that no model here has a class for
UNKNOWN_DEFECTS = ("edge-chip", "stain")
KINDS = CLASSES + UNKNOWN_DEFECTS

# the flange, in pixels at scale 1
OUTER_RADIUS_PX = 42.0
BORE_RADIUS_PX = 13.0
HOLE_CIRCLE_PX = 28.0
HOLE_RADIUS_PX = 4.0
HOLES = 3
CHAMFER_PX = 2.2

# grey levels at gain 1: nothing of a sound part comes near 255, so a rising lamp is seen before it clips
FIXTURE_GREY = 26.0
FACE_GREY = 132.0

AXIS_PX = np.arange(SIZE_PX, dtype=np.float32) - np.float32((SIZE_PX - 1) / 2)
X_PX, Y_PX = (np.ascontiguousarray(a) for a in np.meshgrid(AXIS_PX, AXIS_PX))


def draw_part(kind: str, rng: np.random.Generator, light_deg: float, scale: float) -> Plane:
    """Light that one part sends to the lens, with its natural variation.

    kind: one of KINDS; light_deg: where the lamp stands, degrees counterclockwise from the image's right;
    scale: size as a ratio to the commissioned one. Neither changes how much is drawn from rng.
    Returns (96, 96) float32, grey levels at gain 1. Raises KeyError for another kind.
    """
    part = _sound_part(rng, light_deg, scale)
    if kind != "ok":
        DRAW_DAMAGE[kind](part, rng)
    return part.light


@dataclass
class _Part:
    """One part while it is drawn: pixel coordinates in part units (pixels at scale 1) and the light it returns."""

    x: Plane
    y: Plane
    radius: Plane
    light_x: float
    light_y: float
    holes: list[tuple[float, float]]
    light: Plane


def _sound_part(rng: np.random.Generator, light_deg: float, scale: float) -> _Part:
    """A sound flange: turned face, chamfers, bore and bolt holes, on a dark fixture."""
    centre_x, centre_y = rng.normal(0.0, 0.6, 2)
    turned_deg, brightness, streak = rng.normal((0.0, 1.0, 0.42), (1.5, 0.012, 0.02))
    zoom = 1.0 / scale
    x = (X_PX - np.float32(centre_x)) * np.float32(zoom)
    y = (Y_PX - np.float32(centre_y)) * np.float32(zoom)
    square = x * x + y * y + np.float32(1e-3)
    radius = np.sqrt(square)
    light_rad = math.radians(light_deg)
    light_x, light_y = math.cos(light_rad), -math.sin(light_rad)
    toward = (x * np.float32(light_x) + y * np.float32(light_y)) / radius  # cosine of the angle to the lamp

    # Turning leaves rings, and a ring returns light where its groove runs across the lamp's direction:
    # the bright double fan that one sees on any faced part.
    fan = np.exp(np.float32(-3.2) * (np.float32(1.0) - toward * toward))
    face = np.float32(FACE_GREY * brightness) * (np.float32(0.78) + np.float32(streak) * fan)
    face *= np.float32(1.0) + _rings(rng, radius) * (np.float32(0.55) + fan)

    edge = _inside(OUTER_RADIUS_PX - radius)
    bore = _inside(BORE_RADIUS_PX - radius)
    chamfer = _inside(radius - np.float32(OUTER_RADIUS_PX - CHAMFER_PX))
    face += chamfer * (np.float32(FACE_GREY) * (np.float32(0.85) + np.float32(0.5) * toward) - face)
    inner = _inside(BORE_RADIUS_PX + CHAMFER_PX - radius)
    face += inner * (np.float32(FACE_GREY) * (np.float32(0.85) - np.float32(0.5) * toward) - face)

    part = _Part(x, y, radius, light_x, light_y, [], face)
    for n in range(HOLES):
        angle = math.radians(90.0 + 360.0 / HOLES * n + turned_deg)
        hole = (HOLE_CIRCLE_PX * math.cos(angle), -HOLE_CIRCLE_PX * math.sin(angle))
        part.holes.append(hole)
        _sink(part, hole, HOLE_RADIUS_PX)
    fixture = np.float32(FIXTURE_GREY)
    face *= edge
    face += fixture * (np.float32(1.0) - edge)
    wall = fixture * (np.float32(0.8) - np.float32(0.35) * toward * radius / np.float32(BORE_RADIUS_PX))
    face += bore * (wall - face)
    # the side nearer to the lamp is a little brighter
    face *= np.float32(1.0) + np.float32(0.0022) * (toward * radius)
    return part


def _rings(rng: np.random.Generator, radius: Plane) -> Plane:
    """The feed marks of the turning tool as a relative brightness by radius: a steady pitch with its own wear."""
    steps = 4  # table entries a pixel
    count = 72 * steps
    along = np.arange(count, dtype=np.float32) / np.float32(steps)
    phase = rng.uniform(0.0, 2.0 * math.pi)
    pitch_px = rng.normal(3.1, 0.05)
    profile = np.float32(0.055) * np.sin(along * np.float32(2.0 * math.pi / pitch_px) + np.float32(phase))
    wear = rng.standard_normal(count // 6, dtype=np.float32) * np.float32(0.035)
    profile += np.repeat(wear, 6)
    index = (radius * np.float32(steps)).astype(np.intp)
    rings: Plane = np.take(profile, index, mode="clip")
    return rings


def _inside(depth_px: Plane) -> Plane:
    """Share of each pixel that lies inside an edge, given the depth in pixels behind it (0.5 wide ramp each way)."""
    return np.clip(depth_px + np.float32(0.5), 0.0, 1.0, out=depth_px)


def _sink(part: _Part, centre: tuple[float, float], radius_px: float) -> None:
    """Cut a bolt hole: dark inside, a countersink that shines on the side away from the lamp."""
    dx, dy = part.x - np.float32(centre[0]), part.y - np.float32(centre[1])
    distance = np.sqrt(dx * dx + dy * dy) + np.float32(1e-3)
    toward = (dx * np.float32(part.light_x) + dy * np.float32(part.light_y)) / distance
    rim = _inside(np.float32(radius_px + 1.2) - distance)
    part.light += rim * (np.float32(FACE_GREY) * (np.float32(0.8) - np.float32(0.45) * toward) - part.light)
    part.light += _inside(np.float32(radius_px) - distance) * (np.float32(FIXTURE_GREY * 0.7) - part.light)


def _place(part: _Part, rng: np.random.Generator, margin_px: float) -> tuple[float, float]:
    """A spot on the turned face that keeps its distance from edge, bore and bolt holes."""
    while True:
        low, high = BORE_RADIUS_PX + CHAMFER_PX + margin_px, OUTER_RADIUS_PX - CHAMFER_PX - margin_px
        radius = math.sqrt(rng.uniform(low * low, high * high))
        angle = rng.uniform(0.0, 2.0 * math.pi)
        x, y = radius * math.cos(angle), radius * math.sin(angle)
        if all(math.hypot(x - hx, y - hy) > HOLE_RADIUS_PX + 1.2 + margin_px for hx, hy in part.holes):
            return x, y


def _scratch(part: _Part, rng: np.random.Generator) -> None:
    """A groove across the face, slightly bent: a dark furrow and a bright burr beside it."""
    x, y = _place(part, rng, 3.0)
    angle = math.atan2(y, x) + rng.uniform(-1.0, 1.0)  # never along the rings, where it would be a tool mark
    half_length = rng.uniform(9.0, 20.0)
    width, depth, bend = rng.uniform(0.75, 1.25), rng.uniform(0.30, 0.60), rng.uniform(-0.006, 0.006)
    dx, dy = part.x - np.float32(x), part.y - np.float32(y)
    along = dx * np.float32(math.cos(angle)) + dy * np.float32(math.sin(angle))
    across = dy * np.float32(math.cos(angle)) - dx * np.float32(math.sin(angle))
    across -= np.float32(bend) * along * along
    furrow = np.exp(-np.square(across / np.float32(width)))
    burr = np.exp(-np.square((across - np.float32(1.6 * width)) / np.float32(width)))
    reach = _inside(np.float32(half_length) - np.abs(along)) * _on_face(part)
    part.light *= np.float32(1.0) + reach * (np.float32(0.7 * depth) * burr - np.float32(depth) * furrow)


def _pit(part: _Part, rng: np.random.Generator) -> None:
    """A pore in the casting that turning has opened: a small black spot, its far wall lit."""
    radius_px = rng.uniform(1.3, 2.6)
    x, y = _place(part, rng, radius_px + 1.0)
    squash, turn = rng.uniform(0.75, 1.0), rng.uniform(0.0, math.pi)
    dx, dy = part.x - np.float32(x), part.y - np.float32(y)
    u = dx * np.float32(math.cos(turn)) + dy * np.float32(math.sin(turn))
    v = (dy * np.float32(math.cos(turn)) - dx * np.float32(math.sin(turn))) / np.float32(squash)
    distance = np.sqrt(u * u + v * v)
    toward = dx * np.float32(part.light_x) + dy * np.float32(part.light_y)
    lit = np.clip(-toward / np.float32(radius_px), 0.0, 1.0) * _inside(np.float32(radius_px + 0.9) - distance)
    part.light *= np.float32(1.0) + np.float32(0.35) * lit
    part.light *= np.float32(1.0) - np.float32(rng.uniform(0.6, 0.85)) * _inside(
        np.float32(radius_px) - distance
    )


def _dent(part: _Part, rng: np.random.Generator) -> None:
    """A blow: a shallow bowl, dark on the lamp's side and bright on the other, in which the rings are squashed."""
    spread_px = rng.uniform(3.0, 5.0)
    x, y = _place(part, rng, 3.2)
    depth = rng.uniform(0.35, 0.65)
    dx, dy = part.x - np.float32(x), part.y - np.float32(y)
    bowl = np.exp((dx * dx + dy * dy) * np.float32(-0.5 / spread_px**2)) * _on_face(part)
    slope = (dx * np.float32(part.light_x) + dy * np.float32(part.light_y)) / np.float32(spread_px)
    part.light *= np.float32(1.0) - np.float32(1.65 * depth) * slope * bowl
    part.light *= np.float32(1.0) - np.float32(0.25 * depth) * bowl


def _edge_chip(part: _Part, rng: np.random.Generator) -> None:
    """A piece broken out of the rim: the fixture shows through, behind a rough broken face."""
    angle, radius_px = rng.uniform(0.0, 2.0 * math.pi), rng.uniform(4.5, 8.0)
    dx = part.x - np.float32((OUTER_RADIUS_PX + 1.0) * math.cos(angle))
    dy = part.y - np.float32((OUTER_RADIUS_PX + 1.0) * math.sin(angle))
    ragged = np.float32(1.0) + np.float32(0.12) * np.sin(
        np.float32(5.0) * np.arctan2(dy, dx) + np.float32(rng.uniform(0.0, 6.0))
    )
    distance = np.sqrt(dx * dx + dy * dy) * ragged
    on_part = _inside(np.float32(OUTER_RADIUS_PX) - part.radius)
    broken = _inside(np.float32(radius_px) - distance) * on_part
    part.light += broken * (np.float32(0.55 * FACE_GREY) - part.light)
    gone = _inside(np.float32(radius_px - 2.0) - distance) * on_part
    part.light += gone * (np.float32(FIXTURE_GREY) - part.light)


def _stain(part: _Part, rng: np.random.Generator) -> None:
    """Dried coolant: a blotch with a soft edge that darkens the face and changes nothing of its shape."""
    x, y = _place(part, rng, 5.0)
    wide, high, turn = rng.uniform(5.0, 9.0), rng.uniform(4.0, 6.0), rng.uniform(0.0, math.pi)
    dx, dy = part.x - np.float32(x), part.y - np.float32(y)
    u = (dx * np.float32(math.cos(turn)) + dy * np.float32(math.sin(turn))) / np.float32(wide)
    v = (dy * np.float32(math.cos(turn)) - dx * np.float32(math.sin(turn))) / np.float32(high)
    blotch = np.clip((np.float32(1.3) - np.sqrt(u * u + v * v)) * np.float32(2.0), 0.0, 1.0) * _on_face(part)
    part.light *= np.float32(1.0) - np.float32(rng.uniform(0.3, 0.45)) * blotch


def _on_face(part: _Part) -> Plane:
    """1 on the turned face, 0 on fixture, bore and bolt holes: damage doesn't shade empty space."""
    on_face = _inside(np.float32(OUTER_RADIUS_PX) - part.radius)
    on_face *= _inside(part.radius - np.float32(BORE_RADIUS_PX))
    for hx, hy in part.holes:
        dx, dy = part.x - np.float32(hx), part.y - np.float32(hy)
        on_face *= _inside(np.sqrt(dx * dx + dy * dy) - np.float32(HOLE_RADIUS_PX))
    return on_face


DRAW_DAMAGE: dict[str, Callable[[_Part, np.random.Generator], None]] = {
    "scratch": _scratch,
    "pit": _pit,
    "dent": _dent,
    "edge-chip": _edge_chip,
    "stain": _stain,
}
