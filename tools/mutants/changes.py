"""All changes of a module's functions that mutmut knows, beside the functions in one text."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tools.mutants import switch
from tools.mutants.modules import Module, files_of

TRAMPOLINE = "from mutmut.mutation.trampoline import"


class Change(NamedTuple):
    """One change. place: module.Class.function; name: in the text; line: as mutated, for people; path: of the module; starts, at:
    first line of the function as it is, and the one that is changed, in the text."""

    place: str
    name: str
    line: str
    path: str
    starts: int
    at: int


def function_of(module: str, name: str) -> str:
    """module.function or module.Class.method of a mutant's name in the text."""
    body = re.sub(r"__mutmut_\d+$", "", name)
    return f"{module}.{body[2:].replace('ǁ', '.')}"


def changed_at(original: Sequence[str], mutant: Sequence[str]) -> int:
    """The first line of the original, from 0, that isn't the mutant's."""
    same = itertools.takewhile(lambda both: both[0] == both[1], zip(original, mutant, strict=False))
    return min(len(list(same)), len(original) - 1)


def change_of(original: Sequence[str], mutant: Sequence[str]) -> str:
    """The first line that a mutant adds (or takes away), for people."""
    diff = list(difflib.unified_diff(original, mutant, lineterm=""))[2:]
    changed = [each for each in diff if each[0] in "+-"]
    added = [each[1:].strip() for each in changed if each[0] == "+"]
    return (added or [each[1:].strip() for each in changed] or ["?"])[0]


def mutated(path: Path) -> tuple[str, list[Change]]:
    """A file's text with all its mutants beside its functions, by mutmut."""
    from mutmut.mutation.file_mutation import mutate_file_contents  # noqa: PLC0415 - it reads its settings here

    module = ".".join(path.with_suffix("").parts)
    made = mutate_file_contents(str(path), path.read_text())
    lines = made.code.splitlines()

    def body(name: str) -> list[str]:
        span = made.line_span_by_function_name[name]
        plain = re.sub(r"__mutmut_.*$", "", name)
        short = plain.rpartition("ǁ")[2] if "ǁ" in plain else plain[2:]
        return [line.replace(name, short, 1) for line in lines[span.start - 1 : span.end]]

    found = []
    for name in made.mutant_names:
        of_original = re.sub(r"__mutmut_\d+$", "__mutmut_orig", name)
        original, mutant = body(of_original), body(name)
        starts = made.line_span_by_function_name[of_original].start
        found.append(
            Change(
                function_of(module, name), name, change_of(original, mutant),
                str(path.absolute()), starts, starts + changed_at(original, mutant),
            )
        )  # fmt: skip
    return made.code.replace(TRAMPOLINE, f"from {switch.__name__} import"), found


def mutants_of(module: Module) -> tuple[dict[str, str], list[Change]]:
    """({name of a module: its text with the mutants}, all mutants)."""
    texts: dict[str, str] = {}
    mutants: list[Change] = []
    for path in files_of(module):
        text, found = mutated(path)
        texts[".".join(path.with_suffix("").parts).removesuffix(".__init__")] = text
        mutants += found
    return texts, mutants
