"""Where pictures come from: the renderer, without end, or a folder of image files in the order of their names."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from jidoka_bridge.errors import InputError
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from jidoka.host.camera import CameraFile
from jidoka.host.renderer import Line

#: what Pillow raises for files that aren't images, are cut off, or claim absurd sizes
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
REMEDY = "Move it out of the folder, or give a folder that holds images only."


class Picture(NamedTuple):
    """One picture. place: its number in the source, from 0; truth: the class it really has, where that is known."""

    image: Image.Image | NDArray[np.uint8]
    name: str
    place: int
    truth: str | None = None


class Source(Protocol):
    """Something that gives pictures until it has no more."""

    def next(self) -> Picture | None:
        """The next picture, None after the last. Raises InputError for one that can't be used."""


class RenderedParts:
    """Parts of the built-in renderer as they come down its line; the same seed makes the same parts."""

    def __init__(self, seed: int, camera: CameraFile) -> None:
        self._line = Line(seed)
        self._camera = camera

    def next(self) -> Picture:
        index = self._line.parts_made
        image, truth = self._line.part(self._camera.current())
        return Picture(image, f"rendered part {index}", index, truth)


class Folder:
    """The image files of one folder, not those of folders in it; hidden files are passed over.

    Each file's head is read at once, so that a file that is no image is refused before anything runs.
    Raises InputError: no such folder, no files, or a file that isn't an image.
    """

    def __init__(self, folder: Path, is_looped: bool = False) -> None:
        try:
            if not folder.is_dir():
                why = "isn't a folder" if folder.exists() else "no such folder"
                raise InputError(f"{folder}: {why}.", "Give `renderer`, or a folder that holds images.")
            self._files = sorted(
                file for file in folder.iterdir() if file.is_file() and not file.name.startswith(".")
            )
        except OSError as error:
            raise InputError(
                f"{folder}: can't be read: {error.strerror}.",
                "Let this user read it, or run as the user that owns it.",
            ) from None
        if not self._files:
            raise InputError(
                f"{folder}: has no image files.", "Give a folder with PNG, JPEG, BMP or TIFF files in it."
            )
        for file in self._files:
            _open(file).close()
        self._is_looped = is_looped
        self._given = 0

    def __len__(self) -> int:
        return len(self._files)

    def next(self) -> Picture | None:
        if self._given >= len(self._files) and not self._is_looped:
            return None
        index = self._given % len(self._files)
        self._given += 1
        file = self._files[index]
        with _open(file) as image:
            try:
                image.load()
            except UNREADABLE as error:
                raise InputError(f"{file}: is damaged: {_text(error)}.", REMEDY) from None
            return Picture(image.copy(), file.name, index)


def _open(file: Path) -> Image.Image:
    try:
        return Image.open(file)
    except UNREADABLE as error:
        why = "isn't an image" if isinstance(error, UnidentifiedImageError) else _text(error)
        raise InputError(f"{file}: {why}.", REMEDY) from None


def _text(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
