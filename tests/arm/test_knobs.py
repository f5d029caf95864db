"""Knobs: within their ranges, named when they are wrong, read again when their file changes."""

from __future__ import annotations

import json
import logging
from dataclasses import fields
from pathlib import Path

import pytest
from jidoka.arm.knobs import COMMISSIONED, RANGES, KnobFile, Knobs, read_knobs
from jidoka_bridge.errors import ConfigurationError


def test_every_knob_has_a_range_that_holds_its_value_as_commissioned() -> None:
    assert {field.name for field in fields(Knobs)} == set(RANGES)
    for name, limits in RANGES.items():
        assert limits.lowest <= getattr(COMMISSIONED, name) <= limits.highest
        for value in (limits.lowest, limits.highest):
            assert getattr(Knobs(**{name: value}), name) == value
        for value in (limits.lowest - 1, limits.highest + 1, "much", True, float("nan")):
            with pytest.raises(ConfigurationError, match=name):
                Knobs(**{name: value})


@pytest.mark.parametrize(
    ("content", "what", "remedy"),
    [
        ('{"payload": 0.5}', "'payload' is no knob of the arm", "Did you mean 'payload_kg'"),
        ('{"payload_kg": 7}', "payload_kg is 7", "Give 0 to 1 kg"),
        ('{"lost_entry": 0.5}', "lost_entry is 0.5", "Give a whole number"),
        ("[1]", "isn't a JSON object", "Write knobs"),
        ("{", "isn't JSON", "Write knobs"),
    ],
)
def test_a_faulty_file_is_told_with_its_name_and_a_remedy(
    content: str, what: str, remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "arm.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError) as caught:
        read_knobs(path)
    assert str(path) in caught.value.what
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_file_is_read_again_when_it_changes_and_a_faulty_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "arm.json"
    knobs = KnobFile(path)
    assert knobs.current() == COMMISSIONED

    def write(text: str) -> Knobs:
        new = path.with_suffix(".new")
        new.write_text(text)
        new.replace(path)
        return knobs.current()

    assert write(json.dumps({"payload_kg": 0.5})) == Knobs(payload_kg=0.5)
    assert write('{"payload_kg": 9}') == Knobs(payload_kg=0.5)
    assert "The arm stays as it was" in caplog.records[-1].message
    assert caplog.records[-1].levelno == logging.WARNING
    path.unlink()
    assert knobs.current() == COMMISSIONED
