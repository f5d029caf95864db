"""Alarms of the real steward over its real socket: shelves, permits, acknowledgements, and that they outlive a kill."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jidoka.steward.client import ask
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.people import read_texts
from jidoka.steward.ledger.reader import entries
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.opening import boot_id
from jidoka_bridge.errors import NotRunningError, RefusedError
from jidoka_bridge.messages import Judgement, Kind, PlcStatus
from jidoka_bridge.plan import CauseSpec, dump
from jidoka_bridge.roles import ACKNOWLEDGE_REASONS, TAKEN_BACK

from tests.processes import Program, wait_until
from tests.steward.site import DRIFT, Monitor, Site, cause, site, transition

pytestmark = pytest.mark.process
READER = Path(__file__).with_name("independent_reader.py")
WATCHED = CauseSpec(
    "R-09", "slow drift", "observe", "low", 40, "The lamp ages.", "Plan a new one.", any_of=(DRIFT,)
)


@contextlib.contextmanager
def observing(**sections: Any) -> Iterator[Site]:
    """A site with a row of the register that only observes; `rows` as the compiled register has them."""
    rows = sections.pop("rows", {})
    with site(**sections) as place:
        place.plan = replace(
            place.plan,
            causes=(WATCHED,),
            sections={**place.plan.sections, "alarms": {"rows": rows, "shelve": {}}},
        )
        place.plan_file.write_bytes(dump(place.plan))
        yield place


@pytest.fixture
def place() -> Iterator[Site]:
    with observing() as made:
        yield made


def bodies(place: Site, kind: EntryKind) -> list[dict[str, Any]]:
    return [entry.json() for entry in entries(place.ledger) if entry.kind is kind]


def told_of(place: Site, name: str, count: int) -> list[dict[str, Any]]:
    """The alarm entries of an alarm, once there are so many on the disk."""

    def found() -> list[dict[str, Any]]:
        return [body for body in bodies(place, EntryKind.ALARM) if body["id"] == name]

    place.guard.until(lambda: len(found()) >= count, f"{count} entries of {name}")
    return found()


def asked(place: Site) -> dict[str, Any]:
    return ask(place.plan.steward_socket, Kind.ASK, {"what": "alarms"})


def state_of(place: Site, name: str) -> str:
    value = asked(place)
    return next((each["state"] for each in value["alarms"] + value["withheld"] if each["id"] == name), "A")


def until(place: Site, name: str, state: str) -> None:
    place.guard.until(lambda: state_of(place, name) == state, f"{name} in {state}")


def act(place: Site, what: str, name: str, **fields: Any) -> dict[str, Any]:
    body = {"act": what, "alarm": name, "role": "operator", "person": "s2", **fields}
    return ask(place.plan.steward_socket, Kind.ALARM_ACT, body)


def acknowledge(place: Site, name: str, revision: int, **fields: Any) -> dict[str, Any]:
    body = {
        "cause": name,
        "revision": revision,
        "reason": "cause found",
        "role": "operator",
        "person": "s2",
        **fields,
    }
    return ask(place.plan.steward_socket, Kind.ACKNOWLEDGE, body)


def killed(program: Program) -> None:
    program.signal(signal.SIGKILL)
    program.wait()


def advise(**fields: Any) -> dict[str, Any]:
    return cause(id="R-05", response="advise", priority="medium", trip=False, latched=False, **fields)


def connected(place: Site) -> None:
    """The steward that was started last has taken the guard's connection."""
    place.guard.until(lambda: place.guard.channel is not None and place.guard.recorded >= 0, "connected")


def test_a_shelf_has_an_end_a_reason_and_outlives_a_kill(place: Site) -> None:
    program = place.start()
    connected(place)
    place.guard.send(Kind.CAUSE, advise())
    until(place, "R-05", "B")
    act(place, "shelve", "R-05", reason="my boss is tired of it", for_s=7200)
    [before] = asked(place)["withheld"]
    assert (before["state"], before["below"], before["withheld"]["reason"]) == ("E", "B", "other")
    killed(program)
    place.start()
    [after] = asked(place)["withheld"]
    assert after["withheld"] == before["withheld"]
    assert after["withheld"]["until"]["length_ns"] == 7200 * 10**9
    [entry] = bodies(place, EntryKind.ACT)
    assert (entry["act"], entry["cause"], entry["reason"], entry["for_s"]) == (
        "shelve",
        "R-05",
        "other",
        7200,
    )
    assert read_texts(place.ledger)[entry["commitment"]] == "my boss is tired of it"
    assert b"boss" not in place.ledger.read_bytes()
    act(place, "unshelve", "R-05")
    assert state_of(place, "R-05") == "C", "who takes it off the shelf has seen it"
    place.guard.until(lambda: len(place.guard.acts) == 0, "nothing of it is the guard's")


