"""A site's times: those of the plan, what a stop costs, and that the levers are really tried."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.commissioning.levers import levers
from jidoka.commissioning.measured import Measured
from jidoka.commissioning.reaction import reaction_of
from jidoka.commissioning.records import Entry, append, measured_of
from jidoka.commissioning.site import line_of
from jidoka.commissioning.ways import Line
from jidoka.commissioning.words import reaction_lines, whole_parts
from jidoka.config.compile import compile_plan
from jidoka.config.link import table_of
from jidoka.config.load import load_file
from jidoka.config.schema import PlcSettings
from jidoka_bridge.errors import LinkError
from jidoka_bridge.plan import Link

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "configs" / "visual-inspection.yaml").read_text()
NOTHING = Measured()
LINE = Line(Link("port"), 20.0)


def written(folder: Path, *lines: str) -> Path:
    """The example with more lines under `plc:` and a state directory of its own."""
    path = folder / "line.yaml"
    text = EXAMPLE.replace("\nplc:\n", "\nplc:\n" + "".join(f"  {line}\n" for line in lines))
    path.write_text(f"state_dir: {folder}/state\n{text}")
    return path


def settings(**values: object) -> PlcSettings:
    return PlcSettings(port="/dev/serial/by-id/plc", **values)  # type: ignore[arg-type]


def test_the_times_are_those_that_the_plan_promises_at_every_setting() -> None:
    compared = 0
    for baud, answer, beat, lost in itertools.product(
        (9600, 19200, 115200), ("3 ms", "20 ms"), (None, "150 ms"), (1, 3)
    ):
        plc = settings(baud=baud, plc_answer=answer, beat=beat, lost_beats=lost)
        try:
            table = table_of(plc)
        except LinkError:
            continue
        times = line_of(plc).times
        assert (times.beat_ms, times.hold_ms) == (table.link.beat_ms, table.link.hold_ms)
        assert times.silent_ms == table.times.silent_ms
        assert times.withdraw_ms == pytest.approx(table.times.withdraw_ms)
        compared += 1
    assert compared == 24


def test_a_stop_costs_speed_and_rate_times_its_time() -> None:
    reaction = reaction_of(LINE, NOTHING, no_data_ms=500, speed_mm_s=250, part_rate_hz=2)
    by_name = {each.name: each for each in reaction.outcomes}
    assert by_name["silent agent"].ms == 335
    assert by_name["silent agent"].mm == pytest.approx(83.75)
    assert by_name["silent agent"].parts == pytest.approx(0.67)
    assert by_name["dead source"].ms == 835
    assert by_name["verdict"].ms - by_name["withdrawal"].ms == pytest.approx(10)
    assert [whole_parts(parts) for parts in (0.2, 0.67, 1.67, 2.0)] == [1, 1, 2, 3]
    silent_about_cost = reaction_lines(reaction_of(LINE, NOTHING, no_data_ms=500))
    assert any("set plc.line_speed and plc.part_rate" in line for line in silent_about_cost)


def test_every_lever_that_is_offered_is_what_the_times_become_with_it_alone() -> None:
    tried = {each.text: each for each in levers(LINE, Measured(answer_ms=7.2, scan_ms=4))}
    faster = dataclasses.replace(LINE, link=dataclasses.replace(LINE.link, baud=115200)).times
    assert tried["baud: 19200 → 115200"].silent_ms == faster.silent_ms == 200
    assert tried["baud: 19200 → 115200"].silent_saved_ms == 135
    assert tried["plc_answer: 20 → 8 ms, as measured"].silent_saved_ms > 0
    assert tried["scan: 10 → 4 ms, as measured"].withdraw_saved_ms == pytest.approx(12)
    assert tried["relay: 15 → 1 ms, a semiconductor output"].silent_saved_ms == 14
    assert all(max(each.silent_saved_ms, each.withdraw_saved_ms) >= 0.5 for each in tried.values())
    saved = [each.silent_saved_ms for each in levers(LINE, NOTHING)]
    assert saved == sorted(saved, reverse=True)


def test_the_lever_that_is_told_first_depends_on_the_line() -> None:
    quick = Line(Link("port", baud=115200, jitter_ms=70, lost_beats=5), 2.0)
    relayed = Line(Link("port", baud=115200, relay_ms=500, lost_beats=1), 2.0)
    first = [levers(each, NOTHING)[0].text.split(":")[0] for each in (LINE, quick, relayed)]
    assert first == ["baud", "jitter", "relay"]
    two = LINE.by("rtu", "16+03")
    assert any("function code 23" in each.text for each in levers(two, NOTHING))
    slow = dataclasses.replace(LINE, beat_ms=200.0)
    assert levers(slow, NOTHING)[0].text == "beat: 200 → 70 ms, the shortest"


def test_what_was_measured_stands_beside_what_is_assumed_and_is_warned_of_where_it_is_worse() -> None:
    good = reaction_of(
        LINE, Measured(answer_ms=12, hold_limit_ms=310, function="23", probed_at="then"), no_data_ms=500
    )
    assert good.warnings == ()
    assert any("measured: 12 ms (then)" in each.sum for each in good.terms)
    drilled = reaction_of(
        LINE, Measured(withdraw_ms=90.0, silent_ms=330.0, drilled_at="then"), no_data_ms=500
    )
    told = "\n".join(reaction_lines(drilled))
    assert "90 ms (measured, then)" in told
    assert "330 ms (hold time as the PLC showed it + scan and relay as assumed, then)" in told
    bad = Measured(
        answer_ms=31,
        scan_ms=14,
        hold_limit_ms=200,
        function="16+03",
        silent_ms=400,
        withdraw_ms=190,
        withdraw_least_ms=130,
    )
    warnings = " ".join(reaction_of(LINE, bad, no_data_ms=500).warnings)
    for words in (
        "31 ms measured",
        "14 ms measured",
        "own limit W is 200 ms",
        "set function: 16+03",
        "400 ms",
        "130 ms",
    ):
        assert words in warnings


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_command_shows_terms_cost_levers_and_what_was_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "line_speed: 15 m/min", "part_rate: 120 per min")
    assert run("plan", str(path)) == 0
    told = capsys.readouterr().out
    for words in ("silent agent     335 ms     83.8 mm   0.67 parts, 1 at most", "FC16+03",
                  "baud: 19200 → 115200", "probe: never"):  # fmt: skip
        assert words in told
    plan = compile_plan(path)
    entry = Entry(
        "probe", "2026-01-02T03:04:05Z", "engineer", "e-1", plan.digest, plan.map_digest, {"answer_ms": 31.5}
    )
    append(plan.state_dir, entry)
    assert run("plan", str(path)) == 0
    told = capsys.readouterr().out
    assert "measured: 31.5 ms (2026-01-02T03:04:05Z)" in told
    assert "Attention: plc_answer: 31.5 ms measured, 20 ms in the plan" in told
    assert "by e-1 (engineer)" in told


def test_json_has_every_term_stop_and_lever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "line_speed: 250 mm/s", "part_rate: 2 per s")
    assert run("plan", str(path), "--json") == 0
    reaction = json.loads(capsys.readouterr().out)["reaction"]
    assert {each["name"]: each["mm"] for each in reaction["stops"]}["silent agent"] == pytest.approx(83.75)
    assert reaction["ways"]["FC16+03"]["hold_ms"] == 455
    assert len(reaction["levers"]) >= 8
    assert measured_of([], "rtu") == NOTHING


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("line_speed: 250", "250 isn't a speed"),
        ("line_speed: 250 km/h", "'250 km/h' isn't a speed"),
        ("line_speed: 0 mm/s", "'0 mm/s' is too low"),
        ("line_speed: 21 m/s", "'21 m/s' is too high"),
        ("part_rate: 120", "120 isn't a rate"),
    ],
)
def test_a_speed_or_rate_that_is_none_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    path = written(tmp_path, line)
    number = path.read_text().splitlines().index(f"  {line}") + 1
    assert run("plan", str(path)) == 3
    assert (
        f"{path}:{number}:{line.index(':') + 5}: plc.{line.split(':', maxsplit=1)[0]}: {told}"
        in capsys.readouterr().err
    )


def test_speeds_of_one_size_are_the_same_however_they_are_written(tmp_path: Path) -> None:
    speeds = set()
    for text in ("250 mm/s", "0.25 m/s", "15 m/min"):
        plc = load_file(written(tmp_path, f"line_speed: {text}")).config.plc
        assert plc is not None
        assert plc.line_speed is not None
        speeds.add(round(plc.line_speed, 9))
    assert speeds == {250.0}
