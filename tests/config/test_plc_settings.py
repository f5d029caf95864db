"""`plc:`: each mistake is named where it stands, with what would be right; what is right arrives in the plan."""

from __future__ import annotations

import re

import pytest
from jidoka.config.compile import compile_text
from jidoka_bridge.errors import ConfigurationError

from .line import ROOT, changed

PORT = "  port: /dev/serial/by-id/plc\n"


@pytest.mark.parametrize(
    ("lines", "place", "problem", "remedy"),
    [
        ("  port: /dev/ttyUSB0\n", "port", "can be another device after a reboot", "/dev/serial/by-id/"),
        (PORT + "  unit: 0\n", "unit", "0 is a broadcast", "1 to 247"),
        (PORT + "  unit: 248\n", "unit", "no Modbus station", "1 to 247"),
        (PORT + "  transport: modbus-tcp\n", "port", "no numeric address", "192.168.1.10:502"),
        (
            "  port: plc.local:502\n  transport: modbus-tcp\n",
            "port",
            "no numeric address",
            "192.168.1.10:502",
        ),
        ("  port: 192.168.1.10:502\n", "port", "is an address, and transport is rtu", "modbus-tcp"),
        (PORT + "  transport: udp\n", "transport", "udp", "rtu"),
        (PORT + "  function: '23'\n", "function", "23", "auto"),
        (PORT + "  rs485: always\n", "rs485", "always", "adapter"),
        (PORT + "  rs485_before: 50 ms\n", "rs485_before", "too long", "1 ms to 20 ms"),
        (PORT + "  function: 16+03\n  beat: 70 ms\n", "beat", "a beat takes 105 ms", "105 ms or more"),
        (
            "  port: 10.0.0.1:502\n  transport: modbus-tcp\n  beat: 20 ms\n",
            "beat",
            "over Modbus TCP",
            "50 ms or more",
        ),
    ],
)
def test_each_mistake_is_named_where_it_stands(lines: str, place: str, problem: str, remedy: str) -> None:
    text = changed((PORT, lines))
    with pytest.raises(ConfigurationError) as raised:
        compile_text(text, ROOT)
    shown = str(raised.value)
    assert problem in shown
    assert remedy in shown
    line = next(n for n, each in enumerate(text.splitlines(), 1) if each.startswith(f"  {place}:"))
    assert re.search(rf":{line}:\d+: ", shown), shown


def test_what_is_right_arrives_in_the_plan_with_its_times() -> None:
    text = changed(
        (PORT, PORT + "  function: 16+03\n  rs485: rts\n  rs485_before: 1 ms\n  rs485_after: 2 ms\n")
    )
    link = compile_text(text, ROOT).link
    assert link is not None
    assert (link.function, link.rs485, link.rs485_before_ms, link.rs485_after_ms) == ("16+03", "rts", 1, 2)
    assert (link.beat_ms, link.hold_ms) == (105, 455)
    tcp = compile_text(changed((PORT, "  port: 10.0.0.1\n  transport: modbus-tcp\n")), ROOT).link
    assert tcp is not None
    assert (tcp.port, tcp.transport, tcp.beat_ms, tcp.hold_ms) == ("10.0.0.1", "modbus-tcp", 50, 230)
