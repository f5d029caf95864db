"""Commands over a real broker: the machine may be stopped from elsewhere; everything else is refused, recorded, answered."""

from __future__ import annotations

import json
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jidoka.steward.commands.signing import sign
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.reader import entries
from jidoka_bridge.messages import Kind
from paho.mqtt.enums import CallbackAPIVersion

from tests.bridge.guard.test_process_clock import SHIM
from tests.processes import Program, programs
from tests.steward.commands.test_desk import payload, rfc3339
from tests.steward.site import Site, site
from tests.steward.test_mqtt import TREE, Brokers

pytestmark = pytest.mark.process


class World:
    """A steward with a key that may hold and report, its broker, and a played guard."""

    def __init__(self, place: Site, brokers: Brokers, start: Any, key: Path) -> None:
        self.place, self.brokers, self.key = place, brokers, key
        self._start = start
        brokers.start()
        self.steward = place.start()
        place.guard.until(lambda: place.status()["mqtt"]["connected"], "connected")

    def jidoka(self, *arguments: str) -> Program:
        program: Program = self._start(sys.executable, "-m", "jidoka.cli", "command", *arguments)
        return program

    def commands(self) -> list[dict[str, Any]]:
        return [entry.json() for entry in entries(self.place.ledger) if entry.kind is EntryKind.COMMAND]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with programs(tmp_path) as start:
        key = tmp_path / "shift.key"
        made = start(sys.executable, "-m", "jidoka.cli", "command", "keygen", str(key))
        assert made.wait() == 0, made.text
        private = load_pem_private_key(key.read_bytes(), None)
        public = private.public_key().public_bytes_raw().hex()  # type: ignore[union-attr]
        brokers = Brokers(tmp_path, start)
        keys = {
            "shift": {"public": public, "may": ["hold", "report", "ack-seen", "label"], "role": "quality"}
        }
        settings = {"host": "127.0.0.1", "port": brokers.port, "acknowledge": "puback"}
        with site(broker=settings, commands=keys, clock="assumed") as place:
            yield World(place, brokers, start, key)


