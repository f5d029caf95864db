"""Pictures of any size and colour become exactly what the model's input wants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import Bundle, Input, load_bundle
from jidoka.host.renderer import Camera, Line
from jidoka.host.tensors import Shape
from jidoka_bridge.errors import InputError, ModelError
from PIL import Image

from tests.host.bundles import SHIPPED


def bundle_with(**stated: Any) -> Bundle:
    values: dict[str, Any] = {
        "name": "x", "dtype": "uint8", "shape": ("batch", 1, 8, 12), "layout": "NCHW", "colour": "grey",
        "range": (0.0, 255.0),
    }  # fmt: skip
    return replace(load_bundle(SHIPPED), inputs=(Input(**{**values, **stated}),))


def coloured(width: int = 12, height: int = 8) -> Image.Image:
    pixels = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def test_a_rendered_part_arrives_to_the_pixel() -> None:
    image, _ = Line(5).part(Camera())
    tensor = Shape(load_bundle(SHIPPED)).tensor(image)
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
    tensor = Shape(bundle_with(layout=layout, shape=shape, colour=colour)).tensor(picture)
    assert np.array_equal(tensor[0], np.asarray(picture)[..., ::order].transpose(axes))
    assert tensor.flags.c_contiguous


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LA"])
@pytest.mark.parametrize("size", [(12, 8), (5, 5), (300, 200)])
def test_pictures_of_every_mode_and_size_fit(mode: str, size: tuple[int, int]) -> None:
    picture = coloured(*size).convert(mode) if mode != "LA" else coloured(*size).convert("L").convert("LA")
    assert Shape(bundle_with()).tensor(picture).shape == (1, 1, 8, 12)
    assert Shape(bundle_with(shape=(1, 3, 8, 12), colour="RGB")).tensor(picture).shape == (1, 3, 8, 12)


def test_sixteen_bits_a_pixel_keep_their_brightness() -> None:
    deep = Image.fromarray(np.full((8, 12), 40_000, np.uint16))
    assert (Shape(bundle_with()).tensor(deep) == 40_000 >> 8).all()


def test_pixels_that_are_fractions_are_refused() -> None:
    with pytest.raises(InputError, match="fractions"):
        Shape(bundle_with()).tensor(Image.fromarray(np.zeros((8, 12), np.float32)))


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
    shape = Shape(bundle_with(dtype=dtype, range=bounds))
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
        ({"shape": ("batch", 1, "height", 12)}, "height or width"),
        ({"shape": ("batch", 3, 8, 12)}, "3 channels"),
        ({"dtype": "float32", "range": None}, "no range"),
    ],
)
def test_a_bundle_that_no_picture_can_be_made_for_is_refused_with_the_reason(
    stated: dict[str, Any], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        Shape(bundle_with(**stated))


def test_a_bundle_with_two_inputs_is_refused() -> None:
    bundle = bundle_with()
    with pytest.raises(ModelError, match="2 inputs"):
        Shape(replace(bundle, inputs=bundle.inputs * 2))


def test_a_picture_from_a_file_and_the_same_pixels_are_the_same_tensor(tmp_path: Path) -> None:
    image, _ = Line(5).part(Camera())
    Image.fromarray(image).save(tmp_path / "part.png")
    shape = Shape(load_bundle(SHIPPED))
    with Image.open(tmp_path / "part.png") as picture:
        assert np.array_equal(shape.tensor(picture), shape.tensor(image))
