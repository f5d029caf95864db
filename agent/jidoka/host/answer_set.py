"""A set of known answers, made from a source and an approved model, or held against one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from jidoka_bridge.errors import InputError, ModelError
from jidoka_tap.known_answers import KnownAnswers, pack

from jidoka.config.bundle import Bundle, Output
from jidoka.config.model_section import monitored
from jidoka.host.inputs import Inputs
from jidoka.host.sources.sample import Source

#: a source that lives on and gives nothing for so long has no more
PATIENCE_NS = 10_000_000_000


class Difference(NamedTuple):
    """Of one output: the largest difference over all answers, in which answer (from 1), and what is allowed."""

    output: str
    largest: float
    answer: int
    tolerance: float

    @property
    def is_right(self) -> bool:
        return self.largest <= self.tolerance


def seen_outputs(bundle: Bundle) -> list[str]:
    """The outputs whose values the monitor gets. Raises ModelError where there are none."""
    names = [each.name for each in monitored(bundle) if isinstance(each, Output)]
    if not names:
        raise ModelError(
            f"{bundle.folder}: no output is monitored, so the monitor sees no answer",
            "Mark one in the manifest: monitored: true.",
        )
    return names


def make(
    bundle: Bundle, session: Any, source: Source, inputs: Inputs, *, count: int, tolerance: float
) -> bytes:
    """The file of a set of `count` answers that this model gives to the source's first samples.

    tolerance: of each output, as a share of its largest entry (a whole-number output: none). Raises InputError where
    the source gives fewer, or the model's answers have different shapes.
    """
    names = seen_outputs(bundle)
    feeds = list(_feeds(source, inputs, count))
    if len(feeds) < count:
        raise InputError(f"the source gave {len(feeds)} of {count} inputs", "Ask for fewer with --count.")
    answers = [session.run(names, feed) for feed in feeds]
    outputs = {name: _stacked(name, [each[n] for each in answers]) for n, name in enumerate(names)}
    given = {name: _stacked(name, [feed[name] for feed in feeds]) for name in feeds[0]}
    for name, values in outputs.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ModelError(
                f"{bundle.folder}: the output {name!r} isn't finite for these inputs", "Choose others."
            )
    return pack(given, outputs, {name: _allowed(values, tolerance) for name, values in outputs.items()})


def differences(known: KnownAnswers, session: Any) -> list[Difference]:
    """How far this model's answers are from the set's, by output."""
    names = list(known.outputs)
    worst: dict[str, tuple[float, int]] = dict.fromkeys(names, (0.0, 0))
    for n in range(known.count):
        for name, found in zip(names, session.run(names, known.feed(n)), strict=True):
            worst[name] = max(worst[name], (_distance(np.asarray(found), known.outputs[name][n]), n + 1))
    return [Difference(name, *worst[name], known.tolerances[name]) for name in names]


def _feeds(source: Source, inputs: Inputs, count: int) -> Iterator[Mapping[str, Any]]:
    last_ns = time.monotonic_ns()
    found = 0
    while found < count and not source.has_ended:
        now_ns = time.monotonic_ns()
        sample = source.take(now_ns)
        if sample is None:
            if source.has_ended or now_ns - last_ns > PATIENCE_NS:
                return
            time.sleep(max(0.01, source.look_again_s))
            continue
        found, last_ns = found + 1, now_ns
        yield inputs.feed([sample] * inputs.batch)


def _stacked(name: str, values: list[Any]) -> Any:
    arrays = [np.asarray(each) for each in values]
    if len({each.shape for each in arrays}) > 1:
        raise InputError(
            f"{name!r} has another shape from one sample to the next, so they can't be one set",
            "Take inputs of one size (--size W×H), or leave this output unmonitored.",
        )
    return np.stack(arrays)


def _allowed(values: Any, share: float) -> float:
    if values.dtype.kind != "f":
        return 0.0
    return share * max(1e-6, float(np.abs(values).max(initial=0.0)))


def _distance(found: Any, right: Any) -> float:
    if found.shape != right.shape:
        return float("inf")
    distance = np.abs(found.astype(np.float64) - right.astype(np.float64))
    return float("inf") if np.isnan(distance).any() else float(distance.max(initial=0.0))
