"""`jidoka baseline show|sign|compare|report` as people and scripts use them, on a plan and files in a folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.monitor import baseline as files
from jidoka_bridge import plan as plans

from tests.monitor import line


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    plan, path = line.plan(tmp_path), tmp_path / "line.json"
    path.write_bytes(plans.dump(plan))
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline(n=400))
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> str:
    """What the command prints; code: how it must end."""
    with pytest.raises(SystemExit) as ended:
        main(["baseline", *map(str, arguments)])
    assert ended.value.code == code
    found = capsys.readouterr()
    return found.out if code == 0 else found.err


SIGN = ("--role", "quality", "--reason", "good parts")


def test_show_says_who_signed_and_how_many_are_missing(
    plan_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "not signed off; 1 more needed" in told(capsys, "show", plan_file)
    assert "signed off" in told(capsys, "sign", plan_file, "--person", "qa-1", *SIGN)
    assert "signed off by qa-1 (quality, " in told(capsys, "show", plan_file)
    plan = plans.load(plan_file)
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline(seed=9, n=400))
    assert "not signed off; 2 more needed" in told(capsys, "show", plan_file)
    assert "1 of 2 persons signed" in told(capsys, "sign", plan_file, "--person", "qa-2", *SIGN)
    assert "not signed off: so far by qa-2 (quality, " in told(capsys, "show", plan_file)
    (shown,) = json.loads(told(capsys, "show", plan_file, "--json"))
    assert (len(shown["signed"]["by"]), shown["signed"]["needed"]) == (1, 2)


def test_compare_tells_the_distance_to_the_first_signed_one(
    plan_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "none was signed yet" in told(capsys, "compare", plan_file)
    told(capsys, "sign", plan_file, "--person", "qa-1", *SIGN)
    plan, old = plans.load(plan_file), line.baseline(n=400)
    files.save(files.path_of(plan, line.MODEL, 0, 0), replace(old, records=old.records * 1.3))
    (found,) = json.loads(told(capsys, "compare", plan_file, "--json"))
    assert all(
        each["is_large"] for each in found["features"] if each["feature"] in {"brightness", "contrast"}
    )
    assert "look" in told(capsys, "compare", plan_file)


def test_report_writes_one_page(plan_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    assert told(capsys, "report", plan_file, "-o", page).strip() == str(page)
    assert page.read_text().startswith("<!doctype html>")
    assert "can't write the page" in told(
        capsys, "report", plan_file, "-o", tmp_path / "no" / "x.html", code=5
    )


def test_mistakes_are_told_in_plain_words(plan_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "may not sign a baseline" in told(
        capsys, "sign", plan_file, "--person", "o-1", "--role", "operator", "--reason", "x", code=10
    )
    assert "has no such baseline" in told(capsys, "compare", plan_file, "--recipe", "9", code=6)
    assert "--model must name one of inspection" in told(
        capsys, "report", plan_file, "--model", "other", code=2
    )
    assert "three ways to get records" in told(
        capsys, "learn", plan_file, "--running", "--source", "renderer", code=2
    )
