"""What a model is fed: samples of a source brought to every input of its manifest, alone or as a batch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jidoka_bridge.errors import InputError, ModelError
from numpy.typing import NDArray

from jidoka.config.manifest import Bundle, Input
from jidoka.host.sources.sample import Sample
from jidoka.host.tensors import PictureInput

Feed = dict[str, NDArray[Any]]


class Inputs:
    """All inputs of a bundle. fixed: values of inputs that no source gives, by name, in C order.

    batch: samples in one inference: as asked for where the manifest leaves the first axis free, else as it says.
    takes_fewer: whether a batch may also be smaller. channels: names of the entries of the inputs that take states; empty where the manifest names none.
    Raises ModelError: an input that can't be understood, a batch or a size that the model doesn't take.
    """

    def __init__(
        self,
        bundle: Bundle,
        size: tuple[int, int] | None = None,
        batch: int | None = None,
        fixed: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self._bundle = bundle
        self._fixed = dict(fixed or {})
        for name in self._fixed:
            if name not in {each.name for each in bundle.inputs}:
                raise _unfit(bundle, f"has no input {name!r}", "Name one of: " + _names(bundle.inputs))
        self._given = [each for each in bundle.inputs if each.name not in self._fixed]
        self.pictures = [PictureInput(bundle, each, size) for each in self._given if each.layout is not None]
        self.states = [each for each in self._given if each.layout is None]
        if size is not None and not self.pictures:
            raise _unfit(bundle, "takes no picture, so --size means nothing", "Leave it out.")
        self.batch = self._batch(batch)
        self._constants = {
            each.name: self._constant(each) for each in bundle.inputs if each.name in self._fixed
        }
        names = [channel for each in self.states for channel in each.channels]
        is_named = all(each.channels for each in self.states)
        self.channels: tuple[str, ...] = tuple(dict.fromkeys(names)) if is_named else ()

    def feed(self, samples: Sequence[Sample]) -> Feed:
        """The input tensors for one inference of these samples. Raises InputError naming the sample, ModelError."""
        feeds = [self._one(sample) for sample in samples]
        found: Feed = {}
        for name in feeds[0]:
            parts = [feed[name] for feed in feeds]
            if any(part.shape[1:] != parts[0].shape[1:] for part in parts):
                shapes = " and ".join(sorted({"×".join(map(str, part.shape[1:])) for part in parts}))
                raise InputError(
                    f"pictures of {shapes} can't be one batch.", "Bring them to one size: --size W×H."
                )
            found[name] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        for name, values in self._constants.items():
            found[name] = values[: len(samples)] if len(values) == self.batch else values
        return found

    def _one(self, sample: Sample) -> Feed:
        feed: Feed = {}
        try:
            if sample.tensors:
                feed.update(self._whole(sample))
            if sample.picture is not None:
                feed.update(self._picture(sample.picture))
            if sample.state is not None:
                feed.update(self._state(sample.state, sample.channels))
        except InputError as error:
            raise InputError(f"{sample.name}: {error.what}", error.remedy) from None
        missing = [each.name for each in self._given if each.name not in feed]
        if missing:
            gives = (
                "a picture"
                if sample.picture is not None
                else "a state"
                if sample.state is not None
                else "tensors"
            )
            raise ModelError(
                f"{self._bundle.folder}: the source gives {gives}, and nothing for the input {', '.join(missing)}.",
                "Give each input in .npz files, or a constant one with --fix NAME=VALUE,…",
            )
        return feed

    def _picture(self, picture: Any) -> Feed:
        for each in () if self.pictures else self._given:
            PictureInput(self._bundle, each)  # raises, and says what the manifest lacks
        if len(self.pictures) > 1:
            raise _unfit(
                self._bundle,
                f"has {len(self.pictures)} inputs of pictures, the source gives one",
                "Write .npz files with an array for each input.",
            )
        return {each.name: each.tensor(picture) for each in self.pictures}

    def _state(self, state: NDArray[np.float64], channels: Sequence[str]) -> Feed:
        if not self.states:
            raise _unfit(self._bundle, "has no input that takes a state", "Give a source of pictures.")
        if self.channels:
            at = {name: index for index, name in enumerate(channels or self.channels)}
            values = [state[[at[name] for name in each.channels]] for each in self.states]
        else:
            sizes = [_entries(each, len(state) if len(self.states) == 1 else None) for each in self.states]
            if sum(sizes) != len(state):
                raise InputError(
                    f"{len(state)} values, the model takes {sum(sizes)} ({_names(self.states)})",
                    "Give a column for each entry, or name the input's channels in the manifest.",
                )
            values = np.split(state, np.cumsum(sizes)[:-1])
        return {
            each.name: _cast(part, each).reshape(_shape_for(each, part.size))
            for each, part in zip(self.states, values, strict=True)
        }

    def _whole(self, sample: Sample) -> Feed:
        feed: Feed = {}
        for name, values in sample.tensors.items():
            stated = next((each for each in self._given if each.name == name), None)
            if stated is None:
                raise InputError(
                    f"has an array {name!r}, the model no such input", f"Its inputs: {_names(self._given)}."
                )
            array = values[None] if values.ndim == len(stated.shape) - 1 else values
            one = (1, *stated.shape[1:]) if len(stated.shape) > 1 else stated.shape
            if not _fits(array.shape, one):
                raise InputError(
                    f"the array {name!r} is {_text(values.shape)}, the input takes {_text(stated.shape)}",
                    "Mend the file.",
                )
            feed[name] = _cast(array, stated)
        return feed

    def _batch(self, wanted: int | None) -> int:
        firsts = {each.shape[0] for each in self._given if len(each.shape) > 1}
        sizes = {size for size in firsts if isinstance(size, int)}
        if len(self._given) and any(len(each.shape) < 2 for each in self._given):
            sizes.add(1)
        if len(sizes) > 1:
            raise _unfit(
                self._bundle, f"has inputs of several batch sizes {sorted(sizes)}", "Give one with --fix."
            )
        self.takes_fewer = not sizes
        if not sizes:
            return wanted or 1
        (size,) = sizes
        if wanted not in {None, size}:
            raise _unfit(self._bundle, f"takes {size} at a time, not {wanted}", "Leave --batch out.")
        return size

    def _constant(self, stated: Input) -> NDArray[Any]:
        values = np.asarray(self._fixed[stated.name], np.float64)
        entries = math.prod(size for size in stated.shape if isinstance(size, int))
        if (
            not entries
            or values.size % entries
            or (values.size != entries and all(isinstance(s, int) for s in stated.shape))
        ):
            raise _unfit(
                self._bundle,
                f"gives {stated.name!r} the shape {_text(stated.shape)}, --fix {values.size} values",
                f"Give {entries} values.",
            )
        array = _cast(values, stated).reshape(_shape_for(stated, values.size))
        if len(stated.shape) > 1 and not isinstance(stated.shape[0], int) and len(array) == 1:
            array = np.repeat(array, self.batch, axis=0)
        return array


def _entries(stated: Input, left: int | None) -> int:
    """Entries of one sample; `left` is what one free size may take."""
    sizes = stated.shape[1:] if len(stated.shape) > 1 else stated.shape
    fixed = math.prod(size for size in sizes if isinstance(size, int))
    free = sum(not isinstance(size, int) for size in sizes)
    return fixed * (left // fixed) if free and left is not None else fixed


def _shape_for(stated: Input, entries: int) -> tuple[int, ...]:
    """The shape of one sample with its free sizes filled: the last takes what is left, the others 1."""
    sizes = [1, *stated.shape[1:]] if len(stated.shape) > 1 else list(stated.shape)
    free = [index for index, size in enumerate(sizes) if not isinstance(size, int)]
    fixed = math.prod(size for size in sizes if isinstance(size, int))
    for index in free:
        sizes[index] = entries // fixed if index == free[-1] else 1
    return tuple(int(size) for size in sizes)


def _cast(values: NDArray[Any], stated: Input) -> NDArray[Any]:
    dtype = np.dtype(stated.dtype)
    if values.dtype == dtype:
        return values
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        with np.errstate(invalid="ignore"):
            is_whole = np.all((values >= limits.min) & (values <= limits.max) & (values == np.rint(values)))
        if not is_whole:
            raise InputError(
                f"the input {stated.name!r} takes whole numbers from {limits.min} to {limits.max}",
                "Give such values.",
            )
    with np.errstate(
        over="ignore"
    ):  # a value that is too large becomes infinite, and that is for the monitor to say
        return values.astype(dtype)


def _fits(found: Sequence[int], stated: Sequence[int | str]) -> bool:
    return len(found) == len(stated) and all(
        size == wanted or not isinstance(wanted, int) for size, wanted in zip(found, stated, strict=True)
    )


def _names(inputs: Sequence[Input]) -> str:
    return ", ".join(each.name for each in inputs)


def _text(shape: Sequence[int | str]) -> str:
    return "[" + ", ".join(map(str, shape)) + "]"


def _unfit(bundle: Bundle, why: str, remedy: str) -> ModelError:
    return ModelError(f"{bundle.folder}: the model {why}.", remedy)
