"""Every small wrong change of a checked program: numbers and initial values by one, operators for their neighbours,
conditions always true and never true, NOT left out, assignments left out.

The C translation takes all of them at once and has one switch that says which is on (`to_c.translate`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tools.structured_text import tree
from tools.structured_text.check import Program
from tools.structured_text.tree import HIGHEST, Expression, Place, Statement, Unit

OTHERS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "MOD": "/", "=": "<>", "<>": "=",
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "AND": "OR", "OR": "AND",
}  # fmt: skip
LEFT_OUT = "left out"


class Mutant(NamedTuple):
    """One change. name: stays the same while the text around it does; node: where; becomes: its number or operator,
    True or False for a condition, LEFT_OUT.
    """

    name: str
    node: Any
    becomes: int | bool | str


def mutants(program: Program, text: str) -> list[Mutant]:
    """All of a program. A name is unit, its line's text, and the change; the n-th of the same name gets #n."""
    lines = text.splitlines()
    times: dict[str, int] = {}
    found = []
    for unit in (*program.functions.values(), program.block):
        for place, change, node, becomes in _of_unit(unit):
            name = f"{unit.name}: {' '.join(lines[place.line - 1].split('(*')[0].split())} | {change}"
            times[name] = times.get(name, 0) + 1
            found.append(Mutant(name if times[name] == 1 else f"{name} #{times[name]}", node, becomes))
    return found


Change = tuple[Place, str, Any, "int | bool | str"]


def _of_unit(unit: Unit) -> Iterator[Change]:
    used = _names(unit.body)
    for variable in unit.variables.values():
        if variable.name in used and (variable.section == "CONSTANT" or variable.initial):
            yield from _numbers(variable, variable.type, variable.initial)
    yield from _of_statements(unit.body)


def _names(of: Any) -> set[str]:
    """All variables that stand in a part of a tree."""
    if isinstance(of, list | tuple):
        return set().union(*map(_names, of))
    if isinstance(of, dict):
        return _names(list(of.values()))
    if not hasattr(of, "__dict__"):
        return set()
    own = {of.name} if isinstance(of, tree.Name | tree.Item | tree.For) else set()
    return own | _names([each for each in vars(of).values() if not isinstance(each, str)])


def _numbers(node: Any, kind: str, value: int) -> Iterator[Change]:
    for other in (1 - value,) if kind == "BOOL" else (value + 1, value - 1):
        if 0 <= other <= HIGHEST[kind]:
            yield node.place, f"{value} -> {other}", node, other


def _of_statements(body: list[Statement]) -> Iterator[Change]:
    for statement in body:
        if isinstance(statement, tree.Assign):
            yield statement.place, LEFT_OUT, statement, LEFT_OUT
            if isinstance(statement.target, tree.Item):
                yield from _of_expression(statement.target.index)
            yield from _of_expression(statement.value)
        elif isinstance(statement, tree.For):
            yield from _of_expression(statement.first)
            yield from _of_expression(statement.last)
            yield from _of_statements(statement.body)
        else:
            if isinstance(statement, tree.If):
                for condition, _ in statement.branches:
                    yield condition.place, "always", condition, True
                    yield condition.place, "never", condition, False
                    yield from _of_expression(condition)
            else:
                yield from _of_expression(statement.selector)
            for _, inner in statement.branches:
                yield from _of_statements(inner)
            yield from _of_statements(statement.otherwise or [])


def _of_expression(of: Expression) -> Iterator[Change]:
    if isinstance(of, tree.Number):
        yield from _numbers(of, of.type, of.value)
    elif isinstance(of, tree.Item):
        yield from _of_expression(of.index)
    elif isinstance(of, tree.Not):
        yield of.place, "NOT left out", of, LEFT_OUT
        yield from _of_expression(of.of)
    elif isinstance(of, tree.Call):
        for value in of.inputs.values():
            yield from _of_expression(value)
    elif isinstance(of, tree.Convert):
        yield from _of_expression(of.of)
    elif isinstance(of, tree.Binary):
        if of.operator in OTHERS:
            yield of.place, f"{of.operator} -> {OTHERS[of.operator]}", of, OTHERS[of.operator]
        yield from _of_expression(of.left)
        yield from _of_expression(of.right)
