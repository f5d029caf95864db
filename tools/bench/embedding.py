"""Embeddings: what one record costs, and how soon a change of the camera is found, beside other tests at one budget.

python tools/bench/embedding.py [--quick] [--json FILE]

Squares of the magnetic-tile photographs through surface-inspection, in random order: a third is fitted, a third is the
reference, a third is the line. A = 10 000 records for every test.
"""

from __future__ import annotations

import os
import sys
import timeit
from collections.abc import Iterator
from pathlib import Path

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka.monitor.detectors.offline import Offline  # noqa: E402
from jidoka.monitor.features.embedding import Embedding  # noqa: E402
from jidoka.monitor.features.embedding_fit import fit  # noqa: E402
from jidoka.monitor.kernels.embedding import MEMORY, J, K, embedding_features  # noqa: E402

from tools.bench._embedding_tiles import CHANGES, WindowedMmd, embeddings, features  # noqa: E402
from tools.bench._rows import Row, bench  # noqa: E402

LIMIT = 1e4
LEAD, LONGEST = 150, 600
#: what the test sees of the features' names
TESTS = {"drift(embedding)": "", "Mahalanobis": "distance", "direction and witness": "direction witness"}
DIMENSIONS = 512


def cost(is_quick: bool) -> Iterator[Row]:
    """One update of DIMENSIONS numbers, against the same in numpy."""
    rng = np.random.default_rng(1)
    found = fit(rng.standard_normal((600, DIMENSIONS)).astype(np.float32))
    row, values, recent = (
        rng.standard_normal((1, DIMENSIONS)).astype(np.float32),
        np.empty(10),
        np.zeros(K + 2 + J),
    )
    u, sums, phi = np.empty(DIMENSIONS, np.float32), np.empty(K + 1 + J), np.empty(J, np.float32)
    row.flags.writeable = False
    basis, waves, terms = found.basis, found.waves, found.terms
    past = [np.ones(K + 1), np.ones(J)]

    def ours() -> None:
        embedding_features(row, basis, waves, terms, recent, u, sums, phi, values, 0)

    def in_numpy() -> tuple[float, ...]:
        if not np.isfinite(row).all():
            return ()
        v = (row - basis[0]) * basis[1]
        z = v @ basis[2:].T
        y, square = z * terms[:K], (v * v).sum(axis=1)
        outside = square - (z * z).sum(axis=1)
        phi = np.cos(2.0 * np.pi * (y @ waves[:K] + waves[K])).mean(axis=0) - terms[K + 3 :]
        near = np.append(y.mean(axis=0), ((np.log(outside) - terms[K + 1]) * terms[K + 2]).mean())
        scores = [float(p @ now / np.sqrt(p @ p)) for p, now in zip(past, (near, phi), strict=True)]
        past[:] = [p + MEMORY * (now - p) for p, now in zip(past, (near, phi), strict=True)]
        distance = np.sqrt((y * y).sum(axis=1) + outside / terms[K]).mean()
        return (
            float(distance), float(np.sqrt(outside).mean()), float(v.mean()),
            float(np.sqrt(square / DIMENSIONS).mean()), *y.mean(axis=0)[:4], *scores,
        )  # fmt: skip

    ours()
    ours_us, theirs_us = np.inf, np.inf
    # in turns, so that whatever else runs here slows both
    for _ in range(10 if is_quick else 40):
        ours_us = min(ours_us, timeit.timeit(ours, number=2000) / 2000 * 1e6)
        theirs_us = min(theirs_us, timeit.timeit(in_numpy, number=200) / 200 * 1e6)
    yield Row(f"embedding of {DIMENSIONS} numbers: one update", ours_us, "µs", 3.0)
    yield Row(
        f"embedding of {DIMENSIONS} numbers, as a share of numpy",
        ours_us / theirs_us,
        "×",
        1 / 15,
        peer="numpy, the same features",
    )


def delays(is_quick: bool) -> Iterator[Row]:
    """Records until each change of the camera is found, and alarms while nothing changes."""
    drawn = embeddings(6 if is_quick else 12)
    tests = [*TESTS, "windowed MMD"]
    found: dict[str, dict[str, list[int]]] = {name: {test: [] for test in tests} for name in CHANGES}
    alarms, clean_records, refused = 0, 0, 0
    for seed in range(3 if is_quick else 8):
        rng = np.random.default_rng(seed)
        fitted, held, line = np.array_split(rng.permutation(len(drawn["clean"])), 3)
        block = Embedding({"name": "e", "role": "embedding", "dtype": "float32", "shape": ["n", 64]})
        model = fit(drawn["clean"][fitted])
        block.use((0, 0), model)
        reference = features(block, drawn["clean"][held])
        columns = {
            test: [
                f
                for f, name in enumerate(block.names)
                if not words or name.removeprefix("e.") in words.split()
            ]
            for test, words in TESTS.items()
        }
        offline = {
            test: Offline(tuple(block.names[f] for f in at), reference[:, at], LIMIT)
            for test, at in columns.items()
        }
        refused += len(offline["drift(embedding)"].refused)
        block.use((0, 0), model)
        clean = features(block, drawn["clean"][line])
        alarms += len(offline["drift(embedding)"].alarms(clean))
        clean_records += len(clean)
        mmd = WindowedMmd(model, drawn["clean"][held], drawn["clean"][line], LIMIT, seed)
        for name in CHANGES:
            for _ in range(2):
                at = rng.permutation(line)
                lead, stream = drawn["clean"][at[:LEAD]], drawn[name][at[LEAD : LEAD + LONGEST]]
                block.use((0, 0), model)
                features(block, lead)
                values = features(block, stream)
                for test, where in columns.items():
                    found[name][test].append(offline[test].first_alarm(values[:, where]))
                found[name]["windowed MMD"].append(mmd.first_alarm(lead, stream))
    yield Row(
        "clean tiles: alarms",
        alarms,
        f"in {clean_records:,}",
        max(1.0, clean_records / LIMIT),
        peer="what the budget allows",
    )
    yield Row("features that may not arm", refused, "of all")
    for name, by_test in found.items():
        medians = {test: _median(lengths) for test, lengths in by_test.items()}
        beside = ", ".join(f"{test} {_words(medians[test])}" for test in tests[1:])
        value = medians["drift(embedding)"]
        yield Row(
            f"{name}: median until drift(embedding), {LONGEST} = never",
            value,
            "records",
            peer=beside,
        )


def _median(lengths: list[int]) -> float:
    return float(np.median([length or LONGEST for length in lengths]))


def _words(median: float) -> str:
    return f"{median:.0f}" if median < LONGEST else "never"


def measure(is_quick: bool) -> Iterator[Row]:
    """All rows."""
    yield from cost(is_quick)
    yield from delays(is_quick)


if __name__ == "__main__":
    bench(__doc__ or "", measure)
