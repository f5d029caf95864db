"""`known_answers:` of a model: the set fits its bundle, its digest is in the plan, and who can't be enforced without."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from jidoka.cli.main import jidoka as cli
from jidoka.config.compile import compile_text
from jidoka_tap.known_answers import load, pack

from tests.config.line import VALID, changed, faults_of

IMAGE, LOGITS = np.zeros((2, 1, 1, 96, 96), np.uint8), np.zeros((2, 1, 4), np.float32)
CONTROL = (
    ("bundle: surface-inspection", "bundle: arm-policy"),
    ("drift(input)", "drift(command)"),
)
WITHOUT_PROGRAM = (*CONTROL, ("  fallback: manual inspection\n", "  no_record: hold\n"))


def configured(file: str = "answers.npz") -> str:
    return changed(("    mode: enforce\n", f"    mode: enforce\n    known_answers: {file}\n"))


def write(folder: Path, inputs: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None) -> bytes:
    content = pack(inputs or {"image": IMAGE}, outputs or {"logits": LOGITS}, {})
    (folder / "answers.npz").write_bytes(content)
    return content


def test_the_plan_holds_the_sets_digest_and_where_it_lies(tmp_path: Path) -> None:
    content = write(tmp_path)
    plan = compile_text(configured(), tmp_path)
    assert plan.models[0].known_answers == hashlib.sha256(content).hexdigest()
    assert plan.sections["models"]["eye"]["known_answers"] == {
        "file": str(tmp_path / "answers.npz"),
        "count": 2,
    }
    without = compile_text(VALID, tmp_path)
    assert without.models[0].known_answers == ""
    assert without.sections["models"]["eye"]["known_answers"] is None


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda folder: None, "isn't a set of known answers: No such file"),
        (lambda folder: (folder / "answers.npz").write_text("no"), "isn't an .npz file"),
        (lambda folder: write(folder, {"picture": IMAGE}), "it has no input 'image'"),
        (lambda folder: write(folder, {"image": IMAGE, "more": IMAGE}), "the model has no input 'more'"),
        (lambda folder: write(folder, None, {"scores": LOGITS}), "its output 'scores' isn't monitored"),
        (
            lambda folder: write(folder, {"image": IMAGE[..., :90]}),
            "'image' is uint8 [1, 1, 96, 90], the manifest says",
        ),
        (lambda folder: write(folder, None, {"logits": LOGITS.astype(np.float64)}), "'logits' is float64"),
    ],
)
def test_a_set_that_doesnt_fit_is_a_fault_at_its_line(
    tmp_path: Path, make: Callable[[Path], Any], why: str
) -> None:
    make(tmp_path)
    faults = faults_of(configured(), tmp_path)
    assert faults
    assert (faults[0].place.line, faults[0].path) == (8, "models[0].known_answers")
    assert any(why in each.message for each in faults), faults


def test_a_control_model_that_nothing_could_prove_again_isnt_enforced() -> None:
    (fault,) = faults_of(changed(*WITHOUT_PROGRAM))
    assert fault.path == "models[0].mode"
    assert "nothing moves" in fault.message
    assert "interlock.fallback" in fault.remedy
    assert "known_answers:" in fault.remedy


def test_the_machines_own_program_or_a_set_or_no_enforce_is_enough(tmp_path: Path) -> None:
    assert not faults_of(changed(*CONTROL))
    assert not faults_of(changed(*WITHOUT_PROGRAM, ("mode: enforce", "mode: observe")))
    assert not faults_of(
        changed(*WITHOUT_PROGRAM, ("    mode: enforce\n", "    mode: enforce\n    in_shadow: true\n"))
    )
    assert not faults_of(changed(*WITHOUT_PROGRAM, ("drift(command)", "implausible command"),
                                 ("    false_alarms: 1 per 90 days\n", "")))  # fmt: skip
    write(tmp_path, {"obs": np.zeros((1, 1, 10), np.float32)}, {"command": np.zeros((1, 1, 2), np.float32)})
    text = changed(
        *WITHOUT_PROGRAM, ("    mode: enforce\n", "    mode: enforce\n    known_answers: answers.npz\n")
    )
    shape = load(tmp_path / "answers.npz").inputs["obs"].shape
    assert not [each for each in faults_of(text, tmp_path) if each.path == "models[0].mode"], shape


def test_a_model_that_moves_nothing_itself_needs_none() -> None:
    assert not faults_of(changed(("  fallback: manual inspection\n", "  no_record: hold\n")))


# ---------------------------------------------------------------------- the commands


def run(*arguments: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(cli, list(arguments), standalone_mode=True)
    return outcome.exit_code, outcome.output + (f" {outcome.exception}" if outcome.exception else "")


def test_a_set_is_made_of_a_source_checked_against_its_model_and_never_overwritten(tmp_path: Path) -> None:
    file = str(tmp_path / "answers.npz")
    code, text = run("model", "answers", "make", "surface-inspection", "-o", file, "--count", "3", "--json")
    assert code == 0, text
    made = json.loads(text)
    assert (made["answers"], made["sha256"]) == (3, load(file).digest)
    assert "is there already" in run("model", "answers", "make", "surface-inspection", "-o", file)[1]
    code, text = run("model", "answers", "check", "surface-inspection", file)
    assert (code, "right  logits" in text) == (0, True)
    assert not faults_of(configured(), tmp_path)


def test_a_model_that_answers_otherwise_is_told_with_the_answer_and_the_distance(tmp_path: Path) -> None:
    file = tmp_path / "answers.npz"
    run("model", "answers", "make", "surface-inspection", "-o", str(file), "--count", "2")
    known = load(file)
    wrong = {name: values + 1 if name == "logits" else values for name, values in known.outputs.items()}
    file.write_bytes(pack(known.inputs, wrong, known.tolerances))
    code, text = run("model", "answers", "check", "surface-inspection", str(file))
    assert code
    assert "WRONG  logits: at most 1 off" in text
    assert "doesn't give the known answers" in text
    assert "no input 'obs'" in run("model", "answers", "check", "arm-policy", str(file))[1]
