"""A configuration under check: what can be read of it, where it stands, and what the checks found on the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jidoka.config.bundle import Bundle
from jidoka.config.conditions import When
from jidoka.config.located import Document, Fault, Trail, path_of
from jidoka.config.schema import Configuration


@dataclass
class Case:
    """A configuration as far as it can be read, where its values stand, and what the checks found out on the way.

    notes: what isn't wrong and should be known.
    """

    config: Configuration
    document: Document
    base_dir: Path
    bundles: dict[int, Bundle] = field(default_factory=dict)
    whens: dict[int, When] = field(default_factory=dict)
    notes: list[Fault] = field(default_factory=list)

    def fault(self, trail: Trail, message: str, remedy: str) -> Fault:
        """A fault at the value of `trail` (or where its parent starts, if it isn't written)."""
        return Fault(self.document.place_of_value(trail), trail, f"{path_of(trail)}: {message}", remedy)

    @property
    def model_ids(self) -> list[str]:
        return [each.id for each in self.config.models if isinstance(each.id, str)]

    def path(self, text: str) -> Path:
        """A path of the file: relative ones start at its folder."""
        return self.base_dir / Path(text)


Found = Iterator[Fault]