def test_a_trip_alarm_is_never_shelved_and_the_refusal_is_recorded(place: Site) -> None:
    place.start()
    connected(place)
    place.guard.send(Kind.CAUSE, cause())
    until(place, "R-03", "B")
    for what, name, fields, word in (
        ("shelve", "R-03", {"reason": "nuisance", "for_s": 60}, "a trip alarm can't be shelved"),
        ("shelve", "R-09", {"reason": "nuisance", "for_s": 5 * 3600}, "5 h is no time"),
        ("shelve", "R-09", {"reason": "", "for_s": 60}, "a reason is needed"),
        ("shelve", "R-09", {"reason": "nuisance", "for_s": 60, "role": "auditor"}, "may not shelve"),
        ("out of service", "R-09", {"permit": "P-1", "for_s": 60}, "may not take an alarm out of service"),
        ("out of service", "R-09", {"for_s": 60, "role": "maintenance"}, "the permit is needed"),
        ("shelve", "*", {"reason": "nuisance", "for_s": 60}, "nothing is done to all at once"),
    ):
        with pytest.raises(RefusedError, match=word):
            act(place, what, name, **fields)
    wait_until(lambda: len(bodies(place, EntryKind.REFUSAL)) == 7, "seven refusals")
    refused = bodies(place, EntryKind.REFUSAL)
    assert all(body["refused"] and body["role"] for body in refused)
    assert state_of(place, "R-03") == "B"


def test_an_observing_row_is_an_alarm_that_the_steward_acknowledges(place: Site) -> None:
    program = place.start()
    monitor = Monitor(place.plan)
    monitor.condition(Judgement.ON, 1)
    until(place, "R-09", "B")
    for wrong, word in (
        ({"revision": 7}, "revision 1 now, 7 was seen"),
        ({"revision": 1, "reason": "because"}, "isn't a reason"),
        ({"revision": 1, "role": "viewer"}, "may not acknowledge"),
    ):
        with pytest.raises(RefusedError, match=word):
            acknowledge(place, "R-09", **wrong)
    acknowledge(place, "R-09", 1, text="Anna saw it")
    killed(program)
    place.start()
    [alarm] = asked(place)["alarms"]
    assert (alarm["state"], alarm["seen"]) == (
        "C", {"role": "operator", "pseudonym": "s2", "reason": "cause found"},
    )  # fmt: skip
    assert not place.guard.acts
    with pytest.raises(RefusedError, match="by operator"):
        acknowledge(place, "R-09", 1, undo=True, role="quality")
    acknowledge(place, "R-09", 1, undo=True)
    assert state_of(place, "R-09") == "B"
    told = [body["act"] for body in bodies(place, EntryKind.ACT)]
    assert told == ["acknowledge", "unacknowledge"]


def test_a_wrong_acknowledgement_of_a_cause_is_taken_back_by_the_guard_alone(place: Site) -> None:
    place.start()
    connected(place)
    place.guard.send(Kind.CAUSE, cause(acknowledged=1))
    until(place, "R-03", "C")
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(acknowledge, place, "R-03", 1, undo=True, reason="cause removed")
        place.guard.until(lambda: len(place.guard.acts) == 1, "the act at the guard")
        told = place.guard.acts[0].json()
        assert (told["undo"], told["reason"]) == (True, TAKEN_BACK)
        assert told["reason"] not in ACKNOWLEDGE_REASONS, "a guard that doesn't know it refuses"
        place.guard.send(Kind.CAUSE, cause())
        place.guard.send(Kind.ANSWER, {"request": told["request"], "ok": True, "refused": "", "remedy": ""})
        done.result(10)
    until(place, "R-03", "B")
    assert bodies(place, EntryKind.ACT)[-1]["act"] == "unacknowledge"


