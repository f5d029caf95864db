"""docs/configuration.md is made from the schema and is fresh."""

from __future__ import annotations

import runpy
import subprocess
import sys
from typing import Any

import pytest
from jidoka.config.schema import Configuration, Settings

from .line import ROOT

TOOL = ROOT / "tools" / "configuration_docs.py"


def test_the_page_is_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_stale_page_is_noticed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    tool = runpy.run_path(str(TOOL))
    stale = tmp_path / "configuration.md"
    stale.write_text("old")
    tool["main"].__globals__["DOCS"] = stale
    monkeypatch.setattr(sys, "argv", ["configuration_docs.py", "--check"])
    assert tool["main"]() == 1
    assert "is stale" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["configuration_docs.py"])
    assert tool["main"]() == 0
    assert stale.read_text() == (ROOT / "docs" / "configuration.md").read_text()


def every_settings(settings: type[Settings] = Configuration) -> list[type[Settings]]:
    sections = runpy.run_path(str(TOOL))["sections"]
    return [each for _, each in sections(settings, "")]


@pytest.mark.parametrize("settings", every_settings())
def test_every_setting_has_a_sentence(settings: type[Settings]) -> None:
    assert settings.__doc__
    for name, field in settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
