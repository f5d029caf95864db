"""What the streams have seen survives a restart, and nothing else does."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from jidoka.monitor import saved
from jidoka_bridge.messages import Judgement

from tests.monitor import line
from tests.monitor.test_core import BASELINE, OTHER, Bench


def bench_in(folder: Path, *baselines: object, per: float = 1e5) -> Bench:
    bench = Bench("none", per, *baselines or (BASELINE,))
    bench.monitor.plan = dataclasses.replace(bench.plan, state_dir=str(folder))
    return bench


def restarted(bench: Bench, folder: Path, *baselines: object, per: float = 1e5) -> tuple[Bench, list[str]]:
    """A new monitor where the old one wrote its streams; it gets the records that the old one would have got."""
    saved.Saver().finish(bench.monitor)
    again = bench_in(folder, *baselines, per=per)
    again.rng, again.number, again.now_ns = bench.rng, bench.number, bench.now_ns
    return again, saved.restore_all(again.monitor, again.now_ns)


def statistic(bench: Bench) -> float:
    return bench.state.streams[0, 0].watches[0].detector.statistic


def test_the_statistic_goes_on_where_it_stood(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    for _ in range(30):
        bench.take(gain=1.01)
    before = statistic(bench)
    assert before > 1.0
    again, refused = restarted(bench, tmp_path)
    assert refused == []
    assert statistic(again) == before
    assert again.state.streams[0, 0].history.last_part == 30


def test_a_slow_change_is_found_although_the_monitor_restarts_all_the_time(tmp_path: Path) -> None:
    bench, said = bench_in(tmp_path), set()
    for _ in range(40):
        for _ in range(5):
            bench.take(gain=1.03)
            said.add(bench.judgement(line.DRIFT))
        bench, _ = restarted(bench, tmp_path)
    assert Judgement.ON in said


def test_what_was_on_is_on_and_what_was_off_is_judged_anew(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    for _ in range(40):
        bench.take()
    assert bench.judgement(line.DRIFT) is Judgement.OFF
    again, _ = restarted(bench, tmp_path)
    again.take()
    assert again.judgement(line.DRIFT) is Judgement.UNKNOWN
    for _ in range(40):
        again.take(gain=0.5)
    assert again.judgement(line.DRIFT) is Judgement.ON
    third, _ = restarted(again, tmp_path)
    third.take(gain=0.5)
    assert third.judgement(line.DRIFT) is Judgement.ON
    evidence = third.state.streams[0, 0].watches[0].evidence
    assert evidence["onset_part"] in range(38, 46)


def test_streams_of_another_baseline_or_with_other_bets_are_refused_and_begin_afresh(tmp_path: Path) -> None:
    bench = bench_in(tmp_path, dataclasses.replace(BASELINE, digest="aa"))
    for _ in range(30):
        bench.take(gain=1.01)
    other, refused = restarted(bench, tmp_path, dataclasses.replace(BASELINE, digest="bb"))
    assert len(refused) == 1
    assert "another baseline" in refused[0]
    assert statistic(other) == 0.0
    fewer = dataclasses.replace(BASELINE, digest="aa", records=BASELINE.records[:900])
    other, refused = restarted(bench, tmp_path, fewer)
    assert "the bets are others" in refused[0]
    assert statistic(other) == 0.0


def test_another_budget_goes_on_from_the_same_statistic(tmp_path: Path) -> None:
    bench = bench_in(tmp_path)
    for _ in range(30):
        bench.take(gain=1.01)
    again, refused = restarted(bench, tmp_path, per=2e5)
    assert refused == []
    assert statistic(again) == statistic(bench)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_file_that_was_changed_or_cut_is_refused(tmp_path: Path, damage: str) -> None:
    bench = bench_in(tmp_path)
    for _ in range(10):
        bench.take()
    saved.Saver().finish(bench.monitor)
    (path,) = tmp_path.rglob("*.stream")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes({"cut": bytes(data[:-9]), "changed": bytes(data), "empty": b""}[damage])
    again = bench_in(tmp_path)
    assert len(saved.restore_all(again.monitor, 1)) == 1
    assert statistic(again) == 0.0


def test_each_recipe_has_its_own_file_and_one_that_made_nothing_has_none(tmp_path: Path) -> None:
    bench = bench_in(tmp_path, BASELINE, OTHER)
    bench.take(recipe=7)
    saver = saved.Saver()
    saver.save(bench.monitor)
    saver.finish(bench.monitor)
    assert [path.name for path in tmp_path.rglob("*.stream")] == ["recipe-7.position-0.stream"]
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_cant_be_written_is_said_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "streams").write_text("a file where a folder should be")
    bench = bench_in(tmp_path)
    bench.take()
    saved.Saver().finish(bench.monitor)
    assert "can't be kept" in caplog.text
