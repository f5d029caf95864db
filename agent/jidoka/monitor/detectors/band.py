"""How far a frozen reference is widened: the level at which its band holds everywhere with 95 % confidence.

`python -m jidoka.monitor.detectors.band` repeats the simulation behind ALPHA and prints the table.
"""

from __future__ import annotations

import numpy as np

from jidoka.monitor.kernels.band import tail_bounds, widest_levels

#: the promise: for this baseline, with this confidence, for both directions and up to SIX features together
CONFIDENCE = 0.95
SIX = 6
SEED = 20260301
REPEATS = 40_000
LOWEST, HIGHEST, LEVELS = 1e-6, 0.02, 240


def simulate_alpha(n: int, repeats: int = REPEATS, seed: int = SEED) -> float:
    """The level for n reference records, by simulation of `repeats` samples; always the same for one seed.

    The share of samples whose band breaks somewhere, on either side, is at most (1 − CONFIDENCE) / SIX.
    """
    levels = np.exp(np.linspace(np.log(LOWEST), np.log(HIGHEST), LEVELS))
    bounds = np.array([tail_bounds(n, level)[:-1] for level in levels])
    held = np.sort(widest_levels(bounds, repeats, seed))
    index = held[int((1.0 - CONFIDENCE) / SIX * repeats)]
    return float(levels[max(index, 0)])


#: n -> level, as printed by this module
ALPHA: tuple[tuple[int, float], ...] = (
    (100, 0.000163),
    (200, 0.000113),
    (300, 9.94e-05),
    (500, 8.78e-05),
    (1000, 7.14e-05),
    (2000, 5.57e-05),
    (3000, 5.57e-05),
    (5000, 4.72e-05),
    (10_000, 4.53e-05),
    (20_000, 4.17e-05),
    (50_000, 3.12e-05),
)
#: a reference is never longer: the table ends here, and the gain beyond is nil
MOST_RECORDS = ALPHA[-1][0]


def alpha_for(n: int) -> float:
    """The level for n records, at most MOST_RECORDS: that of the table's next larger n, the stricter one."""
    if n > MOST_RECORDS:
        raise ValueError(f"the band is known for up to {MOST_RECORDS} records, not {n}")
    return next(alpha for size, alpha in ALPHA if n <= size)


if __name__ == "__main__":
    for size, _ in ALPHA:
        print(f"    ({size}, {simulate_alpha(size):.3g}),")  # noqa: T201
