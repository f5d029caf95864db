"""One input or output of a model as the manifest describes it, and whether a tensor is that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jidoka_tap import wire

#: roles of outputs that are monitored unless the manifest says otherwise
MONITORED_ROLES = frozenset({"logits", "detections", "command"})
#: where height and width lie, by layout
_PICTURE_SIDES = {"NCHW": (2, 3), "NHWC": (1, 2), "CHW": (1, 2), "HWC": (0, 1), "NHW": (1, 2), "HW": (0, 1)}


def is_monitored(spec: Mapping[str, Any]) -> bool:
    """True if the features of this input or output are watched. spec: its entry in the plan's section."""
    given = spec.get("monitored")
    return spec.get("role") in MONITORED_ROLES if given is None else bool(given)


class Port:
    """What a tensor of this name must look like. spec: its entry; roi: the part of a picture that is sent, if any.

    A size that is a name, or negative, may be any; so may every size where the manifest gives no shape.
    """

    def __init__(self, spec: Mapping[str, Any], roi: Any = None) -> None:
        self.name = str(spec["name"])
        shape = spec.get("shape")
        sizes = None if shape is None else [size if _is_fixed(size) else None for size in shape]
        if sizes is not None and roi is not None:
            for axis in _PICTURE_SIDES.get(str(spec.get("layout") or ""), ()):
                if axis < len(sizes):
                    sizes[axis] = None
        if sizes and spec.get("role") == "command" and spec.get("channels"):
            sizes[-1] = len(spec["channels"])
        self.sizes = sizes
        # most shapes are known but for the batch
        self._tail = None if sizes is None or None in sizes[1:] else tuple(sizes[1:])
        self._dtype = np.dtype(spec["dtype"]) if spec.get("dtype") else None
        # what fitted last: an application's tensors are mostly alike
        self._fitting: tuple[tuple[int, ...], Any] | None = None

    def fits(self, tensor: wire.Tensor) -> bool:
        """True if shape and type are the manifest's. A type that didn't come (not sent) isn't held against it."""
        shape, dtype = tensor.shape, tensor.dtype
        last = self._fitting
        if last is not None and last[0] == shape and last[1] is dtype:
            return True
        if self._fits(shape, dtype):
            self._fitting = (shape, dtype)
            return True
        return False

    def _fits(self, shape: tuple[int, ...], dtype: Any) -> bool:
        sizes = self.sizes
        if sizes is not None:
            if len(sizes) != len(shape):
                return False
            if sizes and sizes[0] is not None and sizes[0] != shape[0]:
                return False
            if self._tail is not None:
                if self._tail != shape[1:]:
                    return False
            elif any(want is not None and want != have for want, have in zip(sizes, shape, strict=True)):
                return False
        return bool(self._dtype is None or dtype is None or dtype == self._dtype)

    @property
    def has_free_size(self) -> bool:
        """True if another size than the first, the batch, isn't known."""
        return self.sizes is None or None in self.sizes[1:]


def _is_fixed(size: Any) -> bool:
    return isinstance(size, int) and size >= 0
