"""`jidoka calibrate`: a model that is too sure is found out, and what can't be fitted is said plainly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from jidoka.cli.calibrate import command
from jidoka_bridge.errors import InputError


def labelled(n: int = 4000, factor: float = 2.5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    scores = 2.0 * rng.standard_normal((n, 4))
    return scores * factor, (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)


def calibrate(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_a_model_that_is_too_sure_gets_its_temperature_from_either_kind_of_file(tmp_path: Path) -> None:
    logits, labels = labelled()
    np.savez(tmp_path / "a.npz", logits=logits, labels=labels)
    np.savetxt(tmp_path / "a.csv", np.column_stack([labels, logits]), delimiter=",")
    told = [json.loads(calibrate(str(tmp_path / name), "--json").output) for name in ("a.npz", "a.csv")]
    assert told[0]["temperature"] == pytest.approx(2.5, rel=4 * told[0]["relative_standard_error"])
    assert told[1]["temperature"] == pytest.approx(told[0]["temperature"], rel=1e-9)
    assert told[0]["calibration_error_after"] < 0.5 * told[0]["calibration_error_before"]
    assert "temperature: 2." in calibrate(str(tmp_path / "a.npz")).output


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", b"1,2\nx,3\n", b"1\n2\n"])
@pytest.mark.parametrize("name", ["bad.npz", "bad.csv"])
def test_a_file_that_holds_no_labelled_records_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    result = calibrate(str(tmp_path / name))
    assert isinstance(result.exception, InputError), (result.exception, result.output)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert isinstance(calibrate(str(tmp_path / "none.npz")).exception, InputError)
