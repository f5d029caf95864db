"""Views of a record's arrays in the shapes and types that the kernels were compiled for; a copy only where needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_F4, _F8 = np.dtype(np.float32), np.dtype(np.float64)


def flat(array: NDArray[Any], is_exact: bool = False) -> NDArray[Any]:
    """(n,) float32, read-only; is_exact: float64 stays float64."""
    return _readable(array, is_exact).reshape(-1)


def rows(array: NDArray[Any], is_exact: bool = False) -> NDArray[Any]:
    """(N, C) of everything but the last axis and the last one, float32, read-only; is_exact: float64 stays float64."""
    readable = _readable(array, is_exact)
    if readable.ndim == 2:
        return readable
    columns = readable.shape[-1] if readable.ndim else 1
    return readable.reshape(readable.size // columns if columns else 0, columns)


def _readable(array: NDArray[Any], is_exact: bool) -> NDArray[Any]:
    # numba tells arrays apart by alignment and by whether they may be written; one kind of each type is compiled
    dtype = array.dtype
    if dtype is _F4 or dtype == _F4 or (is_exact and dtype == _F8):
        flags = array.flags
        if flags.c_contiguous and flags.aligned:
            return _read_only(array.view()) if flags.writeable else array
    with np.errstate(over="ignore"):
        copy: NDArray[Any] = np.array(array, _F8 if is_exact and dtype != np.float16 else _F4, order="C")
    return _read_only(copy)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def frames(array: NDArray[Any], axes: tuple[int | None, ...], is_bgr: bool) -> NDArray[Any] | None:
    """(N, H, W, C) uint8 or float32, channels as red, green, blue. None if the rank isn't that of the axes.

    axes: of the array that make (N, H, W, C); None = an axis of length 1.
    """
    if array.ndim != 4 - axes.count(None) or array.size == 0:
        return None
    dtype = array.dtype
    if dtype != np.uint8 and (dtype != _F4 or not array.flags.aligned):
        with np.errstate(over="ignore"):
            array = array.astype(_F4)
    n, h, w, c = (1 if axis is None else array.shape[axis] for axis in axes)
    if c == 1 or axes[3] == array.ndim - 1:
        view = array.reshape(n, h, w, c)
    else:  # channels first: the only other place where layouts have them
        view = array.reshape(n, c, h, w).transpose(0, 2, 3, 1)
    if is_bgr and c == 3:
        view = view[..., ::-1]
    return _read_only(view.view() if view is array else view)
