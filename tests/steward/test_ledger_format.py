"""The ledger's bytes come back as they went in, and anything else is refused by name."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.ledger import people, spool
from jidoka.steward.ledger.decisions import COLUMNS, Block, decode_head
from jidoka.steward.ledger.format import (
    ENTRY_HEADER,
    FILE_HEADER,
    KINDS,
    LANE_OF,
    Entry,
    FileHeader,
    FormatError,
    Kind,
    Lane,
    decode,
    encode,
)
from jidoka_bridge.messages import Decision

U64 = st.integers(0, 2**64 - 1)
BOOTS = st.binary(min_size=16, max_size=16)
ENTRIES = st.builds(
    Entry, st.sampled_from(Kind), st.sampled_from(Lane), U64, U64, U64, U64, BOOTS, st.binary(max_size=200)
)
FLOATS = st.floats(width=32, allow_nan=True)
ROWS = st.builds(
    Decision,
    *(U64,) * 4, st.integers(0, 2**32 - 1), st.integers(-(2**15), 2**15 - 1), st.integers(0, 255), st.integers(0, 255),
    st.integers(0, 65535), st.integers(0, 65535), FLOATS, FLOATS, FLOATS,
)  # fmt: skip


def same(a: Decision, b: Decision) -> bool:
    return all(x == y or (math.isnan(x) and math.isnan(y)) for x, y in zip(a, b, strict=True))


@given(ENTRIES)
def test_an_entry_comes_back_as_it_went_in(entry: Entry) -> None:
    assert decode(encode(entry)) == entry
    assert len(encode(entry)) == entry.size == ENTRY_HEADER.size + len(entry.body)


@given(U64, BOOTS)
def test_a_file_header_comes_back_as_it_went_in(created_ns: int, ledger_id: bytes) -> None:
    header = FileHeader(created_ns, ledger_id)
    assert FileHeader.decode(header.encode()) == header


@given(st.binary(max_size=120))
def test_garbage_is_no_entry_and_never_crashes(data: bytes) -> None:
    with pytest.raises(FormatError):
        decode(data)


@settings(max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=256), BOOTS, st.booleans())
def test_a_decision_block_comes_back_as_it_went_in(rows: list[Decision], boot: bytes, digests: bool) -> None:
    marks = tuple(bytes([i % 256]) * 16 for i in range(len(rows))) if digests else ()
    block = Block("surface:ä", 3, boot, -5, tuple(rows), marks)
    back = Block.decode(block.encode())
    assert (back.model, back.serial, back.boot, back.wall_offset_ns) == ("surface:ä", 3, boot, -5)
    assert back.digests == marks
    assert all(same(a, b) for a, b in zip(rows, back.rows, strict=True))
    assert decode_head(block.encode()).row_count == len(rows)


@settings(max_examples=40)
@given(st.lists(ROWS, max_size=20), st.integers(0, 2000))
def test_a_spool_comes_back_up_to_its_last_whole_row(rows: list[Decision], cut: int) -> None:
    whole = spool.OpenBlock("surface", 4, b"b" * 16, 7, rows).encode()
    begin = len(spool.OpenBlock("surface", 4, b"b" * 16, 7).encode())
    data = whole[: max(begin, min(cut, len(whole)))]
    back = spool.OpenBlock.decode(data)
    assert (back.model, back.serial, back.wall_offset_ns) == ("surface", 4, 7)
    assert len(back.rows) == (len(data) - begin) // spool.ROW_BYTES
    assert all(same(a, b) for a, b in zip(rows, back.rows, strict=False))


def test_a_changed_byte_of_a_spooled_row_ends_the_spool_there() -> None:
    rows = [Decision(n, n, 1, 2, 0, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0) for n in range(3)]
    data = bytearray(spool.OpenBlock("m", 1, b"b" * 16, 0, rows).encode())
    data[-spool.ROW_BYTES - 9] ^= 1
    assert [row.number for row in spool.OpenBlock.decode(bytes(data)).rows] == [0]


def test_every_kind_has_one_row_and_one_lane() -> None:
    assert [row.kind for row in KINDS] == list(Kind)
    assert set(LANE_OF) == set(Kind)


def test_an_unknown_version_is_refused_with_both_numbers() -> None:
    import zlib

    data = bytearray(FileHeader(1, b"i" * 16).encode())
    data[8] = 9
    data[36:40] = struct.pack("<I", zlib.crc32(bytes(data[:36])))
    with pytest.raises(FormatError, match=r"version 9.*version 1"):
        FileHeader.decode(bytes(data))
    block = bytearray(Block("m", 1, b"b" * 16, 0, (Decision(*[0] * 10, 0.0, 0.0, 0.0),)).encode())
    block[0] = 4
    with pytest.raises(FormatError, match=r"version 4.*reads 1"):
        Block.decode(bytes(block))


def test_sizes_are_those_of_the_document() -> None:
    assert (FILE_HEADER.size, ENTRY_HEADER.size) == (40, 58)
    assert sum(column.width for column in COLUMNS) == spool.ROW.size == 56


def test_the_document_lists_every_kind_column_and_number() -> None:
    text = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text()
    for row in KINDS:
        assert f"| {row.kind.value} | {row.kind.label} | {row.lane.value} |" in text
    for column in COLUMNS:
        stored = "differences" if column.is_difference else "values"
        kind = {"Q": "u64", "I": "u32", "h": "i16", "B": "u8", "H": "u16", "f": "f32"}[column.code]
        assert f"| {column.name} | {kind} | {stored} |" in text


def test_a_sealed_text_is_found_by_its_commitment_until_its_line_is_erased(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jdl"
    commitment, line = people.sealed("Anna saw dust")
    other, other_line = people.sealed("Anna saw dust")
    assert commitment != other, "equal texts can't be told to be equal"
    people.people_path(ledger).write_bytes(line + other_line + b'{"torn')
    assert people.read_texts(ledger) == {commitment: "Anna saw dust", other: "Anna saw dust"}
    people.people_path(ledger).write_bytes(other_line.replace(b"dust", b"gold"))
    assert people.read_texts(ledger) == {}
