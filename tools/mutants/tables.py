"""Wrong changes of what stands outside functions, which mutmut leaves alone: tables, constants, defaults of fields.

The source is changed as text, one place at a time: numbers by one, truths turned round, entries and named arguments
left out, names of one kind exchanged, and each cell of the interlock's rows. Functions that run while a module is
imported are changed here too, for a mutant of mutmut's is switched on later than that. Source: as `edits` says.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

#: what a cell of the interlock becomes: everything is permitted; where it is already, it isn't any more
RUN, HOLD = "RUN", "HOLD"
#: of `_row` in the interlock
ROW = ("event", "cells", "reason", "text")
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.LShift: ">>", ast.RShift: "<<",
    ast.BitAnd: "|", ast.BitOr: "&", ast.BitXor: "&",
}  # fmt: skip


class Edit(NamedTuple):
    """One change. place: module and name of what is changed; start, end: bytes of the source; becomes: instead."""

    place: str
    start: int
    end: int
    becomes: str


class _Source:
    """A module's text, and what names of one kind stand in a statement."""

    def __init__(self, text: str) -> None:
        self.data = text.encode()
        self.tree = ast.parse(text)
        self._starts = [0]
        for line in self.data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self.functions = {each.name: each for each in self.tree.body if isinstance(each, ast.FunctionDef)}

    def span(self, node: ast.expr | ast.keyword) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self._starts[node.lineno - 1] + node.col_offset,
            self._starts[node.end_lineno - 1] + node.end_col_offset,
        )

    def text(self, node: ast.expr) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()


