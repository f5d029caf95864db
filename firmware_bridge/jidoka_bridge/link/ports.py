"""The port of a link: a serial line, or a TCP connection that is used like one."""

from __future__ import annotations

from jidoka_bridge.link.byte_port import BytePort
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.tcp_port import TcpPort
from jidoka_bridge.plan import Link


def port_of(link: Link) -> BytePort:
    """The port, closed still."""
    return TcpPort(link) if link.transport == "modbus-tcp" else SerialPort(link)
