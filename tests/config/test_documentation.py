"""docs/configuration.md is made from the schema and is fresh."""

from __future__ import annotations

import runpy
import subprocess
import sys
from typing import Any

import pytest
from jidoka.config.manifest_schema import Manifest
from jidoka.config.schema import Configuration
from pydantic import BaseModel

from tools._settings_docs import sections

from .line import ROOT

TOOL = ROOT / "tools" / "configuration_docs.py"
PAGES = ("configuration.md", "bundles.md")


def test_the_pages_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_a_stale_page_is_noticed(
    page: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    tool = runpy.run_path(str(TOOL))
    tool["main"].__globals__["DOCS"] = tmp_path
    monkeypatch.setattr(sys, "argv", ["configuration_docs.py"])
    assert tool["main"]() == 0
    (tmp_path / page).write_text("old")
    monkeypatch.setattr(sys, "argv", ["configuration_docs.py", "--check"])
    assert tool["main"]() == 1
    assert capsys.readouterr().err.count("is stale") == 1
    monkeypatch.setattr(sys, "argv", ["configuration_docs.py"])
    assert tool["main"]() == 0
    assert (tmp_path / page).read_text() == (ROOT / "docs" / page).read_text()


def every_group() -> list[type[BaseModel]]:
    return [group for top in (Configuration, Manifest) for _, group in sections(top, "")]


@pytest.mark.parametrize("group", every_group())
def test_every_setting_has_a_sentence(group: type[BaseModel]) -> None:
    assert group.__doc__
    for name, field in group.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_the_range_of_a_setting_that_may_be_left_out_is_shown() -> None:
    text = (ROOT / "docs" / "bundles.md").read_text()
    assert "| `min_score` | number, 0 to 1 | – |" in text
    assert "| `rate` | number, more than 0 | – |" in text
