"""One sample that a model may be shown, and the protocol of what gives them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: a Pillow image, (height, width) grey or (height, width, 3) RGB, uint8
Pixels = Image.Image | NDArray[np.uint8]
NOT_WAITED_FOR = -1


@dataclass(frozen=True)
class Sample:
    """What one look at the world gave: a picture, a state or whole tensors, as the kind of the source is.

    name: for people; place: number in the source, from 0; picture: pixels; state: (n,) float64, NaN where a value is
    missing, with the channels' names where the source knows them; tensors: by the input's name; truth: the class it
    really has, where that is known.
    """

    name: str
    place: int
    picture: Pixels | None = None
    state: NDArray[np.float64] | None = None
    channels: tuple[str, ...] = ()
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    truth: str | None = None


class Source:
    """Gives samples until it has no more; one that lives on gives None meanwhile.

    has_ended: no sample will come any more. look_again_s: how long after a None it is worth asking again; a source
    with a descriptor (`fileno`) is asked when that becomes readable. text: how people read it, without secrets.
    """

    has_ended = False
    look_again_s = 0.0
    text = ""

    def take(self, now_ns: int) -> Sample | None:
        """The next sample, None if there is none now or any more. Raises InputError for one that can't be used."""
        raise NotImplementedError

    def fileno(self) -> int:
        """Becomes readable when a sample may be there; -1: ask again after look_again_s."""
        return NOT_WAITED_FOR

    def finished(self) -> None:
        """Everything that was taken has been run."""

    def counts(self) -> dict[str, int]:
        """What people should know in the end, by name: files passed over, connections lost."""
        return {}

    def close(self) -> None:
        """No more is wanted."""
