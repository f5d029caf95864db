"""Known answers with all real programs: from a standing machine to RUN without a baseline;
windows and modes by the command line; what the PLC remembers."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jidoka.config.known_answers import load
from jidoka.demo.piece import STATION
from jidoka.demo.rig import Rig, run_jidoka
from jidoka.demo.site import CONFIGURATION, PARTS_PER_S, SEED, Site, make_site
from jidoka.steward.ledger.reader import entries
from jidoka_tap.known_answers import pack

from tests.processes import wait_until

pytestmark = pytest.mark.process
MODEL = "surface-inspection"
COUNT = 4


def make_answers(folder: Path) -> Path:
    file = folder / "answers.npz"
    made = run_jidoka("model", "answers", "make", MODEL, "-o", str(file), "--count", str(COUNT))
    assert made.returncode == 0, made.stderr
    return file


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    file = make_answers(tmp_path_factory.mktemp("answers"))
    # only what is judged on records may hold: nothing was learned here, and nothing but the answers can prove the model
    text = CONFIGURATION[: CONFIGURATION.index("  - id: R-02")].replace(
        "    mode: enforce\n", f"    mode: enforce\n    known_answers: {file}\n"
    )
    piece = dataclasses.replace(STATION, make_site=lambda: make_site(Site, text, PARTS_PER_S, seed=SEED))
    with contextlib.closing(Rig(piece=piece)) as running:
        running.start()
        yield running


def act(rig: Rig, *arguments: str, role: str = "engineer", person: str = "e7") -> tuple[int, str]:
    """One command at the machine, while the rig goes on."""
    done = run_jidoka(*arguments, "--role", role, "--person", person, "--plan", str(rig.site.plan_file))
    return done.returncode, done.stdout + done.stderr


def status(rig: Rig) -> dict[str, Any]:
    done = run_jidoka("status", "--json", "--plan", str(rig.site.plan_file))
    value: dict[str, Any] = json.loads(done.stdout)
    return value


def test_right_answers_lead_from_a_standing_machine_to_run_though_no_record_was_ever_judged(rig: Rig) -> None:
    rig.wait(lambda f: f.state == "HOLD" or bool(f.waiting) or f.offer != "none", "it is armed", 60)
    for cause in rig.facts.waiting:
        act(rig, "ack", f"{cause['id']}@{cause['revision']}", "--reason", "2")
    rig.wait(lambda f: f.offer == "proving", "only a proving run is offered: nothing was judged", 30)
    code, text = act(rig, "model", "answers", "show", MODEL, role="operator")
    assert (code, "may not show" in text) == (10, True)
    code, text = act(rig, "model", "answers", "show", MODEL)
    assert (code, text.strip()) == (0, f"The model gave all {COUNT} known answers.")
    rig.wait(lambda f: f.offer == "run" and f.is_ready, "RUN is offered")
    rig.line.press()
    rig.wait(lambda f: f.state == "RUN" and f.output == "MACHINE_AND_AI", "RUN")
    code, text = act(rig, "model", "answers", "show", MODEL)
    assert (code, "not in RUN" in text) == (10, True)


def test_after_a_planned_stop_nobody_has_to_acknowledge_anything(rig: Rig) -> None:
    assert rig.facts.state == "RUN"
    rig.close()
    steps = [entry.json() for entry in entries(rig.site.plan.ledger_file) if entry.kind.label == "transition"]
    assert (steps[-1]["event"], steps[-1]["from"]) == ("planned stop", "RUN"), "no lost data comes before it"
    rig.facts = rig.piece.facts()
    rig.start()
    rig.wait(lambda f: f.offer == "proving", "it is armed", 60)
    assert not rig.facts.waiting
    done = run_jidoka("trip", "list", "--plan", str(rig.site.plan_file))
    assert "guard died" not in done.stdout
    assert act(rig, "model", "answers", "show", MODEL)[0] == 0
    rig.wait(lambda f: f.offer == "run" and f.is_ready, "RUN is offered")
    rig.line.press()
    rig.wait(lambda f: f.state == "RUN" and f.output == "MACHINE_AND_AI", "RUN")


def test_what_the_plc_remembers_is_shown_by_the_guard_that_has_read_it(rig: Rig) -> None:
    view: dict[str, Any] = {}

    def has_memory() -> bool:
        # it comes with the guard's next mode
        done = run_jidoka("plc", "watch", "--json", "--seconds", "0.5", "--plan", str(rig.site.plan_file))
        view.update(json.loads(done.stdout.splitlines()[0]))
        return bool(view["memory"])

    wait_until(has_memory, "the PLC's memory is told", 30.0)
    assert view["source"] == "steward"
    assert {"version", "map_digest", "resets", "key_times", "parts_without_session"} <= set(view["memory"])
    assert view["memory"]["map_digest"] == rig.site.plan.map_digest


def test_a_model_out_of_enforce_stops_the_machine_and_only_an_engineer_brings_it_back(rig: Rig) -> None:
    assert rig.facts.state == "RUN"
    code, text = act(rig, "model", "mode", MODEL, "observe", role="operator", person="shift-early")
    assert (code, "only observes now" in text) == (0, True)
    rig.wait(lambda f: f.state == "HOLD" and f.is_output_off, "HOLD")
    code, text = act(rig, "model", "mode", MODEL, "enforce", role="operator")
    assert (code, "may not bring" in text) == (10, True)
    code, text = act(rig, "model", "mode", MODEL, "enforce", "--json")
    assert (code, json.loads(text)) == (0, {"ok": True, "model": MODEL, "mode": "enforce"})
    (told,) = status(rig)["modes"]
    assert (told["mode"], told["window_until_ns"]) == ("enforce", 0)


def test_two_persons_open_a_window(rig: Rig) -> None:
    code, text = act(rig, "model", "window", MODEL, "--minutes", "2", role="operator")
    assert (code, "may not announce" in text) == (10, True)
    code, text = act(rig, "model", "window", MODEL, "--minutes", "2", role="maintenance", person="m4")
    assert (code, "Another person" in text) == (0, True)
    code, text = act(rig, "model", "window", MODEL, "--minutes", "2", role="quality", person="q2")
    assert (code, "is open for 2 min" in text) == (0, True)
    code, text = act(rig, "model", "window", MODEL, "--minutes", "100000")
    assert (code, "1 to 28800000 ms" in text) == (10, True)


def test_every_round_is_recorded_and_a_set_that_isnt_the_plans_proves_nothing(rig: Rig) -> None:
    section = rig.site.plan.sections["models"][MODEL]["known_answers"]
    known = load(Path(section["file"]))
    shown = [entry.json() for entry in entries(rig.site.plan.ledger_file) if entry.kind.label == "admission"]
    assert [(each["passed"], each["asked"], each["digest"]) for each in shown[:2]] == [
        (True, False, known.digest), (True, True, known.digest),
    ]  # fmt: skip
    wrong = {name: values + 1 for name, values in known.outputs.items()}
    Path(section["file"]).write_bytes(pack(known.inputs, wrong, known.tolerances))
    os.kill(rig.supervisor.children["monitor"].pid, signal.SIGKILL)
    rig.wait(lambda f: rig.supervisor.children["monitor"].starts == 2 and rig.supervisor.children["monitor"].is_ready,
             "the monitor is back", 60)  # fmt: skip
    code, text = act(rig, "model", "answers", "show", MODEL)
    assert (code, "isn't the file of the plan" in text) == (10, True), text
