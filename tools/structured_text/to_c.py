"""A checked program as C source, for long runs: all variables of the block in one array of 32-bit words.

It counts how often each arm of each IF, CASE and FOR ran, and stops at the first value that leaves its range. With
mutants, `mutant` says which of them is on (1 is the first, 0 none).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tools.structured_text import tree
from tools.structured_text.check import Program
from tools.structured_text.mutate import Mutant
from tools.structured_text.tree import HIGHEST, Expression, Statement, Unit

HEAD = """\
#include <stdint.h>
#include <setjmp.h>
typedef uint32_t w;
static jmp_buf stop;
static w stopped_at, running;
w mutant;
static inline w ranged(uint64_t value, w highest, w line) {
    if (value > highest) { stopped_at = line; if (running) longjmp(stop, 1); }
    return (w)value;
}
enum { ADD, SUB, MUL, DIV, MOD, EQ, NE, LT, LE, GT, GE, AND, OR, XOR };
static inline w binary(int operator, w a, w b, w highest, w line) {
    switch (operator) {
    case ADD: return ranged((uint64_t)a + b, highest, line);
    case SUB: return b > a ? ranged(~0ULL, 0, line) : a - b;
    case MUL: return ranged((uint64_t)a * b, highest, line);
    case DIV: return b ? a / b : ranged(1, 0, line);
    case MOD: return b ? a % b : ranged(1, 0, line);
    case EQ: return a == b;
    case NE: return a != b;
    case LT: return a < b;
    case LE: return a <= b;
    case GT: return a > b;
    case GE: return a >= b;
    case AND: return a & b;
    case OR: return a | b;
    default: return a ^ b;
    }
}
"""
OPERATORS = {"+": "ADD", "-": "SUB", "*": "MUL", "/": "DIV", "MOD": "MOD", "=": "EQ", "<>": "NE", "<": "LT", "<=": "LE",
             ">": "GT", ">=": "GE", "AND": "AND", "OR": "OR", "XOR": "XOR"}  # fmt: skip


class Arm(NamedTuple):
    """One way through a statement. line: where it stands in the Structured Text; what: which way."""

    line: int
    what: str


class Translated(NamedTuple):
    """text: the C source; places: variable -> word in the array; words: of the array; arms: by their number."""

    text: str
    places: dict[str, int]
    words: int
    arms: list[Arm]


#: id of a node -> its changes: (number of the mutant, what it becomes); numbers and operators apart from conditions
Changes = dict[tuple[int, bool], list[tuple[int, Any]]]


def translate(program: Program, mutants: Sequence[Mutant] = ()) -> Translated:
    """The C source: `void reset(w *v)`, `w scan(w *v)` (the line of a range error, or 0), `uint64_t arms[]`."""
    changes: Changes = {}
    for number, mutant in enumerate(mutants, 1):
        key = id(mutant.node), isinstance(mutant.becomes, bool)
        changes.setdefault(key, []).append((number, mutant.becomes))
    places: dict[str, int] = {}
    at = 0
    variables = program.block.variables.values()
    for variable in variables:
        places[variable.name] = at
        at += variable.length or 1
    arms: list[Arm] = []
    lines = []
    for unit in program.functions.values():
        writer = _Writer(unit, {}, arms, changes)
        inputs = ", ".join(f"w {each.name}" for each in unit.variables.values() if each.section == "INPUT")
        lines.append(f"w {unit.name}({inputs}) {{ w {unit.name}_ = 0;")
        lines += [f"w {each.name} = {writer.number(each, each.initial)}; (void){each.name};"
                  for each in unit.variables.values() if each.section != "INPUT"]  # fmt: skip
        lines += [*writer.body(unit.body), f"return {unit.name}_; }}"]
    writer = _Writer(program.block, places, arms, changes)
    lines += [f"void reset(w *v) {{ for (w i = 0; i < {at}u; i++) v[i] = 0;"]
    lines += [f"v[{places[each.name]}] = {writer.number(each, each.initial)};" for each in variables
              if each.initial or (id(each), False) in changes]  # fmt: skip
    lines += ["}", "static void run(w *v) {", *writer.body(program.block.body), "}"]
    lines += [
        "w scan(w *v) { stopped_at = 0; running = 1; if (!setjmp(stop)) run(v); running = 0; return stopped_at; }",
        "",
    ]
    head = f"{HEAD}uint64_t arms[{max(1, len(arms))}];\n"
    return Translated(head + "\n".join(lines), places, at, arms)


class _Writer:
    def __init__(self, unit: Unit, places: dict[str, int], arms: list[Arm], changes: Changes) -> None:
        self._unit = unit
        self._places = places
        self._arms = arms
        self._changes = changes

    def body(self, statements: list[Statement]) -> list[str]:
        return [line for each in statements for line in self._statement(each)]

    def number(self, node: Any, value: int) -> str:
        """A number, or what it becomes in a mutant."""
        return self._chosen(node, f"{value}u", lambda other: f"{other}u")

    def _chosen(self, node: Any, own: str, shown: Any, is_condition: bool = False) -> str:
        for number, becomes in self._changes.get((id(node), is_condition), []):
            own = f"(mutant == {number} ? {shown(becomes)} : {own})"
        return own

    def _condition(self, of: Expression) -> str:
        return self._chosen(of, self._expression(of), lambda always: f"{int(always)}u", is_condition=True)

    def _arm(self, line: int, what: str) -> str:
        self._arms.append(Arm(line, what))
        return f"arms[{len(self._arms) - 1}]++;"

    def _statement(self, statement: Statement) -> list[str]:
        if isinstance(statement, tree.Assign):
            text = f"{self._expression(statement.target)} = {self._expression(statement.value)};"
            left_out = self._changes.get((id(statement), False), [])
            return [f"if (mutant != {left_out[0][0]}) {text}" if left_out else text]
        line = statement.place.line
        if isinstance(statement, tree.For):
            name = self._variable(statement.name)
            first, last = self._expression(statement.first), self._expression(statement.last)
            head = f"for (w n = {first}, last = {last}; n <= last; n++) {{"
            return [head, f"{name} = n;", self._arm(line, "FOR"), *self.body(statement.body), "}"]
        lines = []
        if isinstance(statement, tree.Case):
            lines.append(f"{{ w selector = {self._expression(statement.selector)};")
            branches = [
                (f"selector == {value}u", str(value), inner, line) for value, inner in statement.branches
            ]
        else:
            lines.append("{")
            branches = [
                (self._condition(condition), "ELSIF" if number else "IF", inner, condition.place.line)
                for number, (condition, inner) in enumerate(statement.branches)
            ]
        for number, (condition, what, inner, place) in enumerate(branches):
            lines.append(f"{'} else ' if number else ''}if ({condition}) {{")
            lines += [self._arm(place, what), *self.body(inner)]
        lines += ["} else {", self._arm(line, "ELSE of this"), *self.body(statement.otherwise or []), "} }"]
        return lines

    def _variable(self, name: str) -> str:
        if not self._unit.result:
            return f"v[{self._places[name]}]"
        return f"{name}_" if name == self._unit.name else name

    def _expression(self, of: Expression) -> str:
        if isinstance(of, tree.Number):
            return self.number(of, of.value)
        if isinstance(of, tree.Name):
            return self._variable(of.name)
        if isinstance(of, tree.Item):
            length = self._unit.variables[of.name].length
            assert length is not None
            index = f"ranged({self._expression(of.index)}, {length - 1}, {of.place.line})"
            return f"v[{self._places[of.name]} + {index}]"
        if isinstance(of, tree.Not):
            inner = self._expression(of.of)
            return f"({inner} != {self._chosen(of, '1u', lambda _: '0u')})"
        if isinstance(of, tree.Call):
            return f"{of.name}({', '.join(self._expression(each) for each in of.inputs.values())})"
        if isinstance(of, tree.Convert):
            return f"ranged({self._expression(of.of)}, {HIGHEST[of.target]}u, {of.place.line})"
        assert isinstance(of, tree.Binary)
        left, right = self._expression(of.left), self._expression(of.right)
        operator = self._chosen(of, OPERATORS[of.operator], OPERATORS.__getitem__)
        return f"binary({operator}, {left}, {right}, {HIGHEST.get(of.type, 1)}u, {of.place.line})"
