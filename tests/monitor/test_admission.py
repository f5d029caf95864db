"""Who may write a model's records, and what an application that connects is told, in plain words."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from jidoka.monitor.admission import Admission, admit, read_hello, wanted_of
from jidoka.monitor.verdicts import REASONS
from jidoka.monitor.welcome import welcome_of
from jidoka_bridge.plan import Model, Plan
from jidoka_bridge.refusals import REFUSALS
from jidoka_tap import terms, wire

from tests.monitor import line

PLAN = line.plan(Path("/nowhere"))


def answer(plan: Plan = PLAN, user_id: int = 1000, written: tuple[str, ...] = (), **hello: Any) -> Admission:
    return admit(plan, {**line.HELLO, **hello}, user_id, written)


def welcome(
    mode: str = "none", section: dict[str, Any] | None = None, is_judging: bool = True, **hello: Any
) -> Any:
    return welcome_of(
        Model(line.MODEL, mode),
        {**line.SECTION, **(section or {})},
        {**line.HELLO, **hello},
        is_judging=is_judging,
    )


def several(*names: str, **digests: str) -> Plan:
    """A plan of these models, all the same but for their files."""
    sections = copy.deepcopy(PLAN.sections)
    sections["models"] = {name: {**line.SECTION, "sha256": digests.get(name, line.SHA256)} for name in names}
    return dataclasses.replace(PLAN, sections=sections, models=tuple(Model(name, "none") for name in names))


def test_the_model_of_the_plan_is_admitted_by_its_name() -> None:
    assert answer() == Admission(line.MODEL)


def test_a_model_without_a_name_is_found_by_the_digest_of_its_file() -> None:
    plan = several("left", "right", right="cd" * 32)
    assert answer(plan, model="", sha256="cd" * 32) == Admission("right")
    assert answer(plan, model="", sha256=line.SHA256) == Admission("left")


def test_a_file_of_two_models_is_not_guessed() -> None:
    refused = answer(several("left", "right"), model="", sha256=line.SHA256)
    assert refused.reason == "unknown model"
    assert "left and right" in refused.remedy
    assert "watch(session, model=" in refused.remedy


@pytest.mark.parametrize("hello", [
    {"model": "other"}, {"model": ""}, {"model": None}, {"model": ["inspection"]}, {"model": "", "sha256": "ef" * 32},
    {"model": "", "sha256": 7}, {"model": "other", "sha256": line.SHA256},
])  # fmt: skip
def test_a_model_that_the_plan_does_not_have_is_refused_and_the_known_ones_named(
    hello: dict[str, Any],
) -> None:
    refused = answer(**hello)
    assert (refused.model, refused.reason) == ("", "unknown model")
    assert line.MODEL in refused.remedy


def test_another_user_than_the_plans_is_refused_and_the_super_user_has_no_right_by_being_it() -> None:
    plan = dataclasses.replace(PLAN, models=(dataclasses.replace(PLAN.models[0], user_id=1234),))
    for user_id in (1000, 0):
        assert answer(plan, user_id).reason == "wrong user"
        assert "The plan lets user 1234 write inspection" in answer(plan, user_id).remedy
        assert f"this is user {user_id}" in answer(plan, user_id).remedy
        assert "`writer:`" in answer(plan, user_id).remedy
    assert answer(plan, 1234) == Admission(line.MODEL)


def test_a_model_without_a_monitored_output_is_another_model_and_both_lists_are_named() -> None:
    refused = answer(outputs=["scores", "boxes"])
    assert refused.reason == "another model"
    assert "'scores', 'boxes'" in refused.remedy
    assert "'logits'" in refused.remedy


def test_outputs_that_the_manifest_does_not_name_are_a_note_and_no_refusal() -> None:
    assert answer(outputs=["logits", "extra"]) == Admission(line.MODEL)
    assert any(
        "'extra'" in note and "nobody looks at" in note
        for note in welcome(outputs=["logits", "extra"])["notes"]
    )


def test_an_unmonitored_output_may_be_missing() -> None:
    outputs = [*line.SECTION["outputs"], {"name": "embedding", "role": "embedding"}]
    section = {**line.SECTION, "outputs": outputs}
    plan = dataclasses.replace(PLAN, sections={**PLAN.sections, "models": {line.MODEL: section}})
    assert answer(plan) == Admission(line.MODEL)


def test_a_second_writer_is_refused() -> None:
    refused = answer(written=(line.MODEL,))
    assert refused.reason == "two writers"
    for way_out in ("one process own the session", "left over", "an entry in `models:`"):
        assert way_out in refused.remedy


def test_every_refusal_of_a_hello_is_in_the_table() -> None:
    given = (answer(model="x"), answer(outputs=[]), answer(written=(line.MODEL,)))
    assert {each.reason for each in given} <= set(REFUSALS)


@pytest.mark.parametrize(
    "names", [{"inputs": None}, {"outputs": "logits"}, {"outputs": [1]}, {"inputs": {"a": 1}}]
)
def test_a_hello_without_lists_of_names_is_no_hello(names: dict[str, Any]) -> None:
    _, _, body = wire.decode(line.hello_datagram(**names))
    with pytest.raises(wire.WireError):
        read_hello(body)


# ---------------------------------------------------------------- what it is told


def test_a_tap_is_told_what_the_plan_wants_of_it() -> None:
    assert welcome() == {
        "model": line.MODEL, "mode": "none", "every": 1, "roi": None, "inline_limit_bytes": 60_000, "arena": None,
        "wanted": {"outputs": ["logits"], "inputs": ["image"]},
        "reasons": {str(int(row.reason).bit_length() - 1): row.text for row in REASONS}, "notes": [], "known_answers": "",
    }  # fmt: skip


def test_what_the_manifest_says_of_an_output_goes_before_its_role() -> None:
    outputs = [
        {"name": "boxes", "role": "detections"},
        {"name": "torque", "role": "command", "monitored": False},
        {"name": "features", "role": "embedding"},
        {"name": "state", "role": "other", "monitored": True},
    ]
    assert wanted_of({"outputs": outputs, "inputs": [{"name": "obs", "monitored": False}]}) == {
        "outputs": ["boxes", "state"],
        "inputs": [],
    }


@pytest.mark.parametrize(("mode", "says"), [
    ("none", "the plan has no interlock for it"), ("observe", "the interlock only observes it"),
])  # fmt: skip
def test_a_gate_where_nothing_stops_the_machine_is_told_so(mode: str, says: str) -> None:
    (note,) = welcome(mode, gate=True)["notes"]
    assert f"nothing stops the machine: {line.MODEL} has mode: {mode}" in note
    assert says in note
    assert "set mode: enforce" in note
    assert len(note) <= terms.MOST_NOTE_CHARACTERS
    assert welcome(mode)["notes"] == []


def test_a_gate_of_a_model_that_stops_the_machine_needs_no_note() -> None:
    assert welcome("enforce", gate=True)["notes"] == []


def test_monitored_inputs_that_the_application_does_not_have_are_a_note() -> None:
    (note,) = welcome(inputs=[])["notes"]
    assert "'image'" in note


def test_another_file_than_the_plans_is_a_note_with_both_digests() -> None:
    (note,) = welcome(sha256="cd" * 32)["notes"]
    assert "cdcdcdcd" in note
    assert "abababab" in note
    assert welcome(sha256=line.SHA256)["notes"] == []


def test_endless_names_are_cut() -> None:
    refused = answer(outputs=["x" * 10_000] * 1000)
    assert len(refused.remedy) < 1000
    assert "and 992 more" in refused.remedy
