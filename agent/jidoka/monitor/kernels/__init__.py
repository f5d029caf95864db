"""Numba kernels; each has a naive twin in tests/naive.py."""

from typing import Any

from jidoka.monitor.kernels import cache

cache.choose()

#: how a kernel is compiled that makes no array: nobody counts the owners of those that it is given. Numba else counts, with
#: an atomic instruction each time, whenever an array is handed on or looked at in a branch, which took half to three quarters
#: of the detectors' time, and makes an owner for every array of every call. What needs scratch is two: one that makes it and hands it on.
BARE: dict[str, Any] = {"nogil": True, "cache": True, "_nrt": False}
