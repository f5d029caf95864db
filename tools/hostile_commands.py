"""Send a running device hostile commands over a real broker: nothing of it may have an effect, all of it must be recorded.

python tools/hostile_commands.py [--commands N] [--quick] [--json FILE]

Everything is real and runs: mosquitto, PLC, guard, monitor, host, steward; the machine is in RUN with both permissives. First N
messages (100 000) go through the broker, 18 ways of hostility mixed at random, no faster than the steward looks at them.
Then a flood as fast as the broker takes it, in whose midst one true hold is sent: it must stop the machine. What is
counted comes from the ledger, the PLC's output and /metrics. About 5 minutes.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import re
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

# whatever ends this program, what it started ends too
os.environ["JIDOKA_DIE_WITH_PARENT"] = "1"
# run as a file: rows come from bench/
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import paho.mqtt.client as paho
import psutil
from jidoka.demo.facts import OFF_WORDS
from jidoka.demo.piece import STATION
from jidoka.demo.rig import Rig
from jidoka.demo.site import CONFIGURATION, PARTS_PER_S, SEED, Site, make_site
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.reader import entries
from jidoka.steward.mqtt.envelope import Place
from jidoka.supervisor import Program
from paho.mqtt.enums import CallbackAPIVersion

from tools._hostile_commands import HOWS, READER, SHIFT, Sender
from tools.bench._rows import AT_LEAST, Row, bench

FULL, QUICK = 100_000, 1_500
FLOOD = 6_000
LEARN_RECORDS = 1_000
#: so many may be under way while they are sent no faster than they are looked at
AHEAD = 400
#: how much the steward may grow
GROWTH_MIB = 12.0
KEYS = """
commands:
  - {{id: shift, public_key: {shift}, may: [hold, report, label, ack-seen], role: operator}}
  - {{id: reader, public_key: {reader}, may: [report], role: operator}}
clock: assumed
"""


class Attacked(Site):
    """The demonstration's site with keys for commands, and a broker that drops nothing."""

    def programs(self, broker: str) -> list[Program]:
        found = super().programs(broker)
        with (self.folder / "mosquitto.conf").open("a") as configuration:
            configuration.write("max_queued_messages 0\nmax_inflight_messages 0\n")
        return found


def make_attacked() -> Site:
    shift, reader = (
        base64.b64encode(key.public_key().public_bytes_raw()).decode() for key in (SHIFT, READER)
    )
    return make_site(Attacked, CONFIGURATION + KEYS, PARTS_PER_S, seed=SEED, shift=shift, reader=reader)


