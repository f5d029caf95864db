"""What the ledger shows of a promise becomes an alarm, by the same figures that `jidoka performance` prints."""

from __future__ import annotations

import dataclasses
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from jidoka.alarms.until import Clock
from jidoka.steward.annunciator import Annunciator, Facts
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.opening import boot_event
from jidoka.steward.own_alarms import promises
from jidoka.steward.reviewing import AGAIN_NS, FIRST_NS, LONGEST_NS, Reviewer, findings_of
from jidoka_bridge.plan import Plan

from tests.processes import wait_until
from tests.steward.site import MODEL, make_plan

SECOND = 10**9
AGREED = {"error_rate_at_most": 0.1, "slices": ["recipe"], "shifts": [], "least_gap": 0.0}
SECTION = {"classes": ["ok"], "good_classes": ["ok"], "records_per_part": 1, "performance": AGREED}
RISK = {"id": "R-03", "model": MODEL, "false_alarms": {"count": 1, "per": 1000.0, "unit": "records"}}
BUDGET, RATE, SLICES = (
    "false-alarm budget refuted:R-03",
    f"agreed error rate refuted:{MODEL}",
    f"slices differ:{MODEL}",
)


def promising(root: Path, **more: Any) -> Plan:
    sections = {"models": {MODEL: SECTION}, "risks": [RISK], "steward": {}, **more}
    return dataclasses.replace(make_plan(root), sections=sections)


def report(refuted: bool, broken: bool, word: str) -> dict[str, Any]:
    model = {"measured": {"is_broken": broken}, "slices": [{"word": "no such gap seen"}, {"word": word}]}
    return {"budgets": [{"risk": "R-03", "is_refuted": refuted}], "models": {MODEL: model}}


def has_ended(reviewer: Reviewer) -> bool:
    reviewer.turn(FIRST_NS)
    return reviewer._child is None


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ((False, False, "not enough data"), set()),
        ((True, False, "no such gap seen"), {BUDGET}),
        ((False, True, "no such gap seen"), {RATE}),
        ((False, False, "differs"), {SLICES}),
        ((True, True, "differs"), {BUDGET, RATE, SLICES}),
    ],
)
def test_each_finding_of_the_report_is_an_alarm_of_its_own(
    told: tuple[bool, bool, str], wanted: set[str]
) -> None:
    assert findings_of(report(*told)) == wanted


def test_only_what_was_promised_has_an_alarm(tmp_path: Path) -> None:
    assert promises(promising(tmp_path)) == [BUDGET, RATE, SLICES]
    assert promises(promising(tmp_path, models={MODEL: {"classes": ["ok"]}}, risks=[{"id": "R-04"}])) == []


def test_a_finding_comes_as_a_low_alarm_and_goes_with_it(tmp_path: Path) -> None:
    annunciator = Annunciator(promising(tmp_path))
    annunciator.begin(Clock(0, 0))
    good = Facts(True, True, frozenset(), frozenset({MODEL}), frozenset(), {}, {})
    assert annunciator.tick(good, Clock(SECOND, SECOND)) == []
    bad = good._replace(findings=frozenset({BUDGET}))
    (entry,) = annunciator.tick(bad, Clock(2 * SECOND, 2 * SECOND))
    assert (entry["id"], entry["priority"], entry["state"]) == (BUDGET, "low", "B")
    annunciator.tick(good, Clock(3 * SECOND, 3 * SECOND))
    annunciator.tick(good, Clock(60 * SECOND, 60 * SECOND))
    assert [each["state"] for each in annunciator.shown.listed] == ["D"]


@pytest.mark.process
def test_a_ledger_in_which_alarms_were_often_judged_false_refutes_the_budget(tmp_path: Path) -> None:
    plan = promising(tmp_path)
    plan.ledger_file.parent.mkdir(parents=True, exist_ok=True)
    reviewer = Reviewer(plan, 0)
    try:
        for hour, times in enumerate((0, 9)):
            now_ns, wall_ns = time.monotonic_ns(), time.time_ns()
            ledger = Ledger(plan.ledger_file, bytes(16), lambda *_: None, wall_ns)
            start = json.dumps(boot_event(plan.digest, "start")).encode()
            ledger.append(Kind.BOOT, start, now_ns, wall_ns)
            for _ in range(times):
                act = {"act": "acknowledge", "reason": "false alarm", "cause": "R-03"}
                ledger.append(Kind.ACT, json.dumps(act).encode(), now_ns, wall_ns)
            assert ledger.close()
            reviewer.turn(FIRST_NS + hour * AGAIN_NS)
            assert reviewer._child is not None
            wait_until(lambda: has_ended(reviewer), "the review")
            assert reviewer.findings == ({BUDGET} if times else set())
    finally:
        reviewer.close()


@pytest.mark.process
def test_a_review_that_fails_changes_nothing_and_one_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reviewer = Reviewer(promising(tmp_path), 0)
    reviewer.findings = frozenset({BUDGET})
    monkeypatch.setattr("jidoka.steward.reviewing.sys.executable", "/bin/false")
    reviewer.turn(FIRST_NS)
    wait_until(lambda: has_ended(reviewer), "the review")
    assert reviewer.findings == {BUDGET}
    assert "came to nothing: it ended with 1" in caplog.text
    endless = tmp_path / "endless"
    endless.write_text("#!/bin/sh\nexec sleep 600\n")
    endless.chmod(0o700)
    monkeypatch.setattr("jidoka.steward.reviewing.sys.executable", str(endless))
    reviewer.turn(FIRST_NS + AGAIN_NS)
    child = reviewer._child
    assert child is not None
    reviewer.turn(FIRST_NS + AGAIN_NS + LONGEST_NS)
    assert child.poll() is None
    reviewer.turn(FIRST_NS + AGAIN_NS + LONGEST_NS + 1)
    wait_until(lambda: has_ended(reviewer), "the end of the review")
    assert child.returncode == -signal.SIGKILL, "nothing is left running"
    assert "took too long" in caplog.text
    assert reviewer.findings == {BUDGET}
