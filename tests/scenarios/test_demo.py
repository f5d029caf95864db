"""The demonstration as a newcomer starts it: every stage really happens, the record holds, nothing is left running."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from jidoka.demo.broker import find_mosquitto
from jidoka.demo.story import STORY

from tests.processes import programs, wait_until
from tests.steward import independent_reader

pytestmark = pytest.mark.process
LIMIT_S = 240.0


def descendants_of(folder: Path) -> list[psutil.Process]:
    """Every process whose command line names that folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


@pytest.mark.parametrize("broker", ["mosquitto", "amqtt"])
def test_every_stage_of_the_story_happens_and_the_record_tells_the_same(broker: str) -> None:
    if broker == "mosquitto" and find_mosquitto() is None:
        pytest.skip("no mosquitto on this machine")
    with tempfile.TemporaryDirectory(prefix="jidoka-") as folder, programs(Path(folder)) as start:
        demo = start(
            sys.executable, "-m", "jidoka.cli", "demo", "--fast", "--json", "--broker", broker,
            environment={"TMPDIR": folder},
        )  # fmt: skip
        code = demo.wait(LIMIT_S)
        outcome = json.loads(demo.text)
        assert code == 0, outcome["failed"]
        assert Path(outcome["folder"]).parent == Path(folder)
        assert [stage["id"] for stage in outcome["stages"]] == [stage.id for stage in STORY]
        times = [stage["at_s"] for stage in outcome["stages"]]
        assert times == sorted(times)
        figures = {stage["id"]: stage["figures"] for stage in outcome["stages"]}
        assert figures["drift"]["feature"] == "brightness"
        assert abs(figures["drift"]["confidence_now"] - figures["drift"]["confidence_before"]) < 0.02
        assert "acknowledge" in figures["reset refused"]["reasons"]
        assert figures["sort again"]["parts"] >= 1

        wait_until(lambda: not descendants_of(Path(outcome["folder"])), "every program has ended")
        assert_the_ledger_tells_the_story(Path(outcome["folder"]) / "state" / "ledger.jdl")
        assert outcome["subscriber"]["interlock"] >= 10
        assert any(topic.startswith("alarms/") for topic in outcome["subscriber"])


def assert_the_ledger_tells_the_story(ledger: Path) -> None:
    """A reader that was written from the format's documentation alone finds the stages in the file."""
    entries = list(independent_reader.read(ledger.read_bytes()))
    transitions = [entry["body"] for entry in entries if entry["kind"] == "transition"]
    states = [transition["to"] for transition in transitions if transition["to"] != transition["from"]]
    wanted = ["FALLBACK", "RUN", "HOLD", "FALLBACK", "HOLD", "FALLBACK", "RUN", "OVERRIDE", "HOLD"]
    assert [state for state in states if state in set(wanted)][-len(wanted) :] == wanted
    assert any(transition["refused"] for transition in transitions)
    assert {"transition", "alarm", "act", "condition", "override", "decision block"} <= {
        e["kind"] for e in entries
    }
    rows = [row for entry in entries if entry["kind"] == "decision block" for row in entry["body"]["rows"]]
    numbers = [row["part"] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(rows))), (
        "each part the PLC made was judged once"
    )
    drift = next(
        entry["body"]
        for entry in entries
        if entry["kind"] == "condition" and entry["body"]["judgement"] == "on"
    )
    crossed = next(row for row in rows if row["record_ns"] == drift["evidence"]["record_ns"])
    assert crossed["part"] == drift["evidence"]["last_part"]