def edits(text: str, module: str) -> list[Edit]:
    """Every change of the tables, constants and defaults of a module's text, in the text's order."""
    source = _Source(text)
    found = list(_of_statements(source, source.tree.body, module))
    called = {
        node.func.id
        for statement in source.tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    for name in sorted(called & source.functions.keys()):
        for node in source.functions[name].body:
            found += _of_node(source, node, f"{module}.{name}", {})
    return sorted(set(found), key=lambda each: (each.start, each.becomes))


def _of_statements(source: _Source, body: list[ast.stmt], module: str) -> Iterator[Edit]:
    for statement in body:
        if isinstance(statement, ast.ClassDef):
            yield from _of_statements(source, statement.body, f"{module}.{statement.name}")
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            kinds = _kinds(source, statement.value)
            place = f"{module}.{ast.unparse(target)}"
            parts = statement.value.elts if isinstance(statement.value, ast.Tuple) and isinstance(target, ast.Tuple) else [statement.value]  # fmt: skip
            for part in parts:
                yield from _of_node(source, part, place, kinds)
            yield from _additions(source, statement.value, place)


def _kinds(source: _Source, value: ast.expr) -> dict[str, list[str]]:
    """Names that can stand for each other: members of one class, and names at the same place of the same call."""
    kinds: dict[str, list[str]] = {}
    for node in ast.walk(value):
        for kind, each in _named(node):
            names = kinds.setdefault(kind, [])
            if source.text(each) not in names:
                names.append(source.text(each))
    return kinds


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """(kind, name) of what a node holds itself."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield node.value.id, node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        for number, each in enumerate(node.args):
            if isinstance(each, ast.Name):
                yield f"{node.func.id}({number})", each


def _additions(source: _Source, value: ast.expr, place: str) -> Iterator[Edit]:
    """A mapping to tuples of names: each name that another entry has, in each entry that doesn't."""
    if not isinstance(value, ast.Dict):
        return
    rows = [each for each in value.values if isinstance(each, ast.Tuple) and all(isinstance(e, ast.Name) for e in each.elts)]  # fmt: skip
    names = dict.fromkeys(source.text(name) for row in rows for name in row.elts)
    for row in rows:
        has = [source.text(name) for name in row.elts]
        for name in names:
            if name not in has:
                yield Edit(place, *source.span(row), f"({', '.join([*has, name])},)")


def _of_node(source: _Source, top: ast.AST, place: str, kinds: dict[str, list[str]]) -> Iterator[Edit]:
    for node in ast.walk(top):
        for start, end, becomes in _changes(source, node, kinds):
            yield Edit(place, start, end, becomes)


#: (start, end, instead) of what may be changed
Changes = Iterator[tuple[int, int, str]]


def _changes(source: _Source, node: ast.AST, kinds: dict[str, list[str]]) -> Changes:
    if type(node) in _OF_NODES:
        yield from _OF_NODES[type(node)](source, node)
    for kind, each in _named(node):
        names = kinds.get(kind, [])
        if len(names) > 1:
            other = names[(names.index(source.text(each)) + 1) % len(names)]
            yield (*source.span(each), other)


def _of_constant(source: _Source, node: Any) -> Changes:
    if isinstance(node.value, bool):
        yield (*source.span(node), str(not node.value))
    elif isinstance(node.value, int | float):
        yield (*source.span(node), repr(node.value + 1))
        if node.value:
            yield (*source.span(node), repr(node.value - 1))


def _of_operator(source: _Source, node: Any) -> Changes:
    start, end = source.span(node.left)[1], source.span(node.right)[0]
    is_bare = not source.data[start:end].strip(b" *+-/<>&|^")  # no bracket stands between them
    if type(node.op) in OPERATORS and is_bare:
        yield start, end, f" {OPERATORS[type(node.op)]} "


def _of_choice(source: _Source, node: Any) -> Changes:
    yield (*source.span(node.test), f"(not ({source.text(node.test)}))")


def _of_mapping(source: _Source, node: Any) -> Changes:
    for key, value in zip(node.keys, node.values, strict=True):
        start, end = source.span(value)
        yield source.span(key)[0] if key else source.data.rindex(b"**", 0, start), end, "**{}"


def _of_sequence(source: _Source, node: Any) -> Changes:
    for each in node.elts:
        yield (*source.span(each), "*()")


def _of_call(source: _Source, node: Any) -> Changes:
    for keyword in node.keywords:
        if keyword.arg and not isinstance(keyword.value, ast.Constant):
            yield (*source.span(keyword), "**{}")
    if isinstance(node.func, ast.Name) and node.func.id == "_row" and len(node.args) == len(ROW):
        yield from _of_row(source, node)


_OF_NODES: dict[type[ast.AST], Callable[[_Source, Any], Changes]] = {
    ast.Constant: _of_constant, ast.BinOp: _of_operator, ast.IfExp: _of_choice, ast.If: _of_choice, ast.Dict: _of_mapping,
    ast.Tuple: _of_sequence, ast.List: _of_sequence, ast.Set: _of_sequence, ast.Call: _of_call,
}  # fmt: skip


def _of_row(source: _Source, node: ast.Call) -> Changes:
    """Each cell of a row, each part of a cell with a part for the proving run, and the reason."""
    cells, reason = node.args[1], node.args[2]
    assert isinstance(cells, ast.Constant)
    assert isinstance(reason, ast.Constant)
    written = str(cells.value).split()
    for number, cell in enumerate(written):
        parts = cell.split("/")
        for part, text in enumerate(parts):
            becomes = "/".join([*parts[:part], HOLD if text == RUN else RUN, *parts[part + 1 :]])
            changed = " ".join([*written[:number], becomes, *written[number + 1 :]])
            yield (*source.span(cells), f'"{changed}"')
    yield (*source.span(reason), '"internal"' if reason.value == "none" else '"none"')


def changed(text: str, edit: Edit) -> str:
    """The module's text with one change."""
    data = text.encode()
    return (data[: edit.start] + edit.becomes.encode() + data[edit.end :]).decode()


def line_of(text: str, edit: Edit) -> str:
    """The line that was changed, as it then is, in one line."""
    data = text.encode()
    first = data.rfind(b"\n", 0, edit.start) + 1
    last = data.find(b"\n", edit.end)
    line = data[first : edit.start] + edit.becomes.encode() + data[edit.end : last]
    return " ".join(line.decode().split())
