"""Writes docs/configuration.md from the schema: python tools/configuration_docs.py; with --check fails when stale."""

from __future__ import annotations

import sys
import types
import typing
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from jidoka.config import conditions
from jidoka.config.faults import model_in
from jidoka.config.quantities import SECONDS, BudgetField, Duration, Rate, duration_text
from jidoka.config.schema import Configuration, MayBe, Settings
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

DOCS = Path(__file__).resolve().parents[1] / "docs" / "configuration.md"

HEAD = """# Configuration

<!-- Made by tools/configuration_docs.py from agent/jidoka/config/schema.py; don't edit. -->

One YAML file describes one device. [configs/visual-inspection.yaml](../configs/visual-inspection.yaml) is an example
that is valid as it stands: copy it, change a line, and ask.

    jidoka validate configs/visual-inspection.yaml

Every fault is named at once, as `file:line:column: what is wrong; what would be right`, and the exit code is 3.
An option that isn't below is an error, so is a key that is given twice, an alias (`*name`) or a tag (`!!name`).
Relative paths start at the file's own folder.

"""


def main() -> int:
    """Write the page, or compare it. Returns the exit code."""
    text = page()
    if "--check" in sys.argv[1:]:
        if DOCS.is_file() and DOCS.read_text() == text:
            return 0
        print(f"{DOCS} is stale: run python tools/configuration_docs.py", file=sys.stderr)
        return 1
    DOCS.parent.mkdir(exist_ok=True)
    DOCS.write_text(text)
    return 0


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for path, settings in sections(Configuration, ""):
        title = f"`{path}`" if path else "The file"
        parts.append(f"## {title}\n\n{(settings.__doc__ or '').strip()}\n\n{table(settings)}\n")
    parts.append(QUANTITIES.format(units=", ".join(f"`{unit}`" for unit in SECONDS)))
    parts.append(conditions_table())
    return "\n".join(parts)


def sections(settings: type[Settings], path: str) -> list[tuple[str, type[Settings]]]:
    """(path, settings class) of each group of settings, outermost first."""
    found = [(path, settings)]
    for name, field in settings.model_fields.items():
        inner = model_in(field.annotation)
        if inner is not None and issubclass(inner, Settings):
            many = "[]" if typing.get_origin(field.annotation) is list else ""
            found += sections(inner, f"{path}.{name}{many}" if path else f"{name}{many}")
    return found


def table(settings: type[Settings]) -> str:
    """Markdown table: setting, what it may be, default, sentence."""
    rows = ["| setting | may be | default | |", "|---|---|---|---|"]
    for name, field in settings.model_fields.items():
        rows.append(f"| `{name}` | {kind_of(field)} | {default_of(field)} | {field.description} |")
    return "\n".join(rows) + "\n"


def kind_of(field: FieldInfo) -> str:
    """What a field may be, with unit and range."""
    annotation, notes = field.annotation, list(field.metadata)
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        annotation = next(each for each in typing.get_args(annotation) if each is not type(None))
    if typing.get_origin(annotation) is typing.Annotated:
        notes += typing.get_args(annotation)[1:]
        annotation = typing.get_args(annotation)[0]
    return _kind(annotation, notes)


def _kind(annotation: Any, notes: list[Any]) -> str:
    for note in notes:
        if isinstance(note, MayBe):
            return note.text
        if isinstance(note, Duration):
            return f"duration, {note.lowest} to {note.highest}"
        if isinstance(note, Rate):
            return f"rate, {note.lowest_hz:g} per s to {note.highest_hz:g} per s"
        if isinstance(note, BudgetField):
            return "budget"
    if typing.get_origin(annotation) is typing.Literal:
        words = [f"`{each}`" for each in typing.get_args(annotation)]
        return f"one of {', '.join(words)}" if len(words) > 1 else words[0]
    inner = model_in(annotation)
    if typing.get_origin(annotation) is list:
        return f"list{_range(notes)}" if inner is None else f"list of groups{_range(notes)}, see below"
    if inner is not None:
        return "group, see below"
    names = {int: "whole number", float: "number", bool: "`true` or `false`", str: "text"}
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
    if field.default is PydanticUndefined or field.default is None or field.default == []:
        return "–"
    notes = [*field.metadata]
    if any(isinstance(note, Duration) for note in notes):
        return f"`{duration_text(field.default)}`"
    if any(isinstance(note, Rate) for note in notes):
        return f"`{field.default:g} per s`"
    if isinstance(field.default, bool):
        return "`true`" if field.default else "`false`"
    return f"`{_figure(field.default) if isinstance(field.default, int | float) else field.default}`"


QUANTITIES = """## Quantities

- A duration is a number with a unit: {units}. A bare number is refused, and 0 never means "never".
- A budget is `1 per 90 days`, `1 per 10000 records` or `1 per 5000 parts`.
- A rate is `10 per s`, `600 per min` or `10 Hz`.
"""


def conditions_table() -> str:
    """What a `when:` may name."""
    rows = [
        "## Conditions of `when:`\n",
        "Joined by `or` and `and`: `a or b`, `a and b`, `(a or b) and c`. Anything richer is two risks: the worst",
        "response that is active wins. A `drift(…)` needs `false_alarms:`, one budget for each model's detector.\n",
        "| condition | is on when |",
        "|---|---|",
    ]
    rows += [f"| `{each.name}` | {each.meaning} |" for each in conditions.CONDITIONS]
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    sys.exit(main())
