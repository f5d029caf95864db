"""`jidoka validate`: faults with exit code 3, or the plan in plain words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main

from tests.config.manifests import DETECTOR, HEAD, changed
from tests.host.graphs import bundle as make_bundle

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "configs" / "visual-inspection.yaml"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    path = tmp_path / "line7.yaml"
    path.write_text(
        EXAMPLE.read_text().replace("response: hold", "respnse: hold").replace("unit: 1", "unit: 0")
    )
    return path


def line_of(text: str) -> int:
    return next(index for index, line in enumerate(EXAMPLE.read_text().splitlines(), 1) if text in line)


def test_the_example_is_good_and_is_told_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(EXAMPLE)) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{EXAMPLE}: good.")
    for words in (
        "surface-inspection (surface-inspection 1.0.0) in enforce",
        "R-01 model drift",
        "at most 1 per 90 days",
        "hold: stop the machine",
        "fallback (manual inspection)",
        "W = 310 ms",
        "if the agent withdraws, the output is off after",
        "nothing can be recorded for 2 s → hold",
    ):
        assert words in told


def test_what_is_allowed_and_may_not_be_meant_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = changed(
        DETECTOR, (DETECTOR[DETECTOR.index("    boxes:") : DETECTOR.index("  - {name: counts")], "")
    )
    folder = make_bundle(tmp_path / "own", b"any", manifest.removeprefix(HEAD))
    path = tmp_path / "line.yaml"
    path.write_text(
        "site: a\nline: b\ndevice: c\n"
        f"models: [{{id: eye, bundle: {folder}, mode: none, judged: per part, largest_record: 2 MB}}]\n"
    )
    assert run("validate", str(path)) == 0
    told = capsys.readouterr().out
    assert "Note    eye: rows has the role detections without `boxes`: it is judged as plain numbers" in told
    assert "drift is judged on the mean of each part; its records go through 8.0 MB of shared memory" in told


def test_faults_go_to_stderr_with_exit_code_3(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(faulty)) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    row, unit = line_of("response: hold"), line_of("unit: 1")
    assert f"{faulty}:{unit}:9: plc.unit: 0 is a broadcast" in shown.err
    assert f"{faulty}:{row}:5: risks[0].respnse is not a setting; did you mean 'response'?" in shown.err
    assert "risks[0].response is missing; add it." in shown.err
    assert "3 faults; nothing was started" in shown.err
    assert "Traceback" not in shown.err


def test_json_lists_the_faults_for_scripts(faulty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(faulty), "--json") == 3
    rows = json.loads(capsys.readouterr().out)
    assert [each["path"] for each in rows] == ["plc.unit", "risks[0].response", "risks[0].respnse"]
    assert set(rows[0]) == {"line", "column", "path", "message", "remedy"}
    assert rows[0]["line"] == line_of("unit: 1")


def test_json_of_a_good_file_is_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(EXAMPLE), "--json") == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_file_that_is_not_there_is_one_plain_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("validate", str(tmp_path / "none.yaml")) == 3
    assert "can't be read: No such file" in capsys.readouterr().err


def test_help_teaches_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "--help") == 0
    assert "jidoka validate configs/visual-inspection.yaml" in capsys.readouterr().out
