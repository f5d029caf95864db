"""Numba kernels; each has a naive twin in tests/naive.py."""

from jidoka.monitor.kernels import cache

cache.choose()
