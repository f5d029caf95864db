"""The `when:` of a risk: names of conditions joined by `or` and `and`, compiled into any_of and all_of.

The guard evaluates no expression: a cause is active when any of `any_of` is on and all of `all_of` are.
So a `when:` may be `a or b`, `a and b`, or `(a or b) and c`; anything richer is two risks.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import NamedTuple

from jidoka.config.faults import UnfitError, near, shown


class Kind(NamedTuple):
    """One condition that the monitor judges. group: of features, for drift; remedy: what a person does first;
    is_material: it asks for a tolerance."""

    name: str
    statistical: bool
    group: str | None
    meaning: str
    remedy: str
    is_material: bool = False


_OF_GROUP = {
    "all": "any feature",
    "input": "a feature of the inputs",
    "confidence": "the model's confidence",
    "output": "a feature of the outputs",
    "command": "a feature of the commands",
    "embedding": "a feature of the embedding",
}

DRIFTS: tuple[Kind, ...] = (
    Kind(
        "drift(all)", True, "all",
        "what the model sees, or how sure it is, isn't what it was at commissioning",
        "Look at lens, lighting and part position, remove the cause, acknowledge, then press reset.",
    ),
    Kind(
        "drift(input)", True, "input",
        "the model's inputs (brightness, contrast, sharpness, noise) aren't what they were at commissioning",
        "Look at lens, lighting and part position, remove the cause, acknowledge, then press reset.",
    ),
    Kind(
        "drift(confidence)", True, "confidence",
        "the model is surer or less sure of its answers than it was at commissioning",
        "Check whether parts, material or supplier changed, and tell the owner of the model.",
    ),
    Kind(
        "drift(output)", True, "output",
        "what the model puts out (number and scores of its boxes, or mean, spread and extremes of plain numbers) isn't "
        "what it was at commissioning",
        "Look at what the model sees, and at its scores; tell the owner of the model if parts or material changed.",
    ),
    Kind(
        "drift(command)", True, "command",
        "the model's commands (their size, how fast they change, how well they are followed) aren't what they were at "
        "commissioning",
        "Look at load, friction and sensors of the machine, and tell the owner of the model if the task changed.",
    ),
    Kind(
        "drift(embedding)", True, "embedding",
        "what the model sees, in the numbers just before its answer, isn't what it saw at commissioning, though its "
        "confidence may be as always",
        "Look at what the model sees (lens, lighting, material), and tell its owner: its answers rest on other ground now.",
    ),
)  # fmt: skip

#: of each group of features: not any change, but one beyond the tolerance
MATERIAL: tuple[Kind, ...] = tuple(
    Kind(
        each.name.replace("drift", "material"), True, each.group,
        f"more records than are tolerated lie beyond what {_OF_GROUP[str(each.group)]} went up or down to at commissioning",
        each.remedy, is_material=True,
    )
    for each in DRIFTS
)  # fmt: skip

CONDITIONS: tuple[Kind, ...] = (
    *DRIFTS,
    *MATERIAL,
    Kind(
        "no baseline", False, None,
        "nobody has signed off what normal looks like for this recipe and position",
        "Learn a baseline for this recipe with: jidoka baseline learn",
    ),
    Kind(
        "invalid output", False, None,
        "the model's output isn't a finite answer of the right shape",
        "Stop using the model's answers; restart its application and tell the owner of the model.",
    ),
    Kind(
        "implausible command", False, None,
        "a command was refused: not finite, or outside the range, rate, jerk, saturation, chatter or tracking of the "
        "manifest",
        "Look at the sensors that the model sees; restart its application once its commands are right again.",
    ),
    Kind(
        "repeated refusals", False, None,
        "so many records were refused, one after the other or of the last ones, as `refusals` of the manifest says",
        "Stop using the model's answers; find out what is refused with jidoka status, and tell its owner.",
    ),
    Kind(
        "two writers", False, None,
        "two applications claim to be this model",
        "End the application that shouldn't run; only one may write as this model.",
    ),
)  # fmt: skip

BY_NAME: dict[str, Kind] = {kind.name: kind for kind in CONDITIONS}


@dataclass(frozen=True)
class When:
    """A compiled `when:`: active when any of `any_of` is on (if there are any) and all of `all_of` are."""

    any_of: tuple[str, ...]
    all_of: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every condition in it, once, in the order written."""
        return tuple(dict.fromkeys((*self.any_of, *self.all_of)))

    @property
    def drifts(self) -> tuple[str, ...]:
        """Those of them that are judged on records only, and so need a budget."""
        return tuple(name for name in self.names if BY_NAME[name].statistical)

    @property
    def material(self) -> tuple[str, ...]:
        """Those of them that need a tolerance too."""
        return tuple(name for name in self.names if BY_NAME[name].is_material)


