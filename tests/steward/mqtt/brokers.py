"""mosquitto with one listener for each thing that may be wrong with a broker, and a connection of the steward's tried there."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from jidoka.broker.endpoint import Broker
from jidoka.steward.mqtt.connection import V5, Connection
from jidoka.steward.mqtt.envelope import Place, live_letter
from jidoka_bridge.errors import BrokerError

from tests.credentials.authority import Authority, Pair
from tests.processes import Program, wait_until
from tests.steward.site import free_port
from tests.steward.test_mqtt import listens

ACL = Path(__file__).parents[3] / "configs" / "mosquitto.acl"
PLACE = Place("plant", "7", "press")
MTLS = "require_certificate true\nuse_identity_as_username true\nuse_username_as_clientid true\n"


class Certified:
    """An authority, certificates good and bad, and a mosquitto with a listener for each. ports: listener → port."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self.folder = folder
        self.authority = Authority(folder, "plant-ca")
        self.foreign = Authority(folder, "foreign-ca")
        self.acl = folder / "acl"
        self.acl.write_text(ACL.read_text())
        self.acl.chmod(0o600)
        self.press = self.authority.issue("press")
        self.aims = self.authority.issue("aims")
        self.other = self.authority.issue("welder")
        self.ports: dict[str, int] = {}
        good = self.authority.issue("127.0.0.1", hosts=("127.0.0.1", "localhost"), file="server")
        self.servers: dict[str, tuple[Pair, str]] = {
            "mtls": (good, MTLS),
            "tls": (good, ""),
            "expired": (self.authority.issue("old", hosts=("127.0.0.1",), days=(-30.0, -1.0)), ""),
            "not yet": (self.authority.issue("new", hosts=("127.0.0.1",), days=(10.0, 30.0)), ""),
            "other name": (self.authority.issue("elsewhere", hosts=("broker.elsewhere",)), ""),
            "foreign": (self.foreign.issue("server-of-others", hosts=("127.0.0.1",)), ""),
            "websockets": (good, "protocol websockets\n"),
        }
        self.revoking = ""

    def configuration(self) -> str:
        lines = ["per_listener_settings true", "user root", "log_dest none"]
        for kind, (pair, more) in self.servers.items():
            port = self.ports.setdefault(kind, free_port())
            lines += [
                f"listener {port} 127.0.0.1", f"cafile {self.authority.file}", f"certfile {pair.certificate}",
                f"keyfile {pair.key}", *more.splitlines(),
                f"acl_file {self.acl}" if more is MTLS else "allow_anonymous true",
            ]  # fmt: skip
        lines += [f"listener {self.ports.setdefault('plain', free_port())} 127.0.0.1", "allow_anonymous true"]
        return "\n".join(lines) + "\n"

    def start(self, start: Callable[..., Program]) -> Program:
        file = self.folder / "mosquitto.conf"
        file.write_text(self.configuration())
        program = start("/usr/sbin/mosquitto", "-c", str(file))
        wait_until(lambda: all(listens(port) for port in self.ports.values()), "mosquitto listens everywhere")
        return program

    def broker(self, kind: str, pair: Pair | None = None, **fields: object) -> Broker:
        made = Broker("127.0.0.1", self.ports[kind], is_tls=True, ca=self.authority.file)
        if pair is not None:
            made = replace(made, certificate=pair.certificate, key=pair.key)
        return replace(made, **fields)  # type: ignore[arg-type]


@contextlib.contextmanager
def tried(broker: Broker, client_id: str = "press", version: object = V5) -> Iterator[Connection]:
    """A connection after CONNACK, or after its end (then `error` says why)."""
    will = live_letter(
        PLACE,
        "status",
        {"online": False, "version": "", "boot": "", "plan": ""},
        boot=bytes(16),
        now_ns=1,
        wall_ns=1,
    )
    connection = Connection(broker, client_id, will, version)  # type: ignore[arg-type]
    try:
        connection.open()
        pump(connection, lambda: connection.is_up)
    except BrokerError as error:
        connection.abandon(error.what, error.remedy)
    try:
        yield connection
    finally:
        connection.close()


def pump(connection: Connection, claim: Callable[[], bool], limit_s: float = 10.0) -> None:
    """Until `claim()`, or the end of the connection."""
    wake, writer = os.pipe()
    deadline = time.monotonic() + limit_s
    try:
        while not claim() and not connection.error:
            assert time.monotonic() < deadline, "the broker says nothing"
            connection.pump(wake, 0.05)
    finally:
        os.close(wake)
        os.close(writer)
