"""From the fields of a line to a record: the outputs' arrays, the part and the times."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.config.manifest import Output
from jidoka.feed.mapping import SECONDS, FeedSettings, Probabilities, TopClass
from jidoka.feed.reading import BadLineError, Fields

MISSING = frozenset(("", "nan", "na", "n/a", "null", "none", "-"))
BETWEEN = re.compile(r"[\s,;]+")
LEAST = 1e-9  # a probability of 0 has no finite logarithm
MOST_PART, MOST_PLACE = 2**64 - 1, 2**16 - 1


class Clock(NamedTuple):
    """Now: CLOCK_MONOTONIC in ns, and the same moment in seconds since 1970."""

    now_ns: int
    wall_s: float


class FedRecord(NamedTuple):
    """What is handed to the tap. start_ns, end_ns: CLOCK_MONOTONIC."""

    outputs: dict[str, NDArray[Any]]
    part: int
    position: int
    recipe: int
    start_ns: int
    end_ns: int


class Mapper:
    """Makes records of fields by the mapping of a manifest. classes: of a classifier, in the model's order."""

    def __init__(self, feed: FeedSettings, outputs: Sequence[Output], classes: Sequence[str]) -> None:
        self._feed = feed
        self._outputs = [each for each in outputs if each.name in feed.outputs]
        self._classes = list(classes)
        self.names = [each.name for each in self._outputs]

    def record(self, fields: Fields, clock: Clock) -> FedRecord:
        """The record of one line. Raises BadLineError with one cause."""
        feed = self._feed
        outputs = {each.name: self._array(each, fields) for each in self._outputs}
        end_ns = clock.now_ns if feed.time is None else monotonic_ns(fields(feed.time), clock)
        took_s = 0.0 if feed.latency is None else number(fields(feed.latency), feed.latency)
        took_ns = took_s * SECONDS[feed.latency_unit] * 1e9
        if not 0 <= took_ns < 2**62:
            raise BadLineError("out of range", f"{feed.latency} is {took_s:g}")
        return FedRecord(
            outputs,
            _count(fields, feed.part, MOST_PART),
            _count(fields, feed.position, MOST_PLACE),
            _count(fields, feed.recipe, MOST_PLACE),
            max(0, end_ns - int(took_ns)),
            end_ns,
        )

    def _array(self, output: Output, fields: Fields) -> NDArray[Any]:
        source = self._feed.outputs[output.name]
        if isinstance(source, TopClass):
            values = self._scores(source, fields)
        elif isinstance(source, Probabilities):
            given = _values(source.probabilities, fields)
            values = np.log(np.maximum(given, LEAST))  # NaN stays NaN
        else:
            values = _values(source, fields)
        return shaped(_typed(values, output), output)

    def _scores(self, source: TopClass, fields: Fields) -> NDArray[np.float64]:
        name, sure = str(fields(source.name)).strip(), number(fields(source.confidence), source.confidence)
        if name not in self._classes:
            raise BadLineError("unknown class", repr(name[:60]))
        if sure < 0 or sure > 1:
            raise BadLineError("out of range", f"{source.confidence} is {sure:g}, not 0 to 1")
        others = (1 - sure) / max(len(self._classes) - 1, 1)
        shares = np.full(len(self._classes), others)
        shares[self._classes.index(name)] = sure
        scores: NDArray[np.float64] = np.log(np.maximum(shares, LEAST))  # NaN stays NaN
        return scores


def number(value: Any, name: str) -> float:
    """A number as JSON, tables and logs write it; what is missing is NaN, which is for the monitor to judge."""
    if value is None:
        return math.nan
    if isinstance(value, str) and value.strip().lower() in MISSING:
        return math.nan
    try:
        if not isinstance(value, bool):
            return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        pass
    raise BadLineError("not a number", f"{name} is {str(value)[:60]!r}")


def _values(source: str | list[str], fields: Fields) -> NDArray[np.float64]:
    """All entries of an output, in the shape that the line gives them."""
    if isinstance(source, list):
        return np.array([number(fields(name), name) for name in source], np.float64)
    value = fields(source)
    if isinstance(value, str) and BETWEEN.search(value.strip()):
        value = BETWEEN.split(value.strip().strip("[](){}").strip())
    if not isinstance(value, list):
        return np.array([number(value, source)], np.float64)
    shape, flat = _flat(value, source)
    return np.array([number(each, source) for each in flat], np.float64).reshape(shape)


