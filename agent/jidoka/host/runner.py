"""Samples through the watched model, alone or as batches, and what came out, counted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jidoka.config.manifest import Bundle
from jidoka.host.answers import Answer, Command, Said, answers_of
from jidoka.host.inputs import Inputs
from jidoka.host.sources.sample import Sample


class Result(NamedTuple):
    """One sample's inference. start_ns: CLOCK_MONOTONIC before it, as in the record that the monitor gets."""

    start_ns: int
    part: int
    sample: Sample
    answer: Said

    def as_json(self) -> dict[str, Any]:
        """The line that `--results` prints."""
        return {
            "ns": self.start_ns, "part": self.part, "index": self.sample.place, "name": self.sample.name,
            **self.answer.as_json(),
        }  # fmt: skip


@dataclass
class Tally:
    """Counts since the start. samples: answers; records: inferences; right: answers that agree with the truth, of the
    `known` where it is known; extremes: (lowest, highest) command by channel."""

    classes: dict[str, int]
    samples: int = 0
    records: int = 0
    good: int = 0
    right: int = 0
    known: int = 0
    extremes: dict[str, tuple[float, float]] = field(default_factory=dict)
    first_ns: int = 0
    last_ns: int = 0

    def add(self, results: Sequence[Result]) -> None:
        """The results of one inference."""
        for result in results:
            answer = result.answer
            for name, count in answer.counted.items():
                self.classes[name] = self.classes.get(name, 0) + count
            if isinstance(answer, Answer):
                self.good += answer.is_good
                if result.sample.truth is not None:
                    self.known += 1
                    self.right += result.sample.truth == answer.name
            elif isinstance(answer, Command):
                self._add_command(answer)
        self.samples += len(results)
        self.records += 1
        self.first_ns = self.first_ns or results[0].start_ns
        self.last_ns = results[0].start_ns

    def _add_command(self, command: Command) -> None:
        for name, value in command.channels.items():
            low, high = self.extremes.get(name, (value, value))
            self.extremes[name] = (min(low, value), max(high, value))

    @property
    def rate_hz(self) -> float:
        """Inferences a second, mean over the whole run; 0 before the second record."""
        return (
            (self.records - 1) / ((self.last_ns - self.first_ns) / 1e9)
            if self.last_ns > self.first_ns
            else 0.0
        )

    def line(self, model: str, is_connected: bool) -> str:
        """The counts as people read them."""
        told = [f"{name} {count}" for name, count in self.classes.items()]
        told += [f"{name} {low:.3g}…{high:.3g}" for name, (low, high) in self.extremes.items()]
        monitor = "monitor connected" if is_connected else "monitor away"
        said = f"{'  '.join(told)}  " if told else ""
        return f"{model}: {self.records} records  {said}{self.rate_hz:.1f}/s  {monitor}"


class Runner:
    """Runs samples through a watched session of the bundle, one inference a call."""

    def __init__(self, bundle: Bundle, session: Any, inputs: Inputs) -> None:
        self._bundle = bundle
        self._session = session
        self._inputs = inputs
        self._output_names = [output.name for output in bundle.outputs]
        # every class of a classifier is told, also one that never occurs; of a detector's many only those that do
        names = bundle.classes if any(output.role == "logits" for output in bundle.outputs) else ()
        self.tally = Tally(dict.fromkeys(names, 0))

    @property
    def batch(self) -> int:
        """Samples in one inference."""
        return self._inputs.batch

    @property
    def takes_fewer(self) -> bool:
        """Whether the model also runs fewer than a batch."""
        return self._inputs.takes_fewer

    def run(self, samples: Sequence[Sample], parts: Sequence[int]) -> list[Result]:
        """One inference of these samples, recorded as the first one's part. Raises InputError naming the sample."""
        feed = self._inputs.feed(samples)
        start_ns = time.monotonic_ns()
        outputs = self._session.run(self._output_names, feed, part=parts[0])
        answers = answers_of(self._bundle, outputs, len(samples))
        results = [
            Result(start_ns, part, sample, answer)
            for part, sample, answer in zip(parts, samples, answers, strict=True)
        ]
        self.tally.add(results)
        return results
