"""One picture after the other through the watched model, and what came out, counted by class."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from jidoka_bridge.errors import InputError

from jidoka.config.manifest import Bundle
from jidoka.host.model import Answer, answer_of
from jidoka.host.sources import Picture, Source
from jidoka.host.tensors import Shape


class Result(NamedTuple):
    """One inference. start_ns: CLOCK_MONOTONIC before it, as in the record that the monitor gets."""

    start_ns: int
    part: int
    picture: Picture
    answer: Answer

    def as_json(self) -> dict[str, Any]:
        """The line that `--results` prints."""
        return {
            "ns": self.start_ns, "part": self.part, "index": self.picture.place, "name": self.picture.name,
            "class": self.answer.name, "confidence": round(self.answer.confidence, 6), "good": self.answer.is_good,
        }  # fmt: skip


@dataclass
class Tally:
    """Counts since the start. right: answers that agree with the truth, of the `known` where it is known."""

    classes: dict[str, int]
    records: int = 0
    good: int = 0
    right: int = 0
    known: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def add(self, result: Result) -> None:
        self.records += 1
        self.classes[result.answer.name] += 1
        self.good += result.answer.is_good
        if result.picture.truth is not None:
            self.known += 1
            self.right += result.picture.truth == result.answer.name
        self.first_ns = self.first_ns or result.start_ns
        self.last_ns = result.start_ns

    @property
    def rate_hz(self) -> float:
        """Mean over the whole run; 0 before the second record."""
        return (
            (self.records - 1) / ((self.last_ns - self.first_ns) / 1e9)
            if self.last_ns > self.first_ns
            else 0.0
        )

    def line(self, model: str, is_connected: bool) -> str:
        """The counts as people read them."""
        classes = "  ".join(f"{name} {count}" for name, count in self.classes.items())
        monitor = "monitor connected" if is_connected else "monitor away"
        return f"{model}: {self.records} records  {classes}  {self.rate_hz:.1f}/s  {monitor}"


class Runner:
    """Takes pictures from a source and runs them, one at a time, through a watched session of the bundle."""

    def __init__(self, bundle: Bundle, session: Any, source: Source) -> None:
        self._bundle = bundle
        self._session = session
        self._source = source
        self._shape = Shape(bundle)
        self._output_names = [output.name for output in bundle.outputs]
        self.tally = Tally(dict.fromkeys(bundle.classes, 0))

    def one(self, part: int) -> Result | None:
        """Run the next picture as this part; None when the source has no more. Raises InputError naming it."""
        picture = self._source.next()
        if picture is None:
            return None
        try:
            feed = {self._shape.name: self._shape.tensor(picture.image)}
        except InputError as error:
            raise InputError(f"{picture.name}: {error.what}.", error.remedy) from None
        start_ns = time.monotonic_ns()
        outputs = self._session.run(self._output_names, feed, part=part)
        result = Result(start_ns, part, picture, answer_of(self._bundle, outputs))
        self.tally.add(result)
        return result
