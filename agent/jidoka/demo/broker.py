"""An MQTT broker for the demonstration: a mosquitto found on the machine, else amqtt from the `demo` extra."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import socket
import sys
from pathlib import Path

from jidoka_bridge.errors import BrokerError

from jidoka.supervisor import Program

HOST = "127.0.0.1"
# Debian keeps daemons out of a user's PATH
EXTRA_PATH = "/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin"


def free_port() -> int:
    """A TCP port on loopback that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def find_mosquitto() -> str | None:
    """Path of a mosquitto on this machine, if there is one."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=EXTRA_PATH)


def broker_program(folder: Path, port: int, wanted: str = "any") -> Program:
    """The broker as a program that listens on HOST:port. wanted: any, mosquitto or amqtt.

    Raises BrokerError if there is none.
    """

    def is_up() -> bool:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.2):
            return True
        return False

    mosquitto = find_mosquitto()
    if mosquitto and wanted in {"any", "mosquitto"}:
        configuration = folder / "mosquitto.conf"
        configuration.write_text(f"listener {port} {HOST}\nallow_anonymous true\npersistence false\n")
        return Program("mosquitto", (mosquitto, "-c", str(configuration)), is_up=is_up)
    if importlib.util.find_spec("amqtt") and wanted in {"any", "amqtt"}:
        return Program("amqtt", (sys.executable, "-m", "jidoka.demo.amqtt_broker", str(port)), is_up=is_up)
    raise BrokerError(
        f"there is no MQTT broker here ({'mosquitto or amqtt' if wanted == 'any' else wanted} was looked for)",
        'Install one: sudo apt-get install mosquitto, or: pip install "jidoka-edge[demo]"',
    )
