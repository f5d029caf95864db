"""Files that hold secrets: a password or a private key. Whoever else may read them makes them worthless, so that is refused."""

from __future__ import annotations

import stat
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError

#: bits of anybody but the owner: the group is others too, where one group holds all programs of a machine
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def require_private(path: str | Path) -> None:
    """Raises ConfigurationError if the file can't be looked at, or if its group or others may read or write it."""
    try:
        mode = stat.S_IMODE(Path(path).stat().st_mode)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: can't be read: {error.strerror}",
            "Put the file there, owned by the user that runs the steward, with mode 0600.",
        ) from None
    if mode & OTHERS:
        raise ConfigurationError(
            f"{path}: others may read or write it (mode {mode:04o}), and it holds a secret",
            f"Change the secret if anybody may have read it, then: chmod 600 {path}",
        )


def read_password(path: str | Path) -> str:
    """The first line of a file that only its owner may read. Raises ConfigurationError."""
    remedy = "Put the password on its first line, and let the steward's user own the file, with mode 0600."
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path}: can't read the password: {error.strerror}", remedy) from None
    except UnicodeDecodeError:
        lines = []
    if not lines or not lines[0]:
        raise ConfigurationError(f"{path}: can't read the password: there is no text in it", remedy)
    require_private(path)
    return lines[0]
