"""The record of commissioning: a chain of lines that shows where one was changed."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest
from jidoka import chained_lines
from jidoka.commissioning.ages import age_text
from jidoka.commissioning.measured import Measured
from jidoka.commissioning.records import Entry, append, entries, file_of, last, measured_of, rejecting_drill
from jidoka.config.compile import compile_plan
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.registers import MAP_DIGEST

EXAMPLE = (Path(__file__).resolve().parents[2] / "configs" / "visual-inspection.yaml").read_text()


def entry(kind: str = "probe", at: str = "2026-01-01T00:00:00Z", **values: object) -> Entry:
    return Entry(kind, at, "engineer", "e-1", "plan", "map", dict(values))


def test_entries_come_back_in_order_and_the_newest_figure_wins(tmp_path: Path) -> None:
    state = tmp_path / "state"
    append(state, entry(answer_ms=12.0, function="23"))
    append(state, entry("drill", "2026-01-02T00:00:00Z", silent_ms=320, rejected=True))
    append(state, entry(answer_ms=14.0))
    given = entries(state)
    assert [each.kind for each in given] == ["probe", "drill", "probe"]
    measured = measured_of(given, "rtu")
    assert (measured.probed_at, measured.drilled_at) == ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert (measured.answer_ms, measured.function, measured.silent_ms) == (14.0, "23", 320)
    newest = last(given, "drill")
    assert newest is not None
    assert newest.age_s(1_767_312_000 + 60) == 60
    assert entries(tmp_path / "nowhere") == []


def test_what_was_measured_over_another_transport_counts_for_nothing_here() -> None:
    given = [entry(answer_ms=14.0, transport="rtu"), entry(answer_ms=2.0, transport="modbus-tcp")]
    assert measured_of(given, "rtu").answer_ms == 14.0
    assert measured_of(given, "modbus-tcp").answer_ms == 2.0
    assert measured_of(given[:1], "modbus-tcp") == Measured()


def test_only_a_drill_that_showed_a_rejected_part_with_this_register_map_counts() -> None:
    assert rejecting_drill([entry(rejected=True)], "map") is None
    assert rejecting_drill([entry("drill", rejected=False)], "map") is None
    assert rejecting_drill([entry("drill", rejected="yes")], "map") is None
    drilled = entry("drill", rejected=True)
    assert rejecting_drill([drilled], "another") is None
    assert rejecting_drill([drilled, entry()], "map") == drilled


@pytest.mark.parametrize("change", ["edit", "remove", "garbage", "kind"])
def test_a_line_that_was_changed_or_taken_away_is_named(tmp_path: Path, change: str) -> None:
    for number in range(3):
        append(tmp_path, entry(answer_ms=float(number)))
    path = file_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    if change == "edit":
        lines[1] = lines[1].replace(b"1.0", b"9.0")
    elif change == "remove":
        del lines[1]
    elif change == "kind":
        lines[0] = lines[0].replace(b'"probe"', b'"party"')
    else:
        lines[2] = b"\xff\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(
        ConfigurationError,
        match=rf"commissioning.jsonl:{2 if change in ('remove', 'kind') else 3}",
    ):
        entries(tmp_path)
    with pytest.raises(ConfigurationError):
        append(tmp_path, entry())


@pytest.mark.parametrize("change", [{"kind": "party"}, {"at": "yesterday"}, {"values": []}, {"more": 1}])
def test_a_line_that_follows_but_is_no_entry_is_named_and_nothing_is_written_behind_it(
    tmp_path: Path, change: dict[str, object]
) -> None:
    append(tmp_path, entry())
    values = {**asdict(entry()), **change}
    del values["previous"]
    chained_lines.append(file_of(tmp_path), values)
    for act in (lambda: entries(tmp_path), lambda: append(tmp_path, entry())):
        with pytest.raises(ConfigurationError, match=r"commissioning.jsonl:2: isn't an entry"):
            act()


def test_a_model_that_drives_a_gate_may_be_enforced_once_a_drill_has_shown_a_rejected_part(
    tmp_path: Path,
) -> None:
    text = EXAMPLE.replace("drives: nothing", "drives: reject")
    path = tmp_path / "line.yaml"
    path.write_text(f"state_dir: state\n{text}")
    with pytest.raises(ConfigurationError, match="none is on record in"):
        compile_plan(path)
    append(tmp_path / "state", entry("drill", rejected=False))
    append(tmp_path / "state", replace(entry("drill", rejected=True), map="01020304"))
    with pytest.raises(ConfigurationError, match="until a drill has shown a part rejected with A off"):
        compile_plan(path)
    append(tmp_path / "state", replace(entry("drill", rejected=True), map=MAP_DIGEST.hex()))
    assert compile_plan(path).models[0].mode == "enforce"
    record = file_of(tmp_path / "state")
    record.write_bytes(record.read_bytes().replace(b"e-1", b"e-2", 1))
    with pytest.raises(ConfigurationError, match=r"commissioning.jsonl:2: doesn't follow"):
        compile_plan(path)


def test_a_state_directory_that_is_none_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="can't be written"):
        append(tmp_path / "file", entry())


def test_ages_are_said_as_people_say_them() -> None:
    assert [age_text(each) for each in (-1, 5, 119, 300, 7200, 200_000)] == [
        "0 s",
        "5 s",
        "119 s",
        "5 min",
        "2 h",
        "2 days",
    ]
