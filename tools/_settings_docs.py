"""Pages from settings classes: a table for each group, with what a setting may be, its default and its sentence."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from jidoka.config.faults import model_in
from jidoka.config.quantities import (
    BudgetField,
    Bytes,
    Duration,
    Rate,
    Share,
    Speed,
    duration_text,
    size_text,
)
from jidoka.config.schema import MayBe
from jidoka.config.users import MOST_USER_ID, User
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

#: what a note says that a field may be
NOTES: dict[type, Callable[[Any], str]] = {
    MayBe: lambda note: str(note.text),
    Duration: lambda note: f"duration, {note.lowest} to {note.highest}",
    Bytes: lambda note: f"size, {note.lowest} to {note.highest}",
    Rate: lambda note: f"rate, {note.lowest_hz:g} per s to {note.highest_hz:g} per s",
    Speed: lambda note: f"speed, {note.lowest_mm_s:g} mm/s to {note.highest_mm_s:g} mm/s",
    Share: lambda note: f"share, {note.lowest} to {note.highest}",
    BudgetField: lambda _: "budget",
    User: lambda _: f"user: a name of this machine, or a number, 0 to {MOST_USER_ID}",
}
#: what can't be seen on a page, as YAML writes it
WHITE = {"\t": '"\\t"', " ": '" "'}


def sections(settings: type[BaseModel], path: str) -> list[tuple[str, type[BaseModel]]]:
    """(path, settings class) of each group of settings, outermost first."""
    found = [(path, settings)]
    for name, field in settings.model_fields.items():
        many = {list: "[]", dict: ".NAME"}.get(_origin(field), "")
        for inner in models_in(field.annotation):
            found += sections(inner, f"{path}.{name}{many}" if path else f"{name}{many}")
    return found


def _origin(field: FieldInfo) -> Any:
    return typing.get_origin(_unwrapped(field)[0])


def _unwrapped(field: FieldInfo) -> tuple[Any, list[Any]]:
    """(annotation without `| None` and notes, the notes)."""
    annotation, notes = field.annotation, list(field.metadata)
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        annotation = next(each for each in typing.get_args(annotation) if each is not type(None))
    if typing.get_origin(annotation) is typing.Annotated:
        notes += typing.get_args(annotation)[1:]
        annotation = typing.get_args(annotation)[0]
    return annotation, [
        each for note in notes for each in (note.metadata if isinstance(note, FieldInfo) else [note])
    ]


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every settings class inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for each in typing.get_args(annotation) for found in models_in(each)]


def page(settings: type[BaseModel], top: str) -> str:
    """A heading, a sentence and a table for each group; `top`: the heading of the outermost."""
    parts = []
    for path, group in sections(settings, ""):
        title, text = f"`{path}`" if path else top, inspect.cleandoc(group.__doc__ or "")
        parts.append(f"## {title}\n\n{text}\n\n{table(group)}\n")
    return "\n".join(parts)


def table(settings: type[BaseModel]) -> str:
    """Markdown table: setting, what it may be, default, sentence."""
    rows = ["| setting | may be | default | |", "|---|---|---|---|"]
    for name, field in settings.model_fields.items():
        rows.append(
            f"| `{field.alias or name}` | {kind_of(field)} | {default_of(field)} | {field.description} |"
        )
    return "\n".join(rows) + "\n"


def kind_of(field: FieldInfo) -> str:
    """What a field may be, with unit and range."""
    return _kind(*_unwrapped(field))


def _kind(annotation: Any, notes: list[Any]) -> str:
    for note in notes:
        told = NOTES.get(type(note))
        if told is not None:
            return told(note)
    if typing.get_origin(annotation) is typing.Literal:
        words = [f"`{WHITE.get(each, each)}`" for each in typing.get_args(annotation)]
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    if typing.get_origin(annotation) is dict:
        return f"`name: value` lines{_range(notes)}, see below"
    inner = model_in(annotation)
    if typing.get_origin(annotation) is list:
        return f"list{_range(notes)}" if inner is None else f"list of groups{_range(notes)}, see below"
    if inner is not None:
        return "group, see below"
    if annotation is str:
        return "text" + _range(notes).replace("entries", "characters")
    names = {int: "whole number", float: "number", bool: "`true` or `false`"}
    return names[annotation] + _range(notes)


def _range(notes: list[Any]) -> str:
    low = next((_figure(each.ge) for each in notes if isinstance(each, Ge)), "")
    low = next((f"more than {_figure(each.gt)}" for each in notes if isinstance(each, Gt)), low)
    high = next((_figure(each.le) for each in notes if isinstance(each, Le)), "")
    high = next((f"less than {_figure(each.lt)}" for each in notes if isinstance(each, Lt)), high)
    fewest = next((each.min_length for each in notes if isinstance(each, MinLen)), 0)
    most = next((each.max_length for each in notes if isinstance(each, MaxLen)), 0)
    text = f", {low} to {high}" if low and high else f", {low or high}" if low or high else ""
    if fewest and most:
        return f"{text}, {fewest} to {most} entries"
    return f"{text}, at most {most}" if most else text


def _figure(value: Any) -> str:
    return format(value, ".12g")


def default_of(field: FieldInfo) -> str:
    """The default as it would be written; *required* where there is none."""
    if field.is_required():
        return "*required*"
    if field.default is PydanticUndefined or field.default is None or field.default in ([], {}):
        return "–"
    if isinstance(field.default, BaseModel):
        return "as below"
    notes = [*field.metadata]
    if any(isinstance(note, Duration) for note in notes):
        return f"`{duration_text(field.default)}`"
    if any(isinstance(note, Bytes) for note in notes):
        return f"`{size_text(field.default)}`"
    if any(isinstance(note, Rate) for note in notes):
        return f"`{field.default:g} per s`"
    if any(isinstance(note, Share) for note in notes):
        return f"`{100 * field.default:g} %`"
    if isinstance(field.default, list) and isinstance(field.default[0], str):
        return f"`[{', '.join(field.default)}]`"
    if isinstance(field.default, bool):
        return "`true`" if field.default else "`false`"
    return f"`{_figure(field.default) if isinstance(field.default, int | float) else field.default}`"
