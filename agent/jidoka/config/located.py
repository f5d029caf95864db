"""YAML with places: every key and value remembers its line and column; what YAML forgives is a fault here.

Built on the events of ruamel.yaml's parser, so that a duplicate key, an alias or a tag can be refused where it
stands, and so that all of them are named at once. Scalars follow the core schema of YAML 1.2: `no` is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_DEPTH = 20
MAX_BYTES = 1_000_000

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,300}")
_HEX_OR_OCTAL = re.compile(r"0x[0-9a-fA-F]{1,200}|0o[0-7]{1,200}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


class Place(NamedTuple):
    """Where something stands in a file, both counted from 1."""

    line: int
    column: int


START = Place(1, 1)
Trail = tuple[str | int, ...]


class Fault(NamedTuple):
    """One thing that is wrong. trail: keys and list indices from the root; remedy: what would be right."""

    place: Place
    trail: Trail
    message: str
    remedy: str

    @property
    def path(self) -> str:
        """The trail as people write it: `risks[1].response`."""
        return path_of(self.trail)


def path_of(trail: Trail) -> str:
    """A trail of keys and indices as text: ("risks", 1, "when") is `risks[1].when`."""
    text = ""
    for step in trail:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


@dataclass
class Document:
    """A parsed file. value: plain dicts, lists and scalars; keys, values: the places of each trail."""

    name: str
    value: Any = None
    keys: dict[Trail, Place] = field(default_factory=dict)
    values: dict[Trail, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def place_of_value(self, trail: Trail) -> Place:
        """Where the value of `trail` stands; for one that isn't written, where its nearest parent does."""
        return self._nearest(self.values, trail)

    def place_of_key(self, trail: Trail) -> Place:
        """Where the key of `trail` stands; for one that isn't written, where its nearest parent does."""
        if trail in self.keys:
            return self.keys[trail]
        return self.place_of_value(trail)

    @staticmethod
    def _nearest(places: dict[Trail, Place], trail: Trail) -> Place:
        for length in range(len(trail), -1, -1):
            if trail[:length] in places:
                return places[trail[:length]]
        return START


def parse(text: str, name: str) -> Document:
    """The document in `text`; `name` is shown in errors. Raises nothing: what is wrong is in `.faults`."""
    document = Document(name)
    if len(text) > MAX_BYTES:
        fault = Fault(START, (), f"has {len(text)} characters", f"At most {MAX_BYTES} are read.")
        document.faults.append(fault)
        return document
    try:
        builder = _Builder(document, YAML(typ="safe", pure=True).parse(text))
        builder.build()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark is not None else START
        problem = " ".join(str(error.problem or error.context or "can't be read").split())
        document.faults.append(Fault(place, (), f"isn't YAML: {problem}", _SYNTAX))
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        # ruamel leaks these for control characters, impossible escapes and odd directives
        problem = " ".join(str(error).split())[:120] or type(error).__name__
        document.faults.append(Fault(START, (), f"isn't YAML: {problem}", _SYNTAX))
    return document


_SYNTAX = (
    "Check the indentation (spaces, no tabs), the colons, and quote text that holds : # { [ or starts with @."
)


class _Builder:
    """Turns parser events into values and places, noting faults on the way."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self.document = document
        self.events = events

    def build(self) -> None:
        documents = 0
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._fault(event, (), "a second document starts here", "Keep one document a file.")
                    return
            elif isinstance(event, NodeEvent):
                self.document.value = self._node(event, ())

    def _fault(self, event: Any, trail: Trail, message: str, remedy: str) -> None:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        self.document.faults.append(Fault(place, trail, message, remedy))

    def _node(self, event: Any, trail: Trail) -> Any:
        self.document.values[trail] = Place(event.start_mark.line + 1, event.start_mark.column + 1)
        if isinstance(event, AliasEvent):
            self._fault(event, trail, f"*{event.anchor} is an alias", "Write the value out.")
            return None
        if event.tag is not None:
            self._fault(event, trail, f"{event.tag} is a tag", "Leave the tag out.")
        if isinstance(event, CollectionStartEvent) and len(trail) >= MAX_DEPTH:
            self._fault(event, trail, f"nested deeper than {MAX_DEPTH}", "Nothing here is nested so deep.")
            self._skip()
            return None
        if isinstance(event, MappingStartEvent):
            return self._mapping(trail)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(trail)
        assert isinstance(event, ScalarEvent)
        plain = event.implicit[0] if isinstance(event.implicit, tuple) else bool(event.implicit)
        return scalar(str(event.value)) if plain and event.tag is None else str(event.value)

    def _skip(self) -> None:
        depth = 1
        for event in self.events:
            if isinstance(event, CollectionStartEvent):
                depth += 1
            elif isinstance(event, MappingEndEvent | SequenceEndEvent):
                depth -= 1
                if depth == 0:
                    return

    def _sequence(self, trail: Trail) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                break
            items.append(self._node(event, (*trail, len(items))))
        return items

    def _mapping(self, trail: Trail) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                break
            name = self._key(event, trail)
            below = (*trail, name)
            if name in found:
                first = self.document.keys[below]
                fault = f"{path_of(below)} is given twice, first in line {first.line}"
                self._fault(event, below, fault, "Keep one of them.")
                # the second one is read and dropped; its faults count, its places don't
                aside = _Builder(Document(self.document.name), self.events)
                aside._node(next(self.events), below)
                self.document.faults.extend(aside.document.faults)
                continue
            self.document.keys[below] = Place(event.start_mark.line + 1, event.start_mark.column + 1)
            found[name] = self._node(next(self.events), below)
        return found

    def _key(self, event: Any, trail: Trail) -> str:
        if isinstance(event, ScalarEvent):
            return str(event.value)
        self._fault(event, trail, "a key that isn't plain text", "Keys are words, such as `site:`.")
        if isinstance(event, CollectionStartEvent):
            self._skip()
        return f"?{event.start_mark.line + 1}:{event.start_mark.column + 1}"


def scalar(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema: null, boolean, integer, float, else the text itself."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text)
    if _HEX_OR_OCTAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text
