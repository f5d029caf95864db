"""The port of a link: a serial line, or a TCP connection that is used like one."""

from __future__ import annotations

from jidoka_bridge.link import serial_port, tcp_port
from jidoka_bridge.link.serial_port import SerialPort
from jidoka_bridge.link.tcp_port import TcpPort
from jidoka_bridge.plan import Link

Port = SerialPort | TcpPort


def port_of(link: Link) -> Port:
    """The port, closed still."""
    return TcpPort(link) if link.transport == "modbus-tcp" else SerialPort(link)


def remedy_of(link: Link) -> str:
    """What to do where the port can't be opened or was lost."""
    return tcp_port.REMEDY if link.transport == "modbus-tcp" else serial_port.REMEDY
