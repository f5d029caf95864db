"""Runs a model before and after on the same random numbers: are the outputs that it had the same bits?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.config.drafting.graph import Tensor, opened

#: random inputs that are tried
RUNS = 3
#: what a free size is on the first, the second, … run
FREE_SIZES = (1, 2, 1)
_MOST_NUMBERS = 10**8


@dataclass(frozen=True)
class Proof:
    """runs: random inputs that both models were run on; differing: the outputs that weren't the same bits, ""
    first; why_not: why fewer than RUNS could be run, "" = all were; seen: shape of the new output on the first run."""

    runs: int
    differing: tuple[str, ...]
    why_not: str
    seen: tuple[int, ...] | None


def prove(file: Path, changed: bytes, inputs: Sequence[Tensor], name: str, seed: int = 1) -> Proof:
    """Run both. name: of the new output. Raises ModelError where one of them can't be opened."""
    before, after = opened(file, is_optimised=True), opened(file, changed, is_optimised=True)
    names = [each.name for each in before.get_outputs()]
    rng = np.random.default_rng(seed)
    differing: dict[str, None] = {}
    seen, why_not, runs = None, "", 0
    for free in FREE_SIZES:
        try:
            feed = {each.name: _drawn(each, free, rng) for each in inputs}
            wanted = before.run(names, feed)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds
            why_not = (str(error).strip().splitlines() or ["for no stated reason"])[0].rpartition(" : ")[2]
            if runs:
                break  # a size that is stated as free and isn't
            continue
        found = after.run([*names, name], feed)
        runs += 1
        seen = seen or tuple(np.shape(found[-1]))
        differing |= {
            each: None for each, a, b in zip(names, wanted, found, strict=False) if not _is_same(a, b)
        }
    return Proof(runs, tuple(differing), why_not if not runs else "", seen)


def _drawn(tensor: Tensor, free: int, rng: np.random.Generator) -> NDArray[Any]:
    if tensor.dtype is None or tensor.shape is None:
        raise ValueError(f"input {tensor.name!r} is {tensor.kind}, of which nothing can be drawn")
    shape = [size if isinstance(size, int) else free for size in tensor.shape]
    if np.prod(shape, dtype=float) > _MOST_NUMBERS:
        raise ValueError(f"input {tensor.name!r} is too large to try")
    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    # small whole numbers are places in a table more often than not
    return rng.integers(0, 256 if dtype == np.uint8 else 2, shape).astype(dtype)


def _is_same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, Mapping) or isinstance(b, Mapping):
        return bool(a == b)
    same = isinstance(a, list) and isinstance(b, list) and len(a) == len(b)
    return all(map(_is_same, a, b)) if same else bool(a == b)
