"""`FILL IN`: what `jidoka model inspect` writes where a person must decide, and what is refused until one did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

from jidoka.config.faults import field_at
from jidoka.config.located import Document, Fault, Trail, path_of
from jidoka.config.salvage import UNKNOWN

FILL_IN = "FILL IN"


def taken_out(document: Document, schema: type[BaseModel]) -> tuple[Any, list[Fault]]:
    """(the document's value with UNKNOWN for each `FILL IN`, a fault for each that says what to write)."""
    found: list[Fault] = []

    def walk(value: Any, trail: Trail) -> Any:
        if isinstance(value, dict):
            return {key: walk(each, (*trail, key)) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(each, (*trail, index)) for index, each in enumerate(value)]
        if not isinstance(value, str) or value.strip() != FILL_IN:
            return value
        field = field_at(schema, trail)
        sentence = "Write what it is." if field is None or not field.description else field.description
        found.append(
            Fault(
                document.place_of_value(trail), trail, f"{path_of(trail)}: nobody has filled it in", sentence
            )
        )
        return UNKNOWN

    return walk(document.value, ()), found


def is_in(trail: Trail, blanks: Iterable[Fault]) -> bool:
    """True if what is wrong at `trail` is that it, or what is in it, isn't filled in."""
    return any(
        blank.trail[: len(trail)] == trail or trail[: len(blank.trail)] == blank.trail for blank in blanks
    )
