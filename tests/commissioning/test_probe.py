"""`jidoka plc probe` against PLCs with one thing wrong each, over real pseudo-terminals: cause, remedy, and only WITHHOLD."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import struct
import sys
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.commissioning.findings import TABLE
from jidoka.commissioning.probe import probe
from jidoka.commissioning.records import entries
from jidoka.config.compile import compile_plan
from jidoka_bridge import registers
from jidoka_bridge.errors import LinkError
from jidoka_bridge.link.blocks import BlockA
from jidoka_bridge.link.frames import READ_WRITE, WRITE_MULTIPLE
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, Word

from tests.commissioning.plc_rig import OTHER_MAP, Wrong, plc
from tests.processes import programs

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "configs" / "visual-inspection.yaml").read_text()
BEATS = 20


def written(folder: Path, *lines: str) -> Path:
    """The example with the rig's port and more lines under `plc:`."""
    at = EXAMPLE.index("  port: ")
    end = EXAMPLE.index("\ninterlock:")
    text = "".join(f"  {line}\n" for line in (f"port: {folder}/plc", "jitter: 70 ms", *lines))
    path = folder / "line.yaml"
    path.write_text(f"state_dir: {folder}/state\nrun_dir: {folder}/run\n{EXAMPLE[:at]}{text}{EXAMPLE[end:]}")
    return path


def link(folder: Path, unit: int = 1, baud: int = 115200) -> Link:
    return Link(str(folder / "plc"), baud=baud, unit=unit, hold_ms=310, scan_ms=100)


