"""Image and array files: opened with a plain error that names the file."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

#: what Pillow raises for files that aren't images, are cut off, or claim absurd sizes
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
REMEDY = "Move it out of the folder, or give a folder that holds images only."
ARRAYS = ".npz"


def is_hidden(name: str) -> bool:
    """Files that are no pictures yet or never: `.name`, and what rsync, browsers and editors write first."""
    return name.startswith(".") or name.endswith((".part", ".tmp", ".crdownload", "~"))


def open_image(file: Path) -> Image.Image:
    """The image with its head read. Raises InputError naming the file."""
    try:
        return Image.open(file)
    except UNREADABLE as error:
        why = "isn't an image" if isinstance(error, UnidentifiedImageError) else text_of(error)
        raise InputError(f"{file}: {why}.", REMEDY) from None


def load_image(file: Path) -> Image.Image:
    """The image, all of it, detached from its file. Raises InputError naming the file."""
    with open_image(file) as image:
        try:
            image.load()
        except UNREADABLE as error:
            raise InputError(f"{file}: is damaged: {text_of(error)}.", REMEDY) from None
        whole: Image.Image = image.copy()
        return whole


def load_arrays(file: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an .npz file by their names. Raises InputError naming the file; never unpickles anything."""
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (*UNREADABLE, zipfile.BadZipFile, AttributeError, EOFError) as error:
        raise InputError(
            f"{file}: can't be read as arrays: {text_of(error)}.",
            "Write it with numpy.savez(file, input_name=array, …).",
        ) from None


def text_of(error: BaseException) -> str:
    """The error's own words, in one line without a full stop."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0].rstrip(".")
