"""docs/alarms.md is made from the tables and is fresh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from jidoka.alarms.table import Event, State

from tools import alarms_docs

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.process
def test_the_page_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "alarms_docs.py"), "--check"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "alarms.md"
    page.write_text("old")
    monkeypatch.setattr(alarms_docs, "TARGET", page)
    monkeypatch.setattr(sys, "argv", ["alarms_docs.py", "--check"])
    assert alarms_docs.main() == 1
    assert "is stale" in capsys.readouterr().err


def test_every_row_and_every_state_stands_on_it() -> None:
    lines = alarms_docs.document().splitlines()
    for event in Event:
        [row, *_] = [line for line in lines if line.startswith(f"| {event.value} |")]
        assert row.count("|") == 2 + len(State)
