"""A bench's rows say whether they hold, its exit code says whether all do, and its file becomes a page."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.bench._rows import AT_LEAST, Row, bench
from tools.figures_docs import document

KEPT = Row("kept", 2.0, "ratio", 3.0, peer="a | peer")
MISSED = Row("missed", 2.0, "ratio", 3.0, AT_LEAST)
SHOWN = Row("shown", 1234.5, "ms")


def run(monkeypatch: pytest.MonkeyPatch, file: Path, *rows: Row) -> int:
    def measure(is_quick: bool) -> Iterator[Row]:
        assert is_quick
        yield from rows

    monkeypatch.setattr(sys, "argv", ["bench", "--quick", "--json", str(file)])
    with pytest.raises(SystemExit) as ended:
        bench("a bench", measure)
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("row", "holds"),
    [
        (KEPT, True),
        (MISSED, False),
        (SHOWN, None),
        (Row("edge", 3.0, "", 3.0), True),
        (Row("edge", 3.0, "", 3.0, AT_LEAST), True),
    ],
)
def test_a_row_holds_up_to_its_reach_and_one_without_a_reach_is_neither(row: Row, holds: bool | None) -> None:
    assert row.holds is holds


def test_a_value_that_is_not_a_number_holds_nothing() -> None:
    assert Row("nothing measured", float("nan"), "ms", 3.0).holds is False


def test_a_bench_ends_with_0_only_if_every_reach_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run(monkeypatch, tmp_path / "a.json", KEPT, SHOWN) == 0
    assert run(monkeypatch, tmp_path / "b.json", KEPT, MISSED) == 1


def test_what_a_bench_wrote_becomes_a_page_and_a_missed_reach_stays_on_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "figures" / "chain.json"
    run(monkeypatch, file, KEPT, MISSED, SHOWN)
    assert [row["holds"] for row in json.loads(file.read_text())["rows"]] == [True, False, None]
    page = document(file.parent)
    assert "## The whole chain" in page
    assert "| kept | 2 ratio | at most 3 | yes | a \\| peer |" in page
    assert "| missed | 2 ratio | at least 3 | **no** |  |" in page
    assert "| shown | 1,234 ms |" in page


def test_a_bench_that_nobody_has_run_is_not_on_the_page(tmp_path: Path) -> None:
    assert "##" not in document(tmp_path)
