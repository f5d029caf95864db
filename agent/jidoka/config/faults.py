"""From what pydantic found to sentences: `file:line:column: what is wrong; what would be right`, all at once."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Iterable
from types import UnionType
from typing import Any

from jidoka_bridge.errors import ConfigurationError
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from jidoka.config.located import Document, Fault, Trail, path_of

#: pydantic's kinds of error -> (what is wrong, what would be right); {value} and pydantic's own context fill them
SENTENCES: dict[str, tuple[str, str]] = {
    "missing": ("is missing", "Add it."),
    "string_type": ("{value} isn't text", "Write text, in quotes if it looks like a number."),
    "string_too_short": ("is empty", "Write something."),
    "string_too_long": ("{value} is too long", "Use at most {max_length} characters."),
    "int_type": ("{value} isn't a whole number", "Write a whole number."),
    "int_from_float": ("{value} isn't a whole number", "Write a whole number."),
    "float_type": ("{value} isn't a number", "Write a number."),
    "bool_type": ("{value} isn't true or false", "Write true or false."),
    "finite_number": ("{value} isn't a finite number", "Write a number."),
    "list_type": ("{value} isn't a list", "Write a list: [a, b] or one `- item` a line."),
    "dict_type": ("{value} isn't a group of settings", "Write `name: value` lines below it."),
    "model_type": ("{value} isn't a group of settings", "Write `name: value` lines below it."),
    "model_attributes_type": ("{value} isn't a group of settings", "Write `name: value` lines below it."),
    "greater_than": ("{value} is too small", "Use more than {gt}."),
    "greater_than_equal": ("{value} is too small", "Use {ge} or more."),
    "less_than": ("{value} is too large", "Use less than {lt}."),
    "less_than_equal": ("{value} is too large", "Use {le} or less."),
    "too_short": ("has too few entries", "Give at least {min_length}."),
    "too_long": ("has too many entries", "Give at most {max_length}."),
}


class UnfitError(ValueError):
    """Raised by a validator of ours: what is wrong with this value, and what would be right."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def near(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'response'?` for the nearest of `known`, else the list of what is known."""
    names = [str(each) for each in known]
    found = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if found:
        return f"Did you mean {found[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "None is known."


def shown(value: Any) -> str:
    """A value in an error message: short, in the words of YAML, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a group of settings"
    if isinstance(value, list):
        return "a list"
    text = " ".join(str(value).split()) or "empty text"
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return repr(text[:57] + "…" if len(text) > 60 else text) if isinstance(value, str) else text[:40]


def from_pydantic(error: ValidationError, document: Document, schema: type[BaseModel]) -> list[Fault]:
    """Every error of `error` as a Fault with its place in `document`."""
    errors = [dict(each) for each in error.errors(include_url=False)]
    return [_fault(each, document, schema) for each in _likeliest(errors, document)]


def _likeliest(errors: list[dict[str, Any]], document: Document) -> list[dict[str, Any]]:
    """The errors of only one form where a value may have several: pydantic tells those of each, with the form's name
    in the trail. Taken is the form that the value is nearest to."""
    found, forms = [], dict[Trail, dict[str | int, list[dict[str, Any]]]]()
    for error in errors:
        trail: Trail = error["loc"]
        at = next((n for n in range(len(trail)) if trail[: n + 1] not in document.values), len(trail))
        is_form = at < len(trail) - (error["type"] == "missing")
        if not is_form:
            found.append(error)
            continue
        inside = {**error, "loc": trail[:at] + trail[at + 1 :]}
        forms.setdefault(trail[:at], {}).setdefault(trail[at], []).append(inside)
    for trail, by_form in forms.items():
        # a form of another type than the value is further away than one in which something is wrong
        nearest = min(
            by_form.values(), key=lambda each: (any(one["loc"] == trail for one in each), len(each))
        )
        found += _likeliest(nearest, document)
    return found


def _fault(error: dict[str, Any], document: Document, schema: type[BaseModel]) -> Fault:
    trail: Trail = tuple(error["loc"])
    name = path_of(trail)
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        known = [each for each in settings_at(schema, trail[:-1]) if each != trail[-1]]
        return Fault(
            document.place_of_key(trail), trail, f"{name} is not a setting", near(str(trail[-1]), known)
        )
    place = document.place_of_value(trail)
    if kind == "literal_error":
        words = [word.strip("'\"") for word in str(context["expected"]).replace(" or ", ", ").split(", ")]
        remedy = f"Choose {' or '.join([', '.join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]}."
        guess = difflib.get_close_matches(str(value), words, n=1)
        return Fault(place, trail, f"{name}: {shown(value)} isn't known", remedy + _guess(guess))
    refusal = context.get("error")
    if isinstance(refusal, UnfitError):
        return Fault(place, trail, f"{name}: {refusal.message}" if name else refusal.message, refusal.remedy)
    what, remedy = SENTENCES.get(kind, (error["msg"], "See docs/configuration.md."))
    facts = {**context, "value": shown(value)}
    what = what.format(**facts) if kind in SENTENCES else what
    joint = f"{name} " if what.startswith(("is ", "has ")) else f"{name}: " if name else ""
    if not name and what.startswith(("is ", "has ")):
        joint = "the file "
    return Fault(place, trail, joint + what, remedy.format(**facts) if kind in SENTENCES else remedy)


def _guess(found: list[str]) -> str:
    return f" Did you mean {found[0]!r}?" if found else ""


def settings_at(schema: type[BaseModel], trail: Trail) -> list[str]:
    """Names of the settings that may stand at `trail` of `schema`, in the schema's order."""
    field = field_at(schema, trail)
    here = schema if not trail else None if field is None else model_in(field.annotation)
    return [] if here is None else [each.alias or name for name, each in here.model_fields.items()]


