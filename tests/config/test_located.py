"""YAML with places: what is read, where it stood, and what is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.config import located
from jidoka.config.located import START, Place


def test_every_key_and_value_remembers_its_line_and_column() -> None:
    document = located.parse("site: hall-2\nrisks:\n  - id: R-01\n    controls: [A.1, A.2]\n", "file")
    assert document.value == {"site": "hall-2", "risks": [{"id": "R-01", "controls": ["A.1", "A.2"]}]}
    assert document.keys["site",] == Place(1, 1)
    assert document.values["site",] == Place(1, 7)
    assert document.keys["risks", 0, "id"] == Place(3, 5)
    assert document.values["risks", 0, "controls", 1] == Place(4, 21)


def test_what_is_not_written_stands_where_its_parent_does() -> None:
    document = located.parse("risks:\n  - id: R-01\n", "file")
    assert document.place_of_value(("risks", 0, "owner")) == Place(2, 5)
    assert document.place_of_value(("plc", "port")) == Place(1, 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("off", "off"), ("true", True), ("False", False), ("~", None), ("", None),
        ("null", None), ("12", 12), ("-3", -3), ("0x1F", 31), ("0o17", 15), ("1.5", 1.5), ("1e3", 1000.0),
        (".inf", math.inf), ("1_000", "1_000"), ("12:30", "12:30"), ("2026-01-01", "2026-01-01"), ("500 ms", "500 ms"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = located.scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_quoted_text_stays_text() -> None:
    assert located.parse("unit: '1'", "file").value == {"unit": "1"}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", Place(3, 1), "given twice, first in line 1"),
        ("a: &x 1\nb: *x\n", Place(2, 4), "alias"),
        ("a: !!python/name:os.system x\n", Place(1, 4), "tag"),
        ("a: 1\n---\nb: 2\n", Place(2, 1), "second document"),
        ("a:\n  ? [1, 2]\n  : 3\n", Place(2, 5), "isn't plain text"),
        ("a: [1, 2\nb: 3\n", Place(2, 2), "isn't YAML"),
        ("\ta: 1\n", Place(1, 1), "isn't YAML"),
        ("a: \x00", START, "isn't YAML"),
        ("x" * 1_000_001, START, "characters"),
        ("[" * 30 + "]" * 30, Place(1, 21), "nested deeper"),
    ],
)
def test_what_yaml_forgives_is_a_fault_with_its_place(text: str, place: Place, says: str) -> None:
    document = located.parse(text, "file")
    assert [each.place for each in document.faults] == [place]
    assert says in document.faults[0].message


def test_every_duplicate_is_named_and_the_first_one_counts() -> None:
    document = located.parse("a: 1\na: {b: 2, b: 3}\na: 4\nc: 5\n", "file")
    assert document.value == {"a": 1, "c": 5}
    assert [each.place for each in document.faults] == [Place(2, 1), Place(2, 11), Place(3, 1)]


@given(st.text())
def test_no_text_at_all_makes_it_raise(text: str) -> None:
    document = located.parse(text, "file")
    assert all(each.place.line >= 1 and each.place.column >= 1 and each.message for each in document.faults)


@given(st.text(alphabet="ab:- \n[]{}&*!?|>'\"%@`#,\t\\x00~\u2028"))
def test_no_arrangement_of_yaml_signs_makes_it_raise(text: str) -> None:
    located.parse(text, "file")


@given(
    st.recursive(
        st.integers() | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=9
    )
)
def test_flow_lists_are_read_as_json_would(value: object) -> None:
    text = repr(value).replace("True", "true").replace("False", "false").replace("None", "null")
    assert located.parse(text, "file").value == value
