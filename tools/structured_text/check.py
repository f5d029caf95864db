"""Types and names: everything is declared, spelled alike, and of one type; nothing is converted by itself."""

from __future__ import annotations

from dataclasses import dataclass

from tools.structured_text import tree
from tools.structured_text.tree import (
    ANY,
    HIGHEST,
    NUMBERS,
    Expression,
    Place,
    Statement,
    SubsetError,
    Unit,
    Variable,
)

#: operator -> types that it takes
LOGIC = {"AND": ("BOOL",), "OR": ("BOOL",), "XOR": ("BOOL", "DWORD")}
ARITHMETIC = ("+", "-", "*", "/", "MOD")
#: from -> to
CONVERSIONS = {("UINT", "UDINT"), ("UDINT", "UINT"), ("UDINT", "DWORD"), ("DWORD", "UDINT")}


@dataclass
class Program:
    """A checked text: functions by name, each only calling those before it, and one function block."""

    functions: dict[str, Unit]
    block: Unit


def check(units: list[Unit]) -> Program:
    """Fill in the types. Raises SubsetError for a name, type, or order that is wrong."""
    functions: dict[str, Unit] = {}
    blocks: list[Unit] = []
    for unit in units:
        if unit.name in functions or any(unit.name == block.name for block in blocks):
            raise SubsetError(unit.place, f"{unit.name} stands twice")
        _Checker(unit, functions).statements(unit.body)
        if unit.result:
            functions[unit.name] = unit
        else:
            blocks.append(unit)
    if len(blocks) != 1:
        raise SubsetError(
            units[-1].place if units else Place(1, 1), f"{len(blocks)} function blocks; exactly one is needed"
        )
    return Program(functions, blocks[0])


class _Checker:
    def __init__(self, unit: Unit, functions: dict[str, Unit]) -> None:
        self._unit = unit
        self._functions = functions
        self._running: list[str] = []  # variables of the FOR loops around
        for variable in unit.variables.values():
            if unit.result and variable.section in ("OUTPUT", "RETAIN"):
                raise SubsetError(variable.place, "a function has inputs and variables of its own only")
            if unit.result and variable.length is not None:
                raise SubsetError(variable.place, "a function has no arrays")

    def statements(self, body: list[Statement]) -> None:
        for statement in body:
            if isinstance(statement, tree.Assign):
                self._assign(statement)
            elif isinstance(statement, tree.If):
                for condition, inner in statement.branches:
                    self._typed(condition, "BOOL")
                    self.statements(inner)
                self.statements(statement.otherwise or [])
            elif isinstance(statement, tree.Case):
                if self._type(statement.selector) not in NUMBERS:
                    raise SubsetError(statement.place, "CASE needs a UINT or UDINT")
                for _, inner in statement.branches:
                    self.statements(inner)
                self.statements(statement.otherwise or [])
            else:
                self._for(statement)

    def _assign(self, statement: tree.Assign) -> None:
        name = statement.target.name
        if name == self._unit.name and self._unit.result and isinstance(statement.target, tree.Name):
            statement.target.type = self._unit.result
        else:
            variable = self._variable(statement.target)
            if variable.section in ("CONSTANT", "INPUT"):
                raise SubsetError(
                    statement.place, f"{name} is a{'n input' if variable.section == 'INPUT' else ' constant'}"
                )
            if name in self._running:
                raise SubsetError(statement.place, f"{name} counts the loop around it")
            self._type(statement.target)
        self._typed(statement.value, statement.target.type)

    def _for(self, statement: tree.For) -> None:
        counter = tree.Name(statement.place, statement.name)
        if (
            self._type(counter) != "UINT"
            or self._variable(counter).section != "LOCAL"
            or counter.name in self._running
        ):
            raise SubsetError(statement.place, "FOR counts by a UINT of its own")
        self._typed(statement.first, "UINT")
        self._typed(statement.last, "UINT")
        self._running.append(statement.name)
        self.statements(statement.body)
        self._running.pop()

    def _variable(self, named: tree.Name | tree.Item) -> Variable:
        variable = self._unit.variables.get(named.name)
        if variable is None:
            raise SubsetError(named.place, f"{named.name} isn't declared so")
        if (variable.length is None) == isinstance(named, tree.Item):
            raise SubsetError(
                named.place, f"{named.name} is {'no' if variable.length is None else 'an'} array"
            )
        return variable

    def _typed(self, expression: Expression, wanted: str) -> None:
        found = self._type(expression)
        if found == ANY and wanted in ("UINT", "UDINT", "DWORD"):
            _settle(expression, wanted)
        elif found != wanted:
            raise SubsetError(expression.place, f"a {found} where a {wanted} is needed")

    def _type(self, expression: Expression) -> str:
        expression.type = self._found(expression)
        return expression.type

    def _found(self, expression: Expression) -> str:
        if isinstance(expression, tree.Number):
            return expression.type
        if isinstance(expression, tree.Name | tree.Item):
            if isinstance(expression, tree.Item) and self._type(expression.index) != "UINT":
                self._typed(expression.index, "UINT")
            return self._variable(expression).type
        if isinstance(expression, tree.Not):
            self._typed(expression.of, "BOOL")
            return "BOOL"
        if isinstance(expression, tree.Convert):
            if (expression.source, expression.target) not in CONVERSIONS:
                raise SubsetError(expression.place, f"{expression.source}_TO_{expression.target}")
            self._typed(expression.of, expression.source)
            return expression.target
        if isinstance(expression, tree.Call):
            return self._call(expression)
        assert isinstance(expression, tree.Binary)
        return self._binary(expression)

    def _call(self, call: tree.Call) -> str:
        function = self._functions.get(call.name)
        if function is None:
            raise SubsetError(call.place, f"no function {call.name} stands before this")
        inputs = {name: each for name, each in function.variables.items() if each.section == "INPUT"}
        if list(call.inputs) != list(inputs):
            raise SubsetError(
                call.place, f"{call.name} takes {', '.join(inputs)}, all of them and in this order"
            )
        for name, value in call.inputs.items():
            self._typed(value, inputs[name].type)
        return function.result

    def _binary(self, binary: tree.Binary) -> str:
        left, right = self._type(binary.left), self._type(binary.right)
        if left == ANY and right != ANY:
            self._typed(binary.left, right)
        else:
            self._typed(binary.right, left) if left != ANY else None
        found = binary.left.type
        operator = binary.operator
        if operator in LOGIC:
            allowed: tuple[str, ...] = LOGIC[operator]
        elif operator in ("=", "<>"):
            allowed = tuple(HIGHEST)
        else:
            allowed = NUMBERS
        if found not in allowed:
            raise SubsetError(binary.place, f"{operator} of {found}")
        return found if operator in ARITHMETIC or operator in LOGIC else "BOOL"


def _settle(expression: Expression, wanted: str) -> None:
    """A number takes the type of what it meets."""
    assert isinstance(expression, tree.Number)
    if expression.value > HIGHEST[wanted]:
        raise SubsetError(expression.place, f"{expression.value} is no {wanted}")
    expression.type = wanted