def field_at(schema: type[BaseModel], trail: Trail) -> FieldInfo | None:
    """The innermost field of `schema` that `trail` leads to, None where it leads nowhere."""
    found: FieldInfo | None = None
    here: type[BaseModel] | None = schema
    is_named = False
    for step in trail:
        if isinstance(step, int):
            continue
        if here is None:
            return found
        if found is not None and is_by_name(found.annotation) and not is_named:
            is_named = True  # the step is a name of the user's own
            continue
        is_named = False
        found = here.model_fields.get(step)
        here = None if found is None else model_in(found.annotation)
    return found


def is_by_name(annotation: Any) -> bool:
    """True for `dict[…]`, also inside `Annotated` and `| None`."""
    if typing.get_origin(annotation) is dict:
        return True
    is_wrapped = isinstance(annotation, UnionType) or typing.get_origin(annotation) in {
        typing.Annotated,
        typing.Union,
    }
    return is_wrapped and any(is_by_name(each) for each in typing.get_args(annotation))


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The settings class inside an annotation such as `list[Risk]` or `Plc | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, UnionType) or typing.get_origin(annotation) is not None:
        for inner in typing.get_args(annotation):
            found = model_in(inner)
            if found is not None:
                return found
    return None


def sorted_by_place(faults: Iterable[Fault]) -> list[Fault]:
    """Each fault once, in the order of the file."""
    return sorted(set(faults), key=lambda each: (each.place, each.message))


def lines_of(faults: Iterable[Fault], name: str) -> list[str]:
    """One line a fault, sorted by place: `file:line:column: what is wrong; what would be right`."""
    return [
        f"{name}:{each.place.line}:{each.place.column}: {each.message}; {_small(each.remedy)}"
        for each in sorted_by_place(faults)
    ]


def _small(sentence: str) -> str:
    """The sentence as the second half of one: its first letter small, unless it is a name such as `UTF-8`."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


class FaultyConfigurationError(ConfigurationError):
    """A configuration file with faults. name: the file as shown; faults: all of them, in the file's order."""

    def __init__(self, name: str, found: Iterable[Fault]) -> None:
        self.name = name
        self.faults = sorted_by_place(found)
        number = f"{len(self.faults)} faults" if len(self.faults) > 1 else "1 fault"
        super().__init__(
            "\n".join(lines_of(self.faults, name)),
            f"{number}; nothing was started. Every setting is explained in docs/configuration.md.",
        )
