"""Views of a record's arrays in the shapes and types that the kernels were compiled for; a copy only where needed."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels.frame import WIDEST

_F4, _F8 = np.dtype(np.float32), np.dtype(np.float64)
#: of numpy's flags: C order and aligned
_READABLE, _WRITEABLE = 0x0001 | 0x0100, 0x0400
_AS_IT_IS = _READABLE | _WRITEABLE


def flat(array: NDArray[Any], is_exact: bool = False) -> NDArray[Any]:
    """(n,) float32, read-only; is_exact: float64 stays float64."""
    return _readable(array, is_exact).reshape(-1)


def rows(array: NDArray[Any], is_exact: bool = False) -> NDArray[Any]:
    """(N, C) of everything but the last axis and the last one, float32, read-only; is_exact: float64 stays float64."""
    if array.dtype is _F4 and array.ndim == 2 and array.flags.num & _AS_IT_IS == _READABLE:
        return array  # as nearly always
    readable = _readable(array, is_exact)
    if readable.ndim == 2:
        return readable
    columns = readable.shape[-1] if readable.ndim else 1
    return readable.reshape(readable.size // columns if columns else 0, columns)


def _readable(array: NDArray[Any], is_exact: bool) -> NDArray[Any]:
    # numba tells arrays apart by alignment and by whether they may be written; one kind of each type is compiled
    dtype = array.dtype
    if dtype is _F4 or dtype == _F4 or (is_exact and dtype == _F8):
        flags = array.flags.num  # one number: each flag by its name costs as much
        if flags & _READABLE == _READABLE:
            return _read_only(array.view()) if flags & _WRITEABLE else array
    with np.errstate(over="ignore"):
        copy: NDArray[Any] = np.array(array, _F8 if is_exact and dtype != np.float16 else _F4, order="C")
    return _read_only(copy)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


class Frames(NamedTuple):
    """Pictures as the kernels take them. pixels: (N·H·W·C,) uint8 or float32 in memory order, read-only."""

    pixels: NDArray[Any]
    n: int
    height: int
    width: int
    channels: int


def frames(array: NDArray[Any], axes: tuple[int | None, ...]) -> Frames | None:
    """The pictures of an array. None if it is empty, or its rank isn't that of the axes.

    axes: of the array that make (N, H, W, C); None = an axis of length 1.
    """
    if array.ndim != 4 - axes.count(None) or array.size == 0:
        return None
    shape = array.shape
    n, h, w, c = (1 if axis is None else shape[axis] for axis in axes)
    # bytes have integer kernels, for grey and colour only
    if array.dtype != np.uint8 or c not in (1, 3) or w > WIDEST:
        return Frames(flat(array), n, h, w, c)
    if array.flags.c_contiguous:
        pixels = array.reshape(-1)
        return Frames(_read_only(pixels) if pixels.flags.writeable else pixels, n, h, w, c)
    return Frames(_read_only(array.flatten()), n, h, w, c)
