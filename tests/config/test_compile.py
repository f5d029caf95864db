"""The compiled plan: what stands in it, and that it comes back from its file as it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.config.compile import compile_plan, compile_text
from jidoka_bridge import plan as plans
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.guard import interlock
from jidoka_bridge.link import times as link_times
from jidoka_bridge.registers import MAP_DIGEST
from jidoka_bridge.roles import ROLES

from .line import ROOT, VALID, changed

EXAMPLE = ROOT / "configs" / "visual-inspection.yaml"
MANY = (
    changed(
        (
            "    mode: enforce\n",
            "    mode: enforce\n  - id: ear\n    bundle: models/surface-inspection\n    mode: observe\n",
        ),
        ("drift(input)", "(drift(input) or drift(confidence)) and no baseline"),
    )
    + """\
  - id: R-02
    risk: nonsense
    model: ear
    when: invalid output
    response: advise
    owner: engineer
    on_delay: 1500 ms
  - id: R-03
    risk: model drift
    model: eye
    when: drift(input) or drift(all)
    false_alarms: 1 per 90 days
    response: fallback
    owner: quality
run_dir: run
state_dir: ../state
broker: {url: mqtt://aims.example, username: seven, password_file: secret}
metrics: {}
host: {model: ear, source: renderer, trigger: panel, rate: 600 per min}
"""
)


def test_a_plan_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    for plan in (compile_plan(EXAMPLE), compile_text(MANY, ROOT)):
        (tmp_path / "plan.json").write_bytes(plans.dump(plan))
        assert plans.load(tmp_path / "plan.json") == plan


def test_the_same_configuration_makes_the_same_plan_and_comments_do_not_count() -> None:
    assert compile_text(VALID, ROOT).digest == compile_text(f"# note\n\n{VALID}", ROOT).digest
    assert compile_text(VALID, ROOT).digest != compile_text(changed(("90 days", "91 days")), ROOT).digest


def test_a_changed_plan_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(
        plans.dump(compile_text(VALID, ROOT)).replace(b'"response": "hold"', b'"response": "observe"', 1)
    )
    with pytest.raises(ConfigurationError, match="was changed"):
        plans.load(path)


def test_the_causes_hold_any_of_and_all_of_of_prefixed_conditions_and_numbers_from_32() -> None:
    causes = compile_text(MANY, ROOT).causes
    assert [(each.id, each.reason) for each in causes] == [("R-01", 32), ("R-02", 33), ("R-03", 34)]
    assert causes[0].any_of == ("eye:drift(input)", "eye:drift(confidence)")
    assert causes[0].all_of == ("eye:no baseline",)
    assert causes[1].any_of == ("ear:invalid output",)
    assert causes[1].on_delay_ms == 1500
    assert [each.priority for each in causes] == ["high", "low", "medium"]
    assert all(each.text and each.remedy for each in causes)


def test_conditions_are_listed_once_in_register_order() -> None:
    plan = compile_text(MANY, ROOT)
    assert [(each.id, each.model, each.statistical, each.integrity) for each in plan.conditions] == [
        ("eye:drift(input)", "eye", True, False),
        ("eye:drift(confidence)", "eye", True, False),
        ("eye:no baseline", "eye", False, True),
        ("ear:invalid output", "ear", False, True),
        ("eye:drift(all)", "eye", True, False),
    ]
    assert {each.limit for each in plan.conditions} == {0.0}
    assert list(plan.sections["detectors"]) == ["eye:drift(input)", "eye:drift(confidence)", "eye:drift(all)"]
    assert plan.sections["detectors"]["eye:drift(all)"] == {
        "model": "eye",
        "group": "all",
        "false_alarms": {"count": 1, "per": 7_776_000.0, "unit": "s"},
        "tolerance": 0.0,
        "slowest_cycle_s": 0.0,
        "covariates": [],
        "off_records": 20,
        "off_error": 0.01,
        "min_records": 100,
    }
    assert plan.sections["integrity"] == {
        "eye:no baseline": {"model": "eye", "kind": "no baseline"},
        "ear:invalid output": {"model": "ear", "kind": "invalid output"},
    }


def test_paths_are_absolute_and_start_at_the_file() -> None:
    plan = compile_text(MANY, ROOT)
    assert plan.run_dir == str(ROOT / "run")
    assert plan.state_dir == str(ROOT.parent / "state")
    assert plan.sections["steward"] == {
        "record": {"limit_bytes": 4_000_000_000},
        "broker": {
            "host": "aims.example",
            "port": 1883,
            "username": "seven",
            "password_file": str(ROOT / "secret"),
            "keepalive_s": 30,
            "acknowledge": "aims",
        },
        "metrics": {"host": "127.0.0.1", "port": 9464},
        "commands": {},
        "clock": "kernel",
    }
    assert plan.sections["host"] == {
        "model": "ear",
        "source": "renderer",
        "trigger": str(ROOT / "panel"),
        "camera": None,
        "seed": 1,
        "rate_hz": 10.0,
        "move_to": None,
    }


def test_a_model_s_section_is_its_manifest_and_its_row() -> None:
    section = compile_plan(EXAMPLE).sections["models"]["surface-inspection"]
    folder = ROOT / "models" / "surface-inspection"
    assert section["bundle"] == str(folder)
    assert section["file"] == str(folder / "surface-inspection.onnx")
    assert section["classes"] == ["ok", "scratch", "pit", "dent"]
    assert section["inputs"] == [
        {
            "name": "image",
            "dtype": "uint8",
            "shape": ["batch", 1, 96, 96],
            "layout": "NCHW",
            "colour": "grey",
            "unit": "grey level",
            "range": [0.0, 255.0],
            "monitored": True,
            "channels": [],
            "role": "other",
        }
    ]
    assert section["outputs"][0] == {
        "name": "logits",
        "dtype": "float32",
        "shape": ["batch", 4],
        "unit": "nat",
        "role": "logits",
        "monitored": True,
        "channels": [],
        "boxes": None,
        "min_score": None,
    }
    assert (section["min_confidence"], section["every"], section["roi"], section["drives"]) == (
        0.5,
        1,
        None,
        "nothing",
    )
    assert (section["records_per_s"], section["records_per_part"]) == (10.0, 1)


def test_what_nobody_wrote_has_the_plan_s_own_defaults() -> None:
    plan = compile_text(VALID, ROOT)
    assert plan.times == plans.Times()
    assert plan.proving == plans.Proving()
    assert plan.trips == plans.Trips()
    assert (plan.ack_at, plan.reset_needs) == ("panel", "one")
    assert plan.table_digest == interlock.digest()
    sha256 = plan.sections["models"]["eye"]["sha256"]
    assert plan.models == (plans.Model("eye", "enforce", digest=sha256),)
    assert (plan.judgement_valid_h, plan.no_record, plan.ack_at, plan.reset_needs) == (
        24.0,
        "hold",
        "panel",
        "one",
    )
    assert (plan.run_dir, plan.state_dir) == ("/run/jidoka", "/var/lib/jidoka")
    assert (plan.map_digest, plan.roles, plan.people) == (MAP_DIGEST.hex(), ROLES, "role")
    assert plan.sections["steward"] == {
        "record": {"limit_bytes": 4_000_000_000},
        "broker": None,
        "metrics": None,
        "commands": {},
        "clock": "kernel",
    }
    assert plan.sections["host"] is None


@pytest.mark.parametrize(("writer", "user_id"), [
    ("", None), ("writer: root", 0), ("writer: 0", 0), ("writer: 100999", 100_999), ("writer: '4711'", 4711),
])  # fmt: skip
def test_a_models_writer_is_bound_in_the_plan_by_its_number(
    writer: str, user_id: int | None, tmp_path: Path
) -> None:
    plan = compile_text(changed(("enforce", f"enforce\n    {writer}")), ROOT)
    assert plan.models[0].user_id == user_id
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    assert plans.load(tmp_path / "plan.json") == plan


def test_a_line_that_is_faster_than_the_usual_quota_gets_twice_what_it_needs() -> None:
    model = compile_text(changed(("enforce", "enforce\n    records_per_s: 5000")), ROOT).models[0]
    assert model.records_per_s == 10_000
    # each tensor lies at a multiple of 64: the logits' 16 bytes take that much
    assert model.bytes_per_s == 10_000 * (96 * 96 + 64 + 64 * 4)


def test_without_a_plc_there_is_no_link() -> None:
    text = changed(("enforce", "none"), ("plc:\n  port: /dev/serial/by-id/plc\n", ""))
    assert compile_text(text, ROOT).link is None


@pytest.mark.parametrize(
    ("baud", "beat_ms", "hold_ms"), [(9600, 110, 470), (19200, 70, 310), (115200, 35, 175)]
)
def test_the_times_of_the_link_follow_from_the_baud_rate(baud: int, beat_ms: int, hold_ms: int) -> None:
    link = compile_text(changed(("by-id/plc", f"by-id/plc\n  baud: {baud}")), ROOT).link
    assert link is not None
    assert (link.beat_ms, link.hold_ms) == (beat_ms, hold_ms)


def test_a_slower_beat_holds_longer() -> None:
    link = compile_text(changed(("by-id/plc", "by-id/plc\n  beat: 100 ms")), ROOT).link
    assert link is not None
    assert (link.beat_ms, link.hold_ms) == (100, 430)


@settings(max_examples=40)
@given(
    baud=st.sampled_from([9600, 19200, 38400, 57600, 115200]),
    lost=st.integers(1, 5),
    answer=st.integers(1, 100),
    jitter=st.integers(1, 100),
)
def test_a_beat_always_leaves_room_for_its_answer(baud: int, lost: int, answer: int, jitter: int) -> None:
    text = changed(
        (
            "by-id/plc",
            f"by-id/plc\n  baud: {baud}\n  lost_beats: {lost}\n  plc_answer: {answer} ms\n  jitter: {jitter} ms",
        )
    )
    link = compile_text(text, ROOT).link
    assert link is not None
    assert link.beat_ms >= link.reply_timeout_ms + 29 * 11_000 / baud + 2 * link_times.gap_ms(baud)
    assert link.hold_ms >= (lost + 2) * link.beat_ms + jitter + 10
    assert link.hold_ms == link_times.needed(link, answer_ms=answer).hold_ms


def test_the_plan_is_canonical_json_without_surprises() -> None:
    body = json.loads(compile_text(MANY, ROOT).canonical())
    assert plans.parse(body) == compile_text(MANY, ROOT)
