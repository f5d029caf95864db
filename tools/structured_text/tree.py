"""The subset as a tree: program units, variables, statements, expressions. Each knows where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from jidoka_bridge.errors import ConfigurationError


class Place(NamedTuple):
    """Where something stands in the text, both from 1."""

    line: int
    column: int


class SubsetError(ConfigurationError):
    """Something outside the subset, or wrong within it. place: where."""

    def __init__(self, place: Place, text: str) -> None:
        super().__init__(
            f"line {place.line}, column {place.column}: {text}",
            "Write it in the subset that tools/structured_text describes.",
        )
        self.place = place


#: type -> the highest value; ANY is a number that takes the type of what it meets
HIGHEST = {"BOOL": 1, "UINT": 0xFFFF, "UDINT": 0xFFFF_FFFF, "DWORD": 0xFFFF_FFFF}
NUMBERS = ("UINT", "UDINT")
ANY = "ANY"


@dataclass
class Expression:
    """What has a value. type: filled in by the check."""

    place: Place
    type: str = field(default=ANY, init=False)


@dataclass
class Number(Expression):
    """An integer, or TRUE and FALSE as 1 and 0 of type BOOL."""

    value: int


@dataclass
class Name(Expression):
    """A variable, constant, or the result of the function that is running."""

    name: str


@dataclass
class Item(Expression):
    """An element of an array."""

    name: str
    index: Expression


@dataclass
class Not(Expression):
    """NOT of a BOOL."""

    of: Expression


@dataclass
class Binary(Expression):
    """operator: + - * / MOD = <> < > <= >= AND OR XOR."""

    operator: str
    left: Expression
    right: Expression


@dataclass
class Call(Expression):
    """A function of the text, with all its inputs by name."""

    name: str
    inputs: dict[str, Expression]


@dataclass
class Convert(Expression):
    """FROM_TO_TO(value)."""

    source: str
    target: str
    of: Expression


@dataclass
class Assign:
    """target := value."""

    place: Place
    target: Name | Item
    value: Expression


@dataclass
class If:
    """IF with its ELSIF branches. otherwise: None where there is no ELSE."""

    place: Place
    branches: list[tuple[Expression, list[Statement]]]
    otherwise: list[Statement] | None


@dataclass
class Case:
    """CASE over an integer. otherwise: None where there is no ELSE."""

    place: Place
    selector: Expression
    branches: list[tuple[int, list[Statement]]]
    otherwise: list[Statement] | None


@dataclass
class For:
    """FOR name := first TO last, by 1."""

    place: Place
    name: str
    first: Expression
    last: Expression
    body: list[Statement]


Statement = Assign | If | Case | For


@dataclass
class Variable:
    """section: INPUT, OUTPUT, RETAIN, LOCAL or CONSTANT; length: of an array from 0, None for a single value."""

    place: Place
    name: str
    type: str
    section: str
    length: int | None
    initial: int


@dataclass
class Unit:
    """A FUNCTION or FUNCTION_BLOCK. result: the function's type, "" for a block."""

    place: Place
    name: str
    result: str
    variables: dict[str, Variable]
    body: list[Statement]
