"""The subset of Structured Text: what is refused, and where; what the two translations make of the rest."""

from __future__ import annotations

import random

import pytest

from tools.structured_text.blocks import Compiled, PythonBlock, load
from tools.structured_text.tree import SubsetError

SMALL = """
FUNCTION DOUBLE : UDINT
VAR_INPUT
    Value : UINT;
END_VAR
    DOUBLE := UINT_TO_UDINT(Value) * 2;
END_FUNCTION

FUNCTION_BLOCK SMALL
VAR_INPUT
    Number : UINT;
    Further : UDINT;
    Is : BOOL;
    Words : ARRAY [0..3] OF UINT;
END_VAR
VAR_OUTPUT
    Sum : UDINT;
    Kind : UINT;
    Bits : DWORD;
    Copies : ARRAY [0..3] OF UINT;
END_VAR
VAR
    I : UINT;
END_VAR
VAR CONSTANT
    TEN : UDINT := 10;
END_VAR
    Sum := DOUBLE(Value := Number) + TEN;
    FOR I := 0 TO 3 DO
        Copies[3 - I] := Words[I] / 2 + Words[I] MOD 2;
    END_FOR;
    CASE Number OF
        0: Kind := 5;
        7: Kind := 6;
    ELSE
        Kind := 7;
    END_CASE;
    IF Is AND NOT (Number > 100) OR Further = 3 THEN
        Bits := UDINT_TO_DWORD(Further) XOR 16#F0F0;
    ELSIF Further >= 1000 THEN
        Bits := 16#FFFFFFFF;
    END_IF;
END_FUNCTION_BLOCK
"""


def small(body: str, declarations: str = "X : UDINT; I : UINT; B : BOOL; A : ARRAY [0..3] OF UINT;") -> str:
    return f"FUNCTION_BLOCK T\nVAR\n{declarations}\nEND_VAR\n{body}\nEND_FUNCTION_BLOCK\n"


def test_both_translations_say_the_same() -> None:
    program = load(SMALL)
    one, other = PythonBlock(program), Compiled(program).new()
    rng = random.Random(1)
    for _ in range(300):
        inputs = {
            "Number": rng.choice((0, 7, 100, 101, rng.randrange(1 << 16))), "Further": rng.choice((3, 999, 1000, rng.getrandbits(32))),
            "Is": rng.random() < 0.5, "Words": [rng.randrange(1 << 16) for _ in range(4)],
        }  # fmt: skip
        assert one(**inputs) == other(**inputs), inputs
    assert one(Number=7, Further=3, Is=False, Words=[1, 2, 3, 65_535]) == {
        "Sum": 24, "Kind": 6, "Bits": 0xF0F3, "Copies": [32_768, 2, 1, 1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "line", "column", "text"),
    [
        ("X := X - 1;\nWHILE B DO\nEND_WHILE;", 6, 7, "B"),
        ("X := I;", 5, 6, "UINT where a UDINT"),
        ("X := UINT_TO_UDINT(I) + TRUE;", 5, 25, "BOOL"),
        ("I := 65536;", 5, 6, "65536 is no UINT"),
        ("x := 1;", 5, 1, "x isn't declared"),
        ("B := X AND 1;", 5, 8, "AND of UDINT"),
        ("A[4294967296] := 1;", 5, 3, "no UINT"),
        ("A := 1;", 5, 1, "A is an array"),
        ("X := SHL(IN := X, N := 1);", 5, 6, "no function SHL"),
        ("X := -1;", 5, 6, "-"),
        ("FOR I := 0 TO 3 DO\n    I := 2;\nEND_FOR;", 6, 5, "counts the loop"),
        ("FOR X := 0 TO 3 DO\nEND_FOR;", 5, 1, "UINT of its own"),
        ("X := 1.5;", 5, 6, "begins nothing"),
        ("X := 5 // comment", 5, 9, "where a name was expected"),
        ("(* a (* b *)", 5, 1, "comment within a comment"),
        ("X := 1", 6, 1, "where ; was expected"),
        ("if B THEN END_IF;", 5, 1, "keyword"),
        ("RETURN;", 5, 7, ":="),
        ("CASE I OF 1: X := 1; 1: X := 2; END_CASE;", 5, 22, "twice"),
        ("X := DINT_TO_UDINT(I);", 5, 21, ":="),
    ],
)  # fmt: skip
def test_what_is_outside_the_subset_is_refused_with_its_place(
    body: str, line: int, column: int, text: str
) -> None:
    with pytest.raises(SubsetError) as refused:
        load(small(body))
    assert (refused.value.place.line, refused.value.place.column) == (line, column), refused.value
    assert text in str(refused.value)


@pytest.mark.parametrize(
    "declarations",
    [
        "X : INT;",
        "X : STRING;",
        "X : ARRAY [1..3] OF UINT;",
        "X : UINT := 70000;",
        "X : UINT; x : UINT;",
        "T : TON;",
    ],
)
def test_other_types_and_arrays_are_refused(declarations: str) -> None:
    with pytest.raises(SubsetError):
        load(small("", declarations))


@pytest.mark.parametrize(
    "body",
    ["X := X - 1;", "X := 4294967295; X := X + 1;", "X := 65536; X := X * 65536;", "X := 5 / X;", "X := 5 MOD X;",
     "X := 65536; I := UDINT_TO_UINT(X);", "I := 4; A[I] := 1;", "I := 65535; I := I + 1;"],
)  # fmt: skip
def test_leaving_the_range_is_an_error_in_both_translations(body: str) -> None:
    program = load(small(body))
    with pytest.raises(ArithmeticError):
        PythonBlock(program)()
    with pytest.raises(SubsetError, match="line 5"):
        Compiled(program).new()()


def test_a_text_needs_exactly_one_function_block() -> None:
    with pytest.raises(SubsetError, match="0 function blocks"):
        load("FUNCTION F : UINT\nVAR_INPUT\nX : UINT;\nEND_VAR\nF := X;\nEND_FUNCTION")