_Clause = tuple[str, ...]
_TOKEN = re.compile(r"[()]|[^\s()]+")
_MAX_CHARACTERS = 500
_MAX_DEPTH = 10


def parse(text: str) -> When:
    """The compiled form of `text`. Raises UnfitError: unknown condition, grammar, or too rich for any/all."""
    if len(text) > _MAX_CHARACTERS:
        raise UnfitError(
            f"has {len(text)} characters", f"At most {_MAX_CHARACTERS} are read: write two risks."
        )
    clauses = _Parser(_TOKEN.findall(text)).parse()
    several = [clause for clause in clauses if len(clause) > 1]
    single = tuple(dict.fromkeys(clause[0] for clause in clauses if len(clause) == 1))
    if len(several) > 1:
        raise _too_rich(text)
    if several:
        return When(several[0], single)
    return When(single, ()) if len(single) == 1 else When((), single)


def _too_rich(text: str) -> UnfitError:
    return UnfitError(
        f"{shown(text)} can't be told as 'any of … and all of …'",
        "Write two risks: the worst response that is active wins.",
    )


class _Parser:
    """Recursive descent over the tokens; an expression is a list of clauses, all of which must hold."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.next = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.next] if self.next < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.next += 1
        return token

    def parse(self) -> list[_Clause]:
        clauses = self.any_of()
        if self.peek():
            raise UnfitError(f"{shown(self.peek())} is one too many", "Join conditions with `or` or `and`.")
        return clauses

    def any_of(self) -> list[_Clause]:
        clauses = self.all_of()
        while self.peek().lower() == "or":
            self.take()
            right = self.all_of()
            if len(clauses) > 1 or len(right) > 1:
                raise _too_rich(" ".join(self.tokens))
            clauses = [tuple(dict.fromkeys((*clauses[0], *right[0])))]
        return clauses

    def all_of(self) -> list[_Clause]:
        clauses = self.one()
        while self.peek().lower() == "and":
            self.take()
            clauses = list(dict.fromkeys((*clauses, *self.one())))
        return clauses

    def one(self) -> list[_Clause]:
        if self.peek() != "(":
            return [(self.name(),)]
        self.take()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise UnfitError("has too many parentheses", "Write two risks.")
        clauses = self.any_of()
        if self.take() != ")":
            raise UnfitError("a parenthesis isn't closed", "Add the `)`.")
        self.depth -= 1
        return clauses

    def name(self) -> str:
        words: list[str] = []
        while self.peek() and self.peek() not in "()" and self.peek().lower() not in {"or", "and"}:
            words.append(self.take())
        if not words:
            missing = shown(self.peek()) if self.peek() else "the end"
            raise UnfitError(f"a condition is missing before {missing}", f"Known: {', '.join(BY_NAME)}.")
        if words[0].lower() == "not":
            raise UnfitError(
                "`not` isn't known: a condition that is off must never stop a machine", "Leave it out."
            )
        name = " ".join(words)
        if self.peek() == "(":
            self.take()
            inner: list[str] = []
            while self.peek() and self.peek() not in "()":
                inner.append(self.take())
            if self.take() != ")":
                raise UnfitError("a parenthesis isn't closed", "Add the `)`.")
            name = f"{name}({' '.join(inner)})"
        return _known(name)


def _known(name: str) -> str:
    found = BY_NAME.get(name.lower())
    if found is not None:
        return found.name
    inside = [
        kind.name for kind in CONDITIONS if kind.name.startswith(f"{name.split('(', maxsplit=1)[0].lower()}(")
    ]
    if inside and not difflib.get_close_matches(name, inside, n=1, cutoff=0.8):
        raise UnfitError(f"{shown(name)} isn't a condition", f"Known: {', '.join(inside)}.")
    raise UnfitError(f"{shown(name)} isn't a condition", near(name, BY_NAME))