def publish(world: World, name: str, message: bytes, *, retain: bool = False) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", world.brokers.port)
    client.loop_start()
    client.publish(f"{TREE}/cmd/{name}/request", message, 1, retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def signed(world: World, name: str, number: int, **arguments: Any) -> bytes:
    now = time.time()
    body = payload(
        number, name, device=TREE, issued=rfc3339(now - 1), expires=rfc3339(now + 30), arguments=arguments
    )
    private = load_pem_private_key(world.key.read_bytes(), None)
    return sign(private, "shift", body)  # type: ignore[arg-type]


def test_a_signed_hold_reaches_the_guard_and_its_answer_comes_back_as_the_reply(world: World) -> None:
    message = signed(world, "hold", 1, reason="smoke in hall 2")
    publish(world, "hold", message)
    guard = world.place.guard
    guard.until(lambda: any(act.kind is Kind.HOLD for act in guard.acts), "the guard is asked")
    asked = next(act.json() for act in guard.acts if act.kind is Kind.HOLD)
    assert (asked["remote"], asked["role"], asked["person"]) == (True, "quality", "shift")
    guard.send(
        Kind.ANSWER, {"request": asked["request"], "ok": True, "refused": "", "remedy": "", "value": {}}
    )
    guard.until(lambda: bool(world.commands()), "recorded")
    (found,) = world.commands()
    assert (found["name"], found["outcome"], found["number"]) == ("hold", "done", 1)
    publish(world, "hold", message)
    guard.until(lambda: len(world.commands()) == 2, "the replay is recorded")
    assert (world.commands()[1]["outcome"], world.commands()[1]["kind"]) == ("refused", "number")
    assert sum(act.kind is Kind.HOLD for act in guard.acts) == 1


def test_report_is_answered_and_refusals_are_answered_recorded_and_one_alarm(world: World) -> None:
    place = world.place
    publish(world, "report", signed(world, "report", 1))
    place.guard.until(lambda: len(world.commands()) == 1, "answered")
    assert world.commands()[0]["value"]["plan"] == place.plan.digest
    for number, name in enumerate(("reset", "arm", "unlock", "override", "limit", "shelve", "dance"), 2):
        publish(world, name, signed(world, name, number))
    publish(world, "hold", signed(world, "hold", 20), retain=True)
    publish(world, "hold", b"garbage")
    publish(world, "ack-seen", signed(world, "ack-seen", 21))
    place.guard.until(lambda: len(world.commands()) == 11, "each is recorded")
    kinds = [each["kind"] for each in world.commands()[1:]]
    assert kinds.count("never") == 7
    assert set(kinds[7:]) == {"retained", "unreadable", "arguments"}, (
        "ack-seen without an alarm's name says nothing"
    )
    assert not [act for act in place.guard.acts if act.kind not in {Kind.RECORDED, Kind.BYE}], (
        "the guard heard nothing"
    )
    alarms = [entry.json() for entry in entries(place.ledger) if entry.kind is EntryKind.ALARM]
    told = Counter(each["id"] for each in alarms if each["sign"] == "S")
    kinds_told = {"never", "retained", "unreadable", "arguments"}
    assert told == {f"refused command:{kind}": 1 for kind in kinds_told}, "one a kind"


def test_a_retained_command_does_nothing_live_nor_after_the_device_came_back(world: World) -> None:
    publish(world, "hold", signed(world, "hold", 5), retain=True)
    place = world.place
    place.guard.until(lambda: len(world.commands()) == 1, "live, it is recorded")
    world.steward.signal(signal.SIGKILL)
    world.steward.wait()
    world.steward = place.start()
    place.guard.until(lambda: len(world.commands()) == 2, "and again")
    assert {each["kind"] for each in world.commands()} == {"retained"}
    assert not [act for act in place.guard.acts if act.kind is Kind.HOLD]


def test_with_a_clock_that_was_never_set_a_hold_passes_nothing_else_does_and_people_are_told(
    world: World, tmp_path: Path
) -> None:
    """The program's own CLOCK_REALTIME says 1970; the broker and whoever signs have the right time."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    place, shim, offset = world.place, tmp_path / "shim.so", tmp_path / "offset"
    (tmp_path / "shim.c").write_text(SHIM)
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(shim), str(tmp_path / "shim.c"), "-ldl"], check=True, timeout=60
    )
    offset.write_bytes(struct.pack("q", 86_400 * 10**9 - time.time_ns()))
    assert place.status()["clock"]["error"] == ""
    assert place.stop(world.steward) == 0
    world.steward = place.start({"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(offset)})
    place.guard.until(lambda: place.status()["mqtt"]["connected"], "connected")
    publish(world, "report", signed(world, "report", 1))
    publish(world, "hold", signed(world, "hold", 2))
    place.guard.until(lambda: any(act.kind is Kind.HOLD for act in place.guard.acts), "the guard is asked")
    place.guard.until(lambda: bool(world.commands()), "the other one is refused")
    (found,) = world.commands()
    assert (found["name"], found["kind"]) == ("report", "expiry")
    assert "this device's clock isn't set" in found["refused"]
    told = world._start(sys.executable, "-m", "jidoka.cli", "status", "--plan", str(place.plan_file))
    assert told.wait() == 0, told.text
    assert "says 1970-01-02" in told.text
    assert "it was never set" in told.text
    assert "let a time service run" in told.text


def test_the_command_line_signs_sends_and_tells_what_came_of_it(world: World) -> None:
    arguments = (
        "--key", str(world.key), "--id", "shift", "--device", "plant 1/line/7/press", "--broker", f"127.0.0.1:{world.brokers.port}",
    )  # fmt: skip
    bad = world.jidoka("send", "report", *arguments)
    assert bad.wait() == 2, bad.text
    assert "isn't SITE/LINE/DEVICE" in bad.text
    nobody = world.jidoka(
        "sign", "hold", "--key", str(world.key.with_name("no.key")), "--id", "a", "--device", "a/b/c"
    )
    assert nobody.wait() == 5, nobody.text
    again = world.jidoka("keygen", str(world.key))
    assert again.wait() == 5
    assert "is there already" in again.text
    assert world.key.stat().st_mode & 0o777 == 0o600
    made = world.jidoka(
        "sign",
        "hold",
        "--key",
        str(world.key),
        "--id",
        "shift",
        "--device",
        "a/b/c",
        "--argument",
        "reason=x",
    )
    assert made.wait() == 0, made.text
    assert set(json.loads(made.text)) == {"payload", "key", "signature"}
