"""Compiles (or loads from the cache) every kernel that a live record needs, before the first one comes."""

from __future__ import annotations

from numba import types

from jidoka.monitor.kernels.band import beta_cdf, tail_bounds
from jidoka.monitor.kernels.bets import advance, normal_quantile, rank_scores
from jidoka.monitor.kernels.frame import frame_features
from jidoka.monitor.kernels.output import classifier_features

F8 = types.float64
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
COUNTS = types.int64[::1]


def _frames(element: types.Type) -> types.Array:
    # records are read-only views with any strides; everything else converts to that
    return types.Array(element, 4, "A", readonly=True)


#: kernel, the signatures that live records use
KERNELS = (
    (normal_quantile, [(F8,)]),
    (beta_cdf, [(F8, F8, F8)]),
    (tail_bounds, [(types.int64, F8)]),
    (frame_features, [(_frames(types.uint8), F8, F8, VECTOR), (_frames(types.float32), F8, F8, VECTOR)]),
    (classifier_features, [(MATRIX, F8, VECTOR)]),
    (rank_scores, [(VECTOR, MATRIX, COUNTS, MATRIX, VECTOR, MATRIX)]),
    (advance, [(CUBE, MATRIX, COUNTS)]),
)


def warm(is_closed: bool = True) -> int:
    """Compile each kernel for each of its signatures; returns how many came from the cache.

    is_closed: no other signature may be compiled afterwards, so that no live record ever waits for a compiler.
    """
    for kernel, signatures in KERNELS:
        for signature in signatures:
            kernel.compile(signature)
        if is_closed:
            kernel.disable_compile()
    return sum(sum(kernel.stats.cache_hits.values()) for kernel, _ in KERNELS)
