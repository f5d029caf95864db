"""Thousands of hostile commands through mosquitto into a running steward: none has an effect, each is counted, a hold passes."""

from __future__ import annotations

import re
import urllib.request
from collections import Counter
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.reader import entries
from jidoka_bridge.messages import Kind
from paho.mqtt.enums import CallbackAPIVersion

from tests.processes import programs, wait_until
from tests.steward.site import free_port, rss_mib, site
from tests.steward.test_mqtt import TREE, listens
from tools._hostile_commands import READER, SHIFT, Sender

pytestmark = pytest.mark.process

COUNT = 1_500
KEYS = {
    "shift": {
        "public": SHIFT.public_key().public_bytes_raw().hex(), "may": ["hold", "report"], "role": "operator",
    },
    "reader": {
        "public": READER.public_key().public_bytes_raw().hex(), "may": ["report"], "role": "operator",
    },
}  # fmt: skip


def test_a_flood_has_no_effect_each_is_counted_and_a_hold_gets_through(tmp_path: Path) -> None:
    with programs(tmp_path) as start:
        port = free_port()
        configuration = tmp_path / "mosquitto.conf"
        configuration.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
        )
        start("/usr/sbin/mosquitto", "-c", str(configuration))
        wait_until(lambda: listens(port), "mosquitto listens")
        broker = {"host": "127.0.0.1", "port": port, "acknowledge": "puback"}
        metrics = {"host": "127.0.0.1", "port": 0}
        with site(broker=broker, commands=KEYS, clock="assumed", metrics=metrics) as place:
            steward = place.start()
            place.guard.until(lambda: place.status()["mqtt"]["connected"], "connected")
            url = f"http://127.0.0.1:{place.status()['metrics']['port']}/metrics"
            before_mib = rss_mib(steward.process.pid)
            sender = Sender(TREE, 5)
            client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
            client.connect("127.0.0.1", port)
            client.loop_start()
            guard = place.guard

            def counted_as(name: str) -> int:
                guard.pump()
                with urllib.request.urlopen(url, timeout=10) as answer:
                    text = answer.read().decode()
                found = re.findall(rf"^jidoka_commands_{name}_total\S* (\S+)$", text, re.MULTILINE)
                return sum(int(float(each)) for each in found)

            def is_listening() -> bool:
                """A connection that stands has not subscribed yet: one report after the other, until one is answered."""
                client.publish(f"{TREE}/cmd/report/request", sender.good("report"), 1)
                return counted_as("done") > 0

            guard.until(is_listening, "a report is answered", 30.0)
            hold = sender.good(arguments={"reason": "smoke"})
            for number, each in enumerate(sender.attacks(COUNT)):
                client.publish(f"{TREE}/cmd/{each.name}/request", each.message, 1, each.is_retained)
                if number == COUNT // 2:
                    client.publish(f"{TREE}/cmd/hold/request", hold, 1)
            guard.until(lambda: any(act.kind is Kind.HOLD for act in guard.acts), "the true hold", 30.0)
            asked = next(act.json() for act in guard.acts if act.kind is Kind.HOLD)
            guard.send(
                Kind.ANSWER,
                {"request": asked["request"], "ok": True, "refused": "", "remedy": "", "value": {}},
            )
            guard.until(lambda: counted_as("refused") == COUNT, "each is counted", 60.0)
            client.disconnect()
            client.loop_stop()
            growth_mib = rss_mib(steward.process.pid) - before_mib
            place.stop(steward)
            assert {act.kind for act in guard.acts} <= {Kind.HOLD, Kind.RECORDED, Kind.BYE}
            assert sum(act.kind is Kind.HOLD for act in guard.acts) == 1
            own, counted, outcomes, sounded = 0, 0, Counter[str](), Counter[str]()
            for entry in entries(place.ledger):
                if entry.kind is EntryKind.COMMAND:
                    body = entry.json()
                    outcomes[body["name"]] += body["outcome"] == "done"
                    own += body["outcome"] == "refused"
                elif entry.kind is EntryKind.REFUSAL and entry.json()["what"] == "commands":
                    counted += sum(entry.json()["counts"].values())
                elif entry.kind is EntryKind.ALARM:
                    sounded[entry.json()["id"]] += entry.json()["sign"] == "S"
            assert own + counted == COUNT
            assert outcomes["hold"] == 1
            assert {name for name, done in outcomes.items() if done} == {"hold", "report"}
            assert {each.partition(":")[2] for each in sounded} >= {
                "size", "retained", "unreadable", "key", "never", "signature", "target", "expiry",
            }  # fmt: skip
            assert max(sounded.values()) == 1, "one alarm a kind"
            assert growth_mib < 25.0
