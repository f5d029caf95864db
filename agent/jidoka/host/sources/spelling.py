"""How sources are written, for whoever checks or shortens what was written without opening anything."""

from __future__ import annotations

import os
from pathlib import Path

RENDERER = "renderer"
ARM = "arm"  # no source: the arm's own host runs the model, as what it sees depends on what it says
WATCH = "watch:"
FROM_FILE = "@"
STREAMS = ("rtsp://", "rtsps://")
CAMERAS = ("/dev/video", "/dev/v4l/")
STATES = (".csv", ".tsv", ".dat", ".txt")


def is_states(text: str) -> bool:
    """A table by its ending; a folder may be called anything."""
    return text.lower().endswith(STATES) and not os.path.isdir(text)  # noqa: PTH112 - may be closed to us


def absolute(text: str, folder: Path) -> str:
    """The source with a path in it that starts at `folder` made absolute; `..` is folded, links stay."""
    if text in {RENDERER, ARM} or text.startswith(STREAMS):
        return text
    prefix = next((each for each in (WATCH, FROM_FILE) if text.startswith(each)), "")
    return prefix + os.path.abspath(folder / text[len(prefix) :])  # noqa: PTH100 - resolve() would follow links


def missing(text: str, folder: Path) -> str | None:
    """Why a source can't be there, as the end of a sentence; None where it may be.

    A camera and a stream may come later, so nothing is said of them.
    """
    if text in {RENDERER, ARM} or text.startswith((*STREAMS, *CAMERAS)):
        return None
    placed = absolute(text, folder)
    path = Path(placed.removeprefix(WATCH).removeprefix(FROM_FILE))
    if placed.startswith(FROM_FILE) or (is_states(placed) and not placed.startswith(WATCH)):
        return None if path.is_file() else "isn't a file"
    return None if path.is_dir() else "isn't a folder"
