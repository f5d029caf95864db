"""How a fault is seeded into the running program, and taken out again: a cell of a table, a name, or a piece of text.

A piece of text is exchanged in the source of one function, whose code object is exchanged; so every reference to it
gets the fault. A text that isn't there exactly once is an error: the fault must be written anew for the new code.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

#: undoes one seeding
Undo = Callable[[], None]
Seed = Callable[[], Undo]
PACKAGE = "jidoka_bridge"


class UnfitSeedError(Exception):
    """The program has changed so that this fault can't be seeded any more."""


def place(path: str) -> tuple[Any, str, Any]:
    """(owner, name, value) of `module:Name.name`, below jidoka_bridge (or jidoka, where the path says so)."""
    module, _, name = path.partition(":")
    package = "" if module.startswith("jidoka.") else f"{PACKAGE}."
    owner: Any = importlib.import_module(f"{package}{module}")
    *outer, last = name.split(".")
    for each in outer:
        owner = getattr(owner, each)
    value = vars(owner).get(last)
    if value is None:
        raise UnfitSeedError(f"there is no {path}")
    return owner, last, value


def _function(path: str) -> FunctionType:
    value = place(path)[2]
    if isinstance(value, property):
        value = value.fget
    value = inspect.unwrap(getattr(value, "__func__", value))
    if not isinstance(value, FunctionType):
        raise UnfitSeedError(f"{path} is no function")
    return value


def text(path: str, old: str, new: str) -> Seed:
    """In the source of the function `path`, `old` becomes `new`."""

    def seed() -> Undo:
        function = _function(path)
        source = textwrap.dedent(inspect.getsource(function))
        if source.count(old) != 1:
            raise UnfitSeedError(
                f"{path} has {old!r} {source.count(old)} times, not once: write the fault anew"
            )
        tree = ast.parse(source.replace(old, new))
        definition = tree.body[0]
        assert isinstance(definition, ast.FunctionDef)
        definition.decorator_list = []
        scope: dict[str, Any] = {}
        flags = annotations_flag()
        exec(compile(tree, f"<seeded {path}>", "exec", flags=flags), function.__globals__, scope)
        before, function.__code__ = function.__code__, scope[definition.name].__code__

        def undo() -> None:
            function.__code__ = before

        return undo

    return seed


def annotations_flag() -> int:
    """Annotations stay texts, as everywhere in the project."""
    import __future__  # noqa: PLC0415

    return __future__.annotations.compiler_flag


def name(path: str, value: Any) -> Seed:
    """The name `path` stands for `value`."""

    def seed() -> Undo:
        owner, last, before = place(path)
        setattr(owner, last, value)
        return lambda: setattr(owner, last, before)

    return seed


def item(path: str, key: Any, value: Any) -> Seed:
    """The mapping `path` has `value` under `key`; a callable gets the old one."""

    def seed() -> Undo:
        mapping = place(path)[2]
        if key not in mapping:
            raise UnfitSeedError(f"{path} has no {key!r}")
        before = mapping[key]
        mapping[key] = value(before) if callable(value) else value

        def undo() -> None:
            mapping[key] = before

        return undo

    return seed


#: columns of the interlock's table
COLUMNS = ("START_UP", "RUN", "ADVISE", "FALLBACK", "HOLD", "LOCKOUT", "OVERRIDE")


def cell(event: str, state: str, content: str) -> Seed:
    """One cell of the interlock's table."""

    def changed(row: Any) -> Any:
        cells = list(row.cells)
        cells[COLUMNS.index(state)] = content
        return row._replace(cells=tuple(cells))

    return item("guard.interlock:BY_EVENT", event, changed)


@contextlib.contextmanager
def seeded(seed: Seed | None) -> Iterator[None]:
    """The program with this fault."""
    undo = seed() if seed else None
    try:
        yield
    finally:
        if undo:
            undo()


def together(*seeds: Seed) -> Seed:
    """Several at once, taken out in the opposite order."""

    def seed() -> Undo:
        undos = [each() for each in seeds]

        def undo() -> None:
            for each in reversed(undos):
                each()

        return undo

    return seed
