"""Copies of the committed bundle with something changed."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "surface-inspection"


def changed_bundle(folder: Path, *changes: tuple[str, str], model: bytes | None = None) -> Path:
    """A copy in `folder` whose manifest has these texts replaced; `model` replaces the file, with its digest."""
    shutil.copytree(SHIPPED, folder)
    manifest = folder / "manifest.yaml"
    text = manifest.read_text(encoding="utf-8")
    file = folder / "surface-inspection.onnx"
    if model is not None:
        old = hashlib.sha256(file.read_bytes()).hexdigest()
        file.write_bytes(model)
        changes = (*changes, (old, hashlib.sha256(model).hexdigest()))
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    manifest.write_text(text, encoding="utf-8")
    return folder
