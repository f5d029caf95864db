"""The block as a PLC programmer meets it: contacts, constants, what is made when, other parsers."""

from __future__ import annotations

import zlib

import pytest
from jidoka_bridge import registers
from jidoka_bridge.registers import Word

from tools import _registers_st
from tools.registers import SOURCE
from tools.registers import load as load_map
from tools.structured_text.blocks import PythonBlock, load
from tools.three_answers.plant import Plant
from tools.three_answers.scans import SETTINGS, Inputs
from tools.three_answers.structured import BLOCK, Interpreted, Structured, compiled

TEXT = BLOCK.read_text(encoding="utf-8")


def test_feedback_contacts_become_a_word_and_the_model_alone_is_never_what_was_written() -> None:
    words = [
        compiled().call("JIDOKA_ACTUAL", machine, model)
        for machine, model in ((0, 0), (1, 0), (1, 1), (0, 1))
    ]
    assert words == [Word.WITHHOLD, Word.MACHINE, Word.MACHINE_AND_AI, Word.ABSTAIN]


def test_the_crc_is_that_of_zlib_over_words_station_direction_and_map() -> None:
    crc = 0xFFFF_FFFF
    for word in (0x1234, 0xABCD, 0x00FF):
        crc = compiled().call("JIDOKA_CRC_WORD", crc, word)
    sum_ = compiled().call("JIDOKA_CRC_END", crc, 9, 0xA0)
    assert sum_ == zlib.crc32(bytes.fromhex("1234abcd00ff09a0") + registers.MAP_DIGEST)


def test_differences_of_the_clock_are_right_across_its_wrap() -> None:
    for then, passed in (
        (0, 0),
        (5, 7),
        (0xFFFF_FFFF, 1),
        (0xFFFF_FFF0, 100),
        (1, 0xFFFF_FFFF),
        (0xFFFF_FFFE, 0xFFFF_FFFF),
    ):
        assert compiled().call("JIDOKA_SINCE", (then + passed) & 0xFFFF_FFFF, then) == passed


def test_block_c_is_made_only_when_it_is_asked_for_and_says_which_function_codes_there_are() -> None:
    block = PythonBlock(load(TEXT))
    first = block(NowMs=10, RefreshC=False, Actual=Word.WITHHOLD)
    assert first["BlockC"] == [0] * 170
    made = block(NowMs=20, RefreshC=True, HasFc23=False)["BlockC"]
    assert (made[0], made[6]) == (0x4301, 0)
    assert block(NowMs=30, RefreshC=False, HasFc23=True)["BlockC"] == made
    assert block(NowMs=40, RefreshC=True)["BlockC"][6] == registers.Flag.FC23


def test_without_a_number_that_was_not_drawn_before_no_connection_is_offered() -> None:
    program = Structured()
    plant = Plant(3)
    shown = set()
    for _ in range(800):
        given = plant.given()._replace(random=0)
        answer = program.scan(given, False)
        plant.seen(answer)
        shown.add(answer.block_b[1])
    assert shown == {0}


def test_a_permissive_is_two_outputs_and_a_word() -> None:
    block = PythonBlock(load(TEXT))
    done = block(NowMs=1, Actual=Word.WITHHOLD)
    assert (done["MachineMayRun"], done["ModelMayBeUsed"], done["OutputWord"]) == (
        False,
        False,
        Word.WITHHOLD,
    )


def test_python_made_of_the_block_says_the_same_as_c_made_of_it() -> None:
    one, other, plant = Structured(), Interpreted(), Plant(5_000)
    for number in range(250):
        given = plant.given()
        answer = one.scan(given, number % 10 == 0)
        assert other.scan(given, number % 10 == 0) == answer
        plant.seen(answer)


def test_the_block_has_no_timers_and_its_station_stands_in_each_crc() -> None:
    assert not any(word in TEXT.split() for word in ("TON", "TOF", "TP", "TIME", "LTIME"))
    program = Structured()
    first = program.scan(Inputs(1_000), True)
    assert registers.B.words == len(first.block_b)
    words = b"".join(word.to_bytes(2, "big") for word in first.block_b[:-2])
    crc = zlib.crc32(words + bytes((SETTINGS.unit, 0x0A)) + registers.MAP_DIGEST)
    assert first.block_b[-2:] == (crc >> 16, crc & 0xFFFF)


def test_the_constants_come_from_the_register_map() -> None:
    source = load_map(SOURCE)
    assert _registers_st.text(source) == TEXT
    source["blocks"]["B"]["fields"]["edges"]["word"] = 99
    assert "B_EDGES : UINT := 99;" in _registers_st.text(source)
    with pytest.raises(ValueError, match="Unheard"):
        _registers_st.filled("(* constants: Unheard *)\n(* end of constants *)\n", source)


# ---------------------------------------------------------------- other parsers


def flaws(text: str) -> int:
    """Places that the tree-sitter grammar can't read."""
    tree_sitter = pytest.importorskip("tree_sitter")
    grammar = pytest.importorskip("tree_sitter_iec61131_3_st")
    todo, found = (
        [tree_sitter.Parser(tree_sitter.Language(grammar.language())).parse(text.encode()).root_node],
        0,
    )
    while todo:
        node = todo.pop()
        found += node.is_error or node.is_missing
        todo += node.children
    return found


def test_tree_sitter_reads_the_block_and_finds_a_seeded_fault() -> None:
    assert flaws(TEXT) == 0
    assert flaws(TEXT.replace("END_IF;", "", 1)) > 0