def test_an_acknowledgement_from_elsewhere_marks_a_trip_alarm_and_never_reaches_the_guard(
    place: Site,
) -> None:
    place.start()
    connected(place)
    place.guard.send(Kind.CAUSE, cause())
    until(place, "R-03", "B")
    acknowledge(place, "R-03", 1, remote=True)
    [alarm] = asked(place)["alarms"]
    assert (alarm["state"], alarm["seen_remotely"]) == ("B", True)
    place.guard.pump()
    assert not place.guard.acts


def test_out_of_service_needs_maintenance_and_a_permit_and_comes_back(place: Site) -> None:
    program = place.start()
    act(
        place,
        "out of service",
        "R-09",
        role="maintenance",
        permit="P-17",
        for_s=3600,
        reason="work in progress",
    )
    killed(program)
    place.start()
    [alarm] = asked(place)["withheld"]
    assert (alarm["state"], alarm["withheld"]["permit"]) == ("G", "P-17")
    Monitor(place.plan).condition(Judgement.ON, 1)
    wait_until(lambda: asked(place)["withheld"][0]["below"] == "B", "it goes on underneath")
    with pytest.raises(RefusedError, match="it is out of service"):
        acknowledge(place, "R-09", 1)
    act(place, "back in service", "R-09", role="maintenance")
    assert state_of(place, "R-09") == "B"


def test_a_rule_of_the_register_suppresses_during_a_changeover_and_only_then() -> None:
    with observing(rows={"R-09": {"suppressed_while": ["changeover"], "off_delay_s": 0.5}}) as place:
        place.start()
        connected(place)
        running = PlcStatus(
            1 | 32, 0x5A5A, 1 << 8, 5, 0, 7, 321, 1, 90, 0x5A5A, 2, 0, PlcStatus.LINK_UP | PlcStatus.RUNNING
        )
        place.guard.send_status(replace(running, inputs=running.inputs | 64))
        until(place, "R-09", "F")
        Monitor(place.plan).condition(Judgement.ON, 1)
        wait_until(lambda: asked(place)["withheld"][0]["below"] == "B", "it goes on underneath")
        place.guard.send_status(running)
        until(place, "R-09", "B")
        told = told_of(place, "R-09", 3)
        assert [(body["was"], body["state"], body["sign"]) for body in told] == [
            ("A", "F", "log"), ("F", "F", "log"), ("F", "B", "S"),
        ]  # fmt: skip
        assert told[0]["withheld"]["reason"] == "changeover"


def test_a_record_that_cannot_be_read_comes_back_active_and_unacknowledged(place: Site) -> None:
    place.ledger.parent.mkdir(parents=True)
    ledger = Ledger(place.ledger, boot_id(), lambda *_: None, time.time_ns())
    later = {"id": "R-09", "state": "Q", "below": "Q", "class": "other", "priority": "low", "revision": 3}
    now_ns = time.monotonic_ns()
    ledger.append(EntryKind.BOOT, b"{}", now_ns, time.time_ns())
    ledger.append(EntryKind.ALARM, json.dumps(later).encode(), now_ns, time.time_ns(), urgent=True)
    ledger.close()
    place.start()
    [alarm] = asked(place)["alarms"]
    assert (alarm["id"], alarm["state"], alarm["quality"]) == ("R-09", "B", "no data")
    assert told_of(place, "R-09", 2)[-1]["sign"] == "S"


def test_nothing_is_shelved_or_acknowledged_that_cannot_be_recorded(place: Site) -> None:
    program = place.start()
    connected(place)
    Monitor(place.plan).condition(Judgement.ON, 1)
    until(place, "R-09", "B")
    pid = program.process.pid
    written = place.status()["ledger"]["bytes"]  # the file itself has room that was made ready behind them
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
    place.guard.transition(transition(1))
    until(place, "not recording", "B")
    for attempt in (
        lambda: act(place, "shelve", "R-09", reason="nuisance", for_s=60),
        lambda: acknowledge(place, "R-09", 1),
    ):
        with pytest.raises(RefusedError, match="couldn't be recorded"):
            attempt()
    assert state_of(place, "R-09") == "B"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    place.guard.until(lambda: place.guard.recorded == 1, "recording again")
    acknowledge(place, "R-09", 1)
    assert check(place.ledger).is_good


