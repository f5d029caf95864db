"""Which plan a command asks by: what `jidoka run` writes by default, or what the user names."""

from __future__ import annotations

from pathlib import Path

import pytest
from jidoka.cli.asking import DEFAULT_PLAN, load_plan
from jidoka.cli.main import main
from jidoka.cli.run import _load
from jidoka.config.schema import Configuration
from jidoka_bridge.errors import ConfigurationError

DEFAULT_STATE_DIR = Configuration.model_fields["state_dir"].default
EXAMPLE = (Path(__file__).resolve().parents[2] / "configs" / "visual-inspection.yaml").read_text()


def test_the_default_is_the_file_that_run_writes_where_no_state_dir_is_named(tmp_path: Path) -> None:
    configuration = tmp_path / "line7.yaml"
    configuration.write_text(f"state_dir: {tmp_path}/state\nrun_dir: {tmp_path}/run\n{EXAMPLE}")
    written, plan = _load(configuration)
    assert load_plan(written) == plan
    assert Path(DEFAULT_PLAN) == DEFAULT_STATE_DIR / written.relative_to(tmp_path / "state")


def test_a_plan_that_is_not_there_is_told_with_every_way_to_name_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as told:
        load_plan(tmp_path / "plan.json")
    for way in ("--plan PLAN", "export JIDOKA_PLAN=PLAN", "STATE_DIR/plan.json", "--config FILE"):
        assert way in told.value.remedy


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "ack",
        "alarm list",
        "hold",
        "unlock",
        "trip list",
        "trip show",
        "ledger show",
        "ledger check",
    ],
)
def test_each_command_that_asks_a_device_names_the_default(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit) as end:
        main([*command.split(), "--help"])
    assert end.value.code in (0, None)
    assert DEFAULT_PLAN in capsys.readouterr().out
