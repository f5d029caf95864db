"""What is left to fill in of a draft."""

from __future__ import annotations

from jidoka.config import located, placeholders
from jidoka.config.located import Fault
from jidoka.config.manifest_schema import Manifest


def blanks_of(text: str) -> list[Fault]:
    """Each `FILL IN` of a manifest with its place and what to write, in the file's order."""
    _, blanks = placeholders.taken_out(located.parse(text, "manifest.yaml"), Manifest)
    return sorted(blanks, key=lambda each: each.place)
