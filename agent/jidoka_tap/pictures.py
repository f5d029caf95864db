"""Pictures that the application hands in beside the records, until the record that they belong to goes."""

from typing import Any, Dict, Optional

import numpy as np

from jidoka_tap.notes import Notes

MOST_WAITING = 64


class Pictures(Dict[int, Any]):
    """Copies by part, 0 = any part. All methods under the tap's lock."""

    def add(self, part: int, array: Any, notes: Notes) -> None:
        """The picture waits for the next record of this part; the oldest goes where too many wait."""
        if (
            not isinstance(array, np.ndarray)
            or array.dtype != np.uint8
            or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3))
            or not array.size
            or not isinstance(part, int)
        ):
            what = "part %r, %s %r" % (
                part,
                getattr(array, "dtype", type(array).__name__),
                getattr(array, "shape", ""),
            )
            notes.once(
                "tap.image() takes a part's number and uint8 (H, W) or (H, W, 3); %s isn't sent" % what
            )
            return
        self.pop(part, None)
        if len(self) >= MOST_WAITING:
            del self[next(iter(self))]
        self[part] = np.array(array, order="C")

    def take(self, part: Any) -> Optional[Any]:
        """The picture that goes with a record of this part, None if there is none."""
        if isinstance(part, int) and part in self:
            return self.pop(part)
        return self.pop(0, None)
