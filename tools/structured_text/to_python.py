"""A checked program as Python source: functions, and a class for the function block."""

from __future__ import annotations

from tools.structured_text import tree
from tools.structured_text.check import Program
from tools.structured_text.tree import HIGHEST, Expression, Statement, Unit

HEAD = '''\
class RangeError(ArithmeticError):
    """A value left the range of its type, or an array was left. args: the line."""

def _ranged(value, highest, line):
    if 0 <= value <= highest:
        return value
    raise RangeError(line)

def _divided(one, other, line):
    if other:
        return one // other
    raise RangeError(line)

def _rest(one, other, line):
    if other:
        return one % other
    raise RangeError(line)

'''
SAME = {"+": "+", "-": "-", "*": "*", "=": "==", "<>": "!=", "<": "<", ">": ">", "<=": "<=", ">=": ">=",
        "AND": "&", "OR": "|", "XOR": "^"}  # fmt: skip


def source(program: Program) -> str:
    """A module: one function per FUNCTION; class Block with `scan()`, its variables being attributes."""
    lines = [HEAD]
    for unit in program.functions.values():
        inputs = [each.name for each in unit.variables.values() if each.section == "INPUT"]
        lines.append(f"def {unit.name}({', '.join(inputs)}):")
        lines.append(f"    {unit.name}_ = 0")
        lines += [f"    {each.name} = {_value(each.type, each.initial)}"
                  for each in unit.variables.values() if each.section != "INPUT"]  # fmt: skip
        lines += _Writer(unit).body(unit.body, 1)
        lines += [f"    return {unit.name}_", ""]
    lines += ["class Block:", "    def __init__(self):"]
    for each in program.block.variables.values():
        initial = _value(each.type, each.initial)
        lines.append(
            f"        self.{each.name} = {initial if each.length is None else f'[{initial}] * {each.length}'}"
        )
    lines += ["", "    def scan(self):"]
    lines += _Writer(program.block).body(program.block.body, 2)
    return "\n".join([*lines, ""])


def _value(kind: str, value: int) -> str:
    return str(bool(value)) if kind == "BOOL" else str(value)


class _Writer:
    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def body(self, statements: list[Statement], depth: int) -> list[str]:
        lines = [line for each in statements for line in self._statement(each, depth)]
        return lines or [f"{'    ' * depth}pass"]

    def _statement(self, statement: Statement, depth: int) -> list[str]:
        space = "    " * depth
        if isinstance(statement, tree.Assign):
            return [f"{space}{self._expression(statement.target)} = {self._expression(statement.value)}"]
        if isinstance(statement, tree.For):
            name = self._variable(statement.name)
            bounds = f"{self._expression(statement.first)}, {self._expression(statement.last)} + 1"
            return [f"{space}for {name} in range({bounds}):", *self.body(statement.body, depth + 1)]
        lines = []
        if isinstance(statement, tree.Case):
            lines.append(f"{space}selector = {self._expression(statement.selector)}")
            branches = [(f"selector == {value}", inner) for value, inner in statement.branches]
        else:
            branches = [(self._expression(condition), inner) for condition, inner in statement.branches]
        for number, (condition, inner) in enumerate(branches):
            lines.append(f"{space}{'elif' if number else 'if'} {condition}:")
            lines += self.body(inner, depth + 1)
        if statement.otherwise is not None:
            lines += [f"{space}else:", *self.body(statement.otherwise, depth + 1)]
        return lines

    def _variable(self, name: str) -> str:
        if not self._unit.result:
            return f"self.{name}"
        return f"{name}_" if name == self._unit.name else name

    def _expression(self, of: Expression) -> str:
        if isinstance(of, tree.Number):
            return _value(of.type, of.value)
        if isinstance(of, tree.Name):
            return self._variable(of.name)
        if isinstance(of, tree.Item):
            length = self._unit.variables[of.name].length
            assert length is not None
            return f"{self._variable(of.name)}[_ranged({self._expression(of.index)}, {length - 1}, {of.place.line})]"
        if isinstance(of, tree.Not):
            return f"(not {self._expression(of.of)})"
        if isinstance(of, tree.Call):
            return f"{of.name}({', '.join(self._expression(each) for each in of.inputs.values())})"
        if isinstance(of, tree.Convert):
            return f"_ranged({self._expression(of.of)}, {HIGHEST[of.target]}, {of.place.line})"
        assert isinstance(of, tree.Binary)
        left, right, line = self._expression(of.left), self._expression(of.right), of.place.line
        if of.operator in ("/", "MOD"):
            return f"{'_divided' if of.operator == '/' else '_rest'}({left}, {right}, {line})"
        text = f"({left} {SAME[of.operator]} {right})"
        return f"_ranged({text}, {HIGHEST[of.type]}, {line})" if of.operator in "+-*" else text
