"""Compiles (or loads from the cache) every kernel that a live record needs, before the first one comes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from numba import types

from jidoka.monitor.kernels.bets import advance, advance_between, head, normal_quantile, restart
from jidoka.monitor.kernels.command import command_step, residuals
from jidoka.monitor.kernels.detections import count_not_finite, detection_features
from jidoka.monitor.kernels.embedding import embedding_features
from jidoka.monitor.kernels.frame import frame_bytes
from jidoka.monitor.kernels.frame_floats import frame_floats
from jidoka.monitor.kernels.judge import add_up, alarms, judge, level_step
from jidoka.monitor.kernels.material import share_alarms, share_step
from jidoka.monitor.kernels.output import classifier_features
from jidoka.monitor.kernels.plain import entry_means, plain_features
from jidoka.monitor.kernels.whiten import burg, innovations

F4, F8, I8 = types.float32, types.float64, types.int64
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
COUNTS, TABLE = I8[::1], I8[:, ::1]
TIES = types.uint64[::1]


def _read(element: Any, rank: int, layout: Any = "C") -> Any:
    # what a record brings is a read-only view (features/views.py); everything else converts to that
    return types.Array(element, rank, layout, readonly=True)


#: kernel, the signatures that live records use
KERNELS = (
    (normal_quantile, [(F8,)]),
    (burg, [(VECTOR, I8)]),
    (innovations, [(VECTOR, VECTOR, I8, VECTOR)]),
    (frame_bytes, [(_read(types.uint8, 1), I8, I8, I8, I8, types.boolean, types.boolean, F8, F8, VECTOR)]),
    (frame_floats, [(_read(F4, 1), I8, I8, I8, I8, types.boolean, types.boolean, F8, F8, VECTOR)]),
    (classifier_features, [(_read(element, 2), F8, VECTOR, I8) for element in (F4, F8)]),
    (count_not_finite, [(_read(element, 1),) for element in (F4, F8)]),
    (detection_features, [(_read(F4, 3), I8, I8, types.boolean, F8, F8, F8, VECTOR, I8)]),
    (plain_features, [(_read(F4, 1), types.uint32[::1], VECTOR, I8)]),
    (embedding_features, [
        (_read(F4, 2), F4[:, ::1], F4[:, ::1], VECTOR, VECTOR, F4[::1], VECTOR, F4[::1], VECTOR, I8),
    ]),
    (entry_means, [(_read(F4, 2), VECTOR, I8)]),
    (command_step, [
        (_read(element, 2), MATRIX, MATRIX, MATRIX, MATRIX, types.uint8[:, :, ::1], TABLE, VECTOR,
         F8, F8, F8, MATRIX, VECTOR, I8)
        for element in (F4, F8)
    ]),
    (residuals, [(_read(F4, 2), _read(F4, 2), TABLE, F8, MATRIX, VECTOR, I8)]),
    (advance, [(MATRIX, VECTOR, COUNTS, CUBE)]),
    (advance_between, [(MATRIX, VECTOR, VECTOR, COUNTS, CUBE)]),
    (restart, [(MATRIX, CUBE)]),
    (head, [(CUBE,)]),
    (judge, [
        (COUNTS, MATRIX, MATRIX, COUNTS, MATRIX, COUNTS, MATRIX, COUNTS, VECTOR, TIES, MATRIX, MATRIX, COUNTS, CUBE,
         COUNTS, VECTOR, F4[:, ::1], VECTOR, I8),
    ]),
    (alarms, [(MATRIX, MATRIX, MATRIX, COUNTS, MATRIX, COUNTS, TIES, COUNTS, CUBE, F8, COUNTS)]),
    (level_step, [(VECTOR, VECTOR, COUNTS, MATRIX, COUNTS, I8, VECTOR)]),
    (add_up, [(VECTOR, VECTOR, COUNTS)]),
    (share_step, [
        (VECTOR, COUNTS, VECTOR, VECTOR, VECTOR, COUNTS, MATRIX, COUNTS, TABLE, CUBE, types.uint8[::1]),
    ]),
    (share_alarms, [(MATRIX, VECTOR, VECTOR, VECTOR, COUNTS, MATRIX, F8, COUNTS)]),
)  # fmt: skip


def warm(is_closed: bool = True, needed: Collection[Any] | None = None) -> int:
    """Compile each kernel for each of its signatures; returns how many came from the cache.

    is_closed: no other signature may be compiled afterwards, so that no live record ever waits for a compiler. needed:
    kernels that records will call, None = all; the others take no memory, and may still be compiled: if one is called after
    all, that record waits, and nothing breaks.
    """
    for kernel, signatures in KERNELS:
        if needed is not None and kernel not in needed:
            continue
        for signature in signatures:
            kernel.compile(signature)
        if is_closed:
            kernel.disable_compile()
    return sum(sum(kernel.stats.cache_hits.values()) for kernel, _ in KERNELS)
