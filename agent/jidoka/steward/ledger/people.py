"""What people wrote freely, in a side file behind salted commitments, so that it can be erased and the ledger still holds.

`LEDGER.people` has one JSON object a line: {"commitment": hex, "salt": hex, "text": str}. An entry carries only the
commitment = SHA-256(salt ‖ UTF-8 text). Deleting the line erases the text; without the 16-byte salt nobody can
find it again by guessing.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

SALT_BYTES = 16


def people_path(ledger: Path) -> Path:
    """Where the side file lies."""
    return ledger.with_name(ledger.name + ".people")


def commit(text: str, salt: bytes) -> str:
    """The commitment to `text`, hex."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def sealed(text: str) -> tuple[str, bytes]:
    """(commitment for the entry, line for the side file)."""
    salt = os.urandom(SALT_BYTES)
    commitment = commit(text, salt)
    line = json.dumps({"commitment": commitment, "salt": salt.hex(), "text": text}, ensure_ascii=False)
    return commitment, line.encode() + b"\n"


def read_texts(ledger: Path) -> dict[str, str]:
    """Commitment → text for every line that is still there and keeps its commitment."""
    try:
        lines = people_path(ledger).read_bytes().splitlines()
    except OSError:
        return {}
    return {row["commitment"]: row["text"] for row in map(_kept, lines) if row}


def _kept(line: bytes) -> dict[str, str] | None:
    """The row of a line; None for one that is torn or was edited: it proves nothing and shows nothing."""
    try:
        row: dict[str, str] = json.loads(line)
        return row if commit(row["text"], bytes.fromhex(row["salt"])) == row["commitment"] else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
