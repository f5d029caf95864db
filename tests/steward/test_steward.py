"""The real steward over its real sockets, with guard and monitor played: what is recorded, promised, passed on, refused."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka.steward.client import ask
from jidoka.steward.ledger.check import check
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.ledger.people import people_path, read_texts
from jidoka.steward.ledger.reader import entries
from jidoka_bridge import messages
from jidoka_bridge.errors import RefusedError
from jidoka_bridge.messages import Judgement, Kind, PlcStatus

from tests.processes import wait_until
from tests.steward.site import DRIFT, MODEL, Monitor, Site, cause, decision, rss_mib, site, transition

pytestmark = pytest.mark.process

READER = Path(__file__).with_name("independent_reader.py")


@pytest.fixture
def place() -> Iterator[Site]:
    with site() as made:
        yield made


def bodies(place: Site, kind: EntryKind) -> list[dict[str, Any]]:
    return [entry.json() for entry in entries(place.ledger) if entry.kind is kind]


def await_entries(place: Site, kind: EntryKind, count: int) -> list[dict[str, Any]]:
    place.guard.until(lambda: len(bodies(place, kind)) >= count, f"{count} entries of kind {kind.label}")
    return bodies(place, kind)


def test_a_transition_is_confirmed_once_it_is_in_the_file_and_the_heart_beats_go_on(place: Site) -> None:
    place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "the first heart-beat")
    place.guard.transition(transition(1, "START_UP", "HOLD"))
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    assert [body["number"] for body in bodies(place, EntryKind.TRANSITION)] == [1]
    beats = place.guard.beats
    place.guard.until(lambda: place.guard.beats >= beats + 5, "more heart-beats with nothing to record")


def test_transitions_that_come_twice_are_recorded_once_and_a_gap_makes_it_connect_anew(place: Site) -> None:
    place.start()
    first, second, third = (transition(number) for number in (1, 2, 3))
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    place.guard.transition(first)
    place.guard.send(Kind.TRANSITION, first)
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    place.guard.waiting.append(second)  # as if its datagram had found no room
    place.guard.transition(third)
    place.guard.until(lambda: place.guard.recorded == 3, "both, over a new connection")
    assert place.guard.connections == 2
    assert [body["number"] for body in bodies(place, EntryKind.TRANSITION)] == [1, 2, 3]
    assert not bodies(place, EntryKind.LOSS)


def test_what_is_really_lost_is_counted(place: Site) -> None:
    place.start()
    place.guard.transition(transition(1))
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    place.guard.transition(transition(5))
    place.guard.until(lambda: place.guard.recorded == 5, "recorded all the same")
    assert [(body["what"], body["count"]) for body in bodies(place, EntryKind.LOSS)] == [("transitions", 3)]
    assert "transitions are missing" in check(place.ledger).faults[0].what


def test_a_kill_under_load_loses_nothing_that_was_recorded(place: Site) -> None:
    number, sent = 0, 0
    for _ in range(3):
        program = place.start()
        monitor = Monitor(place.plan)
        floor = place.guard.recorded
        goal = max(floor, 0) + 120

        def load() -> bool:
            nonlocal number, sent
            for _ in range(4):
                number += 1
                place.guard.transition(transition(number))
            monitor.decide([decision(sent + i) for i in range(1, 11)])  # noqa: B023
            sent += 10
            return place.guard.recorded >= goal  # noqa: B023

        place.guard.until(load, "enough was recorded")
        program.signal(signal.SIGKILL)
        program.wait()
        promised = place.guard.recorded
        found = {body["number"] for body in bodies(place, EntryKind.TRANSITION)}
        assert set(range(1, promised + 1)) <= found
        place.guard.pump()
    place.start()
    place.guard.until(lambda: place.guard.recorded == number, "the rest, sent again")
    assert [body["number"] for body in bodies(place, EntryKind.TRANSITION)] == list(range(1, number + 1))
    assert [fault for fault in check(place.ledger).faults if not fault.is_torn] == []
    assert bodies(place, EntryKind.BOOT)[-1]["previous"] == "unplanned"


def test_verdicts_gather_in_blocks_of_256_and_the_open_block_survives_a_kill(place: Site) -> None:
    program = place.start()
    monitor = Monitor(place.plan)
    monitor.decide([decision(n) for n in range(1, 201)])
    monitor.decide([decision(n) for n in range(201, 301)])
    spool = place.ledger.with_name(f"{place.ledger.name}.spool-{MODEL}")
    place.guard.until(lambda: spool.exists() and spool.stat().st_size > 44 * 60, "44 rows in the spool")
    program.signal(signal.SIGKILL)
    program.wait()
    program = place.start()
    monitor = Monitor(place.plan)
    monitor.decide([decision(n, verdict=2) for n in range(301, 513)])
    await_decisions = [EntryKind.DECISIONS]
    place.guard.until(
        lambda: sum(entry.kind in await_decisions for entry in entries(place.ledger)) == 2, "two blocks"
    )
    blocks = [
        Block.decode(entry.body) for entry in entries(place.ledger) if entry.kind is EntryKind.DECISIONS
    ]
    assert [(block.serial, len(block.rows)) for block in blocks] == [(1, 256), (2, 256)]
    assert [row.number for block in blocks for row in block.rows] == list(range(1, 513))
    assert place.stop(program) == 0
    assert check(place.ledger).is_good


def test_an_open_block_of_an_earlier_boot_is_closed_as_it_is(place: Site) -> None:
    from jidoka.steward.ledger.spool import OpenBlock, spool_path

    place.ledger.parent.mkdir()
    rows = [decision(n) for n in range(3)]
    spool_path(place.ledger, MODEL).write_bytes(OpenBlock(MODEL, 1, b"an earlier boot.", 5, rows).encode())
    spool_path(place.ledger, "gone").write_bytes(b"nonsense")
    program = place.start()
    place.stop(program)
    blocks = [
        Block.decode(entry.body) for entry in entries(place.ledger) if entry.kind is EntryKind.DECISIONS
    ]
    assert [(block.boot, len(block.rows)) for block in blocks] == [(b"an earlier boot.", 3)]
    assert [body["what"] for body in bodies(place, EntryKind.LOSS)] == ["spool"]


def test_a_reader_written_from_the_document_reads_the_same_entries(place: Site) -> None:
    program = place.start()
    monitor = Monitor(place.plan)
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    place.guard.transition(
        transition(1, reason="the lens was dirty", person={"role": "engineer", "pseudonym": "e1"})
    )
    place.guard.send(Kind.CAUSE, cause(evidence={"feature": "brightness"}))
    monitor.condition(Judgement.ON, 1, feature="brightness", onset_part=3, last_part=9)
    monitor.decide([decision(n, confidence=0.25 * n) for n in range(256)])
    await_entries(place, EntryKind.CONDITION, 1)
    place.guard.until(lambda: (place.root / "run").exists() and place.guard.recorded == 1, "recorded")
    place.stop(program)
    told = subprocess.run(
        [sys.executable, "-I", str(READER), str(place.ledger)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    read = [json.loads(line) for line in told.stdout.splitlines()]
    from jidoka.steward.ledger.story import body_as_json

    texts = read_texts(place.ledger)
    ours = [body_as_json(entry, texts) for entry in entries(place.ledger)]
    assert [entry.pop("written", None) for entry in ours].count("the lens was dirty") == 1
    assert read == ours
    assert {entry["kind"] for entry in read} >= {
        "boot",
        "transition",
        "cause",
        "alarm",
        "condition",
        "decision block",
    }


def test_an_alarm_follows_its_cause_and_every_change_is_recorded(place: Site) -> None:
    place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    steps = [
        cause(), cause(), cause(acknowledged=1, person={"role": "operator", "pseudonym": "s2"}),
        cause(active=False, acknowledged=1), cause(active=False, acknowledged=1, latched=False),
    ]  # fmt: skip
    for body in steps:
        place.guard.send(Kind.CAUSE, body)
    place.guard.send(Kind.CAUSE, cause(id="no data:surface", active=False, revision=0, latched=False))
    told = await_entries(place, EntryKind.ALARM, 4)
    assert [(body["was"], body["state"], body["sign"]) for body in told] == [
        ("A", "B", "S"), ("B", "C", "s"), ("C", "L", "s"), ("L", "A", "-"),
    ]  # fmt: skip
    assert told[1]["person"] == {"role": "operator", "pseudonym": "s2"}
    assert len(bodies(place, EntryKind.CAUSE)) == 4, "neither the repetition nor the quiet one"
    status = place.status()
    assert status["alarms"] == []
    assert {body["id"] for body in status["causes"]} == {"R-03", "no data:surface"}


def test_alarms_and_conditions_come_through_a_restart_without_being_told_twice(place: Site) -> None:
    program = place.start()
    monitor = Monitor(place.plan)
    monitor.condition(Judgement.ON, 4, onset_part=120, onset_low_part=118, onset_high_part=123, last_part=140)
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    place.guard.send(Kind.CAUSE, cause())
    await_entries(place, EntryKind.ALARM, 1)
    await_entries(place, EntryKind.CONDITION, 1)
    place.stop(program)
    place.start()
    monitor = Monitor(place.plan)
    monitor.condition(Judgement.ON, 4, onset_part=120)
    connections = place.guard.connections
    place.guard.until(lambda: place.guard.connections > connections, "connected again")
    place.guard.send(Kind.CAUSE, cause())
    place.guard.transition(transition(1))
    monitor.send(Kind.SUMMARY, {"model": MODEL, "ns": 1, "records": 9, "last_part": 144})
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    wait_until(lambda: bool(place.status()["models"]), "the summary")
    assert len(bodies(place, EntryKind.ALARM)) == 1
    assert len(bodies(place, EntryKind.CONDITION)) == 1
    status = place.status()
    assert [(alarm["id"], alarm["state"]) for alarm in status["alarms"]] == [("R-03", "B")]
    [again] = status["sort_again"]
    assert (again["first_part"], again["last_part"], again["interval"], again["parts"]) == (
        120,
        144,
        [118, 123],
        25,
    )
    assert ask(place.plan.steward_socket, Kind.ASK, {"what": "sort again"}) == {"sort_again": [again]}
    assert ask(place.plan.steward_socket, Kind.ASK, {"what": "alarms"})["alarms"] == status["alarms"]


def test_an_act_goes_to_the_guard_and_its_answer_to_whoever_asked(place: Site) -> None:
    place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    from concurrent.futures import ThreadPoolExecutor

    body = {
        "cause": "R-03",
        "revision": 2,
        "reason": "cause found",
        "text": "Anna wiped the lens",
        "role": "operator",
        "person": "s2",
    }
    with ThreadPoolExecutor(1) as pool:
        granted = pool.submit(ask, place.plan.steward_socket, Kind.ACKNOWLEDGE, body)
        place.guard.until(lambda: len(place.guard.acts) == 1, "the act at the guard")
        asked = place.guard.acts[0].json()
        assert "text" not in asked, "what somebody wrote freely stays with the steward"
        assert (asked["cause"], asked["revision"], asked["reason"]) == ("R-03", 2, "cause found")
        place.guard.send(
            Kind.ANSWER,
            {"request": asked["request"], "ok": True, "refused": "", "remedy": "", "value": {"n": 1}},
        )
        assert granted.result(10) == {"n": 1}
        refused = pool.submit(
            ask,
            place.plan.steward_socket,
            Kind.UNLOCK,
            {"reason": "my boss said so", "role": "viewer", "person": "v"},
        )
        place.guard.until(lambda: len(place.guard.acts) == 2, "the second act")
        request = place.guard.acts[1].json()["request"]
        place.guard.send(
            Kind.ANSWER,
            {"request": request, "ok": False, "refused": "the role viewer may not unlock", "remedy": "Ask."},
        )
        with pytest.raises(RefusedError, match="may not unlock"):
            refused.result(10)
    [act] = await_entries(place, EntryKind.ACT, 1)
    assert (act["act"], act["pseudonym"], act["reason"]) == ("acknowledge", "s2", "cause found")
    refusal = await_entries(place, EntryKind.REFUSAL, 1)[-1]
    assert (refusal["what"], refusal["reason"], refusal["role"]) == ("unlock", "other", "viewer")
    assert b"Anna" not in place.ledger.read_bytes()
    assert b"boss" not in place.ledger.read_bytes()
    assert read_texts(place.ledger)[act["commitment"]] == "Anna wiped the lens"
    assert people_path(place.ledger).stat().st_mode & 0o777 == 0o600


def test_the_words_of_a_hold_stand_nowhere_in_the_ledger_but_in_what_can_be_erased(place: Site) -> None:
    place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    evidence = {"reason": "Anna is in the cell", "role": "operator", "pseudonym": "s2"}
    place.guard.send(Kind.CAUSE, cause(False, id="local hold", evidence=evidence))
    held = {"event": "local hold", "reason": evidence["reason"], "cause": "local hold"}
    place.guard.transition({**transition(1, "RUN", "HOLD"), **held})
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    [told] = await_entries(place, EntryKind.CAUSE, 1)
    assert told["evidence"] == {**evidence, "reason": "other"}
    assert await_entries(place, EntryKind.ALARM, 1)[0]["evidence"]["reason"] == "other"
    assert b"Anna" not in place.ledger.read_bytes()
    [entry] = bodies(place, EntryKind.TRANSITION)
    assert read_texts(place.ledger)[entry["commitment"]] == "Anna is in the cell"


def test_the_reason_of_a_reset_is_the_guards_own_and_no_free_text(place: Site) -> None:
    place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    place.guard.transition({**transition(1, "HOLD", "RUN"), "reason": "button"})
    place.guard.until(lambda: place.guard.recorded == 1, "recorded")
    [entry] = bodies(place, EntryKind.TRANSITION)
    assert entry["reason"] == "button"
    assert "commitment" not in entry


def test_an_act_without_a_guard_is_refused_in_time_and_recorded(place: Site) -> None:
    place.guard.close()
    place.start()
    with pytest.raises(RefusedError, match="the guard isn't running"):
        ask(place.plan.steward_socket, Kind.HOLD, {"reason": "", "role": "operator", "person": "s2"})
    wait_until(lambda: bodies(place, EntryKind.REFUSAL)[-1:] != [], "the refusal in the ledger")
    assert bodies(place, EntryKind.REFUSAL)[-1]["what"] == "hold"


def test_a_ledger_that_cannot_be_written_stops_the_heart_beats_and_says_why(place: Site) -> None:
    program = place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    pid = program.process.pid
    written = place.status()["ledger"]["bytes"]  # the file itself has room that was made ready behind them
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (written, resource.RLIM_INFINITY))
    place.guard.transition(transition(1))
    wait_until(lambda: "File too large" in place.status()["ledger"]["error"], "the reason in the status")
    place.guard.pump()
    beats = place.guard.beats
    status = place.status()
    assert not status["ledger"]["is_recording"]
    assert "file size limit" in status["ledger"]["remedy"]
    with pytest.raises(RefusedError, match=r"couldn't be recorded.*File too large"):
        ask(place.plan.steward_socket, Kind.ACKNOWLEDGE, {"cause": "R-03", "revision": 1, "role": "operator"})
    place.guard.pump()
    assert (place.guard.recorded, place.guard.beats) == (0, beats), "no promise, no heart-beat"
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    place.guard.until(lambda: place.guard.recorded == 1, "recording goes on by itself")
    assert check(place.ledger).is_good
    assert place.status()["ledger"]["error"] == ""


def test_messages_that_are_wrong_are_recorded_once_a_connection_and_cost_nothing_else(place: Site) -> None:
    place.start()
    monitor = Monitor(place.plan)
    monitor.channel.send(b"nonsense")
    for kind, body in (
        (Kind.CONDITION, b"short"), (Kind.SUMMARY, b"[]"), (Kind.SUMMARY, {"model": "unknown"}), (Kind.LEASE, b""),
        (Kind.DECISIONS, messages.pack_decisions(9, 0, [decision(1)])), (Kind.COUNTERS, {"values": {"999": "x"}}),
    ):  # fmt: skip
        monitor.send(kind, body)
    monitor.condition(Judgement.OFF, 1)
    assert await_entries(place, EntryKind.CONDITION, 1)[0]["id"] == DRIFT
    assert len([body for body in bodies(place, EntryKind.REFUSAL) if body["what"] == "message"]) == 1


def test_events_are_recorded_as_what_they_are(place: Site) -> None:
    place.start()
    monitor = Monitor(place.plan)
    for kind in ("baseline", "config", "loss", "refusal", "absence", "clock step", "new thing"):
        monitor.send(Kind.EVENT, {"kind": kind, "text": f"a {kind}", "more": 1})
    refusals = await_entries(place, EntryKind.REFUSAL, 2)
    assert refusals[0]["refused"] == "a refusal"
    assert refusals[1]["text"] == "a new thing"
    for kind in (EntryKind.BASELINE, EntryKind.LOSS, EntryKind.ABSENCE, EntryKind.CLOCK_STEP):
        body = bodies(place, kind)[-1]
        assert (body["more"], "malformed" in body) == (1, False)


def test_a_sketch_is_an_entry_and_one_of_a_model_that_nobody_knows_is_refused(place: Site) -> None:
    place.start()
    monitor = Monitor(place.plan)
    told = {"feature": "brightness", "kll": "AgEPAQ==", "records": 100, "recipe": 7, "from_ns": 1, "to_ns": 2}
    monitor.send(Kind.SKETCH, {"model": "unknown", **told})
    monitor.send(Kind.SKETCH, {"model": MODEL, **told})
    body = await_entries(place, EntryKind.SKETCH, 1)[0]
    assert {name: body[name] for name in ("model", *told)} == {"model": MODEL, **told}
    assert "malformed" not in body
    assert [each["what"] for each in bodies(place, EntryKind.REFUSAL)] == ["message"]


def test_an_override_has_entries_of_its_own(place: Site) -> None:
    place.start()
    moves = [("HOLD", "OVERRIDE", "override key on"), ("OVERRIDE", "OVERRIDE", "override repeat"),
             ("OVERRIDE", "OVERRIDE", "reset refused"), ("OVERRIDE", "HOLD", "override key off")]  # fmt: skip
    for number, (was, now, event) in enumerate(moves, 1):
        place.guard.transition(transition(number, was, now, event=event))
    told = await_entries(place, EntryKind.OVERRIDE, 3)
    assert [body["act"] for body in told] == ["start", "repeat", "end"]


def test_the_status_tells_the_interlock_what_is_missing_and_who_is_here(place: Site) -> None:
    place.start()
    assert not place.status()["programs"]["monitor"]
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    place.guard.transition(transition(1, "RUN", "HOLD", first_out="R-03", text="The model drifts."))
    place.guard.send(Kind.MODE, {"missing": ["R-03 isn't acknowledged"], "offer": "none", "state": "HOLD"})
    place.guard.send_status(
        PlcStatus(
            1 | 32, 0x5A5A, 1 << 8, 5, 0, 7, 321, 1, 90, 0x5A5A, 2, 0, PlcStatus.LINK_UP | PlcStatus.RUNNING
        )
    )
    monitor = Monitor(place.plan)
    monitor.send(Kind.SUMMARY, {"model": MODEL, "ns": 5, "records": 3})
    host = Monitor(place.plan)
    host.send(Kind.COUNTERS, {"program": "host", "labels": {"model": MODEL}, "values": {"60": 12}})
    wait_until(lambda: all(place.status()["programs"].values()), "everybody is here")
    interlock = place.status()["interlock"]
    assert (interlock["state"], interlock["known"], interlock["first_out"], interlock["m"]) == (
        "HOLD",
        True,
        "R-03",
        False,
    )
    assert interlock["plc"]["inputs"] == ["KEY_AUTO", "RUNNING"]
    assert (interlock["plc"]["state"], interlock["plc"]["part_count"]) == ("IDLE", 321)
    assert place.status()["missing"] == ["R-03 isn't acknowledged"]
    monitor.channel.close()
    wait_until(lambda: not place.status()["programs"]["monitor"], "the monitor is away")


def test_connections_that_come_and_go_leave_it_serving(place: Site) -> None:
    place.start()
    for round_ in range(12):
        peers = [Monitor(place.plan) for _ in range(3)]
        place.guard.until(lambda: place.guard.channel is not None, "the guard's connection")
        assert place.guard.channel is not None
        place.guard.channel.close()
        place.guard.channel = None
        for peer in peers[: round_ % 4]:
            peer.channel.close()
        assert place.status()["ledger"]["is_recording"]
        for peer in peers:
            peer.channel.close()
    place.guard.transition(transition(1))
    place.guard.until(lambda: place.guard.recorded == 1, "recorded after all that")
    assert {body["what"] for body in bodies(place, EntryKind.ABSENCE)} == {"guard"}


def test_an_unknown_question_is_refused(place: Site) -> None:
    place.start()
    with pytest.raises(RefusedError, match="nobody knows 'weather'"):
        ask(place.plan.steward_socket, Kind.ASK, {"what": "weather"})


def test_counters_of_all_programs_are_served_to_prometheus() -> None:
    with site(metrics={"host": "127.0.0.1", "port": 0}) as place:
        place.start()
        monitor = Monitor(place.plan)
        monitor.send(
            Kind.COUNTERS,
            {"program": "monitor", "labels": {"model": MODEL}, "values": {"1": 42, "7": -1.5, "9": 3}},
        )
        monitor.send(Kind.COUNTERS, {"program": "monitor", "labels": {"model": "else"}, "values": {"1": 13}})
        metrics = place.status()["metrics"]

        def text() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{metrics['port']}/metrics", timeout=5) as answer:
                return answer.read().decode()

        wait_until(lambda: 'jidoka_records_total{model="surface"} 42.0' in text(), "the counter")
        wait_until(lambda: "jidoka_ledger_entries_total" in text(), "the steward's own")
        assert 'jidoka_drift_log_statistic{model="surface"} -1.5' in text()
        assert '"else"' not in text(), "only models of the plan make a label"


def test_a_planned_stop_is_recorded_and_said_to_the_guard(place: Site) -> None:
    program = place.start()
    place.guard.until(lambda: place.guard.recorded == 0, "connected")
    assert place.stop(program) == 0
    place.guard.pump()
    assert place.guard.byes == 1
    assert not place.plan.steward_socket.exists()
    place.start()
    boots = await_entries(place, EntryKind.BOOT, 3)
    assert [boot["event"] for boot in boots] == ["start", "stop", "start"]
    assert boots[-1]["previous"] == "planned"
    assert len(bodies(place, EntryKind.CONFIG)) == 1, "the plan is the same"


def test_a_second_steward_and_a_damaged_ledger_end_with_their_codes(place: Site) -> None:
    program = place.start()
    second = place._start(sys.executable, "-m", "jidoka.steward", "--plan", str(place.plan_file))
    assert second.wait() == 10
    assert "another program writes this ledger" in second.text
    place.stop(program)
    data = bytearray(place.ledger.read_bytes())
    data[60] ^= 1
    place.ledger.write_bytes(data)
    third = place._start(sys.executable, "-m", "jidoka.steward", "--plan", str(place.plan_file))
    assert third.wait() == 9
    assert "byte 40, entry 0: damaged" in third.text
    assert "Traceback" not in third.text


def test_the_steward_is_small_and_knows_no_numpy(place: Site) -> None:
    program = place.start()
    assert rss_mib(program.process.pid) < 90
    maps = Path(f"/proc/{program.process.pid}/maps").read_text()
    assert "numpy" not in maps
    assert "numba" not in maps


def test_the_socket_is_where_the_plan_says(place: Site) -> None:
    place.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(str(place.plan.steward_socket))


def test_a_full_disk_is_noticed_before_anything_needs_it(place: Site) -> None:
    """In a mount namespace of its own, on a disk of 3 MiB; needs the right to make one."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no mount namespaces to tests")
    state = place.ledger.parent
    state.mkdir()
    program = place._start(
        "unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=3m none {state} && exec "$@"', "sh",
        sys.executable, "-m", "jidoka.steward", "--plan", str(place.plan_file),
    )  # fmt: skip
    program.wait_for_text("listens at")
    inside = Path(f"/proc/{program.process.pid}/root{state}")
    place.guard.until(lambda: place.guard.recorded == 0, "recording")

    (inside / "filler").write_bytes(bytes(5 << 19))
    wait_until(lambda: "No space" in place.status()["ledger"]["error"], "a disk that is nearly full")
    place.guard.pump()
    beats = place.guard.beats
    wait_until(lambda: not place.status()["ledger"]["is_recording"], "not recording")
    place.guard.pump()
    assert place.guard.beats == beats, "no heart-beat"
    (inside / "filler").unlink()
    place.guard.until(lambda: place.guard.beats > beats, "recording again")
