"""Baselines: the file, what is refused, what the command says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import socket
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.monitor import baseline as files
from jidoka.monitor.commissioning import faults_of, records_needed
from jidoka.monitor.kernels import cache
from jidoka.monitor.showing import as_lines, as_object, budget_text, detectors_of, limits_of
from jidoka_bridge import plan as plans
from jidoka_bridge.errors import BaselineError
from jidoka_tap import wire

from tests.monitor import line
from tests.processes import programs, wait_for_listener

GOOD = line.baseline()


def faults(baseline: files.Baseline, per: float = 1e5) -> list[str]:
    plan = line.plan(Path("/nowhere"), per=per)
    return faults_of(baseline, detectors_of(plan, line.MODEL), limits_of(plan, baseline), line.GROUPS)


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.baseline"
    digest = files.save(path, GOOD)
    again = files.load(path, line.MODEL, line.SHA256)
    assert again.digest == digest
    assert again.names == GOOD.names
    np.testing.assert_array_equal(again.records, GOOD.records)
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 255), st.booleans())
def test_a_file_that_was_changed_or_cut_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, is_cut: bool
) -> None:
    data = bytearray(files.encode(GOOD))
    place %= len(data)
    data[place] ^= change
    path = tmp_path_factory.mktemp("b") / "x.baseline"
    path.write_bytes(data[:place] if is_cut else data)
    with pytest.raises(BaselineError, match="can't be used as a baseline"):
        files.load(path, line.MODEL, line.SHA256)


def test_a_baseline_of_another_model_is_refused_with_both_named(tmp_path: Path) -> None:
    path = tmp_path / "x.baseline"
    files.save(path, GOOD)
    with pytest.raises(BaselineError, match="'inspection', not of 'other'"):
        files.load(path, "other", line.SHA256)
    with pytest.raises(BaselineError, match=r"abababababababab.*efefefefefefefef"):
        files.load(path, line.MODEL, "ef" * 32)


def test_a_file_under_the_name_of_another_recipe_is_refused(tmp_path: Path) -> None:
    plan = line.plan(tmp_path)
    files.save(files.path_of(plan, line.MODEL, 3, 0), GOOD)
    with pytest.raises(BaselineError, match="is of recipe 0"):
        files.load_all(plan, line.MODEL)


@pytest.mark.parametrize(
    ("budget", "rate_hz", "expected"),
    [
        ({"count": 1, "per": 7776000.0, "unit": "s"}, 10.0, 7.776e7),
        ({"count": 2, "per": 1000.0, "unit": "records"}, 10.0, 500.0),
        ({"count": 1, "per": 1000.0, "unit": "parts"}, 10.0, 3000.0),
    ],
)
def test_a_budget_becomes_records_by_the_lines_own_rate(
    budget: dict[str, object], rate_hz: float, expected: float
) -> None:
    assert files.limit_of({"false_alarms": budget}, {"records_per_part": 3}, rate_hz) == expected
    assert files.rate_of({"records_per_s": None}, GOOD) == GOOD.rate_hz
    assert files.rate_of({"records_per_s": 25.0}, GOOD) == 25.0


def test_a_good_baseline_has_no_faults() -> None:
    assert faults(GOOD) == []


def test_too_few_records_are_refused_and_how_many_more_is_said() -> None:
    few = dataclasses.replace(GOOD, records=GOOD.records[:120])
    assert any("at least 180 more are needed" in fault for fault in faults(few))


def test_the_rarer_a_false_alarm_may_be_the_more_records_are_needed() -> None:
    needed = [records_needed(limit, 6) for limit in (1e2, 1e6, 1e12, 1e100)]
    assert needed == sorted(needed)
    assert needed[0] < needed[-1]
    short = dataclasses.replace(GOOD, records=GOOD.records[:200])
    assert any("more are needed" in fault for fault in faults(short, per=1e100))


def test_a_feature_that_was_still_settling_leaves_its_group_and_the_rest_arms() -> None:
    drifting = GOOD.records.copy()
    drifting[:, 0] += np.linspace(0, 4 * drifting[:, 0].std(), len(drifting))
    settling = dataclasses.replace(GOOD, records=drifting)
    assert faults(settling) == []
    shown = as_object(line.plan(Path("/nowhere")), settling)["conditions"][line.DRIFT]
    assert list(shown["refused"]) == ["brightness"]
    assert "brightness" not in {each["feature"] for each in shown["sees"]}


def test_a_condition_of_which_no_feature_may_arm_refuses_the_whole() -> None:
    drifting = GOOD.records + np.linspace(0, 4, len(GOOD.records))[:, None] * GOOD.records.std(axis=0)
    found = faults(dataclasses.replace(GOOD, records=drifting))
    assert len(found) == 1
    assert found[0].startswith(f"{line.DRIFT}: none of its features may arm: brightness ")


def test_a_group_without_any_feature_is_refused() -> None:
    plan = line.plan(Path("/nowhere"), groups=(line.INPUT,))
    blind = dataclasses.replace(GOOD, names=GOOD.names[4:], records=GOOD.records[:, 4:])
    found = faults_of(blind, detectors_of(plan, line.MODEL), limits_of(plan, blind), line.GROUPS)
    assert any("none of brightness" in fault for fault in found)


def test_show_says_the_promise_what_is_seen_and_where_nothing_is_promised() -> None:
    plan = line.plan(Path("/nowhere"))
    text = "\n".join(as_lines(as_object(plan, GOOD)))
    for needle in (
        "1 per 100,000 records",
        "95% confidence",
        "isn't promised",
        "20 fresh records",
        "1% of the cases",
        "2 σ",
    ):
        assert needle in text
    sees = as_object(plan, GOOD)["conditions"][line.DRIFT]["sees"]
    found = {(each["shift_sigma"]): each["records"] for each in sees if each["feature"] == "brightness"}
    assert 2 < found[2.0] < found[1.0] < 200


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        ({"count": 1, "per": 7776000.0, "unit": "s"}, "1 per 90 days"),
        ({"count": 2, "per": 1800.0, "unit": "s"}, "2 per 30 minutes"),
        ({"count": 1, "per": 50000.0, "unit": "parts"}, "1 per 50,000 parts"),
    ],
)
def test_a_budget_is_said_as_people_write_it(budget: dict[str, object], text: str) -> None:
    assert budget_text(budget) == text


def test_kernels_are_cached_elsewhere_where_the_package_is_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "NUMBA_CACHE_DIR", "/proc/nowhere"
    )  # a folder that nobody may write is as good as none
    monkeypatch.delitem(sys.modules, "numba")
    monkeypatch.setattr(cache, "PACKAGE", Path("/proc/nowhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CACHE_DIRECTORY", raising=False)
    assert cache.choose() == tmp_path / "jidoka" / "numba"
    assert cache.choose() is None, "what somebody set stays"


@pytest.mark.process
@pytest.mark.parametrize(("records", "is_enough"), [(400, True), (60, False)])
def test_learning_listens_in_the_monitors_place_and_refuses_what_cannot_arm(
    tmp_path: Path, records: int, is_enough: bool
) -> None:
    plan = line.plan(tmp_path)
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))

    def application() -> None:
        wait_for_listener(plan.tap_socket)
        rng = np.random.default_rng(3)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as tap:
            tap.connect(str(plan.tap_socket))
            tap.send(line.hello_datagram())
            assert wire.decode(tap.recv(65536))[0] == wire.WELCOME
            for n in range(records):
                tap.send(line.record_datagram(n, line.tensors(rng), n + 1))
            tap.recv(65536)  # stay until the learner has what it wants

    with programs(tmp_path) as start:
        program = start(
            sys.executable, "-m", "jidoka.cli", "baseline", "learn", "plan.json", "--records", str(records)
        )
        thread = threading.Thread(target=application)
        thread.start()
        code = program.wait(60.0)
        thread.join()
        path = files.path_of(plan, line.MODEL, 0, 0)
        assert path.exists() == is_enough, program.text
        if is_enough:
            assert code == 0
            assert "400 of 400 records" in program.text
            shown = start(sys.executable, "-m", "jidoka.cli", "baseline", "show", "plan.json", "--json")
            assert shown.wait(60.0) == 0
            assert json.loads(shown.text)[0]["records"] == 400
        else:
            assert code == 6
            assert "are too few" in program.text
            assert path.with_suffix(".refused").exists()
            assert "Traceback" not in program.text


def test_a_baseline_whose_features_were_measured_otherwise_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old"
    data = files.encode(line.baseline(n=50))
    assert b'"measures":2,' in data
    body = data[:-32].replace(b'"measures":2,', b'"measures":1,')
    path.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(BaselineError, match="measured otherwise"):
        files.load(path, line.MODEL, line.SHA256)


def test_a_declared_cycle_that_the_baseline_does_not_hold_twice_keeps_it_from_arming(tmp_path: Path) -> None:
    plan = line.plan(tmp_path, per=1e5)
    held_s = len(GOOD.records) / GOOD.rate_hz
    for slowest_cycle_s, arms in ((0.49 * held_s, True), (0.51 * held_s, False)):
        for each in detectors_of(plan, line.MODEL).values():
            each["slowest_cycle_s"] = slowest_cycle_s  # type: ignore[index]
        found = faults_of(GOOD, detectors_of(plan, line.MODEL), limits_of(plan, GOOD), line.GROUPS)
        assert (found == []) is arms
        assert arms or "doesn't fit twice" in found[0]
