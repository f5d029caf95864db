"""Master parts: a known good and a known bad part, shown at commissioning and again, once a shift say.

A baseline tells what the model saw of many parts; a master part tells that it still sees *this* part as it did, and still
answers it alike. It finds what no statistic of production can: a model that calls everything good.

`masters.jsonl` beside the baselines: one showing a line, chained (`chained_lines`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.plan import Plan
from numpy.typing import NDArray

from jidoka import chained_lines
from jidoka.chained_lines import ChainError
from jidoka.monitor.baseline import Baseline, Key, folder_of

Floats = NDArray[np.float64]

GOOD, BAD = KINDS = "good", "bad"
#: a part that is laid down by hand may differ by so many standard deviations of production from how it was shown first
MOST_SIGMA = 1.0


@dataclass(frozen=True)
class Showing:
    """One showing of one part.

    model: SHA-256 of the model file; answer: the class that most records named, "" where the model names none; share: of the
    records that named it; features: name → mean over the showing; is_kept: others are held against this one; differs: what
    differed from the kept one, in words.
    """

    name: str
    kind: str
    model: str
    recipe: int
    position: int
    records: int
    answer: str
    share: float
    features: dict[str, float]
    role: str
    person: str
    shown_at: str
    is_kept: bool
    differs: list[str] = field(default_factory=list)
    previous: str = ""

    @property
    def key(self) -> Key:
        return self.recipe, self.position


def masters_file(plan: Plan, model: str) -> Path:
    """Where the showings of a model's master parts lie."""
    return folder_of(plan, model) / "masters.jsonl"


def showings(plan: Plan, model: str) -> list[Showing]:
    """Every showing, oldest first. Raises BaselineError where the file was changed or can't be read."""
    path = masters_file(plan, model)
    try:
        lines = chained_lines.read(path)
    except ChainError as error:
        raise _broken(error) from None
    return [_showing(path, number, values) for number, values in enumerate(lines, 1)]


def _showing(path: Path, number: int, values: dict[str, Any]) -> Showing:
    try:
        return Showing(**values)
    except TypeError:
        raise _broken(ChainError(f"{path}:{number}", "isn't a showing of a master part")) from None


def _broken(error: ChainError) -> BaselineError:
    return BaselineError(
        str(error), "Compare it with a copy; or move the file away and keep the master parts anew."
    )


def keep(plan: Plan, model: str, showing: Showing) -> Showing:
    """Write a showing behind the others. Raises BaselineError."""
    try:
        return Showing(**chained_lines.append(masters_file(plan, model), asdict(showing)))
    except ChainError as error:
        raise BaselineError(
            str(error), "Run as the user that owns the state directory, and see that its disk has room."
        ) from None


def kept(given: Sequence[Showing], model: str) -> dict[str, Showing]:
    """Of each master part the showing that others are held against; a part that another model file saw counts as new."""
    return {each.name: each for each in given if each.is_kept and each.model == model}


def shown(
    rows: Sequence[Sequence[float]], names: Sequence[str], answers: Sequence[str]
) -> tuple[str, float, dict[str, float]]:
    """The answer, its share and each feature's mean over the records of a showing.

    rows: (n, V), NaN = not available; answers: (n,), "" = none. A feature that no record has is left out.
    """
    values = np.asarray(rows, dtype=np.float64)
    answer, count = Counter(answers).most_common(1)[0]
    means = {
        name: float(np.mean(column[np.isfinite(column)]))
        for name, column in zip(names, values.T, strict=True)
        if np.isfinite(column).any()
    }
    return answer, count / len(answers), means


def differences(before: Showing, answer: str, features: Mapping[str, float], baseline: Baseline) -> list[str]:
    """What a person should look at, in words; nothing: the part is seen and answered as it was.

    A feature's shift is reckoned in standard deviations of production; one that never varied there must not move at all.
    """
    found = []
    if answer != before.answer:
        found.append(f"the answer was {before.answer or 'none'} and is {answer or 'none'}")
    for f, name in enumerate(baseline.names):
        if name not in before.features and name not in features:
            continue
        if name not in before.features or name not in features:
            found.append(f"{name} {'is missing' if name in before.features else 'is new'}")
            continue
        column = baseline.records[:, f]
        sigma = float(np.std(column[np.isfinite(column)]))
        moved = features[name] - before.features[name]
        rounding = 1e-9 * max(abs(features[name]), abs(before.features[name]))
        if abs(moved) > max(MOST_SIGMA * sigma, rounding):
            by = f"{moved / sigma:+.1f} σ of production" if sigma > 0.0 else "it never varied in production"
            found.append(f"{name} was {before.features[name]:.4g} and is {features[name]:.4g} ({by})")
    return found


def confused(given: Mapping[str, Showing], this: Showing) -> list[str]:
    """Master parts of the other kind that the model answers as it answers this one: it can't tell them apart."""
    if not this.answer:
        return []
    return [
        each.name
        for each in given.values()
        if each.kind != this.kind and each.key == this.key and each.answer == this.answer
    ]


def missing(given: Mapping[str, Showing], key: Key) -> list[str]:
    """The kinds of which no master part of this recipe and position is kept."""
    have = {each.kind for each in given.values() if each.key == key}
    return [kind for kind in KINDS if kind not in have]


def latest(given: Sequence[Showing], name: str) -> Showing | None:
    """The newest showing of a part."""
    return next((each for each in reversed(given) if each.name == name), None)