def test_a_refused_command_is_an_alarm_and_a_refused_acknowledgement_is_not(place: Site) -> None:
    place.start()
    connected(place)
    place.guard.transition(
        transition(1, event="acknowledge refused", refused=True, reasons=["an old revision"])
    )
    place.guard.transition(transition(2, event="local reset, G false", refused=True, reasons=["not ready"]))
    until(place, "refused command", "B")
    assert len(told_of(place, "refused command", 1)) == 1


def test_the_entries_are_read_by_a_reader_that_knows_only_the_document(place: Site) -> None:
    program = place.start()
    connected(place)
    place.guard.send(Kind.CAUSE, advise())
    until(place, "R-05", "B")
    act(place, "shelve", "R-05", reason="nuisance", for_s=60)
    place.stop(program)
    told = subprocess.run(
        [sys.executable, "-I", str(READER), str(place.ledger)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    read = [json.loads(line) for line in told.stdout.splitlines()]
    alarms = [entry["body"] for entry in read if entry["kind"] == "alarm"]
    assert [(body["state"], body["below"]) for body in alarms] == [("B", "B"), ("E", "B")]
    assert not [body for body in alarms if "malformed" in body]
    assert alarms[1]["withheld"]["until"]["end_wall_ns"] > 0


class Acting(threading.Thread):
    """Somebody who shelves, unshelves and acknowledges without a break, and remembers what was answered with ok."""

    def __init__(self, place: Site, seed: int) -> None:
        super().__init__(daemon=True)
        self.place, self.random = place, random.Random(seed)
        self.promised: list[tuple[str, str]] = []
        self.asking: tuple[str, str] = ("", "")
        self.is_stopping = False

    def run(self) -> None:
        revision = 0
        while not self.is_stopping:
            try:
                value = asked(self.place)
                alarm = next(
                    each
                    for each in value["alarms"] + value["withheld"] + value["normal"]
                    if each["id"] == "R-09"
                )
                revision = alarm["revision"]
                what = self.random.choice(("shelve", "unshelve", "acknowledge", "unacknowledge"))
                self.asking = (what, alarm["state"])
                if what in {"acknowledge", "unacknowledge"}:
                    acknowledge(self.place, "R-09", revision, undo=what == "unacknowledge")
                else:
                    act(self.place, what, "R-09", reason="nuisance", for_s=self.random.randrange(600, 7200))
                self.promised.append(self.asking)
            except NotRunningError:  # noqa: PERF203 - each request may be the one that is cut off
                return
            except RefusedError:
                continue


def replayed(acts: list[str]) -> str:
    """The letter of an active alarm after these acts, by the table, from B."""
    state = "B"
    moves: dict[tuple[str, str], str] = {
        ("B", "acknowledge"): "C", ("C", "unacknowledge"): "B", ("B", "shelve"): "E", ("C", "shelve"): "E", ("E", "unshelve"): "C",
    }  # fmt: skip
    for each in acts:
        state = moves.get((state, each), state)
    return state


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_a_random_moment_loses_no_acknowledgement_and_no_shelf_that_was_promised(
    place: Site, seed: int
) -> None:
    program = place.start()
    Monitor(place.plan).condition(Judgement.ON, 1)
    until(place, "R-09", "B")
    person = Acting(place, seed)
    person.start()
    goal = random.Random(seed).randrange(20, 60)
    wait_until(lambda: len(person.promised) >= goal, "acts that were promised")
    killed(program)
    person.is_stopping = True
    person.join(10)
    found = [body["act"] for body in bodies(place, EntryKind.ACT)]
    promised = [what for what, _ in person.promised]
    assert found[: len(promised)] == promised, "everything promised is in the ledger, in order"
    assert len(found) <= len(promised) + 1
    place.start()
    restored = state_of(place, "R-09")
    last = [body for body in bodies(place, EntryKind.ALARM) if body["id"] == "R-09"][-1]
    assert restored == last["state"]
    assert restored in {replayed(promised), replayed([*promised, person.asking[0]])}
