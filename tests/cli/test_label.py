"""`jidoka label` and `jidoka performance` against the real steward, held against a recomputation by hand."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.messages import Decision
from jidoka_bridge.plan import Plan, dump

from tests.processes import Program, programs
from tests.steward.site import MODEL, Monitor, decision, make_plan

pytestmark = pytest.mark.process
CLASSES = ["ok", "scratch", "pit"]
SECTION = {
    "classes": CLASSES, "good_classes": ["ok"], "temperature": 1.3, "records_per_part": 1,
    "performance": {"error_rate_at_most": 0.1, "slices": ["recipe", "position"], "shifts": [], "least_gap": 0.0},
}  # fmt: skip
RISK = {
    "id": "R-03",
    "risk": "model drift",
    "model": MODEL,
    "false_alarms": {"count": 1, "per": 1000.0, "unit": "records"},
}


class Line:
    """A steward that records what a played monitor decides."""

    def __init__(self, root: Path, start: Callable[..., Program]) -> None:
        sections = {
            "models": {MODEL: SECTION}, "steward": {"broker": None, "metrics": None}, "risks": [RISK],
            "detectors": {}, "integrity": {}, "host": None,
        }  # fmt: skip
        self.plan: Plan = dataclasses.replace(make_plan(root), sections=sections)
        self.file = root / "plan.json"
        self.file.write_bytes(dump(self.plan))
        self.start = start
        self.steward = start(sys.executable, "-m", "jidoka.steward", "--plan", str(self.file))
        self.steward.wait_for_text("listens at")

    def jidoka(self, *arguments: str) -> tuple[int, str]:
        command = self.start(sys.executable, "-m", "jidoka.cli", *arguments)
        code = command.wait()
        assert "Traceback" not in command.text, command.text
        return code, command.text

    def label(self, *arguments: str) -> tuple[int, str]:
        return self.jidoka("label", str(self.file), *arguments)

    def entries(self, kind: str) -> list[dict[str, Any]]:
        code, text = self.jidoka("ledger", "show", str(self.plan.ledger_file), "--json", "--kind", kind)
        assert code == 0
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def line() -> Iterator[Line]:
    root = Path(tempfile.mkdtemp(prefix="jdk-"))
    try:
        with programs(root) as start:
            yield Line(root, start)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def decided(line: Line, rows: list[Decision]) -> None:
    """Tell the steward, and wait until it knows them all."""
    monitor = Monitor(line.plan)
    for first in range(0, len(rows), 256):
        monitor.decide(rows[first : first + 256])
    last = json.dumps({"model": MODEL, "ns": 1, "last_part": rows[-1].part}).encode()
    from jidoka.steward.client import ask
    from jidoka_bridge.messages import Kind

    from tests.processes import wait_until

    monitor.send(Kind.SUMMARY, last)
    wait_until(
        lambda: ask(line.plan.steward_socket, Kind.ASK, {"what": "status"})["models"] != {}, "rows arrived"
    )


def now(number: int, **fields: Any) -> Decision:
    at = time.monotonic_ns() - 2_000_000_000 + number * 1000
    return decision(number, record_ns=at, judged_ns=at, **fields)


def test_a_label_is_recorded_beside_what_the_model_had_said(line: Line) -> None:
    decided(line, [now(812, top_class=1, verdict=2), now(813, top_class=0)])
    code, text = line.label("--part", "812", "--was", "ok")
    assert (code, "the model was wrong (it said scratch, reject" in text) == (0, True), text
    code, text = line.label(
        "--part", "813", "--was", "right", "--json", "--role", "quality", "--person", "q1"
    )
    told = json.loads(text)
    assert (told["part"], told["is_right"], told["said"]) == (813, True, ["ok"])
    code, text = line.label("--part", "99", "--was", "wrong")
    assert (code, "joins it from the ledger" in text) == (0, True)
    acts = line.entries("act")
    assert [each["body"]["act"] for each in acts] == ["label"] * 3
    assert acts[1]["body"]["pseudonym"] == "q1"
    assert acts[0]["body"]["labels"][0]["is_right"] is False
    code, text = line.jidoka("status", "--plan", str(line.file), "--json")
    assert json.loads(text)["labels"][MODEL] == {"labels": 3, "right": 1, "wrong": 1, "unknown": 1}
    assert (
        "label of surface by quality q1: 1 right"
        in line.jidoka("ledger", "show", str(line.plan.ledger_file))[1]
    )


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--part", "1", "--was", "dent"), 10, "use one of right, wrong, ok, scratch, pit"),
        (("--part", "1", "--was", "right", "--role", "auditor"), 10, "'auditor' may not label"),
        (("--part", "1"), 2, "--was"),
        (("--part", "0", "--was", "right"), 2, "--part"),
        (("--part", "1", "--was", "right", "--file", "x.csv"), 2, "can't go together"),
        (("--file", "/nowhere/x.csv"), 5, "can't be read"),
        (("--part", "1", "--was", "right", "--model", "ear"), 3, "Use --model with one of: surface"),
    ],
)  # fmt: skip
def test_a_label_that_is_none_is_refused_in_a_sentence(
    line: Line, arguments: tuple[str, ...], code: int, says: str
) -> None:
    found, text = line.label(*arguments)
    assert (found, says in text) == (code, True), text


def test_a_table_with_bad_lines_is_taken_as_far_as_it_goes_and_they_are_named(
    line: Line, tmp_path: Path
) -> None:
    decided(line, [now(number, top_class=number % 2) for number in range(1, 301)])
    table = tmp_path / "gauge.csv"
    rows = [f"{number},{'ok' if number % 2 == 0 else 'scratch'}" for number in range(1, 301)]
    rows[4], rows[200] = "five,ok", "201,dent"
    table.write_text("part,was\n" + "\n".join(rows) + "\n")
    code, text = line.label("--file", str(table))
    assert code == 5
    assert "298 right, 0 wrong, 0 not joined yet." in text
    assert f"{table}:6: 'five' is no number of a part" in text
    assert "2 lines of" in text


def test_a_table_without_columns_is_refused(line: Line, tmp_path: Path) -> None:
    table = tmp_path / "gauge.csv"
    for content, says in (("", "is empty"), ("a,b\n1,2\n", "part,was")):
        table.write_text(content)
        code, text = line.label("--file", str(table))
        assert (code, says in text) == (5, True), text


def test_joined_accuracy_equals_a_recomputation_by_hand(line: Line, tmp_path: Path) -> None:
    rng = random.Random(5)
    rows, truth = [], {}
    for part in range(1, 601):
        for view in range(2):
            number = 2 * part + view
            rows.append(
                now(number, part=part, position=view, top_class=rng.choice((0, 0, 0, 1, 2)), confidence=rng.random(),
                    verdict=rng.choice((0, 0, 2)), recipe=part % 2)
            )  # fmt: skip
        truth[part] = rng.choice(CLASSES)
    decided(line, rows)
    table = tmp_path / "gauge.csv"
    order = rng.sample(sorted(truth), 400)
    corrected = order[:5]
    table.write_text(
        "part,was\n" + "".join(f"{part},{truth[part]}\n" for part in order)
        + "".join(f"{part},wrong\n" for part in corrected) + "100000,right\n"
    )  # fmt: skip
    assert line.label("--file", str(table))[0] == 0
    # the steward still runs: the last rows lie in the open block
    code, text = line.jidoka("performance", str(line.file), "--json")
    assert code == 0, text
    running = json.loads(text)
    line.steward.signal(signal.SIGTERM)
    line.steward.wait()
    stopped = json.loads(line.jidoka("performance", str(line.file), "--json")[1])
    assert stopped == running

    # by hand, from what the ledger shows
    said: dict[int, set[str]] = {}
    judged: dict[int, int] = {}
    for block in line.entries("decision block"):
        for row in block["body"]["rows"]:
            said.setdefault(row["part"], set()).add(CLASSES[row["top_class"]])
            judged[row["part"]] = max(judged.get(row["part"], 0), row["judged_ns"])
    right, live, delays = {}, {}, {}
    for act in line.entries("act"):
        for each in act["body"]["labels"]:
            if each["part"] not in said:
                continue
            named = said[each["part"]]
            named = named - {"ok"} or named
            right[each["part"]] = each["was"] == "right" or each["was"] in named
            live[each["part"]] = each["is_right"]
            delays[each["part"]] = round((act["monotonic_ns"] - judged[each["part"]]) / 1e9, 3)
    measured = stopped["models"][MODEL]["measured"]
    assert live == right
    assert (measured["n"], measured["errors"]) == (400, sum(not each for each in right.values()))
    assert measured["accuracy"] == pytest.approx(sum(right.values()) / 400, abs=1e-12)
    assert measured["low"] < measured["accuracy"] < measured["high"]
    assert measured["median_delay_s"] == sorted(delays.values())[200]
    assert measured["unknown"] == 1
    assert measured["is_broken"] is True  # far more than one in ten
    estimate = stopped["models"][MODEL]["estimate"]
    assert estimate["is_estimate"] is True
    assert estimate["accuracy"] == pytest.approx(
        sum(float(each.confidence) for each in rows) / 1200, abs=1e-6
    )
    code, text = line.jidoka("performance", str(line.file))
    assert "Estimate without labels" in text
    assert "Measured: right in" in text
    assert "fair" not in text.lower()


def test_alarms_that_people_judge_false_stand_beside_the_promise(line: Line) -> None:
    decided(line, [now(number) for number in range(1, 2001)])
    line.steward.signal(signal.SIGTERM)
    line.steward.wait()
    (told,) = json.loads(line.jidoka("performance", str(line.file), "--json")[1])["budgets"]
    assert (told["risk"], told["judged_false"], told["expected_at_most"]) == ("R-03", 0, 2.0)
    assert told["is_refuted"] is False
