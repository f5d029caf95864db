"""Which file a session runs: its SHA-256, which the guard holds against the approved model's."""

import hashlib
import os
from typing import Any

PIECE_BYTES = 1 << 20


def source_of(session: Any) -> Any:
    """What onnxruntime made the session of: a path or the model's bytes; None of a session that doesn't say."""
    try:
        return getattr(session, "_model_path", None) or getattr(session, "_model_bytes", None)
    except Exception:  # noqa: BLE001 - somebody else's object: whatever it does, the application goes on
        return None


def digest_of(source: Any) -> str:
    """SHA-256 of a model's file or bytes in hexadecimal digits, "" if there is none to read."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return hashlib.sha256(source).hexdigest()
    digest = hashlib.sha256()
    try:
        with open(os.fspath(source), "rb") as file:
            for piece in iter(lambda: file.read(PIECE_BYTES), b""):
                digest.update(piece)
    except (OSError, TypeError, ValueError):
        return ""
    return digest.hexdigest()
