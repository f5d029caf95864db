"""The arm's story: its table, what its claims rest on, its screen; and the whole of it, played on this machine."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from jidoka.arm.knobs import COMMISSIONED, Knobs, read_knobs
from jidoka.config.manifest import load_bundle
from jidoka.demo.arm import claims
from jidoka.demo.arm.facts import ArmFacts
from jidoka.demo.arm.hands import BIAS_RAD, DRIFT_NS, LOST_ENTRY, PAYLOAD_KG, ArmHands
from jidoka.demo.arm.panels import Canvas, draw
from jidoka.demo.arm.piece import arm_piece
from jidoka.demo.arm.story import STORY
from jidoka.demo.stage import Teller, mark
from rich.console import Console

from tests.processes import programs, wait_until
from tests.scenarios.test_demo import LIMIT_S, descendants_of
from tests.steward import independent_reader

SECOND_NS = 1_000_000_000


def cycle(part: int, mover: str = "policy", refused: int = 0, **more: Any) -> dict[str, Any]:
    """A line as the host prints it."""
    return {"ns": part * SECOND_NS, "part": part, "mover": mover, "is_whole": True, "error_mrad": 6.0,
            "residual_mrad": 5.0, "refused": refused, "why": "NaN" if refused else "", **more}  # fmt: skip


def test_the_story_has_its_troubles_in_their_order_and_proves_before_it_runs() -> None:
    ids = [stage.id for stage in STORY]
    assert len(set(ids)) == len(ids)
    assert (
        ids.index("first proving run") < ids.index("policy judged") < ids.index("run") < ids.index("payload")
    )
    assert ids.index("payload") < ids.index("proving, load still on") < ids.index("load taken off")
    assert (
        ids.index("encoder")
        < ids.index("proving, new encoder")
        < ids.index("no number")
        < ids.index("last run")
    )
    assert ids[-1] == "sort again"
    assert {stage.key for stage in STORY if stage.key} == {"r", "a", "l"}


def test_a_proving_run_counts_only_where_the_arm_moved_itself() -> None:
    facts = ArmFacts(now_ns=1, is_proving=True, output="MACHINE")
    since = mark(facts)
    for part, mover in enumerate(("policy", "program", "policy"), 1):
        facts.apply_host(cycle(part, mover))
    assert not claims.moves_itself_in_a_proving_run(facts, since)
    facts.apply_host(cycle(4, "program"))
    assert claims.moves_itself_in_a_proving_run(facts, since)
    facts.offer = "run"
    assert not claims.was_judged_good(facts, since), "the policy moved the arm meanwhile"
    assert claims.was_judged_good(facts, mark(ArmFacts(now_ns=4 * SECOND_NS)))


def test_refusals_hold_the_arm_only_where_some_were_seen_and_the_cause_is_on() -> None:
    facts = ArmFacts(now_ns=1, state="HOLD", output="WITHHOLD")
    since = mark(facts)
    facts.causes = [{"id": claims.REFUSALS, "active": True, "latched": True}]
    assert not claims.was_held_by_refusals(facts, since)
    facts.apply_host(cycle(1, refused=5))
    assert claims.was_held_by_refusals(facts, since)
    assert claims.refusal_figures(facts, since)["refused"] == 5
    facts.is_conveyor_on = True
    assert not claims.was_held_by_refusals(facts, since)


def test_hands_write_what_is_wrong_with_the_arm_and_mend_it(tmp_path: Path) -> None:
    hands = ArmHands(tmp_path / "panel", tmp_path / "arm.json", tmp_path / "steward.sock")
    facts = ArmFacts()
    assert read_knobs(tmp_path / "arm.json") == COMMISSIONED
    hands.put_payload_on()
    assert read_knobs(tmp_path / "arm.json") == Knobs(payload_kg=PAYLOAD_KG)
    hands.mend()
    hands.let_encoder_drift(1)
    seen = []
    for share in (0.0, 0.3, 0.6, 1.0, 5.0):
        hands.work(1 + int(share * DRIFT_NS), facts)
        seen.append(read_knobs(tmp_path / "arm.json").shoulder_bias_rad)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.0, BIAS_RAD)
    assert facts.knobs.shoulder_bias_rad == BIAS_RAD
    hands.mend()
    hands.work(10 * DRIFT_NS, facts)
    assert read_knobs(tmp_path / "arm.json") == facts.knobs == COMMISSIONED
    hands.lose_an_entry()
    assert read_knobs(tmp_path / "arm.json").lost_entry == LOST_ENTRY
    hands.close()


def test_the_site_states_its_rate_and_starts_the_arm_behind_its_gate() -> None:
    site = arm_piece(4.0).make_site()
    model = site.plan.sections["models"]["arm-policy"]
    assert (model["judged"], model["records_per_part"], model["records_per_s"]) == ("part", 40, 200.0)
    (host,) = [program for program in site.programs("any") if program.name == "host"]
    assert host.command[2] == "jidoka.arm"
    assert "--results" in host.command
    assert site.plan.models[0].mode == "enforce"


def test_the_screen_draws_the_arm_where_it_is() -> None:
    bent, straight = Canvas(), Canvas()
    bent.link((0.6, -1.2))
    straight.link((0.0, 0.0))
    assert bent.text().plain != straight.text().plain
    facts = ArmFacts(output="MACHINE_AND_AI", state="RUN", is_conveyor_on=True)
    facts.apply_host({"pose": [0.5, -1.0], "reference": [0.6, -1.2], "mover": "policy"})
    for part, refused in ((1, 0), (2, 5)):
        facts.apply_host(cycle(part, refused=refused))
    summary = {"ns": 1, "features": {"residual.q_shoulder": 0.004, "residual.q_elbow": 0.008, "chatter": 0.2}}
    facts.apply_status({"models": {"arm-policy": summary}})
    console = Console(file=io.StringIO(), width=124, height=38, record=True)
    console.print(draw(facts, Teller(STORY, 0), ["first line"]))
    shown = console.export_text()
    for text in ("the policy moves it", "6.0 mrad", "2 cycles, 5 refused", "RUN"):
        assert text in shown, text


@pytest.mark.process
def test_every_stage_happens_and_the_record_tells_that_no_refused_command_was_used() -> None:
    with tempfile.TemporaryDirectory(prefix="jidoka-") as folder, programs(Path(folder)) as start:
        demo = start(
            sys.executable,
            "-m",
            "jidoka.cli",
            "demo",
            "arm",
            "--fast",
            "--json",
            environment={"TMPDIR": folder},
        )
        code = demo.wait(LIMIT_S)
        outcome = json.loads(demo.text)
        assert code == 0, outcome["failed"]
        assert [stage["id"] for stage in outcome["stages"]] == [stage.id for stage in STORY]
        figures = {stage["id"]: stage["figures"] for stage in outcome["stages"]}
        assert figures["production"]["refused"] == figures["run again"]["refused"] == 0
        assert figures["payload"]["error_mrad"] > 3 * figures["production"]["error_mrad"]
        assert figures["encoder"]["error_mrad"] > 2 * figures["encoder"]["residual_mrad"]
        assert figures["no number"]["refused"] >= load_bundle("arm-policy").refusals.in_a_row
        assert "NaN" in figures["no number"]["why"]
        wait_until(lambda: not descendants_of(Path(outcome["folder"])), "every program has ended")
        assert_the_ledger_tells_it(Path(outcome["folder"]) / "state" / "ledger.jdl")


def assert_the_ledger_tells_it(ledger: Path) -> None:
    """A reader that was written from the format's documentation alone finds drift and refusals, and the way back each time."""
    entries = list(independent_reader.read(ledger.read_bytes()))
    transitions = [entry["body"] for entry in entries if entry["kind"] == "transition"]
    states = [t["to"] for t in transitions if t["to"] != t["from"] and t["to"] in {"RUN", "HOLD", "FALLBACK"}]
    wanted = [
        "FALLBACK", "RUN", "HOLD", "FALLBACK", "HOLD", "FALLBACK", "RUN", "HOLD", "FALLBACK", "RUN", "HOLD", "RUN"
    ]  # fmt: skip
    assert states[: len(wanted)] == wanted
    on = [e["body"]["id"] for e in entries if e["kind"] == "condition" and e["body"]["judgement"] == "on"]
    assert on.count("arm-policy:drift(command)") >= 3
    assert on.count("arm-policy:repeated refusals") == 1
    rows = [row for entry in entries if entry["kind"] == "decision block" for row in entry["body"]["rows"]]
    parts = {row["part"] for row in rows}
    assert len(parts) > 0.9 * max(parts), "nearly every cycle that the PLC counted was judged"
