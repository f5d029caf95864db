"""The magnetic-tile photographs, grouped by tile: one tile was photographed at up to six exposures.

A tile isn't named in the files. Within a class folder sorted by number, a new tile begins where the exposure
doesn't rise.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.shared_data import folder

NAME = re.compile(r"exp(\d)_num_(\d+)\.jpg$")
EXPOSURES = (1, 2, 3, 4, 5, 6)


def tiles() -> list[dict[int, Path]]:
    """Every tile as {exposure: photograph}, in the order of class and number. Skips where the data are absent."""
    found: list[dict[int, Path]] = []
    for kind in sorted(path for path in folder("magnetic-tile").iterdir() if path.is_dir()):
        numbered = []
        for path in kind.rglob("*.jpg"):
            match = NAME.search(path.name)
            if match:
                numbered.append((int(match[2]), int(match[1]), path))
        last = 99
        for _, exposure, path in sorted(numbered):
            if exposure <= last:
                found.append({})
            found[-1][exposure] = path
            last = exposure
    return found


def complete_tiles() -> list[dict[int, Path]]:
    """The tiles that have all six exposures."""
    return [tile for tile in tiles() if len(tile) == len(EXPOSURES)]
