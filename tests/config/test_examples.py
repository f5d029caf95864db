"""Every example in configs/ is valid as it stands, and its comments name nothing that isn't there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jidoka.config.compile import compile_plan

from .line import ROOT

EXAMPLES = sorted((ROOT / "configs").glob("*.yaml"))


def test_there_are_examples() -> None:
    assert {each.name for each in EXAMPLES} >= {"visual-inspection.yaml", "robot-policy.yaml"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_an_example_is_valid(example: Path) -> None:
    plan = compile_plan(example)
    assert plan.causes


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: each.name)
def test_an_example_is_explained_line_by_line_and_says_how_to_check_itself(example: Path) -> None:
    text = example.read_text()
    assert f"jidoka validate configs/{example.name}" in text
    assert len(re.findall(r"#", text)) >= 15
    for page in re.findall(r"docs/[\w-]+\.md", text):
        assert (ROOT / page).is_file(), page
