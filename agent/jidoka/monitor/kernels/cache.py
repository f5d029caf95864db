"""Where numba keeps compiled kernels; decided before numba is imported, so that a read-only package works too."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def is_writable(folder: Path) -> bool:
    """True if a file can be made in `folder` (made itself, with its parents, where it is missing)."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def is_private(folder: Path) -> bool:
    """True if nobody else may put files there: numba loads them as code."""
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & 0o022


def candidates() -> list[Path]:
    """User cache folders in order of preference: service manager's, the desktop's, the user's, a private one."""
    found = [Path(part) for part in os.environ.get("CACHE_DIRECTORY", "").split(":") if part]
    found += [Path(part) / "jidoka" for part in (os.environ.get("XDG_CACHE_HOME"),) if part]
    found.append(Path("~/.cache/jidoka").expanduser())
    found.append(Path(tempfile.gettempdir()) / f"jidoka-{os.getuid()}")
    return [folder / "numba" for folder in found]


def choose() -> Path | None:
    """The folder that numba is told to use; None where its own choice (beside the kernels) works.

    Sets NUMBA_CACHE_DIR, unless somebody set it to a folder that this user may write. Must run before numba is
    imported; afterwards it changes nothing and returns None.
    """
    given = os.environ.get("NUMBA_CACHE_DIR")
    if "numba" in sys.modules or is_writable(Path(given) if given else PACKAGE / "__pycache__"):
        return None
    for folder in candidates():
        if is_writable(folder) and is_private(folder) and is_private(folder.parent):
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            return folder
    return None
