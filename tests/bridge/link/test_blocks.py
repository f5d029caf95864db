"""The blocks: what was encoded is decoded, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import (
    RANK,
    BlockA,
    BlockB,
    BlockC,
    BlockD,
    BlockError,
    Flaw,
    checksum,
)
from jidoka_bridge.registers import Fault, Input, Input2, Phase, PlcState, State, Word

U16 = st.integers(0, 0xFFFF)
U8 = st.integers(0, 0xFF)
U32 = st.integers(0, 2**32 - 1)
UNITS = st.integers(1, 247)
BLOCK_A = st.builds(
    BlockA, U8.map(lambda n: 10 * n), U16, U16, U16, st.sampled_from(State), st.sampled_from(Phase), U8,
    st.sampled_from(Word),
)  # fmt: skip
BLOCK_B = st.builds(
    BlockB, U16, U16, U16, st.sampled_from(Word), st.sampled_from(PlcState), st.sampled_from(Fault), U8.map(Input),
    U8.map(lambda n: 100 * n), U16, U16, U16, U16, U8, U8, U16, U8.map(Input2), U8,
)  # fmt: skip
BLOCK_D = st.builds(BlockD, U16, U32, st.integers(0, 2**64 - 1), U32)
RING = st.lists(st.tuples(U32, st.integers(0, 2**64 - 1)), min_size=24, max_size=24).map(tuple)
BLOCK_C = st.builds(
    BlockC, U16, U32, U16, U16, U16, U16, U16, U16, U16, U16, U32, U16, U16, U32, U16, U16, U32, U32, RING
)
ONE_OF_EACH = (
    BlockA(310, 7, 8, 9, State.RUN, Phase.ARMED, 32, Word.MACHINE_AND_AI),
    BlockB(7, 8, 9, Word.MACHINE, PlcState.ARMED, Fault.WATCHDOG, Input.KEY_AUTO, 300, parts=12),
    BlockC(256, 1, 310, 12, 1, key_seconds=70_000),
    BlockD(7, 100_000, 2**63, 3),
)


@given(st.one_of(BLOCK_A, BLOCK_B, BLOCK_C, BLOCK_D), UNITS)
def test_what_was_encoded_is_decoded(block: BlockA, unit: int) -> None:
    words = block.encode(unit)
    assert all(0 <= word <= 0xFFFF for word in words)
    assert type(block).decode(words, unit) == block


@pytest.mark.parametrize("block", ONE_OF_EACH, ids=lambda block: type(block).__name__)
def test_every_single_bit_flip_is_rejected(block: BlockA) -> None:
    words = block.encode(1)
    for place in range(len(words)):
        for bit in range(16):
            flipped = list(words)
            flipped[place] ^= 1 << bit
            with pytest.raises(BlockError) as caught:
                type(block).decode(flipped, 1)
            assert caught.value.flaw is Flaw.CRC


@pytest.mark.parametrize("block", ONE_OF_EACH, ids=lambda block: type(block).__name__)
def test_a_block_of_another_unit_direction_or_map_is_rejected(
    block: BlockA, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = block.encode(1)
    with pytest.raises(BlockError):
        type(block).decode(words, 2)
    layout = registers.BLOCKS[type(block).__name__[-1]]
    assert checksum(words[:-2], 1, layout.direction) != checksum(words[:-2], 1, layout.direction ^ 0xAA)
    monkeypatch.setattr(registers, "MAP_DIGEST", b"\0\0\0\0")
    with pytest.raises(BlockError):
        type(block).decode(words, 1)


@given(st.sampled_from([BlockA, BlockB, BlockC, BlockD]), st.lists(U16, max_size=200))
def test_garbage_is_a_block_error_and_nothing_else(kind: type[BlockA], words: list[int]) -> None:
    with pytest.raises(BlockError):
        kind.decode(words, 1)


@pytest.mark.parametrize("kind", [BlockA, BlockB, BlockC, BlockD])
@pytest.mark.parametrize("value", [0, 0xFFFF])
def test_all_zeros_and_all_ones_are_no_block(kind: type[BlockA], value: int) -> None:
    words = [value] * registers.BLOCKS[kind.__name__[-1]].words
    with pytest.raises(BlockError):
        kind.decode(words, 1)


def reseal(words: list[int], direction: int) -> list[int]:
    crc = checksum(words[:-2], 1, direction)
    return [*words[:-2], crc >> 16, crc & 0xFFFF]


@given(U16.filter(lambda value: value not in set(Word)))
def test_a_permissive_that_is_no_word_is_withhold(value: int) -> None:
    words = ONE_OF_EACH[0].encode(1)
    words[5] = value
    assert BlockA.decode(reseal(words, 0xA0), 1).word is Word.WITHHOLD


@pytest.mark.parametrize(("place", "value"), [(4, 0), (4, 0x8000), (4, 0x1500)])
def test_a_state_or_phase_that_is_not_in_the_table_is_rejected(place: int, value: int) -> None:
    words = ONE_OF_EACH[0].encode(1)
    words[place] = value
    with pytest.raises(BlockError) as caught:
        BlockA.decode(reseal(words, 0xA0), 1)
    assert caught.value.flaw is Flaw.CODE


def test_block_b_with_an_unknown_code_is_rejected_and_another_format_too() -> None:
    for place, value, flaw in ((4, 0, Flaw.CODE), (5, 0x0900, Flaw.CODE), (0, 0x4B02, Flaw.FORMAT)):
        words = ONE_OF_EACH[1].encode(1)
        words[place] = value
        with pytest.raises(BlockError) as caught:
            BlockB.decode(reseal(words, 0x0A), 1)
        assert caught.value.flaw is flaw


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="hold_ms"):
        BlockA(2560, 0, 0, 0, State.HOLD, Phase.IDLE, 0, Word.WITHHOLD).encode(1)


def test_the_hold_time_is_rounded_down() -> None:
    words = BlockA(319, 0, 0, 0, State.HOLD, Phase.IDLE, 0, Word.WITHHOLD).encode(1)
    assert BlockA.decode(words, 1).hold_ms == 310


def test_golden_words_for_the_other_implementations() -> None:
    words = BlockA(310, 5, 1, 2, State.RUN, Phase.ARMED, 0, Word.MACHINE).encode(1)
    assert words == [0x411F, 5, 1, 2, 0x2200, 0x6996, 0xF8F7, 0x4E79]


def test_abstain_asks_for_nothing_and_the_model_only_ever_comes_with_the_machine() -> None:
    assert RANK == {Word.WITHHOLD: 0, Word.ABSTAIN: 0, Word.MACHINE: 1, Word.MACHINE_AND_AI: 2}


def test_what_a_block_isnt_told_is_zero_on_the_wire() -> None:
    blocks = (
        BlockB(7, 8, 9, Word.WITHHOLD, PlcState.OFF, Fault.NONE, Input(0)),
        BlockC(1, 2, 3, 4, 5),
        BlockD(7),
    )
    for block, told in zip(blocks, ({0, 1, 2, 3, 4, 5}, set(range(7)), {0, 1}), strict=True):
        words = block.encode(1)  # type: ignore[attr-defined]
        assert [place for place, word in enumerate(words[:-2]) if word and place not in told] == []
        assert type(block).decode(words, 1) == block  # type: ignore[attr-defined]
    assert blocks[1].ring == ((0, 0),) * 24  # type: ignore[attr-defined]


def test_why_words_are_no_block_is_said_and_classed() -> None:
    good = ONE_OF_EACH[1].encode(1)
    state, word = ONE_OF_EACH[0].encode(1), list(good)
    state[4], word[4] = 0x8000, 0
    for kind, words, flaw, text in (
        (BlockB, good[:-1], Flaw.LENGTH, "block B has 16 words, 15 came"),
        (BlockB, [*good[:-1], good[-1] ^ 1], Flaw.CRC, "block B: the CRC-32 doesn't match"),
        (BlockB, reseal([0x4B02, *good[1:]], 0x0A), Flaw.FORMAT, "block B: format 0x4b02 isn't 0x4b01"),
        (BlockA, reseal(state, 0xA0), Flaw.CODE, "block A: 8 is not a valid State"),
        (BlockB, reseal(word, 0x0A), Flaw.CODE, "block B: 0 is not a valid Word"),
    ):
        with pytest.raises(BlockError) as caught:
            kind.decode(words, 1)
        assert (caught.value.flaw, str(caught.value)) == (flaw, text)
