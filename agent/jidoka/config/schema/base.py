"""What every setting is built from: a strict group, what a field may be, and the kinds that several groups use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jidoka.config.faults import UnfitError, shown


@dataclass(frozen=True)
class MayBe:
    """What a field may be, for the docs, where its checks can't tell."""

    text: str


class Settings(BaseModel):
    """Strict: an unknown setting or a value of another type is a fault."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", value):
        raise UnfitError(
            f"{shown(value)} can't be a name in an MQTT topic",
            "Use letters, digits, - _ and . only, at most 63, starting with a letter or digit.",
        )
    return value


def path_text(value: str) -> str:
    """The path, if it is one on one line. Raises UnfitError."""
    if not value or any(not letter.isprintable() for letter in value):
        raise UnfitError(f"{shown(value)} isn't a path", "Write a path, relative to this file or absolute.")
    return value


def _sentence(value: str) -> str:
    if not value.strip() or any(not letter.isprintable() for letter in value):
        raise UnfitError(f"{shown(value)} isn't a sentence on one line", "Write one short sentence.")
    return value


Name = Annotated[str, AfterValidator(_name), MayBe("name: letters, digits, `-`, `_`, `.`, at most 63")]
FilePath = Annotated[str, AfterValidator(path_text), MayBe("path")]
Sentence = Annotated[
    str, Field(max_length=160), AfterValidator(_sentence), MayBe("sentence, at most 160 characters")
]
