"""The function block's source taken apart into its units, sections and declarations, as text: what the variants are made of.

It understands the shape that the file keeps to: one declaration a line, units one after the other. Anything else is a
ConfigurationError with its line, so that no variant is made of half a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError

NAME = "JidokaGuard.st"
BLOCK = "JIDOKA_GUARD"
#: where it lies: in an installed wheel, in a checkout
PLACES = (
    Path(__file__).resolve().parent / "plc",
    Path(__file__).resolve().parents[3] / "firmware_bridge" / "plc",
)

_UNIT = re.compile(r"(FUNCTION_BLOCK|FUNCTION)\s+(\w+)\s*(?::\s*(\w+))?\s*")
_SECTION = re.compile(r"(VAR(?:_INPUT|_OUTPUT|_IN_OUT|_TEMP)?)\s*(CONSTANT|RETAIN)?\s*")
_DECLARATION = re.compile(r"\s*(\w+)\s*:\s*([^;:=]+?)\s*(?::=\s*([^;]+?))?\s*;\s*(?:\(\*\s*(.*?)\s*\*\))?\s*")
_ARRAY = re.compile(r"ARRAY\s*\[(\d+)\.\.(\d+)\]\s+OF\s+(\w+)")
_COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)


@dataclass(frozen=True)
class Declaration:
    """One variable. bounds: of an array, None for a single value; initial: as written, "" for none."""

    name: str
    type: str
    bounds: tuple[int, int] | None
    initial: str
    comment: str


@dataclass(frozen=True)
class Section:
    """VAR_INPUT and the like. kind: the keyword; modifier: CONSTANT, RETAIN or ""; rows: a string is a comment's line."""

    kind: str
    modifier: str
    rows: tuple[Declaration | str, ...]

    @property
    def declarations(self) -> tuple[Declaration, ...]:
        return tuple(row for row in self.rows if isinstance(row, Declaration))


@dataclass(frozen=True)
class Unit:
    """A FUNCTION or FUNCTION_BLOCK. head: the comment above; result: type of a function; body: its statements."""

    kind: str
    name: str
    result: str
    head: str
    sections: tuple[Section, ...]
    body: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset(each.name for section in self.sections for each in section.declarations)


def read_source(name: str = NAME) -> str:
    """The block's text, or that of another file beside it. Raises ConfigurationError where it isn't installed."""
    for place in PLACES:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8")
    raise ConfigurationError(
        f"{name} isn't there (looked in {', '.join(str(place) for place in PLACES)})", "Install Jidoka anew."
    )


def units_of(text: str) -> list[Unit]:
    """Every unit of a source. Raises ConfigurationError for a shape that isn't known."""
    lines = text.splitlines()
    return list(_units(lines))


def _units(lines: list[str]) -> Iterator[Unit]:
    at, comment = 0, list[str]()
    while at < len(lines):
        line = lines[at]
        found = _UNIT.fullmatch(line.strip())
        if found is None:
            if line.strip().startswith("(*"):
                comment = []
            comment.append(line)
            at += 1
            continue
        end = next((n for n in range(at, len(lines)) if lines[n].strip() == f"END_{found[1]}"), None)
        if end is None:
            raise _odd(at, f"{found[2]} has no end")
        sections, first = _sections(lines, at + 1, end)
        body = "\n".join(lines[first:end]).strip("\n")
        yield Unit(found[1], found[2], found[3] or "", "\n".join(comment).strip(), sections, body)
        at, comment = end + 1, []


def _sections(lines: list[str], at: int, end: int) -> tuple[tuple[Section, ...], int]:
    sections = []
    while at < end:
        if not lines[at].strip():
            at += 1
            continue
        found = _SECTION.fullmatch(lines[at].strip())
        if found is None:
            break
        last = next((n for n in range(at, end) if lines[n].strip() == "END_VAR"), None)
        if last is None:
            raise _odd(at, f"{found[1]} has no end")
        sections.append(Section(found[1], found[2] or "", tuple(_rows(lines, at + 1, last))))
        at = last + 1
    return tuple(sections), at


def _rows(lines: list[str], at: int, end: int) -> Iterator[Declaration | str]:
    for number in range(at, end):
        line = lines[number].strip()
        if not line:
            continue
        if line.startswith("(*") and line.endswith("*)"):
            yield line
            continue
        found = _DECLARATION.fullmatch(line)
        if found is None:
            raise _odd(number, f"isn't a declaration: {line}")
        array = _ARRAY.fullmatch(found[2])
        bounds = None if array is None else (int(array[1]), int(array[2]))
        yield Declaration(found[1], array[3] if array else found[2], bounds, found[3] or "", found[4] or "")


def _odd(line: int, what: str) -> ConfigurationError:
    return ConfigurationError(f"{NAME}:{line + 1}: {what}", "Install Jidoka anew: the file was changed.")


def without_comments(text: str) -> str:
    """The statements alone, for comparing variants: comments and spacing taken out."""
    return " ".join(_COMMENT.sub(" ", text).split())


def with_values(text: str, values: dict[str, str]) -> str:
    """The source with other initial values of the block's inputs. Raises ConfigurationError for an input that isn't there."""
    start = text.index(f"FUNCTION_BLOCK {BLOCK}")
    head, block = text[:start], text[start:]
    for name, value in values.items():
        parts = re.split(rf"(?m)^(\s*{name}\s*:\s*\w+\s*:=\s*)[^;]+;", block, maxsplit=1)
        if len(parts) != 3:
            raise ConfigurationError(f"{NAME}: {BLOCK} has no input {name}", "Install Jidoka anew.")
        block = f"{parts[0]}{parts[1]}{value};{parts[2]}"
    return head + block
