"""A folder of image files, or of .npz files with whole tensors, in the order of their names."""

from __future__ import annotations

from pathlib import Path

from jidoka_bridge.errors import InputError

from jidoka.host.sources.images import ARRAYS, load_arrays, load_image, open_image
from jidoka.host.sources.sample import Sample, Source


class Folder(Source):
    """The files of one folder, not those of folders in it; hidden files are passed over.

    An image is a picture; an .npz file has an array for each input, under the input's name.
    Each file's head is read at once, so that a file that is no image is refused before anything runs.
    Raises InputError: no such folder, no files, or a file that isn't an image.
    """

    def __init__(self, folder: Path, is_looped: bool = False) -> None:
        self.text = str(folder)
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
            if file.suffix != ARRAYS:
                open_image(file).close()
        self._is_looped = is_looped
        self._given = 0

    def __len__(self) -> int:
        return len(self._files)

    def take(self, now_ns: int = 0) -> Sample | None:
        del now_ns
        if self._given >= len(self._files) and not self._is_looped:
            self.has_ended = True
            return None
        place = self._given % len(self._files)
        self._given += 1
        file = self._files[place]
        if file.suffix == ARRAYS:
            return Sample(file.name, place, tensors=load_arrays(file))
        return Sample(file.name, place, picture=load_image(file))
