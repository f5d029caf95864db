"""What a device tells through mosquitto and amqtt, as mosquitto_sub and Node's mqtt read it: all of it, alike, and valid."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jidoka.steward.ledger.reader import entries
from jidoka.steward.mqtt.topics import ENTRIES, LIVE
from jidoka_bridge.messages import Judgement, Kind

from tests.interop.conftest import GIVEN
from tests.processes import Program, programs, wait_until
from tests.steward.schemas import validate
from tests.steward.site import MODEL, Monitor, Site, cause, free_port, site, transition
from tests.steward.test_mqtt import TREE, Brokers, listens

pytestmark = pytest.mark.process

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


class Letter(NamedTuple):
    """A message as a reader printed it. more: what only MQTT 5 carries."""

    topic: str
    payload: str
    more: dict[str, Any]


class Told(NamedTuple):
    """Where a broker listens and which protocol it speaks."""

    port: int
    version: int


def start_mosquitto(folder: Path, start: Any) -> Told:
    brokers = Brokers(folder, start)
    brokers.start()
    return Told(brokers.port, 5)


def start_amqtt(_: Path, start: Any) -> Told:
    port = free_port()
    start(sys.executable, "-m", "jidoka.demo.amqtt_broker", str(port))
    wait_until(lambda: listens(port), "amqtt listens")
    return Told(port, 4)


def start_mosquitto_sub(told: Told, _: Path, start: Any) -> Program:
    version = "mqttv5" if told.version == 5 else "mqttv311"
    program: Program = start(
        "stdbuf", "-oL", "mosquitto_sub", "-p", str(told.port), "-V", version, "-t", "aims/v1/#", "-q", "1", "-d", "-F", "%t %p"
    )  # fmt: skip
    program.wait_for_text("Subscribed")
    return program


def start_node(told: Told, folder: Path, start: Any) -> Program:
    script = GIVEN / "subscribe.mjs"
    program: Program = start("sh", "-c", f'cd "{folder}" && exec node "{script}" {told.port} {told.version}')
    program.wait_for_text("subscribed")
    return program


def letters_of_mosquitto_sub(program: Program) -> list[Letter]:
    found = re.findall(r"^(aims/v1/\S+) (\{.*\})$", whole_lines(program), re.MULTILINE)
    return [Letter(topic, payload, {}) for topic, payload in found]


def letters_of_node(program: Program) -> list[Letter]:
    lines = [json.loads(line) for line in whole_lines(program).splitlines() if line.startswith("{")]
    return [Letter(each["topic"], each["payload"], each) for each in lines]


def whole_lines(program: Program) -> str:
    return program.text[: program.text.rfind("\n") + 1]


def play(place: Site, monitor: Monitor) -> None:
    """One message of most types."""
    place.guard.transition(transition(1, "RUN", "OVERRIDE", event="override key on"))
    place.guard.transition(transition(2, "OVERRIDE", "HOLD", refused=True))
    place.guard.send(Kind.CAUSE, cause(id="no data:surface"))
    monitor.condition(Judgement.ON, 1, onset_part=4)
    monitor.send(
        Kind.SUMMARY, {"model": MODEL, "ns": 5, "records": 3, "rate_hz": 10.0, "application": {"tap": "1"}}
    )
    monitor.send(
        Kind.SKETCH,
        {"model": MODEL, "feature": "brightness", "kll": "AAAA", "records": 5, "recipe": 1, "position": 0},
    )
    monitor.send(Kind.EVENT, {"kind": "loss", "text": "3 records", "count": 3, "unit": "records"})


@pytest.mark.parametrize("start_broker", [start_mosquitto, start_amqtt], ids=["mosquitto", "amqtt"])
def test_every_message_reaches_both_readers_alike_and_is_valid(
    start_broker: Callable[[Path, Any], Told], tmp_path: Path, node: Path
) -> None:
    with programs(tmp_path) as start:
        told = start_broker(tmp_path, start)
        settings = {"host": "127.0.0.1", "port": told.port, "acknowledge": "puback"}
        with site(broker=settings) as place:
            mosquitto_sub = start_mosquitto_sub(told, node, start)
            subscriber = start_node(told, node, start)
            place.start()
            monitor = Monitor(place.plan)
            place.guard.until(lambda: place.guard.recorded == 0, "connected")
            play(place, monitor)
            read: tuple[tuple[Program, Callable[[Program], list[Letter]]], ...] = (
                (mosquitto_sub, letters_of_mosquitto_sub), (subscriber, letters_of_node),
            )  # fmt: skip

            def has_all() -> bool:
                place.guard.pump()
                wanted = numbers_of(place)
                return all(is_all_there(program, letters, wanted) for program, letters in read)

            wait_until(has_all, "every entry, the inventory and the live values at both readers", 40.0)
            assert place.status()["mqtt"]["protocol"] == ("MQTT 5" if told.version == 5 else "MQTT 3.1.1")
            by_reader = [letters(program) for program, letters in read]
    for letters_read in by_reader:
        for letter in letters_read:
            event = validate(letter.payload.encode())
            assert letter.topic.startswith(TREE)
            if told.version == 5 and letter.more:
                assert letter.more["contentType"] == CONTENT_TYPE
                assert letter.more["userProperties"]["lane"] == event["lane"]
    stored = [
        {(each.topic, each.payload) for each in letters if '"seq":' in each.payload} for letters in by_reader
    ]
    assert stored[0] == stored[1], "the same bytes"


def numbers_of(place: Site) -> dict[str, list[int]]:
    """Lane → numbers of what must have been told."""
    found: dict[str, list[int]] = {}
    for entry in entries(place.ledger):
        if entry.kind in ENTRIES:
            found.setdefault(entry.lane.label, []).append(entry.lane_number)
    return found


def is_all_there(
    program: Program, letters: Callable[[Program], list[Letter]], wanted: dict[str, list[int]]
) -> bool:
    pump(program)
    events = [json.loads(letter.payload) for letter in letters(program)]
    types = {event["type"] for event in events}
    if not {"jidoka.inventory.v1", "jidoka.sketch.v1", *(row.event_type for row in LIVE.values())} <= types:
        return False
    return all(
        set(numbers) <= {event["seq"] for event in events if event["lane"] == lane}
        for lane, numbers in wanted.items()
    )


def pump(program: Program) -> None:
    """Read what a program has printed by now."""
    import os
    import select

    stdout = program.process.stdout
    assert stdout is not None
    while select.select([stdout], [], [], 0)[0] and (chunk := os.read(stdout.fileno(), 65536)):
        program.output += chunk


def test_the_asyncapi_document_is_valid_by_its_own_parser(tmp_path: Path, node: Path) -> None:
    document = GIVEN.parents[2] / "docs" / "telemetry" / "asyncapi.json"
    with programs(tmp_path) as start:
        script = GIVEN / "asyncapi.mjs"
        program = start("sh", "-c", f'cd "{node}" && exec node "{script}" "{document}"')
        assert program.wait(90.0) == 0, program.text
    told = json.loads(program.text)
    severe = [each for each in told["diagnostics"] if each["severity"] < 2]
    assert severe == [], "neither errors nor warnings"
    assert told["version"] == "3.0.0"
    types = {path.stem for path in (document.parent / "schemas").glob("*.json")}
    assert types <= set(told["messages"])
    assert any(address.endswith("/risks/{id}") for address in told["channels"])
    assert set(told["operations"]) == {"send", "receive"}


def test_a_document_that_is_wrong_is_noticed(tmp_path: Path, node: Path) -> None:
    document = json.loads((GIVEN.parents[2] / "docs" / "telemetry" / "asyncapi.json").read_text())
    document["operations"]["send_interlock"]["channel"] = {"$ref": "#/channels/none"}
    del document["info"]["title"]
    for channel in document["channels"].values():
        channel["messages"] = {}
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    with programs(tmp_path) as start:
        script = GIVEN / "asyncapi.mjs"
        program = start("sh", "-c", f'cd "{node}" && exec node "{script}" "{tmp_path / "wrong.json"}"')
        assert program.wait(90.0) == 0, program.text
    assert [each for each in json.loads(program.text)["diagnostics"] if each["severity"] == 0]
