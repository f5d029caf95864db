"""Numba kernels; each has a naive twin in tests/naive.py."""
