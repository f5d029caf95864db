"""Tables of states: columns by name or order, missing values kept, every fault with line and column."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jidoka.host.sources.states import States
from jidoka_bridge.errors import InputError

from tests.shared_data import folder


def table(folder: Path, text: str, name: str = "states.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(source: States) -> list[list[float]]:
    found = []
    while (sample := source.take()) is not None:
        assert sample.state is not None
        found.append(sample.state.tolist())
    assert source.has_ended
    return found


def test_columns_are_found_by_the_names_of_the_channels_and_others_passed_over(tmp_path: Path) -> None:
    path = table(tmp_path, "when,b,a,c\n2020-01-01,2,1,x\n2020-01-02,4,3,y\n")
    source = States(path, ("a", "b"))
    sample = source.take()
    assert sample is not None
    assert sample.channels == ("a", "b")
    assert sample.name == "states.csv:2"
    assert sample.state is not None
    assert sample.state.tolist() == [1, 2]
    assert rows(source) == [[3, 4]]


@pytest.mark.parametrize(
    "text", ["1,2\n3,4\n", "1;2\n3;4\n", "1\t2\n3\t4\n", "  1 2\n3   4\n", "\ufeff1,2\r\n\r\n3,4"]
)
def test_without_a_header_columns_are_taken_in_their_order_whatever_the_separator(
    text: str, tmp_path: Path
) -> None:
    assert rows(States(table(tmp_path, text))) == [[1, 2], [3, 4]]
    assert States(table(tmp_path, text), ("x", "y")).channels == ("x", "y")


def test_missing_values_stay_nan_and_infinite_ones_infinite(tmp_path: Path) -> None:
    source = States(table(tmp_path, "a,b,c,d\n1,,NaN,-inf\n n/a ,2,null,1e400\n"))
    first, second = rows(source)
    assert [math.isnan(each) for each in first] == [False, True, True, False]
    assert first[3] == -math.inf
    assert math.isnan(second[0])
    assert math.isnan(second[2])
    assert second[3] == math.inf


def test_a_looped_table_begins_again_without_its_header(tmp_path: Path) -> None:
    source = States(table(tmp_path, "a\n1\n2\n"), is_looped=True)
    seen = [source.take() for _ in range(5)]
    assert [each.state.tolist() for each in seen if each and each.state is not None] == [
        [1],
        [2],
        [1],
        [2],
        [1],
    ]
    assert [each.place for each in seen if each] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("text", "wanted", "says"),
    [
        ("", (), ":1:1: has no rows"),
        ("\n\n", (), ":1:1: has no rows"),
        ("a,b\n1,2\n3,x\n", (), ":3:3: 'x' isn't a number"),
        ('a,b\n"1",2\n"3","x"\n', (), ":3:5: 'x' isn't a number"),
        ("1.5 x 3\n", (), ":1:5: 'x' isn't a number"),
        ("a;b\n0,5;1\n", (), ":2:1: '0,5' isn't a number"),
        ("a,b\n1,2,3\n", (), ":2:1: 3 columns, the first line has 2"),
        ("a,b\n1\n", ("a",), ":2:1: 1 columns"),
        ("speed,torque\n1,2\n", ("sped",), ":1:1: no column 'sped'"),
        ("a,a\n1,2\n", ("a",), "twice"),
        ("1,2\n", ("a", "b", "c"), ":1:1: 2 columns without names"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_file_line_and_column(
    text: str, wanted: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    path = table(tmp_path, text)
    with pytest.raises(InputError) as raised:
        rows(States(path, wanted))
    assert says in raised.value.what
    assert str(path) in raised.value.what
    assert raised.value.remedy


def test_a_file_that_is_not_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"1,2\n\xff\xfe\n")
    with pytest.raises(InputError, match="isn't UTF-8"):
        rows(States(tmp_path / "bytes.csv"))
    with pytest.raises(InputError, match="can't be read: No such file"):
        States(tmp_path / "none.csv")


@given(st.lists(st.lists(st.floats(width=64), min_size=3, max_size=3), min_size=1, max_size=8))
def test_numbers_that_were_written_are_the_numbers_that_are_read(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[float]]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text("x,y,z\n" + "".join(",".join(map(repr, row)) + "\n" for row in values))
    assert repr(rows(States(path))) == repr(values)


@given(st.text(max_size=200))
def test_garbage_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(InputError):
        for row in rows(States(path)):
            assert row


def test_the_tennessee_eastman_runs_are_read_by_order() -> None:
    source = States(folder("tep") / "d01_te.dat")
    values = rows(source)
    assert len(values) == 960
    assert {len(row) for row in values} == {52}


def test_the_water_loop_runs_are_read_by_the_names_of_their_channels() -> None:
    channels = ("Temperature", "Pressure", "Volume Flow RateRMS")
    source = States(folder("skab") / "data" / "valve1" / "1.csv", channels)
    values = rows(source)
    assert len(values) > 1000
    assert values[0] == [75.4955, 0.054711, 32.0]
