"""What can still be read of a faulty file: so that one fault hides no other, and all are named at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from jidoka.config.faults import model_in


class Unknown:
    """Stands for a value that was refused: empty, equal to nothing, and so are its fields; checks pass over it."""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Any = Unknown()


def salvage(schema: type[BaseModel], raw: Any) -> Any:
    """An instance of `schema` with whatever of `raw` is right, UNKNOWN for the rest: so that one fault hides no other."""
    found = schema.model_construct()
    values = raw if isinstance(raw, dict) else {}
    for name, field in schema.model_fields.items():
        if name not in values:
            if field.is_required():
                found.__dict__[name] = UNKNOWN
            continue
        found.__dict__[name] = _salvaged(schema, name, values[name])
    return found


def _salvaged(schema: type[BaseModel], name: str, value: Any) -> Any:
    annotation = schema.model_fields[name].annotation
    rows = get_origin(annotation) is list
    inner = None if get_origin(annotation) is dict else model_in(annotation)
    if inner is not None and inner.__pydantic_decorators__.model_validators:
        inner = None  # what belongs together there is whole, or it isn't known
    if inner is not None and isinstance(value, dict) and not rows:
        return salvage(inner, value)
    if inner is not None and isinstance(value, list) and rows:
        return [salvage(inner, each) for each in value]
    try:
        schema.__pydantic_validator__.validate_assignment(blank := schema.model_construct(), name, value)
    except ValidationError:
        return UNKNOWN
    return getattr(blank, name)
