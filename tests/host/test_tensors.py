"""Pictures of any size and colour become exactly what the model's input wants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import Bundle, Input, load_bundle
from jidoka.host.renderer import Camera, Line
from jidoka.host.tensors import PictureInput
from jidoka_bridge.errors import InputError, ModelError
from PIL import Image

from tests.host.bundles import SHIPPED


def bundle_with(**stated: Any) -> Bundle:
    values: dict[str, Any] = {
        "name": "x", "dtype": "uint8", "shape": ("batch", 1, 8, 12), "layout": "NCHW", "colour": "grey",
        "range": (0.0, 255.0),
    }  # fmt: skip
    return replace(load_bundle(SHIPPED), inputs=(Input(**{**values, **stated}),))


def shape_of(bundle: Bundle, size: tuple[int, int] | None = None) -> PictureInput:
    return PictureInput(bundle, bundle.inputs[0], size)


def coloured(width: int = 12, height: int = 8) -> Image.Image:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def test_a_rendered_part_arrives_to_the_pixel() -> None:
    image, _ = Line(5).part(Camera())
    tensor = shape_of(load_bundle(SHIPPED)).tensor(image)
    assert tensor.shape == (1, 1, 96, 96)
    assert tensor.dtype == np.uint8
    assert np.array_equal(tensor[0, 0], image)


@pytest.mark.parametrize(
    ("layout", "shape", "axes"),
    [("NCHW", ("batch", 3, 8, 12), (2, 0, 1)), ("NHWC", (1, 8, 12, 3), (0, 1, 2))],
)
@pytest.mark.parametrize(("colour", "order"), [("RGB", 1), ("BGR", -1)])
def test_layout_and_order_of_colours_are_the_manifests(
    layout: str, shape: tuple[Any, ...], axes: tuple[int, int, int], colour: str, order: int
) -> None:
    picture = coloured()
    tensor = shape_of(bundle_with(layout=layout, shape=shape, colour=colour)).tensor(picture)
    assert np.array_equal(tensor[0], np.asarray(picture)[..., ::order].transpose(axes))
    assert tensor.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LA"])
@pytest.mark.parametrize("size", [(12, 8), (5, 5), (300, 200)])
def test_pictures_of_every_mode_and_size_fit(mode: str, size: tuple[int, int]) -> None:
    picture = coloured(*size).convert(mode) if mode != "LA" else coloured(*size).convert("L").convert("LA")
    assert shape_of(bundle_with()).tensor(picture).shape == (1, 1, 8, 12)
    assert shape_of(bundle_with(shape=(1, 3, 8, 12), colour="RGB")).tensor(picture).shape == (1, 3, 8, 12)


def test_sixteen_bits_a_pixel_keep_their_brightness() -> None:
    deep = Image.fromarray(np.full((8, 12), 40_000, np.uint16))
    assert (shape_of(bundle_with()).tensor(deep) == 40_000 >> 8).all()


def test_pixels_that_are_fractions_are_refused() -> None:
    with pytest.raises(InputError, match="fractions"):
        shape_of(bundle_with()).tensor(Image.fromarray(np.zeros((8, 12), np.float32)))


@pytest.mark.parametrize(
    ("dtype", "bounds", "white", "black"),
    [
        ("float32", (0.0, 1.0), 1.0, 0.0),
        ("float16", (-1.0, 1.0), 1.0, -1.0),
        ("float64", (0.0, 255.0), 255.0, 0.0),
        ("int8", (-128.0, 127.0), 127, -128),
        ("uint16", (0.0, 65535.0), 65535, 0),
    ],
)
def test_grey_levels_are_spread_over_the_manifests_range(
    dtype: str, bounds: tuple[float, float], white: float, black: float
) -> None:
    shape = shape_of(bundle_with(dtype=dtype, range=bounds))
    picture = np.zeros((8, 12), np.uint8)
    picture[0, 0] = 255
    tensor = shape.tensor(picture)
    assert tensor.dtype == np.dtype(dtype)
    assert tensor[0, 0, 0, 0] == white
    assert tensor[0, 0, 1, 1] == black


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ({"layout": None}, "no layout"),
        ({"colour": None}, "no layout and colour"),
        ({"shape": ("batch", 64)}, "four axes"),
        ({"shape": ("batch", 3, 8, 12)}, "3 channels"),
        ({"dtype": "float32", "range": None}, "no range"),
    ],
)
def test_a_bundle_that_no_picture_can_be_made_for_is_refused_with_the_reason(
    stated: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        shape_of(bundle_with(**stated))


def test_a_free_height_and_width_are_the_pictures_own_or_the_size_that_is_asked_for() -> None:
    free = bundle_with(shape=("batch", 3, "height", "width"), colour="RGB")
    assert shape_of(free).tensor(coloured(20, 10)).shape == (1, 3, 10, 20)
    assert shape_of(free, (6, 4)).tensor(coloured(20, 10)).shape == (1, 3, 4, 6)
    half = bundle_with(shape=("batch", 8, "width", "channels"), layout="NHWC", colour="BGR")
    assert shape_of(half).tensor(coloured(20, 10)).shape == (1, 8, 20, 3)


def test_a_size_against_the_manifests_is_refused() -> None:
    with pytest.raises(ModelError, match="a width of 12 pixels, not 13"):
        shape_of(bundle_with(), (13, 8))
    assert shape_of(bundle_with(), (12, 8)).tensor(coloured()).shape == (1, 1, 8, 12)


def test_colours_as_an_array_are_taken_as_they_are() -> None:
    pixels = np.asarray(coloured())
    for colour, order in (("RGB", 1), ("BGR", -1)):
        tensor = shape_of(bundle_with(shape=(1, 8, 12, 3), layout="NHWC", colour=colour)).tensor(pixels)
        assert np.array_equal(tensor[0], pixels[..., ::order])
    assert shape_of(bundle_with()).tensor(pixels).shape == (1, 1, 8, 12)


def test_every_grey_level_goes_where_the_range_says() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tensor = shape_of(bundle_with(shape=(1, 1, 16, 16), dtype="float32", range=(-1.0, 1.0))).tensor(levels)
    assert np.array_equal(tensor.reshape(-1), (np.arange(256) * (2.0 / 255.0) - 1.0).astype(np.float32))


def test_a_picture_from_a_file_and_the_same_pixels_are_the_same_tensor(tmp_path: Path) -> None:
    image, _ = Line(5).part(Camera())
    Image.fromarray(image).save(tmp_path / "part.png")
    shape = shape_of(load_bundle(SHIPPED))
    with Image.open(tmp_path / "part.png") as picture:
        assert np.array_equal(shape.tensor(picture), shape.tensor(image))
