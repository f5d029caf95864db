"""Text to tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.structured_text.tree import Place, SubsetError

TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>\(\*.*?\*\))|(?P<hex>16#[0-9A-Fa-f]+)|(?P<number>\d+)(?![\w#]|\.(?!\.))"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)|(?P<sign>:=|<=|>=|<>|\.\.|[-+*/=<>()\[\],:;])",
    re.DOTALL,
)
KEYWORDS = frozenset(
    [
        "FUNCTION",
        "END_FUNCTION",
        "FUNCTION_BLOCK",
        "END_FUNCTION_BLOCK",
        "VAR",
        "VAR_INPUT",
        "VAR_OUTPUT",
        "END_VAR",
        "CONSTANT",
        "RETAIN",
        "ARRAY",
        "OF",
        "IF",
        "THEN",
        "ELSIF",
        "ELSE",
        "END_IF",
        "CASE",
        "END_CASE",
        "FOR",
        "TO",
        "DO",
        "END_FOR",
        "AND",
        "OR",
        "XOR",
        "NOT",
        "MOD",
        "TRUE",
        "FALSE",
        "BOOL",
        "UINT",
        "UDINT",
        "DWORD",
    ]
)


class Token(NamedTuple):
    """kind: keyword, name, number, sign or end; text: as it stands."""

    kind: str
    text: str
    place: Place


def tokens(text: str) -> list[Token]:
    """All tokens without comments, ended by one of kind "end". Raises SubsetError for a character of no token."""
    found = []
    line, line_start, at = 1, 0, 0
    while at < len(text):
        match = TOKEN.match(text, at)
        place = Place(line, at - line_start + 1)
        if match is None:
            raise SubsetError(place, f"{text[at]!r} begins nothing of the subset")
        kind, value = str(match.lastgroup), match.group()
        if kind == "comment" and "(*" in value[2:]:
            raise SubsetError(place, "a comment within a comment, which not every compiler takes")
        if kind == "name":
            kind = "keyword" if value in KEYWORDS else "name"
            if kind == "name" and value.upper() in KEYWORDS:
                raise SubsetError(place, f"{value} is a keyword: write it in capitals, or name it otherwise")
        if kind not in ("space", "comment"):
            found.append(Token("number" if kind == "hex" else kind, value, place))
        if newlines := value.count("\n"):
            line += newlines
            line_start = at + value.rindex("\n") + 1
        at = match.end()
    return [*found, Token("end", "end of text", Place(line, at - line_start + 1))]
