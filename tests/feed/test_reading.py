"""Bytes become lines and lines become fields; whatever comes, each line is a record's fields or a reason why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.feed.mapping import FeedSettings
from jidoka.feed.reading import BadLineError, Lines, Stream, of_json

JSON = FeedSettings(format="json", outputs={"y": "y"})
CSV = FeedSettings(format="csv", outputs={"y": "y"})
LOG = FeedSettings(format="log", outputs={"y": "y"}, pattern=r"score=(?P<y>\S+)(?: part=(?P<part>\d+))?")


def stream(feed: FeedSettings, text: bytes) -> list[Any]:
    made = Stream(feed, "line")
    return [*made.take(text), *made.end()]


@given(st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line and not line.endswith(b"\r"))),
       st.lists(st.integers(1, 7)))  # fmt: skip
def test_lines_are_the_same_however_they_are_cut(lines: list[bytes], cuts: list[int]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    reader, found, at = Lines(), [], 0
    for cut in cuts:
        found += reader.take(text[at : at + cut])
        at += cut
    assert [*found, *reader.take(text[at:])] == lines
    assert reader.end() == []


def test_a_line_without_an_end_is_told_at_the_end_and_windows_ends_are_ends() -> None:
    reader = Lines()
    assert reader.take(b"a\r\nb") == [b"a"]
    assert reader.end() == [b"b"]
    assert reader.end() == []


def test_a_line_that_never_ends_takes_no_memory_and_the_next_one_is_whole() -> None:
    reader = Lines(longest=10)
    for _ in range(1000):
        assert reader.take(b"x" * 100) == []
        assert len(reader._rest) <= 10
    assert reader.take(b"x\nwhole\n") == [None, b"whole"]
    assert reader.take(b"0123456789\n0123456789a\n") == [b"0123456789", None]


def test_a_path_walks_objects_and_lists_and_a_key_with_dots_is_found_whole() -> None:
    field = of_json('{"a": {"b": [1, {"c": 2}]}, "x.y": 3, "": 4}')
    assert field("a.b.0") == 1
    assert field("a.b.1.c") == 2
    assert field("x.y") == 3
    for path in ("a.c", "a.b.2", "a.b.x", "a.b.0.d", "z", "a.b.-1"):
        with pytest.raises(BadLineError, match="no such field"):
            field(path)
    assert of_json("[[5]]")("0.0") == 5


def test_empty_lines_are_no_lines_and_bad_ones_have_their_number() -> None:
    good, bad, last = stream(JSON, b'\n{"y": 1}\n  \n{"y": \n{"y": NaN}')
    assert good.where == "line:2"
    assert good.fields("y") == 1
    assert bad.where == "line:4"
    assert bad.fault.cause == "not JSON"
    assert last.where == "line:5"


def test_a_table_names_its_columns_in_its_first_line_or_the_mapping_does() -> None:
    first, second = stream(CSV, b"\xef\xbb\xbfy, part\n1,7\n2\n")
    assert (first.fields("y"), first.fields("part")) == ("1", "7")
    assert str(second.fault) == "not a row: 1 columns instead of 2"
    named = CSV.model_copy(update={"columns": ["part", "y"], "separator": ";"})
    (only,) = stream(named, b"7;1\n")
    assert only.fields("y") == "1"
    spaced = CSV.model_copy(update={"separator": " "})
    (only,) = stream(spaced, b" part   y\n 7    1 \n")
    assert only.fields("y") == "1"


def test_a_table_that_begins_again_has_a_header_again() -> None:
    made = Stream(CSV, "t")
    assert [entry.fields("y") for entry in made.take(b"y,z\n1,2\n")] == ["1"]
    made.end()
    assert [entry.fields("y") for entry in made.take(b"z,y\n1,2\n")] == ["2"]


def test_log_lines_without_the_pattern_are_passed_over_and_counted() -> None:
    made = Stream(LOG, "log")
    (entry,) = made.take("10:00 start\n10:01 score=0.5\n10:02 überall\n".encode())
    assert entry.fields("y") == "0.5"
    with pytest.raises(BadLineError, match="no such field: part"):
        entry.fields("part")
    assert made.unmatched == 2


@pytest.mark.parametrize("feed", [JSON, CSV, LOG])
@given(chunks=st.lists(st.binary(max_size=60)))
def test_garbage_is_never_more_than_a_bad_line(feed: FeedSettings, chunks: list[bytes]) -> None:
    made = Stream(feed, "x")
    for entry in [each for chunk in chunks for each in made.take(chunk)] + made.end():
        assert callable(entry.fields)
        assert entry.fault is None or entry.fault.cause


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"y": 1e999999}', json.dumps({"y": 10**400}), '"\\ud800"', "12"]
)
def test_strange_json_is_a_value_or_a_bad_line(text: str) -> None:
    for entry in stream(JSON, text.encode()):
        assert callable(entry.fields)
        assert entry.fault is None or entry.fault.cause