def found_ids(
    folder: Path, wrong: Wrong, *, unit: int = 1, baud: int = 115200, search: bool = True, clock_s: float = 0
) -> list[str]:
    with plc(folder, 1, wrong):
        at = link(folder, unit, baud)
        found = probe(at, 300.0, beats=BEATS, search=search, units=range(1, 4), clock_s=clock_s)
    return [each.id for each in found.findings]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_plc_that_is_right_is_found_right_and_told_whole(tmp_path: Path) -> None:
    with plc(tmp_path) as rig:
        found = probe(link(tmp_path), 300.0, beats=BEATS)
    assert found.findings == []
    assert found.function == "23"
    assert (found.beats, len(found.rtts_ns)) == (BEATS, BEATS)
    assert sum(count for _, count in found.histogram()) == BEATS
    assert found.block_c is not None
    assert found.block_c.hold_limit_ms == 310
    assert found.block_c.map_digest == int.from_bytes(registers.MAP_DIGEST, "big")
    assert found.answer_ms is not None
    writes = [each for each in rig.seen if each[1] in (READ_WRITE, WRITE_MULTIPLE)]
    assert len(writes) >= BEATS
    for each in writes:
        start = 11 if each[1] == READ_WRITE else 7
        block = BlockA.decode(struct.unpack(">8H", each[start : start + 16]), 1)
        assert (block.word, block.phase, block.connection) == (Word.WITHHOLD, Phase.IDLE, 0)
    assert rig.rule.output == Word.WITHHOLD


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (Wrong(has_fc23=False), ["no fc23"]),
        (Wrong(is_stopped=True), ["stop"]),
        (Wrong(is_empty=True), ["empty"]),
        (Wrong(has_registers=False), ["no registers"]),
        (Wrong(map_digest=OTHER_MAP), ["other map"]),
        (Wrong(program_unit=9), ["other unit in program"]),
        (Wrong(is_damaged=True), ["damaged block"]),
        (Wrong(is_deaf=True), ["ignored"]),
        (Wrong(other_master=True), ["other session"]),
        (Wrong(hold_limit_ms=150), ["hold limit"]),
        (Wrong(hold_limit_ms=320), ["loose limit"]),
        (Wrong(lose_every=4), ["lost"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_thing_that_is_wrong_is_named_as_what_it_is(
    tmp_path: Path, wrong: Wrong, told: list[str]
) -> None:
    assert found_ids(tmp_path, wrong) == told


@pytest.mark.parametrize(
    ("rate", "told"),
    [(0.7, ["slow: the hold time gets longer"]), (1.3, ["fast: the hold time gets shorter"]), (1.0, [])],
)
def test_a_plc_whose_milliseconds_run_otherwise_than_ours_is_a_fault_on_a_fast_line_too(
    tmp_path: Path, rate: float, told: list[str]
) -> None:
    with plc(tmp_path, 1, Wrong(clock_rate=rate)):
        found = probe(link(tmp_path), 300.0, beats=BEATS)
    rows = [each for each in found.findings if each.id == "plc clock"]
    assert [each.text.rpartition(" % ")[2] for each in rows] == told
    assert found.clock.ours_ms >= 2_000
    assert found.is_usable == (not told)
    assert all("not a sum of task intervals" in each.remedy for each in rows)


def test_another_unit_or_baud_rate_is_found_and_named_with_the_setting_to_change(tmp_path: Path) -> None:
    with plc(tmp_path, 3, Wrong(baud=19200)):
        found = probe(link(tmp_path, unit=1, baud=115200), 20.0, units=range(1, 4))
    (row,) = found.findings
    assert row.id == "other settings"
    assert "baud: 19200" in row.remedy
    assert "unit: 3" in row.remedy
    with plc(tmp_path, 77, Wrong(baud=19200)):
        found = probe(link(tmp_path, unit=77, baud=115200), 20.0, units=range(1, 3))
    assert [(each.id, "unit" in each.remedy) for each in found.findings] == [("other settings", False)]
    assert found_ids(tmp_path, Wrong(baud=9600), baud=19200, search=False) in (
        ["no answer"], ["silent as configured"], ["incomplete answer"], ["other unit"], ["line crc"],
    )  # fmt: skip


@pytest.mark.process
def test_a_plc_without_function_code_23_behind_modbus_tcp_is_found_right(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    at = dataclasses.replace(link(tmp_path), port=f"127.0.0.1:{port}", transport="modbus-tcp")
    with pytest.raises(LinkError, match="Connection refused"):
        probe(at, 100.0)
    with programs(tmp_path) as start:
        command = (
            "-m",
            "jidoka_bridge.plc",
            "--tcp",
            f"127.0.0.1:{port}",
            "--panel",
            str(tmp_path / "panel"),
        )
        start(sys.executable, *command, "--no-fc23", "--hold-ms", "310").wait_for_text('"ready"')
        found = probe(at, 300.0, beats=BEATS)
        assert [each.id for each in found.findings if each.id != "slow scan"] == ["no fc23"]
        assert found.function == "16+03"
        assert len(found.rtts_ns) == BEATS
        other = probe(dataclasses.replace(at, unit=9), 5.0, units=range(1, 3))
    assert [each.id for each in other.findings] == ["other settings"]
    assert "unit: 1" in other.findings[0].remedy


def test_nobody_at_all_is_told_as_that_with_what_was_tried(tmp_path: Path) -> None:
    with plc(tmp_path, 77):
        found = probe(link(tmp_path), 5.0, units=(1, 2), search=True)
    (row,) = found.findings
    assert row.id == "silent"
    assert "1 to 2" in row.text
    assert not found.is_usable


def test_the_command_shows_records_and_ends_with_the_links_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "plc_answer: 200 ms", "scan: 100 ms", "baud: 115200")
    with plc(tmp_path, wrong=Wrong(hold_limit_ms=2000)):
        assert run("plc", "probe", str(path), "--beats", "20", "--save", "--person", "e-7") == 0
    told = capsys.readouterr().out
    for words in (
        "register map 7cc441ea",
        "20 with function code 23, 0 lost",
        "up to",
        "█",
        "Good: a guard can use",
    ):
        assert words in told
    (entry,) = entries(compile_plan(path).state_dir)
    assert (entry.kind, entry.person, entry.values["function"]) == ("probe", "e-7", "23")
    with plc(tmp_path, wrong=Wrong(is_stopped=True)):
        assert run("plc", "probe", str(path), "--json", "--save") == 7
    assert json.loads(capsys.readouterr().out)["findings"][0]["id"] == "stop"
    assert len(entries(compile_plan(path).state_dir)) == 1


def test_a_port_that_is_missing_busy_no_port_or_not_allowed_is_told_with_a_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    assert run("plc", "probe", str(path)) == 7
    assert "can't open the serial port: No such file" in capsys.readouterr().err
    (tmp_path / "plc").write_text("")
    assert run("plc", "probe", str(path)) == 7
    assert "isn't a serial port" in capsys.readouterr().err
    (tmp_path / "plc").unlink()
    with plc(tmp_path):
        other = SerialPort(link(tmp_path))
        assert other.open(1)
        assert run("plc", "probe", str(path)) == 7
        other.close()
    told = capsys.readouterr().err
    assert "another program has it" in told
    assert "jidoka plc watch" in told


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be refused as")
def test_a_port_without_permission_is_told_as_that(tmp_path: Path) -> None:
    with plc(tmp_path):
        device = (tmp_path / "plc").resolve()
        device.chmod(0o600)
        at = Link(str(device), baud=115200)
        os.seteuid(65534)
        try:
            with pytest.raises(LinkError, match="Permission denied") as caught:
                probe(at, 20.0)
        finally:
            os.seteuid(0)
    assert "group dialout" in caught.value.remedy


def test_a_configuration_without_a_plc_is_a_plain_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(
        "site: a\nline: b\ndevice: c\nmodels: [{id: eye, bundle: surface-inspection, mode: none}]\n"
    )
    assert run("plc", "probe", str(path)) == 3
    assert "there is no `plc:`" in capsys.readouterr().err


def test_every_finding_says_what_to_do() -> None:
    assert all(text and remedy for text, remedy, _ in TABLE.values())