class World:
    """A rig in RUN and who sends it commands."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        plan = rig.site.plan
        self.tree = Place(plan.site, plan.line, plan.device).tree
        self.sent: Counter[str] = Counter()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self.client.max_queued_messages_set(0)
        self.client.connect("127.0.0.1", rig.site.broker_port)
        self.client.loop_start()
        self.steward = psutil.Process(rig.supervisor.children["steward"].pid)
        metrics = plan.sections["steward"]["metrics"]
        self._url = f"http://{metrics['host']}:{metrics['port']}/metrics"

    def publish(self, name: str, message: bytes, *, is_retained: bool = False) -> None:
        self.client.publish(f"{self.tree}/cmd/{name}/request", message, 1, is_retained)

    def counted(self, metric: str) -> int:
        """Sum of one counter over its labels, as Prometheus would read it."""
        with urllib.request.urlopen(self._url, timeout=20) as answer:
            text = answer.read().decode()
        return sum(
            int(float(value))
            for value in re.findall(rf"^jidoka_{metric}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        )

    def rss_mib(self) -> float:
        return float(self.steward.memory_info().rss) / 2**20

    def await_refused(self, at_least: int, limit_s: float = 120.0) -> int:
        """Step until so many were refused; what was counted then."""
        until_s = time.monotonic() + limit_s
        while (found := self.counted("commands_refused_total")) < at_least and time.monotonic() < until_s:
            self.rig.step()
        return found

    def transitions(self) -> int:
        return len(self.rig.facts.transitions)


def attack(world: World, count: int) -> Iterator[Row]:
    """The mixed messages, no faster than they are looked at."""
    replays = []
    sender = Sender(world.tree, seed=7)
    for name in ("report", "report"):
        good = sender.good(name)
        world.publish(name, good)
        replays.append((name, good))
    world.rig.wait(lambda _: world.counted("commands_done_total") == 2, "two reports are answered")
    sender = Sender(world.tree, seed=11, replays=tuple(replays))
    before_mib, began_s = world.rss_mib(), time.monotonic()
    for number, each in enumerate(sender.attacks(count), 1):
        world.publish(each.name, each.message, is_retained=each.is_retained)
        world.sent[each.how] += 1
        if number % (AHEAD // 2) == 0:
            world.await_refused(number - AHEAD)
    # what was retained last must not be told again to whoever connects: its removal is a command, too, and refused
    world.publish("hold", b"", is_retained=True)
    world.sent["retained"] += 1
    refused = world.await_refused(world.sent.total())
    took_s = time.monotonic() - began_s
    yield Row("hostile commands sent through mosquitto", world.sent.total(), "", peer=f"{len(HOWS)} ways")
    yield Row("of them refused and counted", refused, "", world.sent.total(), AT_LEAST)
    yield Row("of them followed", world.counted("commands_done_total") - len(replays), "", 0.0)
    yield Row("looked at in a second", world.sent.total() / took_s, "1/s")
    yield Row("steward's memory grew by", world.rss_mib() - before_mib, "MiB", GROWTH_MIB)


def flood(world: World) -> Iterator[Row]:
    """As fast as the broker takes it; a true hold in the midst of it."""
    sender = Sender(world.tree, seed=13)
    forged = [(each.name, each.message) for each in sender.attacks(FLOOD) if not each.is_retained]
    hold = sender.good("hold", arguments={"reason": "smoke in hall 2"})
    before_mib, switched = world.rss_mib(), len(world.rig.facts.outputs)
    halfway = threading.Event()

    def send() -> None:
        for number, (name, message) in enumerate(forged):
            if number == len(forged) // 2:
                sent_ns.append(time.monotonic_ns())
                world.publish("hold", hold)
                halfway.set()
            world.publish(name, message)

    sent_ns: list[int] = []
    thread = threading.Thread(target=send)
    thread.start()
    halfway.wait(60.0)
    is_held = True
    try:
        world.rig.wait(
            lambda facts: any(word in OFF_WORDS for _, word, _ in facts.outputs[switched:]), "the hold", 60.0
        )
        off_ns = next(ns for ns, word, _ in world.rig.facts.outputs[switched:] if word in OFF_WORDS)
        yield Row(
            "a true hold in a flood: until the PLC's output is off",
            (off_ns - sent_ns[0]) / 1e6,
            "ms",
            peer=f"{len(forged)} forged ones at once",
        )
    except Exception as error:  # noqa: BLE001 - whatever it was, the rest is measured too
        is_held = False
        print(f"  {error}", file=sys.stderr)
    thread.join()
    yield Row("a true hold in a flood stopped the machine", int(is_held), "", 1.0, AT_LEAST)
    world.sent["flood"] += len(forged)
    refused = world.await_refused(world.sent.total())
    yield Row(
        "of the flood refused and counted",
        refused - world.sent.total() + len(forged),
        "",
        len(forged),
        AT_LEAST,
    )
    yield Row(
        "steward's memory grew by, in the flood", world.rss_mib() - before_mib, "MiB", GROWTH_MIB + 10.0
    )


def recorded(world: World, before: int) -> Iterator[Row]:
    """What the ledger says. before: its number of transitions when the attack began."""
    sent = world.sent.total()
    own, counted, sounded, effects, others = 0, 0, Counter[str](), 0, 0
    holds = 0
    for entry in entries(world.rig.site.plan.ledger_file):
        body = entry.json() if entry.kind is not Kind.DECISIONS else {}
        if entry.kind is Kind.COMMAND:
            own += body["outcome"] == "refused"
            effects += body["outcome"] == "done" and body["name"] not in {"report", "hold"}
        elif entry.kind is Kind.REFUSAL and body.get("what") == "commands":
            counted += sum(body["counts"].values())
        elif entry.kind is Kind.ALARM and str(body["id"]).startswith("refused command:"):
            sounded[body["id"]] += body["sign"] == "S"
        elif entry.kind is Kind.ACT and body.get("is_remote"):
            effects += body["act"] != "hold"
            holds += body["act"] == "hold"
        elif entry.kind is Kind.TRANSITION and body["number"] > before and body["from"] != body["to"]:
            others += body["event"] != "remote hold"
    yield Row("in the ledger: an entry of its own", own, "entries")
    yield Row("in the ledger: counted by kind, or of its own", own + counted, "", sent, AT_LEAST)
    yield Row("in the ledger: more than were sent", own + counted - sent, "", 0.0)
    yield Row("acts from elsewhere but the one hold", effects + holds - 1, "", 0.0)
    yield Row(
        "trips meanwhile that had other causes",
        others,
        "",
        peer="of a loaded machine; no command has a part in them",
    )
    peer = "what the desk refuses here; the tenth is flood, where some were turned away unread"
    yield Row("kinds of refusal, each an alarm", len(sounded), "kinds", 9.0, AT_LEAST, peer)
    yield Row("alarms a kind, at most", max(sounded.values(), default=0), "", 1.0)


def measure(count: int) -> Iterator[Row]:
    with contextlib.closing(Rig("mosquitto", piece=replace(STATION, make_site=make_attacked))) as rig:
        rig.learn(LEARN_RECORDS)
        rig.start()
        rig.reach_run()
        world = World(rig)
        before = max((int(each["number"]) for each in rig.facts.transitions), default=0)
        yield from attack(world, count)
        if rig.facts.state != "RUN":
            rig.reach_run()
        yield from flood(world)
        for _ in range(60):
            rig.step()
        world.client.disconnect()
        world.client.loop_stop()
        yield from recorded(world, before)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--commands", type=int)
    given, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    bench(__doc__ or "", lambda is_quick: measure(given.commands or (QUICK if is_quick else FULL)))
