"""Function code 23 by trial, 16 and 03 in its place; a PLC whose program doesn't fit. Over real pseudo-terminals."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from jidoka_bridge.link import skew
from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.link.frames import sealed
from jidoka_bridge.link.times import as_set, needed
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import MAP_DIGEST, Word

from tests.bridge.link.null_modem import HOLD
from tests.bridge.link.pty_rig import MS, REQUEST, RUN, Rig

OTHER_MAP = b"\x12\x34\x56\x78"


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., Rig]:
    def made(**settings: object) -> Rig:
        rig = Rig(tmp_path, **settings)  # type: ignore[arg-type]
        request.addfinalizer(rig.close)
        return rig

    return made


def test_a_plc_without_function_code_23_is_armed_by_16_and_03(
    make: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    rig = make(has_fc23=False)
    rig.run(700, REQUEST)
    assert rig.line.session.counts == {"exception 1": 1}
    assert rig.line.session.function == "16+03"
    assert "has no function code 23" in caplog.text
    assert "Set plc.function to 16+03" in caplog.text
    rig.arm()
    rig.run(2_000, RUN)
    assert {request[1] for request in rig.heard[-6:]} == {0x10, 0x03}
    assert rig.rule.output is Word.MACHINE_AND_AI
    rig.run(140, HOLD)
    assert rig.rule.output is Word.WITHHOLD


def test_a_time_out_is_not_a_refusal_and_23_is_asked_again(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.alter = lambda reply: b""
    rig.run(700)
    assert {request[1] for request in rig.heard} == {0x17}
    assert len(rig.heard) >= 3
    rig.alter = lambda reply: reply
    rig.run(280)
    assert (rig.line.session.function, rig.view.is_up) == ("23", True)


def test_inside_an_armed_session_nothing_changes(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.arm()
    rig.registers._has_fc23 = False
    rig.run(140, RUN)
    assert rig.line.session.counts["exception 1"] == 2
    assert (rig.line.session.function, rig.view.is_up) == ("23", True)
    rig.run(5_000, RUN)
    assert rig.line.session.function == "16+03", "the lost session is over at the PLC too"
    assert rig.rule.output is Word.WITHHOLD
    rig.arm()


def test_the_plan_may_fix_the_function_codes(make: Callable[..., Rig]) -> None:
    rig = make(function="16+03", beat_ms=100)
    rig.run(1_000)
    assert 0x17 not in {request[1] for request in rig.heard}
    assert rig.view.is_up


def test_a_plan_that_says_23_is_not_changed_by_the_plc(make: Callable[..., Rig]) -> None:
    rig = make(has_fc23=False, function="23")
    rig.run(3_000)
    assert rig.line.session.function == "23"
    assert "doesn't know the function code (Modbus exception 1)" in rig.view.lack


def test_a_lost_half_is_a_lost_beat(make: Callable[..., Rig]) -> None:
    rig = make(function="16+03", beat_ms=100)
    rig.arm()
    for function in (0x10, 0x03):
        rig.alter = lambda reply, function=function: b"" if reply[1] == function else reply  # type: ignore[misc]
        rig.run(100)
        rig.alter = lambda reply: reply
        rig.run(300)
        assert rig.view.is_up
        assert rig.rule.output is Word.MACHINE_AND_AI
    assert rig.line.session.counts["no answer"] >= 2


def test_bytes_between_the_halves_are_noise_and_a_lost_port_forgets_the_second(
    make: Callable[..., Rig],
) -> None:
    rig = make(function="16+03", beat_ms=100)
    rig.run(500)
    rig.alter = lambda reply: reply + b"\x00" if reply[1] == 0x10 else reply
    rig.run(500)
    assert rig.view.is_up
    session = rig.line.session
    while not session.has_second:
        rig.line.step(rig.line.next_ns, rig.guard)
        if rig.line.in_transaction and not session.has_second:
            rig._exchange()
    assert session.feed(rig.now_ms * MS, b"noise") is None
    assert session.counts["unasked bytes"] == 1
    session.reset()
    assert not session.has_second


@pytest.mark.parametrize(
    ("baud", "beat", "hold", "withdraw"),
    [(9600, 150, 480, 210), (19200, 100, 330, 147), (115200, 65, 230, 101)],
)
def test_times_of_16_and_03_are_those_of_the_stated_table(
    baud: int, beat: int, hold: int, withdraw: int
) -> None:
    times = needed(Link("port", baud=baud), reply_words=12, is_stamped=False, function="16+03")
    assert (times.beat_ms, times.hold_ms) == (beat, hold)
    assert times.withdraw_ms == pytest.approx(withdraw, abs=0.6)
    assert needed(Link("port", baud=baud, function="16+03")).beat_ms > needed(Link("port", baud=baud)).beat_ms
    assert as_set(Link("port", function="16+03")).wire_ms > as_set(Link("port")).wire_ms


def test_tcp_has_no_wire_time_and_its_hold_time_outlives_a_lost_segment() -> None:
    times = needed(Link("10.0.0.1:502", transport="modbus-tcp"))
    assert (times.wire_ms, times.beat_ms) == (0, 50)
    assert times.hold_ms >= 200 + 20


# ---------------------------------------------------------------- version skew


def other_program(rig: Rig, **changes: int) -> None:
    """The PLC says something else of itself in block C."""
    rig.registers._read_c = lambda: dataclasses.replace(
        rig.record.block(rig.rule.admission, 0), **changes
    ).encode(rig.unit)


def test_an_older_firmware_is_refused_by_its_version_and_taken_once_it_is_replaced(
    make: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skew, "OLDEST_FIRMWARE", 0x0203)
    rig = make()
    rig.run(5_000, REQUEST)
    assert "the PLC's firmware is 1.0, this program needs 2.3 or newer" in rig.view.lack
    assert (rig.view.is_up, rig.view.phase.name) == (False, "IDLE")
    other_program(rig, version=0x0203)
    rig.run(3_000)
    assert rig.view.is_up
    rig.arm()


def test_another_register_map_is_refused_with_both_named(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.arm()

    def of_another_map(reply: bytes) -> bytes:
        """What a PLC sends whose map digest is another one: block B under another CRC-32, block C that says so."""
        if reply[1] == 0x17:
            return sealed(reply[:-4] + bytes((reply[-4] ^ 0x55, reply[-3])))
        words = BlockC.encode(
            dataclasses.replace(rig.record.block(rig.rule.admission, 0), map_digest=0x12345678), 1
        )
        return sealed(reply[:3] + b"".join(word.to_bytes(2, "big") for word in words[: reply[2] // 2]))

    rig.alter = of_another_map
    rig.run(2_000, REQUEST)
    assert (
        f"another register map: {OTHER_MAP.hex()} (firmware 1.0), this program's is {MAP_DIGEST.hex()}"
        in rig.view.lack
    )
    assert (rig.view.is_up, rig.rule.output) == (False, Word.WITHHOLD)
    rig.alter = lambda reply: reply
    rig.run(3_000)
    assert rig.view.is_up


def test_a_block_c_of_another_format_is_named(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.registers._read_c = lambda: [0x4302, *BlockC(0x0100, 0, 0, 0, 0).encode(1)[1:]]
    rig.run(1_000)
    assert "begins with 0x4302, this program knows 0x4301" in rig.view.lack


def test_what_does_not_fit_is_found_in_the_whole_block_too(make: Callable[..., Rig]) -> None:
    rig = make()
    rig.run(300, HOLD)
    assert rig.view.is_up
    other_program(rig, version=0x0001)
    rig.run(3_000)
    assert not rig.view.is_up
    assert "firmware is 0.1" in rig.view.lack
