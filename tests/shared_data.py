"""Where real data lies that isn't part of the project; tests that need it skip with a reason where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def folder(name: str) -> Path:
    """The folder of one data set: JIDOKA_DATA, else `shared/data` beside the checkout. Skips if it is absent."""
    root = Path(os.environ.get("JIDOKA_DATA", Path(__file__).parents[2] / "shared" / "data"))
    path = root / name
    if not path.is_dir():
        pytest.skip(f"real data set {name} isn't on this machine (set JIDOKA_DATA)")
    return path
