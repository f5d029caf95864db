"""Which tensors of a call go into its record: those that the application has and the monitor wants."""

from typing import Any, FrozenSet, List, Optional, Sequence

import numpy as np

from jidoka_tap import wire
from jidoka_tap.layout import UNSENDABLE, Layout
from jidoka_tap.terms import NO_TERMS, Roi, Terms


class Choice:
    """The tensors of calls with these names, and the layout that was used last.

    outputs, inputs: all names of the model; asked: output_names as given to run(), may be None; fed: names of the
    feed, none where this record goes without inputs; has_picture: a thumbnail is the last of its tensors.
    missing: wanted outputs that the application doesn't ask for.
    """

    __slots__ = (
        "_given",
        "_inline_limit_bytes",
        "_roi",
        "layout",
        "missing",
        "pick",
        "places",
        "usual_inputs",
    )

    def __init__(
        self,
        outputs: Sequence[str],
        inputs: Sequence[str],
        asked: Optional[Sequence[str]],
        fed: Sequence[str],
        terms: Terms = NO_TERMS,
        has_picture: bool = False,
    ) -> None:
        names = list(asked or outputs)
        most = wire.MAX_TENSORS - has_picture
        known = [n for n, name in enumerate(names) if name in outputs and is_in(name, terms.outputs)][:most]
        #: places among the outputs of a call, None = all
        self.pick = None if known == list(range(len(names))) else known
        self._given = [name for name in fed if name in inputs and is_in(name, terms.inputs)][
            : most - len(known)
        ]
        self._roi, self._inline_limit_bytes = terms.roi, terms.inline_limit_bytes
        self.places = [(wire.OUTPUT, outputs.index(names[n])) for n in known] + [
            (wire.INPUT, inputs.index(name)) for name in self._given
        ]
        #: the inputs to add to the outputs; None where it takes more than that
        self.usual_inputs = (
            self._given if (terms.roi is None or not self._given) and not has_picture else None
        )
        if has_picture:
            self.places.append((wire.INPUT, wire.THUMBNAIL))
        self.missing = [name for name in outputs if name not in names and is_in(name, terms.outputs)]
        self.layout: Optional[Layout] = None

    def values(self, outputs: Sequence[Any], feed: Any, picture: Any = None) -> List[Any]:
        """What one call has at `places`, arrays or not."""
        values = list(outputs) if self.pick is None else [outputs[n] for n in self.pick]
        for name in self._given:
            value = feed[name]
            if self._roi is not None:
                value = cut(value, self._roi, self._inline_limit_bytes)
            values.append(value)
        if picture is not None:
            values.append(picture)
        return values


def is_in(name: str, wanted: Optional[FrozenSet[str]]) -> bool:
    """True if the monitor wants the tensor of this name; None = it wants all."""
    return wanted is None or name in wanted


def as_arrays(values: Sequence[Any]) -> List[Any]:
    """The values, UNSENDABLE in the place of each that isn't an array."""
    return [value if isinstance(value, np.ndarray) else UNSENDABLE for value in values]


def cut(image: Any, roi: Roi, inline_limit_bytes: int) -> Any:
    """The region of interest of an image; arrays of fewer than three axes are no images and stay whole.

    A copy in one piece if it fits inline; else a view, which is copied once, to the arena. Rows and columns are the
    last two axes, or the two before the last where that has 1 to 4 entries and the third from last has more:
    channels last.
    """
    if not isinstance(image, np.ndarray) or image.ndim < 3:
        return image
    x, y, width, height = roi
    rows, columns = slice(y, y + height), slice(x, x + width)
    is_last = image.shape[-1] <= 4 < image.shape[-3]
    region = image[..., rows, columns, :] if is_last else image[..., rows, columns]
    return np.ascontiguousarray(region) if region.nbytes <= inline_limit_bytes else region
