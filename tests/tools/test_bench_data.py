"""The real data are read as they were recorded: how many records, of what, and where something begins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.shared_data import folder
from tools.bench import _stat_data as data
from tools.bench._stat_data import Trial

SETS: dict[str, tuple[str, Callable[[], list[Trial]], int, int, int]] = {
    # loader: data set, trials, streams, records of the first trial's baseline and stream together
    "tennessee_eastman": ("tep", data.tennessee_eastman, 6, 52, 500 + 960),
    "water_loop": ("skab", lambda: data.water_loop(1000), 8, 8, 9405),
    "valve": ("skab", lambda: data.valve(300), 16, 8, 1147),
    "machine_temperature": ("nab", lambda: data.machine_temperature(300), 1, 1, 22_695),
    "milling": ("ai4i2020", lambda: data.milling(1000), 1, 5, 10_000),
    "electricity": ("elec2", lambda: data.electricity(2000), 1, 5, 17_424),
    "concepts": ("harvard-drift", lambda: data.concepts(2000), 3, 4, 41_000),
    "robot_failures": ("robot-failures", data.robot_failures, 3, 6, 88 * 15),
}


def trials_of(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    monkeypatch.setenv("JIDOKA_DATA", str(folder(SETS[name][0]).parent))
    return SETS[name][1]()


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_the_streams_and_records_that_were_published(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = trials_of(name, monkeypatch)
    _, _, count, streams, records = SETS[name]
    assert len(trials) == count
    for trial in trials:
        assert trial.baseline.shape[1] == trial.stream.shape[1] == len(trial.names)
        assert trial.clean.shape == (len(trial.stream),)
        assert np.isfinite(trial.baseline).all()
        assert all(0 <= onset < len(trial.stream) for onset in trial.onsets)
        assert not trial.clean[list(trial.onsets)].any()
    assert len(trials[0].names) == streams
    assert len(trials[0].baseline) + len(trials[0].stream) == records


def test_the_faults_of_tennessee_eastman_begin_after_160_clean_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean, *faults = trials_of("tennessee_eastman", monkeypatch)
    assert clean.clean.all()
    assert {trial.name for trial in faults} == {f"fault {n}" for n in (1, 4, 5, 8, 13)}
    assert all(trial.onsets == (160,) and trial.clean.sum() == 160 for trial in faults)


def test_nab_s_four_windows_are_not_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    (trial,) = trials_of("machine_temperature", monkeypatch)
    assert len(trial.onsets) == 4
    assert 0.05 < 1.0 - trial.clean.mean() < 0.15


def test_no_tile_is_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JIDOKA_DATA", str(folder("magnetic-tile").parent))
    clean, *exposures = data.magnetic_tiles(1)
    assert len(exposures) == 4
    rows = {row.tobytes() for row in clean.baseline}
    assert not any(row.tobytes() in rows for row in clean.stream)
    brightness = [trial.stream[:, trial.names.index("brightness")].mean() for trial in exposures]
    assert brightness == sorted(brightness)


def test_patches_of_the_tiles_come_in_their_order_and_have_every_feature(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JIDOKA_DATA", str(folder("magnetic-tile").parent))
    (patches,) = data.tile_patches(300)
    assert patches.baseline.shape[0] == 300
    assert np.isfinite(patches.stream).all()


def test_a_set_that_isn_t_there_ends_the_bench_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIDOKA_DATA", str(tmp_path))
    monkeypatch.setattr(data, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="set JIDOKA_DATA"):
        data.folder("tep")
