"""Alert rules and dashboard: made from one table, valid by promtool, each rule fires in its story, and names what is sent."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.metrics import METRICS
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool isn't here: sudo apt-get install prometheus"
)


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run(
        [PROMTOOL, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tools" / "prometheus_files.py"))


def test_the_files_are_fresh_and_a_stale_one_is_noticed(
    tool: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["prometheus_files.py", "--check"])
    assert tool["main"]() == 0, capsys.readouterr().err
    monkeypatch.setitem(tool["main"].__globals__, "ROOT", tmp_path)
    monkeypatch.setitem(tool["main"].__globals__, "GRAFANA", tmp_path)
    assert tool["main"]() == 1
    assert "jidoka.json is stale" in capsys.readouterr().err


def test_a_metric_that_no_program_sends_is_refused(
    tool: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tool["RULES"]
    monkeypatch.setitem(
        tool["main"].__globals__, "RULES", (*rules, rules[0]._replace(expr="jidoka_weather > 3"))
    )
    monkeypatch.setattr(sys, "argv", ["prometheus_files.py"])
    assert tool["main"]() == 1
    assert "no program sends jidoka_weather" in capsys.readouterr().err


@needs_promtool
def test_promtool_takes_rules_and_example() -> None:
    checked = promtool("check", "rules", "jidoka.rules.yml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    configured = promtool("check", "config", "prometheus.yml")
    assert configured.returncode == 0, configured.stdout + configured.stderr


@needs_promtool
def test_each_rule_fires_in_its_story_and_not_in_the_other(tmp_path: Path) -> None:
    tested = promtool("test", "rules", "jidoka.rules.test.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    rules = YAML(typ="safe").load((FOLDER / "jidoka.rules.yml").read_text())["groups"][0]["rules"]
    tests = YAML(typ="safe").load((FOLDER / "jidoka.rules.test.yml").read_text())["tests"]
    told = [case for test in tests for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in told if "exp_alerts" in case}
    quiet = {case["alertname"] for case in told if "exp_alerts" not in case}
    assert fires == quiet == {rule["alert"] for rule in rules}
    assert all(case["exp_alerts"][0]["exp_annotations"]["remedy"] for case in told if "exp_alerts" in case)
    # that they would notice: a rule that never fires, and one that always does
    of_two = [
        test
        for test in tests
        if test["alert_rule_test"][0]["alertname"] in {"JidokaNotRecording", "JidokaAlarmFlood"}
    ]
    given = {"rule_files": ["jidoka.rules.yml"], "evaluation_interval": "1m", "tests": of_two}
    (tmp_path / "jidoka.rules.test.yml").write_text(json.dumps(given))
    text = (FOLDER / "jidoka.rules.yml").read_text()
    for wrong in (
        text.replace("jidoka_recording == 0", "jidoka_recording < 0"),
        text.replace("jidoka_alarm_flood == 1", "jidoka_alarm_flood >= 0"),
    ):
        assert wrong != text
        (tmp_path / "jidoka.rules.yml").write_text(wrong)
        assert promtool("test", "rules", "jidoka.rules.test.yml", folder=tmp_path).returncode == 1


def test_the_dashboard_shows_every_metric_in_a_panel_with_a_place_of_its_own() -> None:
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "jidoka.json").read_text())
    panels = dashboard["panels"]
    shown = {name for panel in panels for target in panel.get("targets", ())
             for name in re.findall(r"jidoka_\w+", target["expr"])}  # fmt: skip
    known = {f"jidoka_{metric.name}" for metric in METRICS}
    assert shown <= known
    rules = (FOLDER / "jidoka.rules.yml").read_text()
    assert known - shown <= set(re.findall(r"jidoka_\w+", rules)), "each metric is in a panel or a rule"
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels}) == len(panels)
