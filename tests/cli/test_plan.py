"""`jidoka plan`: writes the plan, prints it, and shows how the link's times come about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.config.compile import compile_plan
from jidoka_bridge import plan as plans

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "configs" / "visual-inspection.yaml"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_written_plan_is_the_one_that_programs_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.json"
    assert run("plan", str(EXAMPLE), "-o", str(path)) == 0
    assert plans.load(path) == compile_plan(EXAMPLE)
    assert f"written: {path}" in capsys.readouterr().out
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_the_times_of_the_link_are_shown_with_their_terms(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", str(EXAMPLE)) == 0
    told = capsys.readouterr().out
    link = compile_plan(EXAMPLE).link
    assert link is not None
    table = told[told.index("Times of the link") :]
    for value in (link.beat_ms, link.reply_timeout_ms, link.hold_ms):
        assert f"{value} ms" in table or f"{value}.0 ms" in table
    for term in ("request", "reply", "scan", "relay", "jitter"):
        assert term in table


def test_json_prints_the_plan_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plan", str(EXAMPLE), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["digest"] == compile_plan(EXAMPLE).digest
    assert plans.parse(document["plan"]) == compile_plan(EXAMPLE)


def test_without_a_plc_there_is_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(
        "site: a\nline: b\ndevice: c\nmodels: [{id: eye, bundle: surface-inspection, mode: none}]\n"
    )
    assert run("plan", str(path)) == 0
    told = capsys.readouterr().out
    assert "no machine is stopped by this device" in told
    assert "Times of the link" not in told


def test_a_faulty_configuration_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.yaml"
    path.write_text("site: a\n")
    assert run("plan", str(path), "-o", str(tmp_path / "plan.json")) == 3
    assert not (tmp_path / "plan.json").exists()
    assert f"{path}:1:1: device is missing; add it." in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_a_plain_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("plan", str(EXAMPLE), "-o", str(tmp_path / "nowhere" / "plan.json")) == 3
    assert "can't write the plan: No such file" in capsys.readouterr().err
