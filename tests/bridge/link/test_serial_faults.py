"""Faults of a serial line, by number, over real pseudo-terminals wherever one can show them."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import struct
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.guard.line import Line
from jidoka_bridge.link import byte_port, frames, serial_port
from jidoka_bridge.link.frames import sealed
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.session import Session
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.registers import Word

from tests.bridge.link.null_modem import HOLD, NullModem
from tests.bridge.link.null_modem import RUN as RUN_ASK
from tests.bridge.link.pty_rig import MS, REQUEST, RUN, Rig

TIOCGEXCL = 0x80045440  # asm-generic/ioctls.h
ANSWER_BYTES = 37


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


def lost_one(rig: Rig, alter: Callable[[bytes], bytes], ms: int = 70) -> str:
    """One beat with a fault, then good ones again; the reason of the bad one. The output must have stayed on."""
    rig.alter = alter
    before = dict(rig.line.session.counts)
    rig.run(ms)
    rig.alter = lambda reply: reply
    rig.run(210)
    assert rig.view.is_up
    assert rig.rule.output is Word.MACHINE_AND_AI
    now = rig.line.session.counts
    return ", ".join(why for why in now if now[why] != before.get(why, 0))


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_1_a_wrong_bit_anywhere_in_an_answer_costs_one_beat(rig: Rig) -> None:
    rig.arm()
    for byte in range(ANSWER_BYTES):
        why = lost_one(rig, lambda reply, byte=byte: flipped(reply, 8 * byte + byte % 8))  # type: ignore[misc]
        assert why in ("line crc", "other unit", "incomplete answer"), (byte, why)


def test_2_an_answer_cut_off_anywhere_or_torn_by_a_pause_is_a_time_out(rig: Rig) -> None:
    rig.arm()
    for length in range(ANSWER_BYTES):
        why = lost_one(rig, lambda reply, length=length: reply[:length])  # type: ignore[misc]
        assert why == ("incomplete answer" if length else "no answer")
    rest = b""

    def torn(reply: bytes) -> bytes:
        nonlocal rest
        rest = reply[20:]
        return reply[:20]

    rig.alter = torn
    rig.run(70)
    rig.alter = lambda reply: reply
    rig.say(rest)  # the second half comes when nobody waits for it any more
    rig.run(140)
    assert rig.view.good


def test_3_late_doubled_and_foreign_answers_are_refused_and_three_make_a_pause(rig: Rig) -> None:
    rig.arm()
    kept: list[bytes] = []

    def late(reply: bytes) -> bytes:
        kept.append(reply)
        return kept[-2] if len(kept) > 1 else b""

    assert set(lost_one(rig, late, 140).split(", ")) <= {
        "no answer",
        "number",
        "stale",
        "counter stands still",
    }
    assert lost_one(rig, lambda reply: reply + reply) == ""
    other_function = sealed(bytes((1, 0x03, 32)) + bytes(32))
    assert lost_one(rig, lambda reply: other_function) == "incomplete answer"
    rig.alter = lambda reply: kept[0]
    rig.run(500)
    assert rig.line.session.counts["resync pause"] >= 1
    assert not rig.view.is_up


def test_4_an_echo_is_stripped_and_a_missing_or_altered_one_is_a_fault_of_the_line(tmp_path: Path) -> None:
    rig = Rig(tmp_path, echo=True)

    def echoed(reply: bytes) -> bytes:
        return rig.line.session._sent.assembler.frame + reply  # type: ignore[union-attr]

    rig.alter = echoed
    rig.run(700)
    assert rig.view.is_up
    rig.alter = lambda reply: flipped(echoed(reply), 40)
    rig.run(210)
    rig.alter = lambda reply: echoed(reply)[:10]
    rig.run(140)
    rig.alter = lambda reply: b""
    rig.run(140)
    assert {"echo altered", "no echo"} <= set(rig.line.session.counts)
    assert not rig.view.is_up
    rig.close()


def test_5_noise_is_passed_over_and_babble_ends_with_the_time_out(rig: Rig) -> None:
    rig.arm()
    assert lost_one(rig, lambda reply: b"\x00\xff" + reply) == ""
    assert lost_one(rig, lambda reply: reply + b"\x00") == ""
    assert lost_one(rig, lambda reply: reply[:9] + b"\xff" + reply[9:]) in ("line crc", "incomplete answer")
    before = rig.line.beats
    rig.alter = lambda reply: bytes(range(256)) * 3
    rig.run(350)
    assert rig.line.session.counts["babble"] >= 3
    assert rig.line.beats >= before + 4, "each beat ends in time"
    assert not rig.view.is_up


def test_6_another_stations_answer_is_waited_out(rig: Rig) -> None:
    rig.arm()
    other = sealed(bytes((2, 0x17, 32)) + bytes(32))
    assert lost_one(rig, lambda reply: other) == "other unit"
    assert lost_one(rig, lambda reply: other + reply) == "", "the right one after it is taken"


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6])
def test_7_exceptions_count_as_lost_and_02_and_03_take_the_link_down_at_once(rig: Rig, code: int) -> None:
    rig.arm()
    rig.alter = lambda reply: sealed(bytes((1, 0x97, code)))
    rig.run(70)
    assert rig.line.session.counts == {f"exception {code}": 1}
    assert rig.view.is_up == (code not in (2, 3))
    assert rig.line.session.function == "23"


def test_8_a_broadcast_is_never_sent_and_unit_0_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="unit 0 is no Modbus station"):
        Link("port", unit=0)
    for make in (
        frames.read_holding,
        lambda unit, _address, count: frames.write_multiple(unit, 0, [0] * count),
    ):
        with pytest.raises(ValueError, match="never to all"):
            make(0, 0, 1)


ERRORS: tuple[object, ...] = (
    OSError(errno.EIO, ""), OSError(errno.ENODEV, ""), OSError(errno.ENXIO, ""), OSError(errno.EBADF, ""), b"",
)  # fmt: skip


@pytest.mark.parametrize("error", ERRORS, ids=str)
def test_9_every_error_of_the_system_closes_the_port_and_ends_the_session(
    rig: Rig, error: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No device here can be made to give these; what the system says is put in its place, the rest is real."""
    rig.arm()

    def failing(*_: object) -> Any:
        if isinstance(error, OSError):
            raise error
        return error

    with monkeypatch.context() as patch:
        patch.setattr(byte_port.os, "read" if error == b"" else "write", failing)
        if error == b"":
            rig.line.readable(rig.now_ms * MS, rig.guard)
        else:
            rig.run(70)
    assert not rig.line.port.is_open or rig.line.session.connection_id == 0
    assert "lost" in rig.view.lack or rig.view.lack == ""
    rig.run(1_000)
    assert rig.rule.output is Word.WITHHOLD


