"""RS-485 direction and an FTDI chip's latency timer: what the driver is told, and what is told where it can't be."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.link import serial_adapter
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.plan import Link


@pytest.fixture
def path() -> Iterator[str]:
    ours, other = pty.openpty()
    tty.setraw(other)
    yield os.ttyname(other)
    os.close(ours)
    os.close(other)


def test_the_driver_gets_levels_and_delays_as_the_plan_has_them() -> None:
    assert serial_adapter.rs485_settings(Link("port")) is None
    high = serial_adapter.rs485_settings(
        Link("port", rs485="rts", rs485_before_ms=1, rs485_after_ms=2, echo=True)
    )
    assert high is not None
    assert (high.rts_level_for_tx, high.rts_level_for_rx, high.loopback) == (True, False, True)
    assert (high.delay_before_tx, high.delay_before_rx) == (0.001, 0.002)
    low = serial_adapter.rs485_settings(Link("port", rs485="rts-low"))
    assert low is not None
    assert (low.rts_level_for_tx, low.rts_level_for_rx) == (False, True)


def test_a_driver_that_cannot_switch_the_direction_says_so_with_the_remedy(path: str) -> None:
    port = SerialPort(Link(path, rs485="rts"))
    assert not port.open(0)
    assert port.error == f"{path}: the driver of this adapter can't switch the direction (RS-485)"
    assert "plc.rs485 to adapter" in port.remedy
    assert (port.is_open, port.line_errors()) == (False, None)


def test_the_drivers_counts_of_line_errors_are_read_where_it_has_any(path: str) -> None:
    port = SerialPort(Link(path))
    assert port.open(0)
    assert port.line_errors() is None, "a pseudo-terminal counts none"
    port.close()
    try:  # asking the UART of the console changes nothing on it
        uart = os.open("/dev/ttyS0", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        pytest.skip("no UART that this user may ask")
    counts = serial_adapter.line_errors(uart)
    os.close(uart)
    assert counts is None or min(counts) >= 0


@pytest.mark.parametrize(
    "values", [{"transport": "udp"}, {"function": "06"}, {"rs485": "maybe"}, {"unit": 248}]
)
def test_a_plan_with_something_else_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="the plan's link"):
        Link("port", **values)  # type: ignore[arg-type]


def timer_of(ttys: Path, path: str, text: str) -> Path:
    folder = ttys / Path(path).name / "device"
    folder.mkdir(parents=True)
    (folder / "latency_timer").write_text(text)
    return folder / "latency_timer"


def test_the_latency_timer_is_set_to_1_ms_through_every_name_of_the_port(path: str, tmp_path: Path) -> None:
    timer = timer_of(tmp_path, path, "16\n")
    by_id = tmp_path / "by-id"
    by_id.symlink_to(path)
    port = SerialPort(Link(str(by_id)))
    assert port.open(0)
    assert serial_adapter.hasten(port._port, str(by_id), tmp_path) == ()  # type: ignore[arg-type]
    assert timer.read_text() == "1\n"
    assert serial_adapter.hasten(port._port, str(by_id), tmp_path) == ()  # type: ignore[arg-type]
    assert port.notes == (), "a port without a timer says nothing"
    port.close()


@pytest.mark.parametrize("text", ["16\n", "garbage"])
def test_a_timer_that_cannot_be_set_is_told_with_what_it_costs(path: str, tmp_path: Path, text: str) -> None:
    timer = timer_of(tmp_path, path, text)
    timer.chmod(0o444)
    if text != "garbage" and os.access(timer, os.W_OK):  # as root everything can be written
        timer.unlink()
        timer.symlink_to("/proc/version" if not os.access("/proc/version", os.W_OK) else "/proc/self/cmdline")
    port = SerialPort(Link(path))
    assert port.open(0)
    [(what, remedy)] = serial_adapter.hasten(port._port, path, tmp_path)  # type: ignore[arg-type]
    assert "gathers bytes for 16 ms" in what
    assert f"echo 1 > {tmp_path}" in remedy
    port.close()