def _flat(value: list[Any], name: str) -> tuple[tuple[int, ...], list[Any]]:
    shape: tuple[int, ...] = ()
    level: list[Any] = value
    while True:
        shape = (*shape, len(level) if not shape else len(level) // math.prod(shape))
        are_lists = {isinstance(each, list) for each in level}
        if are_lists != {True}:
            if True in are_lists:
                raise BadLineError("wrong count", f"{name} is a list of lists and numbers")
            return shape, level
        if len({len(each) for each in level}) != 1:
            raise BadLineError("wrong count", f"the lists in {name} are of several lengths")
        level = [each for inner in level for each in inner]
        if not level:
            raise BadLineError("wrong count", f"{name} is a list of empty lists")


def _typed(values: NDArray[np.float64], output: Output) -> NDArray[Any]:
    dtype = np.dtype(output.dtype)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if not np.all((values >= limits.min) & (values <= limits.max) & (values == np.rint(values))):
            raise BadLineError("out of range", f"{output.name} takes whole numbers that fit {output.dtype}")
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # too large for float32 is infinite, and told by the monitor
        return values.astype(dtype)


def shaped(values: NDArray[Any], output: Output) -> NDArray[Any]:
    """The entries in the shape of the manifest: its fixed sizes, 1 for a free batch, and what is left for a free size.

    Raises BadLineError("wrong count") where they are too many or too few.
    """
    sizes: list[int | str] = list(output.shape)
    if len(sizes) > 1 and not isinstance(sizes[0], int):
        sizes[0] = 1
    if values.ndim in {len(sizes), len(sizes) - 1}:  # nested lists tell their own sizes
        own = (1, *values.shape) if values.ndim == len(sizes) - 1 else values.shape
        if all(
            size == stated or not isinstance(stated, int) for size, stated in zip(own, sizes, strict=True)
        ):
            return values.reshape(own)
    fixed = math.prod(size for size in sizes if isinstance(size, int))
    free = [index for index, size in enumerate(sizes) if not isinstance(size, int)]
    if values.size % fixed or (not free and values.size != fixed) or not values.size:
        raise BadLineError("wrong count", f"{values.size} values for {output.name}, which has {fixed}")
    for index in free:
        sizes[index] = values.size // fixed if index == free[-1] else 1
    return values.reshape([int(size) for size in sizes])


def _count(fields: Fields, name: str | None, most: int) -> int:
    """A whole number from 0; 0 where nothing names it or it is missing."""
    if name is None:
        return 0
    value = fields(name)
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value.strip()[:30])  # exact beyond 2**53, too
    if not isinstance(value, int) or isinstance(value, bool):
        real = number(value, name)
        if math.isnan(real):
            return 0
        if real != real // 1 or math.isinf(real):
            raise BadLineError("not a number", f"{name} is {real:g}, not a whole number")
        value = int(real)
    if not 0 <= value <= most:
        raise BadLineError("out of range", f"{name} is {value}, not 0 to {most}")
    return value


def monotonic_ns(value: Any, clock: Clock) -> int:
    """The CLOCK_MONOTONIC of a moment: seconds since 1970, or ISO 8601 (local time where it names no zone).

    A moment in the future is now: the clocks differ. Raises BadLineError.
    """
    try:
        then_s = float(value)
    except (TypeError, ValueError):
        try:
            text = re.sub(r"[zZ]$", "+00:00", str(value).strip()).replace(",", ".")
            then_s = datetime.datetime.fromisoformat(text).timestamp()
        except (ValueError, OverflowError, OSError):
            raise BadLineError("not a time", repr(str(value)[:60])) from None
    if not math.isfinite(then_s):
        raise BadLineError("not a time", str(then_s))
    ago_ns = max(0.0, clock.wall_s - then_s) * 1e9
    return max(0, clock.now_ns - int(min(ago_ns, 2.0**62)))