def test_9_nothing_to_read_is_no_error_and_what_termios_raises_is_told_in_plain_words(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.run(140)
    assert rig.line.port.read() == b""
    with monkeypatch.context() as patch:

        def refusing(*_: object) -> None:
            raise termios.error(errno.EIO, "Input/output error")

        patch.setattr(serial_port.termios, "tcflush", refusing)
        port = SerialPort(Link(str(rig.path)))
        rig.line.close()
        assert not port.open(0)
    assert "can't open the serial port: Input/output error" in port.error


def test_10_a_port_that_comes_back_is_a_new_session_and_a_new_arming(rig: Rig, tmp_path: Path) -> None:
    rig.arm()
    rig.wire.close()
    rig.line.readable(rig.now_ms * MS, rig.guard)
    assert not rig.line.port.is_open
    assert rig.view.lack.startswith(f"{rig.path}: the serial port was lost")
    opened: list[int] = []
    for _ in range(100):
        rig.now_ms += 10
        rig.line.step(rig.now_ms * MS, rig.guard)
        opened.append(rig.line.port._next_try_ns)
    assert len(set(opened)) <= 5, "it is tried with back-off"
    assert "No such file" in rig.view.lack
    fresh = Rig(tmp_path)
    fresh.now_ms = rig.now_ms
    fresh.line, fresh.wish = rig.line, rig.wish
    fresh.run(5_000, RUN)
    assert fresh.view.is_up
    assert (fresh.rule.output, fresh.view.phase.name) == (Word.WITHHOLD, "IDLE")
    fresh.arm()
    fresh.close()


def test_11_a_real_port_is_opened_exclusively(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pseudo-terminal that is taken for a real port: the kernel says whether it is exclusive (TIOCGEXCL)."""
    ours, other = pty.openpty()
    tty.setraw(other)
    monkeypatch.setattr(serial_port, "PSEUDO_MAJORS", ())
    port = SerialPort(Link(os.ttyname(other), parity="N"))
    assert port.open(0), port.error
    flag = fcntl.ioctl(port.fileno(), TIOCGEXCL, struct.pack("i", 0))
    assert struct.unpack("i", flag)[0] == 1
    port.close()
    os.close(ours)
    os.close(other)


def test_12_a_far_end_that_stops_reading_or_closes_is_a_lost_port(rig: Rig) -> None:
    rig.run(700)
    assert rig.view.is_up
    for _ in range(100):
        with contextlib.suppress(BlockingIOError):
            while rig.line.port.is_open:  # nobody reads: the kernel's buffer fills
                os.write(rig.line.fileno(), bytes(8))
        rig.now_ms += 70
        rig.line.step(rig.now_ms * MS, rig.guard)
        if "takes no more bytes" in rig.view.lack:
            break
    assert "takes no more bytes" in rig.view.lack
    assert not rig.view.is_up


def test_13_a_plc_in_stop_answers_and_is_down_after_two_beats(rig: Rig) -> None:
    rig.arm()
    rig.is_stopped = True
    rig.run(140)
    assert not rig.view.good
    rig.run(140)
    assert not rig.view.is_up
    rig.run(2_500)
    assert "its program doesn't run" in rig.view.lack


def test_14_a_torn_block_is_one_lost_beat(rig: Rig) -> None:
    rig.arm()
    old = list(rig.registers._words["B"])

    def torn(reply: bytes) -> bytes:
        words = [*old[:4], *rig.registers._words["B"][4:]]
        return sealed(reply[:3] + b"".join(word.to_bytes(2, "big") for word in words))

    assert lost_one(rig, torn) == "block crc"
    words = rig.registers.block("A")
    assert words is not None
    rig.registers.set("A", [*words[:3], words[3] ^ 1, *words[4:]])  # and one the other way
    rig.run(210)
    assert rig.rule.admission.counts["crc"] == 1
    assert rig.rule.output is Word.MACHINE_AND_AI


def test_15_a_plc_that_restarted_is_unarmed_until_a_person_arms_it(rig: Rig) -> None:
    rig.arm()
    rig.rule = PlcRule(lambda: 815, 1, 1_000)
    rig.run(5_000)
    assert (rig.view.connection, rig.rule.output) == (815, Word.WITHHOLD)
    assert not rig.view.foreign
    rig.arm()


def test_16_numbers_and_counters_wrap_without_a_lost_beat(rig: Rig) -> None:
    """Own numbers begin at 60 000, the PLC's counter at 65 500: both are past their wrap at the end."""
    rig.arm()
    before = dict(rig.line.session.counts)
    rig.rule.admission.last_number = 65_500
    rig.line.session._numbers._next = 65_501
    rig.run(7_000)
    assert rig.line.session._numbers._next < 1_000
    assert rig.rule.output is Word.MACHINE_AND_AI, rig.line.session.counts
    assert rig.line.session.counts == before


@pytest.mark.parametrize("pause_ms", [100, 1_000, 10_000])
def test_17_after_a_pause_of_any_length_the_first_word_is_withhold_if_the_hold_time_is_over(
    rig: Rig, pause_ms: int
) -> None:
    rig.arm()
    for _ in range(pause_ms // 10):
        rig.now_ms += 10
        rig._scan()
    rig.heard.clear()
    rig.run(80)
    word = int.from_bytes(rig.heard[0][-6:-4], "big")
    assert (word == Word.MACHINE_AND_AI) == (pause_ms < rig.line.link.hold_ms)
    assert (rig.rule.output is Word.MACHINE_AND_AI) == (pause_ms < rig.line.link.hold_ms)


def beat_of(rig: Rig, other: Session) -> None:
    """One beat of another agent on the same PLC, between two of ours."""
    replies = b""
    for request in rig.wire._parser.feed(other.request(rig.now_ms * MS, REQUEST)):
        error = rig.registers.write(request)
        rig._scan()
        replies += rig.registers.reply(request, error)
    if other.feed(rig.now_ms * MS, replies) is None:
        other.timeout(rig.now_ms * MS)


def test_19_two_agents_on_one_line_get_nothing_and_the_second_is_told(rig: Rig) -> None:
    rig.arm()
    other = Session(rig.line.link, 30_000)
    for _ in range(60):
        rig.run(70)
        beat_of(rig, other)
    assert other.foreign
    assert (other.phase.name, other.is_up) == ("IDLE", False)
    assert rig.rule.admission.counts["connection"] + rig.rule.admission.counts["number"] > 20
    rig.run(210, HOLD)
    for _ in range(60):  # neither holds anything now: both begin, and neither is armed
        rig.run(70, REQUEST)
        beat_of(rig, other)
    assert (rig.view.connection, rig.rule.connection, rig.rule.output) == (0, 0, Word.WITHHOLD)
    rig.now_ms += 10_000
    other.request(rig.now_ms * MS, HOLD)
    assert not other.foreign, "gone for a while: an engineer may unlock"


def test_an_agent_that_takes_the_line_over_between_two_beats_is_told_by_its_id() -> None:
    modem = NullModem()
    modem.arm()
    modem.rule.admission.connection ^= 0x5555
    modem.run(140, RUN_ASK)
    assert modem.session.foreign
    modem.session.reset()
    assert not modem.session.foreign


def test_a_line_never_opens_a_port_before_it_is_asked(tmp_path: Path) -> None:
    line = Line(Link(str(tmp_path / "nowhere")), 1)
    assert (line.fileno(), line.port.is_open) == (-1, False)
