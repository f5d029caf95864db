"""Tokens to a tree. What isn't in the subset is refused where it stands."""

from __future__ import annotations

import re

from tools.structured_text import tree
from tools.structured_text.lexer import Token, tokens
from tools.structured_text.tree import HIGHEST, Expression, Place, Statement, SubsetError, Unit, Variable

SECTIONS = {("VAR_INPUT", ""): "INPUT", ("VAR_OUTPUT", ""): "OUTPUT", ("VAR", ""): "LOCAL",
            ("VAR", "RETAIN"): "RETAIN", ("VAR", "CONSTANT"): "CONSTANT"}  # fmt: skip
#: weakest first
OPERATORS = (("OR",), ("XOR",), ("AND",), ("=", "<>"), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "MOD"))
CONVERSION = re.compile(r"(BOOL|UINT|UDINT|DWORD)_TO_(BOOL|UINT|UDINT|DWORD)")
ENDS = ("END_IF", "ELSIF", "ELSE", "END_CASE", "END_FOR", "END_FUNCTION", "END_FUNCTION_BLOCK")


def parse(text: str) -> list[Unit]:
    """All program units of a text, in its order. Raises SubsetError."""
    parser = _Parser(tokens(text))
    units = []
    while parser.next.kind != "end":
        units.append(parser.unit())
    return units


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self.next
        self._at += 1
        return token

    def _is(self, *texts: str) -> bool:
        return self.next.kind != "name" and self.next.text in texts

    def _skip(self, text: str) -> bool:
        if self._is(text):
            self._at += 1
            return True
        return False

    def _expect(self, *texts: str) -> Token:
        if not self._is(*texts):
            raise SubsetError(self.next.place, f"{self.next.text} where {' or '.join(texts)} was expected")
        return self._take()

    def _name(self) -> Token:
        if self.next.kind != "name":
            raise SubsetError(self.next.place, f"{self.next.text} where a name was expected")
        return self._take()

    def _number(self) -> int:
        if self.next.kind != "number":
            raise SubsetError(self.next.place, f"{self.next.text} where a number was expected")
        text = self._take().text
        return int(text[3:], 16) if text.startswith("16#") else int(text)

    # ------------------------------------------------------------------ declarations

    def unit(self) -> Unit:
        kind = self._expect("FUNCTION", "FUNCTION_BLOCK")
        name = self._name()
        result = ""
        if kind.text == "FUNCTION":
            self._expect(":")
            result = self._expect(*HIGHEST).text
        variables: dict[str, Variable] = {}
        while self._is("VAR", "VAR_INPUT", "VAR_OUTPUT"):
            self._section(variables)
        body = self._statements()
        self._expect(f"END_{kind.text}")
        return Unit(name.place, name.text, result, variables, body)

    def _section(self, variables: dict[str, Variable]) -> None:
        start = self._take()
        further = self._take().text if self._is("CONSTANT", "RETAIN") else ""
        section = SECTIONS.get((start.text, further))
        if section is None:
            raise SubsetError(start.place, f"{start.text} {further}")
        while not self._skip("END_VAR"):
            name = self._name()
            if name.text.upper() in (known.upper() for known in variables):
                raise SubsetError(name.place, f"{name.text} is declared twice")
            self._expect(":")
            length = None
            if self._skip("ARRAY"):
                self._expect("[")
                place = self.next.place
                if self._number() != 0:
                    raise SubsetError(place, "arrays begin at 0")
                self._expect("..")
                length = self._number() + 1
                self._expect("]")
                self._expect("OF")
            kind = self._expect(*HIGHEST).text
            initial = self._initial(kind) if length is None and self._skip(":=") else 0
            self._expect(";")
            variables[name.text] = Variable(name.place, name.text, kind, section, length, initial)

    def _initial(self, kind: str) -> int:
        place = self.next.place
        if kind == "BOOL":
            return int(self._expect("TRUE", "FALSE").text == "TRUE")
        value = self._number()
        if value > HIGHEST[kind]:
            raise SubsetError(place, f"{value} is no {kind}")
        return value

    # ------------------------------------------------------------------ statements

    def _statements(self) -> list[Statement]:
        found: list[Statement] = []
        while not self._is(*ENDS) and self.next.kind not in ("end", "number"):
            found.append(self._statement())
        return found

    def _statement(self) -> Statement:
        place = self.next.place
        if self._skip("IF"):
            return self._if(place)
        if self._skip("CASE"):
            return self._case(place)
        if self._skip("FOR"):
            return self._for(place)
        target = self._variable(self._name())
        self._expect(":=")
        value = self._expression()
        self._expect(";")
        return tree.Assign(place, target, value)

    def _if(self, place: Place) -> tree.If:
        branches = []
        otherwise = None
        while True:
            condition = self._expression()
            self._expect("THEN")
            branches.append((condition, self._statements()))
            if not self._skip("ELSIF"):
                break
        if self._skip("ELSE"):
            otherwise = self._statements()
        self._expect("END_IF")
        self._expect(";")
        return tree.If(place, branches, otherwise)

    def _case(self, place: Place) -> tree.Case:
        selector = self._expression()
        self._expect("OF")
        branches: list[tuple[int, list[Statement]]] = []
        otherwise = None
        while self.next.kind == "number":
            at = self.next.place
            value = self._number()
            if value in (each for each, _ in branches):
                raise SubsetError(at, f"{value} stands twice in the CASE")
            self._expect(":")
            branches.append((value, self._statements()))
        if self._skip("ELSE"):
            otherwise = self._statements()
        self._expect("END_CASE")
        self._expect(";")
        return tree.Case(place, selector, branches, otherwise)

    def _for(self, place: Place) -> tree.For:
        name = self._name().text
        self._expect(":=")
        first = self._expression()
        self._expect("TO")
        last = self._expression()
        self._expect("DO")
        body = self._statements()
        self._expect("END_FOR")
        self._expect(";")
        return tree.For(place, name, first, last, body)

    # ------------------------------------------------------------------ expressions

    def _expression(self, level: int = 0) -> Expression:
        if level == len(OPERATORS):
            return self._operand()
        left = self._expression(level + 1)
        while self._is(*OPERATORS[level]):
            operator = self._take()
            left = tree.Binary(operator.place, operator.text, left, self._expression(level + 1))
        return left

    def _operand(self) -> Expression:
        place = self.next.place
        if self._skip("NOT"):
            return tree.Not(place, self._operand())
        if self._skip("("):
            inner = self._expression()
            self._expect(")")
            return inner
        if self._is("TRUE", "FALSE"):
            value = tree.Number(place, int(self._take().text == "TRUE"))
            value.type = "BOOL"
            return value
        if self.next.kind == "number":
            return tree.Number(place, self._number())
        name = self._name()
        if not self._skip("("):
            return self._variable(name)
        conversion = CONVERSION.fullmatch(name.text)
        if conversion:
            inner = self._expression()
            self._expect(")")
            return tree.Convert(place, conversion[1], conversion[2], inner)
        inputs: dict[str, Expression] = {}
        while True:
            key = self._name()
            if key.text in inputs:
                raise SubsetError(key.place, f"{key.text} is given twice")
            self._expect(":=")
            inputs[key.text] = self._expression()
            if not self._skip(","):
                break
        self._expect(")")
        return tree.Call(place, name.text, inputs)

    def _variable(self, name: Token) -> tree.Name | tree.Item:
        if self._skip("["):
            index = self._expression()
            self._expect("]")
            return tree.Item(name.place, name.text, index)
        return tree.Name(name.place, name.text)
