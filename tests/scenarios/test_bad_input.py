"""Whatever a person does wrong ends in a plain sentence with its remedy and the code of the table, nothing left running.

One-shot commands are a table of mistakes. Programs that serve (guard, steward) go on, and `jidoka status` tells why.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import pty
import pwd
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import psutil
import pytest
from jidoka.cli.main import COMMANDS, jidoka, main
from jidoka.config.compile import compile_plan
from jidoka.config.manifest import load_bundle
from jidoka.monitor import baseline as baselines
from jidoka.steward.client import ask
from jidoka_bridge import channel
from jidoka_bridge import plan as plans
from jidoka_bridge.errors import BaselineError, NotRunningError
from jidoka_bridge.guard import latch, remembered
from jidoka_bridge.messages import Kind

from tests.host.bundles import changed_bundle
from tests.processes import Program, programs, wait_until

pytestmark = pytest.mark.process

MODEL = "surface-inspection"
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
RANDOM = random.Random(7).randbytes(3000)
CONFIGURATION = """\
site: test
line: mistakes
device: bench
run_dir: {at}/{name}/run
state_dir: {at}/{name}/state
models:
  - id: surface-inspection
    bundle: {bundle}
    mode: {mode}
    records_per_s: 10
{of_model}{more}risks:
  - id: R-01
    risk: model drift
    model: surface-inspection
    when: drift(all)
    false_alarms: 1 per 10000 records
    response: {response}
    owner: quality
    controls: [A.6.2.6]
"""
Start = Callable[..., Program]


def configure(at: Path, name: str, more: str = "", bundle: str = MODEL, of_model: str = "") -> Path:
    """AT/NAME.yaml with folders of its own, and its plan in AT/NAME.json where it has no fault."""
    mode, response = ("enforce", "hold") if "plc:" in more else ("none", "advise")
    path = at / f"{name}.yaml"
    path.write_text(
        CONFIGURATION.format(
            at=at, name=name, more=more, bundle=bundle, mode=mode, response=response, of_model=of_model
        )
    )
    with contextlib.suppress(Exception):
        (at / f"{name}.json").write_bytes(plans.dump(compile_plan(path)))
    return path


@functools.cache
def plan_of(at: Path, name: str) -> plans.Plan:
    return plans.load(at / f"{name}.json")


def put_baseline(at: Path, name: str, model: str = MODEL) -> Path:
    """A baseline of 300 records where NAME's monitor looks for it."""
    plan = plan_of(at, name)
    records = np.random.default_rng(1).normal(100.0, 1.0, (300, 2))
    sha256 = plan.sections["models"][MODEL]["sha256"]
    path = baselines.path_of(plan, MODEL, 0, 0)
    names = ("brightness", "contrast")
    baselines.save(
        path, baselines.Baseline(model, sha256, 0, 0, names, records, 10.0, "2025-01-01T00:00:00Z")
    )
    return path


def tree(at: Path) -> None:
    """Everything that the table of mistakes names."""
    configure(at, "good")
    (at / "folder").mkdir()
    (at / "empty.yaml").write_text("")
    (at / "random.yaml").write_bytes(RANDOM)
    (at / "random.json").write_bytes(RANDOM)
    os.mkfifo(at / "pipe.jdl")
    good = (at / "good.json").read_text()
    (at / "cut.json").write_text(good[:500])
    (at / "list.json").write_text("[]")
    (at / "deep.json").write_text("[" * 100_000)
    (at / "text.json").write_text('{"plan": "abc", "digest": "x"}')
    (at / "lacking.json").write_text(json.dumps({"plan": {"format": 1}, "digest": "x"}))
    (at / "changed.json").write_text(good.replace('"hall', '"').replace('"bench"', '"bank"'))
    other = json.loads(good)
    other["plan"]["format"] = 9
    (at / "format.json").write_text(json.dumps(other))

    model = (load_bundle(MODEL).file).read_bytes()
    changed_bundle(at / "damaged")
    (at / "damaged" / f"{MODEL}.onnx").write_bytes(model[:5000])
    changed_bundle(at / "truncated", model=model[:5000])
    changed_bundle(at / "noise", model=RANDOM)
    changed_bundle(at / "shape", ("shape: [batch, 1, 96, 96]", "shape: [batch, 1, 32, 32]"))
    changed_bundle(at / "lost")
    (at / "lost" / f"{MODEL}.onnx").unlink()
    changed_bundle(at / "half")
    os.truncate(at / "half" / "manifest.yaml", 300)
    configure(at, "unfit", bundle=str(at / "damaged"))
    configure(at, "shaped", bundle=str(at / "shape"))
    configure(at, "bare", bundle=str(at / "folder"))
    configure(at, "stranger", of_model="    writer: no-such-user-here\n")

    (at / "pictures").mkdir()
    (at / "pictures" / "a.png").write_bytes(RANDOM)
    (at / "camera.json").write_text('{"gian": 0.7}')

    configure(at, "foreign")
    put_baseline(at, "foreign", "another-model")
    configure(at, "cutoff")
    os.truncate(put_baseline(at, "cutoff"), 1234)
    configure(at, "file-as-run")
    (at / "file-as-run").mkdir()
    (at / "file-as-run" / "run").write_text("")
    long = configure(at, "long")
    long.write_text(long.read_text().replace(f"{at}/long/run", f"/tmp/{'x' * 120}"))


def make_ledgers(at: Path, start: Start) -> None:
    """A ledger that a steward wrote, and what can befall its copies."""
    steward = start(sys.executable, "-m", "jidoka.steward", "--plan", str(at / "good.json"))
    steward.wait_for_text("steward: records in")
    steward.process.terminate()
    assert steward.wait() == 0, steward.text
    good = plan_of(at, "good").ledger_file.read_bytes()
    (at / "good.jdl").write_bytes(good)
    (at / "empty.jdl").write_bytes(b"")
    (at / "foreign.jdl").write_bytes(RANDOM)
    (at / "torn.jdl").write_bytes(good[:-7])
    (at / "flipped.jdl").write_bytes(good[:80] + bytes([good[80] ^ 1]) + good[81:])


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    with tempfile.TemporaryDirectory(prefix="jb") as folder, programs(Path(folder)) as begin:
        yield begin


@pytest.fixture(scope="module")
def at(start: Start) -> Iterator[Path]:
    # a path of pytest's is too long for sockets, and closed to other users
    folder = Path(tempfile.mkdtemp(prefix="jb"))
    folder.chmod(0o755)
    tree(folder)
    make_ledgers(folder, start)
    yield folder
    wait_until(lambda: not left_running(folder), "nothing is left running")
    shutil.rmtree(folder)


def left_running(folder: Path) -> list[str]:
    """Programs that name the folder and aren't this test's own (those end with its last test)."""
    found = [process.info for process in psutil.process_iter(["ppid", "cmdline"])]
    return [
        " ".join(each["cmdline"])
        for each in found
        if each["ppid"] != os.getpid() and str(folder) in " ".join(each["cmdline"] or ())
    ]


class Mistake(NamedTuple):
    """code, and what must be said: the cause in the sentence, the remedy on its own line."""

    what: str
    arguments: str
    code: int
    cause: str
    remedy: str


MISTAKES = (
    Mistake("a command that there isn't", "validat x", 2, "no command 'validat'. Did you mean 'validate'?", "See: jidoka --help"),
    Mistake("no argument", "validate", 2, "missing argument 'FILE'", "See: jidoka validate --help"),
    Mistake("an option that there isn't", "validate @good.yaml --jsn", 2, "Did you mean '--json'?", "See: jidoka validate --help"),
    Mistake("a number that isn't one", "baseline learn @good.yaml --records x", 2, "'x' is not a valid", "See: jidoka baseline learn"),
    Mistake("a role that there isn't", "unlock --reason x --role enginer", 2, "'enginer' is not one of", "See: jidoka unlock"),
    Mistake("a kind that there isn't", "ledger show @good.jdl --kind alram", 2, "Did you mean 'alarm'?", "See: jidoka ledger show"),
    Mistake("a missing configuration", "validate @none.yaml", 3, "can't be read: No such file", "Copy configs/"),
    Mistake("a folder as configuration", "validate @folder", 3, "can't be read: Is a directory", "Copy configs/"),
    Mistake("an empty configuration", "run @empty.yaml", 3, "the file is empty", "nothing was started"),
    Mistake("noise as configuration", "plan @random.yaml", 3, "isn't UTF-8 text", "Save it as UTF-8."),
    Mistake("a damaged model in a configuration", "run @unfit.yaml", 3, "isn't the file that was approved", "nothing was started"),
    Mistake("a bundle without a manifest in a configuration", "validate @bare.yaml", 3, "has no manifest.yaml", "nothing was started"),
    Mistake("the same, started", "run @bare.yaml", 3, "has no manifest.yaml", "nothing was started"),
    Mistake("a writer that there isn't", "validate @stranger.yaml", 3, "stranger.yaml:11:13: models[0].writer: 'no-such-user-here' is no user", "nothing was started"),
    Mistake("a run_dir that is too long", "validate @long.yaml", 3, "107 are the most", "nothing was started"),
    Mistake("a run_dir that is a file", "run @file-as-run.json", 3, "can't be used as run_dir", "Give a run_dir"),
    Mistake("a plan into no folder", "plan @good.yaml -o @none/plan.json", 3, "can't write the plan", "Give a file in a folder"),
    Mistake("a plan into a folder", "plan @good.yaml -o @folder", 3, "can't write the plan: Is a directory", "Give a file in a folder"),
    Mistake("a missing plan", "status --plan @none.json", 3, "there is no such file", "--plan PLAN"),
    Mistake("a folder as plan", "guard run @folder", 3, "can't read the plan: Is a directory", "jidoka plan CONFIGURATION"),
    Mistake("noise as plan", "guard run @random.json", 3, "isn't a plan: it isn't JSON", "jidoka plan CONFIGURATION"),
    Mistake("a plan that was cut", "run @cut.json", 3, "isn't a plan: it isn't JSON (line", "jidoka plan CONFIGURATION"),
    Mistake("a list as plan", "guard init @list.json", 3, "it doesn't begin as one", "jidoka plan CONFIGURATION"),
    Mistake("brackets without end as plan", "status --plan @deep.json", 3, "it isn't JSON", "jidoka plan CONFIGURATION"),
    Mistake("text as plan", "ack --plan @text.json", 3, "it doesn't begin as one", "jidoka plan CONFIGURATION"),
    Mistake("a plan that lacks settings", "status --plan @lacking.json", 3, "is missing in it", "jidoka plan CONFIGURATION"),
    Mistake("a plan of another format", "status --plan @format.json", 3, "plan format 9, this program reads 1", "jidoka plan CONFIGURATION"),
    Mistake("a plan that was changed by hand", "run @changed.json", 3, "the plan was changed by hand", "Change the configuration"),
    Mistake("a camera's knob that there isn't", f"host {MODEL} --camera @camera.json", 3, "'gian' is no knob", "Did you mean 'gain'?"),
    Mistake("noise as camera", f"host {MODEL} --camera @random.json", 3, "isn't JSON", "Write knobs"),
    Mistake("a bundle that there isn't", "host @none", 4, "no such folder", "Give the folder that holds manifest.yaml"),
    Mistake("a folder without a manifest", "host @folder", 4, "has no manifest.yaml", "Give a bundle's folder"),
    Mistake("a model of another digest", "host @damaged", 4, "isn't the file that was approved", "Copy the bundle anew"),
    Mistake("a truncated model", "host @truncated", 4, "can't be loaded as a model", "copy or export it anew"),
    Mistake("noise as model", "host @noise", 4, "can't be loaded as a model", "copy or export it anew"),
    Mistake("a missing model", "host @lost", 4, "the model file is missing", "Copy it there"),
    Mistake("a tensor of another shape", "host @shape", 4, "[batch, 1, 96, 96] in the file, but uint8 [batch, 1, 32, 32]", "Correct"),
    Mistake("half a manifest", "host @half", 4, "manifest.yaml:", "Correct the manifest"),
    Mistake("another shape while learning", "baseline learn @shaped.yaml --source renderer", 4, "in the file, but", "Correct"),
    Mistake("a file that is no image", f"host {MODEL} --source @pictures", 5, "a.png: isn't an image", "Move it out"),
    Mistake("an empty folder of pictures", f"host {MODEL} --source @folder", 5, "has no image files", "Give a folder"),
    Mistake("a file as folder of pictures", f"host {MODEL} --source @good.yaml", 5, "isn't a folder", "Give `renderer`"),
    Mistake("a file as the PLC's panel", f"host {MODEL} --trigger @good.yaml", 5, "isn't the panel of a PLC", "Give the path"),
    Mistake("pictures that aren't, while learning", "baseline learn @good.yaml --source @pictures", 5, "isn't an image", "Move it out"),
    Mistake("no baseline", "baseline show @good.yaml", 6, "has no baseline yet", "jidoka baseline learn"),
    Mistake("a baseline of another model", "baseline show @foreign.yaml", 6, "of model 'another-model'", "Learn it anew"),
    Mistake("a baseline that was cut", "baseline show @cutoff.yaml", 6, "it was cut or changed", "Learn it anew"),
    Mistake("no record in time", "baseline learn @good.yaml --limit 0.3", 6, "0 of 2000 records came within 0.3 s", "jidoka_tap.watch"),
    Mistake("a missing ledger", "ledger check @none.jdl", 9, "can't read the ledger: No such file", "jidoka status"),
    Mistake("a folder as ledger", "ledger check @folder", 9, "it isn't a file", "Give the path"),
    Mistake("a pipe as ledger", "ledger show @pipe.jdl", 9, "it isn't a file", "Give the path"),
    Mistake("an empty ledger", "ledger check @empty.jdl", 9, "is no ledger: the file has 0 bytes", "Give the path"),
    Mistake("a foreign file as ledger", "ledger check @foreign.jdl", 9, "is no ledger: it begins with", "Give the path"),
    Mistake("a flipped bit in a ledger", "ledger check @flipped.jdl", 9, "byte 40, entry 0: damaged: the CRC doesn't match", "Keep the file"),
    Mistake("a torn tail", "ledger check @torn.jdl", 9, "torn tail: the file ends inside an entry", "The steward cuts a torn tail"),
    Mistake("nobody to ask", "status --plan @good.json", 11, "no steward listens at", "jidoka run CONFIGURATION"),
    Mistake("nobody to hold", "hold --reason x --plan @good.json", 11, "no steward listens at", "jidoka run CONFIGURATION"),
)  # fmt: skip


def told_plainly(text: str, code: int, cause: str, remedy: str) -> None:
    """A line `error: …` with the cause that ends as a sentence, then the remedy on a line of its own; no traceback."""
    assert "Traceback" not in text, text
    after = text[text.index("error: ") :].splitlines() if "error: " in text else []
    remedies = [line for line in after if re.match(r"(\w+: )?  \S", line)]
    sentences = [line for line in after if line not in remedies]
    assert any(cause in line for line in sentences), text
    assert all(line[-1] in ".!?…:" for line in sentences if "error: " in line), text
    assert any(remedy in line for line in remedies), text
    assert not re.search(r"\berrno\b|\[Err|Exception|Error\b", text), text
    assert code != 1


@pytest.mark.parametrize("mistake", MISTAKES, ids=[each.what for each in MISTAKES])
def test_a_mistake_is_told_with_cause_remedy_and_code(mistake: Mistake, at: Path, start: Start) -> None:
    arguments = [f"{at}/{each[1:]}" if each.startswith("@") else each for each in mistake.arguments.split()]
    program = start(sys.executable, "-m", "jidoka.cli", *arguments)
    assert program.wait() == mistake.code, program.text
    told_plainly(program.text, mistake.code, mistake.cause, mistake.remedy)


@pytest.mark.parametrize("module", ["jidoka_bridge", "jidoka.monitor", "jidoka.steward", "jidoka.host"])
@pytest.mark.parametrize(
    ("plan", "cause"), [("none", "No such file"), ("random", "isn't JSON"), ("changed", "by hand")]
)
def test_every_program_refuses_a_plan_that_is_wrong(
    module: str, plan: str, cause: str, at: Path, start: Start
) -> None:
    program = start(sys.executable, "-m", module, "--plan", str(at / f"{plan}.json"))
    assert program.wait() == 3, program.text
    told_plainly(program.text, 3, cause, "jidoka plan CONFIGURATION -o PLAN")


CLOSED = (
    ("validate @closed.yaml", 3, "Permission denied", "Copy configs/"),
    ("status --plan @closed.json", 3, "Permission denied", "jidoka plan"),
    ("plan @good.yaml -o @new.json", 3, "can't write the plan: Permission denied", "may write"),
    ("run @good.yaml", 3, "can't write the plan: Permission denied", "Give a state_dir"),
    ("run @shut.json", 3, "can't be used as run_dir: Permission denied", "Give a run_dir"),
    ("guard init @shut.json", 3, "can't make the latch file: Permission denied", "Give a state_dir"),
    ("-m jidoka_bridge --plan @shut.json", 3, "can't listen there: Permission denied", "Give a run_dir"),
    ("host @closed/bundle", 4, "can't be read: Permission denied", "Let this user read it"),
    (f"host {MODEL} --source @closed", 5, "can't be read: Permission denied", "Let this user read it"),
    ("baseline show @shut.yaml", 6, "can't read the baselines: Permission denied", "Let this user read"),
    ("ledger check @closed.jdl", 9, "can't read the ledger: Permission denied", "Give the path"),
)


@pytest.fixture(scope="module")
def nobody(at: Path) -> list[str]:
    """The command line of an ordinary user's python; skips where there can be none."""
    python = [sys.executable]
    if os.geteuid() == 0:
        python = [*NOBODY, sys.executable]
        if shutil.which("setpriv") is None:
            pytest.skip("root, and setpriv isn't here")
        if subprocess.run(
            [*python, "-c", "import jidoka.cli.main"], check=False, capture_output=True
        ).returncode:
            pytest.skip("another user can't read this checkout")
    for name in ("closed.yaml", "closed.json", "closed.jdl"):
        (at / name).write_text("x")
        (at / name).chmod(0)
    shutil.copytree(load_bundle(MODEL).folder, at / "closed" / "bundle")
    configure(at, "shut")
    put_baseline(at, "shut")
    for folder in (at / "closed", at / "shut" / "state" / "baselines"):
        folder.chmod(0)
    for folder in (at, at / "shut", at / "shut" / "state", at / "good", at / "good" / "state"):
        folder.chmod(0o555)
    return python


@pytest.mark.parametrize("row", CLOSED, ids=[row[0] for row in CLOSED])
def test_what_this_user_may_not_is_told_with_the_way_out(
    row: tuple[str, int, str, str], at: Path, start: Start, nobody: list[str]
) -> None:
    arguments, code, cause, remedy = row
    given = [f"{at}/{each[1:]}" if each.startswith("@") else each for each in arguments.split()]
    program = start(*nobody, *([] if given[0] == "-m" else ["-m", "jidoka.cli"]), *given)
    assert program.wait() == code, program.text
    told_plainly(program.text, code, cause, remedy)


def test_ten_faults_of_a_configuration_are_all_named_at_once(at: Path, start: Start) -> None:
    faulty = at / "ten.yaml"
    text = CONFIGURATION.format(at=at, name="ten", of_model="", more="plc:\n  port: ttyUSB0\n  unit: 300\n  baud: 1234\n  colour: red\n",
                                bundle="surface-inspektion", mode="enforced", response="halt")  # fmt: skip
    faulty.write_text(
        text.replace("device: bench\n", "").replace("drift(all)", "drfit(all)")
        .replace("10000 records", "century").replace("records_per_s: 10", "records_per_s: ten")
    )  # fmt: skip
    program = start(sys.executable, "-m", "jidoka.cli", "run", str(faulty))
    assert program.wait() == 3, program.text
    told_plainly(program.text, 3, "surface-inspektion", "nothing was started")
    for fault in ("device is missing", "plc.port", "plc.unit", "plc.baud", "plc.colour is not a setting", "models[0].mode",
                  "models[0].bundle", "records_per_s", "drfit", "false_alarms", "risks[0].response"):  # fmt: skip
        assert fault in program.text, f"{fault} isn't in\n{program.text}"
    places = [
        line for line in program.text.splitlines() if re.search(r"ten\.yaml:\d+:\d+: .+; .+[.?]$", line)
    ]
    assert len(places) >= 10


def test_learning_from_a_bundle_whose_name_is_not_the_model_s_id_is_no_mistake(
    at: Path, start: Start
) -> None:
    path = configure(at, "eye")
    path.write_text(
        path.read_text()
        .replace("id: surface-inspection", "id: eye")
        .replace("model: surface-inspection", "model: eye")
    )
    learning = start(
        sys.executable,
        "-m",
        "jidoka.cli",
        "baseline",
        "learn",
        str(path),
        "--source",
        "renderer",
        "--records",
        "50",
    )
    assert learning.wait(60.0) == 6, learning.text
    told_plainly(learning.text, 6, "eye: the baseline is refused: ", "Learn again with more records")


def test_a_baseline_cut_anywhere_is_never_taken(at: Path) -> None:
    path = put_baseline(at, "cutoff")
    plan, whole = plan_of(at, "cutoff"), path.read_bytes()
    for size in sorted({0, 1, 7, 8, 12, 32, 60, *random.Random(1).sample(range(len(whole)), 60)}):
        path.write_bytes(whole[:size])
        with pytest.raises(BaselineError, match=r"can't be used as a baseline"):
            baselines.load_all(plan, MODEL)
    path.write_bytes(whole[:1234])


def test_a_program_that_cannot_start_ends_the_run_with_its_own_words_and_code(at: Path, start: Start) -> None:
    run = start(sys.executable, "-m", "jidoka.cli", "run", str(at / "cutoff.yaml"))
    assert run.wait(60.0) == 6, run.text
    told_plainly(run.text, 6, "monitor ended before it was ready (exit code 6): ", "Learn it anew")
    assert "jidoka: steward ended" in run.text
    wait_until(lambda: not left_running(at), "nothing is left running")


def test_a_run_whose_reader_is_gone_leaves_no_program_behind(at: Path, start: Start) -> None:
    command = f"{sys.executable} -m jidoka.cli run {at}/cutoff.yaml 2>&1 | head -n 2"
    assert start("bash", "-c", command).wait(60.0) == 0
    wait_until(lambda: not left_running(at), "nothing is left running")


# ------------------------------------------------------------------ programs that go on


def status(at: Path, name: str) -> dict[str, Any]:
    """What `jidoka status --json` prints; {} while nobody answers."""
    with contextlib.suppress(NotRunningError):
        return ask(plan_of(at, name).steward_socket, Kind.ASK, {"what": "status"})
    return {}


class Port(NamedTuple):
    """What stands at the port of the configuration, and what status says of it."""

    name: str
    lack: str


PORTS = (
    Port("absent", "can't open the serial port: No such file"),
    Port("file", "isn't a serial port"),
    Port("taken", "another program has it"),
    Port("silent", "doesn't answer as unit 1 within"),
    Port("unit-2", "doesn't answer as unit 1 within"),
    Port("other-map", "has another register map"),
)


def crc16(data: bytes) -> bytes:
    """Modbus over serial line 1.02, 6.2.2."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def answer_with_another_map(descriptor: int) -> None:
    """Well-formed Modbus replies with foreign registers in them, until the other end is closed for good."""
    with contextlib.suppress(OSError):
        while request := os.read(descriptor, 512):
            head = bytes([request[0], request[1], 2 * request[5]])
            reply = head + bytes(range(2 * request[5]))
            os.write(descriptor, reply + crc16(reply))


@pytest.fixture(scope="module")
def guards(at: Path, start: Start) -> Iterator[dict[str, Program]]:
    """A guard and a steward for each port, all at once."""
    at.chmod(0o755)
    ours: list[int] = []

    def terminal(name: str) -> tuple[int, int]:
        pair = pty.openpty()
        ours.extend(pair)
        tty.setraw(pair[1])
        (at / f"port-{name}").symlink_to(os.ttyname(pair[1]))
        return pair

    (at / "port-file").write_bytes(RANDOM)
    fcntl.flock(terminal("taken")[1], fcntl.LOCK_EX)
    terminal("silent")
    threading.Thread(target=answer_with_another_map, args=[terminal("other-map")[0]], daemon=True).start()
    start(sys.executable, "-m", "jidoka_bridge.plc", "--unit", "2", "--link", str(at / "port-unit-2"),
          "--panel", str(at / "panel")).wait_for_text('"ready"')  # fmt: skip
    begun = {}
    for port in PORTS:
        configure(at, port.name, f"plc:\n  port: {at}/port-{port.name}\n  unit: 1\n")
        plan = plan_of(at, port.name)
        latch.create(plan.latch_file, remembered.NEW)
        start(sys.executable, "-m", "jidoka.steward", "--plan", str(at / f"{port.name}.json"))
        begun[port.name] = start(
            sys.executable, "-m", "jidoka_bridge", "--plan", str(at / f"{port.name}.json")
        )
    yield begun
    # first the guards: one whose terminal is gone would open, under the same name, what somebody else has made since
    for guard in begun.values():
        guard.end()
    for descriptor in ours:
        with contextlib.suppress(OSError):
            os.close(descriptor)


@pytest.mark.parametrize("port", PORTS, ids=[each.name for each in PORTS])
def test_a_link_that_cannot_be_is_not_armed_never_locked_out_and_status_says_why(
    port: Port, at: Path, start: Start, guards: dict[str, Program]
) -> None:
    def lacks() -> str:
        return " ".join(status(at, port.name).get("missing", []))

    wait_until(lambda: port.lack in lacks(), f"status says {port.lack!r}")
    wait_until(lambda: bool(status(at, port.name)["interlock"]["plc"]), "the guard has told of the PLC")
    guard = guards[port.name]
    guard.wait_for_text("guard: not armed: ")
    assert port.lack in guard.text
    assert guard.process.poll() is None, "it goes on trying"
    assert status(at, port.name)["interlock"]["state"] == "START_UP"
    command = (sys.executable, "-m", "jidoka.cli", "status", "--plan", str(at / f"{port.name}.json"))
    shown = start(*command, environment={"COLUMNS": "200"})
    assert shown.wait() == 0
    for words in ("START-UP", "link DOWN", "no link to the PLC yet"):
        assert words in shown.text
    assert "LOCKOUT" not in shown.text + guard.text


def test_a_port_that_appears_later_is_opened_by_itself(at: Path, guards: dict[str, Program]) -> None:
    ours, theirs = pty.openpty()
    (at / "port-absent").symlink_to(os.ttyname(theirs))
    guards["absent"].wait_for_text(f"{at}/port-absent is open")
    (at / "port-absent").unlink()
    os.close(ours)
    os.close(theirs)


@pytest.fixture(scope="module")
def without_latch(at: Path, start: Start) -> dict[str, Program]:
    at.chmod(0o755)
    configure(at, "new", f"plc:\n  port: {at}/port-absent\n")
    plan = str(at / "new.json")
    begun = {"steward": start(sys.executable, "-m", "jidoka.steward", "--plan", plan)}
    begun["steward"].wait_for_text("listens at")
    begun["guard"] = start(sys.executable, "-m", "jidoka_bridge", "--plan", plan)
    begun["monitor"] = start(sys.executable, "-m", "jidoka.monitor", "--plan", plan)
    return begun


def test_a_guard_without_its_latch_file_locks_out_and_names_the_command_and_the_way_out(
    at: Path, start: Start, without_latch: dict[str, Program]
) -> None:
    text = without_latch["guard"].wait_for_text("guard: LOCKOUT")
    for words in ("latch file lost: ", "jidoka guard init", "jidoka ack", "jidoka unlock"):
        assert words in text
    wait_until(lambda: bool(status(at, "new").get("alarms")), "an alarm")
    (alarm,) = status(at, "new")["alarms"]
    assert "jidoka guard init" in alarm["remedy"]
    assert status(at, "new")["interlock"]["state"] == "LOCKOUT"
    late = start(sys.executable, "-m", "jidoka.cli", "guard", "init", str(at / "new.yaml"))
    assert late.wait() == 3
    told_plainly(late.text, 3, "the latch file exists already", "jidoka unlock")
    for act, refused in (
        (["unlock", "--reason", "x"], "the role operator may not unlock"),
        (["unlock", "--reason", "x", "--role", "engineer"], "not acknowledged: latch file"),
        (["ack", "nothing", "--revision", "1", "--reason", "2"], "there is no cause 'nothing'"),
    ):
        answer = start(sys.executable, "-m", "jidoka.cli", *act, "--plan", str(at / "new.json"))
        assert answer.wait() == 10, answer.text
        told_plainly(answer.text, 10, f"error: {refused}", "")


@pytest.mark.parametrize(
    ("second", "cause"),
    [
        (["-m", "jidoka.steward", "--plan", "@new.json"], "another program writes this ledger"),
        (["-m", "jidoka_bridge", "--plan", "@new.json"], "another guard holds the latch file"),
        (["-m", "jidoka.monitor", "--plan", "@new.json"], "another monitor listens there"),
        (["-m", "jidoka.cli", "baseline", "learn", "@new.json"], "another monitor listens there"),
        (["-m", "jidoka.cli", "run", "@new.yaml"], "this device runs already"),
    ],
    ids=["steward", "guard", "monitor", "learning", "run"],
)
def test_a_second_one_of_a_program_is_refused_and_the_first_goes_on(
    second: list[str], cause: str, at: Path, start: Start, without_latch: dict[str, Program]
) -> None:
    without_latch["monitor"].wait_for_text("baselines", 60.0)
    plan = (at / "new.json").read_bytes()
    program = start(sys.executable, *[f"{at}/{each[1:]}" if each[0] == "@" else each for each in second])
    assert program.wait() == 10, program.text
    told_plainly(program.text, 10, cause, "top ")
    assert all(each.process.poll() is None for each in without_latch.values())
    assert (at / "new.json").read_bytes() == plan


#: an application as people write it, with no logging of its own: a session of the committed model, watched
APPLICATION = f"""
import json, sys, time
import numpy as np
import onnxruntime as ort
from jidoka_tap import Rejected, watch
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = ort.InferenceSession({str(load_bundle(MODEL).file)!r}, options, providers=["CPUExecutionProvider"])
session = watch(session, **json.loads(sys.argv[1]))
call = 0
while True:
    call += 1
    try:
        session.run(None, {{"image": np.zeros((1, 1, 96, 96), np.uint8)}})
        said = "judged" if session.verdict and not session.verdict.is_silent else "passed"
    except Rejected as error:
        said = f"Rejected: {{error}}"
    print(f"call {{call}}: {{said}}", flush=True)
    time.sleep(0.05)
"""


class Misfit(NamedTuple):
    """An application that doesn't fit the plan. changes: of the bundle's manifest; of_model: of the configuration;
    given: to watch(); says: what the application's own stderr must say, word by word."""

    name: str
    given: dict[str, Any]
    says: tuple[str, ...]
    changes: tuple[tuple[str, str], ...] = ()
    of_model: str = ""


LOGITS = "{name: logits, dtype: float32, shape: [batch, 4], unit: nat, role: logits}"
EMBEDDING = '  - {name: embedding, dtype: float32, shape: [batch, 64], unit: "1", role: embedding}\n'
MISFITS = (
    Misfit("no-such-model", {"model": "surface"}, (
        "the monitor refuses the records: unknown model. The plan has surface-inspection; the tap said 'surface'.",
        "Give watch() one of these ids, or add the model to `models:`.",
    )),
    Misfit("no-manifest-of-this-file", {"sha256": "ab" * 32}, (
        ("the monitor refuses the records: unknown model. The plan has surface-inspection; none has the file with SHA-256 "
        "abababababababab…"),
        "watch(session, model=…)",
    )),
    Misfit("manifest-of-another-model", {"model": MODEL}, (
        ("the monitor refuses the records: another model. The application's model has the outputs 'logits', 'embedding'; "
        "the manifest of surface-inspection monitors 'scores', so 'scores' would never come. Watch the model that the "
        "manifest describes, or mend the names in the manifest."),
    ), changes=((LOGITS, LOGITS.replace("name: logits", "name: scores")),)),
    Misfit("manifest-of-another-model-and-a-gate", {"model": MODEL, "gate": True}, (
        "Rejected: surface-inspection: the record was not judged: no monitor is connected at ",
        "(it refuses the records: another model)",
    ), changes=((LOGITS, LOGITS.replace("name: logits", "name: scores")),)),
    Misfit("manifest-of-another-file", {"model": MODEL, "sha256": "ab" * 32}, (
        ("the application's file has the SHA-256 abababababababab…, the plan's c3f0f3d87b93c33b…: the baseline was learned "
        "for the plan's. Load the approved file, or learn the baseline of the new one"),
    )),
    Misfit("output-without-a-name", {"model": MODEL}, (
        ("the manifest doesn't name the outputs 'embedding': nobody looks at them, and no gate judges them. Add them to "
        "its `outputs:` if something depends on them"),
    ), changes=((EMBEDDING, ""),)),
    Misfit("input-of-another-model", {"model": MODEL}, (
        "the manifest monitors the inputs 'picture', which the application's model doesn't have; it has 'image'",
    ), changes=(("{name: image,", "{name: picture,"),)),
    Misfit("gate-without-an-interlock", {"model": MODEL, "gate": True, "deadline_s": 5}, (
        ("the gate works, but nothing stops the machine: surface-inspection has mode: none, so the plan has no interlock "
        "for it. Rejected calls raise Rejected here, and that is all that holds an output back. If refusals must stop "
        "the machine, set mode: enforce"),
        ": judged",
    )),
    Misfit("another-user", {"model": MODEL}, (
        ("the monitor refuses the records: wrong user. The plan lets user 4000000 write surface-inspection, this is user "
        f"{os.getuid()}. Run the application as that user, or change the model's `writer:` in the configuration."),
    ), of_model="    writer: 4000000\n"),
)  # fmt: skip


def begin_monitor(at: Path, start: Start, name: str, *changes: tuple[str, str], of_model: str = "") -> str:
    """A monitor of a bundle with these changes; the path of its tap socket once it listens."""
    bundle = str(changed_bundle(at / f"bundle-{name}", *changes)) if changes else MODEL
    configure(at, name, bundle=bundle, of_model=of_model)
    start(sys.executable, "-m", "jidoka.monitor", "--plan", str(at / f"{name}.json"))
    socket = plan_of(at, name).tap_socket
    wait_until(lambda: channel.is_listening(socket), "the monitor listens", 60.0)
    return str(socket)


def begin_application(start: Start, socket: str, **given: Any) -> Program:
    return start(sys.executable, "-c", APPLICATION, json.dumps({**given, "socket": socket}))


@pytest.mark.parametrize("row", MISFITS, ids=[each.name for each in MISFITS])
def test_an_application_that_does_not_fit_the_plan_says_so_on_its_own_and_goes_on(
    row: Misfit, at: Path, start: Start
) -> None:
    at.chmod(0o755)
    socket = begin_monitor(at, start, row.name, *row.changes, of_model=row.of_model)
    application = begin_application(start, socket, **row.given)
    for words in row.says:
        application.wait_for_text(words)
    calls = application.text.count("call ")
    application.wait_for_text(f"call {calls + 5}: ")
    assert "Traceback" not in application.text
    assert application.text.count(row.says[0]) == 1 or "Rejected" in row.says[0], "once, not with each call"


def test_a_second_worker_of_a_model_is_told_what_to_do_and_takes_over_when_the_first_ends(
    at: Path, start: Start
) -> None:
    at.chmod(0o755)
    writer = pwd.getpwuid(
        os.getuid()
    ).pw_name  # the right one: named in the configuration, known by its number
    socket = begin_monitor(at, start, "workers", of_model=f"    writer: {writer}\n")
    assert plan_of(at, "workers").models[0].user_id == os.getuid()
    first = begin_application(start, socket, model=MODEL, gate=True, deadline_s=5, when_silent="pass")
    first.wait_for_text(": judged")
    second = begin_application(start, socket, model=MODEL, gate=True, deadline_s=5)
    second.wait_for_text(
        "the monitor refuses the records: two writers. Another process writes surface-inspection, and one model has one "
        "writer. Let one process own the session, end the other one if it is left over, or give each worker a model of "
        "its own: an entry in `models:` of the configuration with the same bundle, and its id in watch()."
    )
    second.wait_for_text("(it refuses the records: two writers)")
    assert ": judged" not in second.text
    first.end()
    second.wait_for_text(": judged")


def test_workers_with_a_model_each_are_all_served(at: Path, start: Start) -> None:
    at.chmod(0o755)
    path = configure(at, "each")
    text = path.read_text()
    row = text[text.index("  - id: surface-inspection") : text.index("risks:")]
    path.write_text(text.replace(row, row + row.replace("id: surface-inspection", "id: second")))
    (at / "each.json").write_bytes(plans.dump(compile_plan(path)))
    start(sys.executable, "-m", "jidoka.monitor", "--plan", str(at / "each.json"))
    socket = plan_of(at, "each").tap_socket
    wait_until(lambda: channel.is_listening(socket), "the monitor listens", 60.0)
    workers = [
        begin_application(start, str(socket), model=each, gate=True, deadline_s=5)
        for each in (MODEL, "second")
    ]
    for worker in workers:
        worker.wait_for_text(": judged")
    nameless = begin_application(start, str(socket), sha256=load_bundle(MODEL).sha256)
    nameless.wait_for_text(
        "The file is that of surface-inspection and second: say which one with watch(session, model=…)"
    )


class Refusal(NamedTuple):
    """A broker that can't be used. url: {…} are ports of the fixture."""

    name: str
    url: str
    cause: str
    remedy: str
    more: str = ""


BROKERS = (
    Refusal("nobody-listens", "127.0.0.1:{closed}", "no broker listens at", "Start the broker"),
    Refusal("hangs-up", "127.0.0.1:{hangs_up}", "hung up on MQTT", "without TLS"),
    Refusal("no-name", "no-such-host.invalid:1883", "can't be resolved", "DNS"),
    Refusal("no-password-file", "127.0.0.1:{closed}", "can't read the password", "first line",
            "  username: station\n  password_file: {at}/none\n"),
    Refusal("open-password-file", "127.0.0.1:{closed}", "others may read or write it (mode 0644)", "chmod 600",
            "  username: station\n  password_file: {at}/open\n"),
    Refusal("wrong-password", "127.0.0.1:{mosquitto}", "refuses the connection: not authorized", "password_file",
            "  username: station\n  password_file: {at}/password\n"),
)  # fmt: skip


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def brokers(at: Path, start: Start) -> Iterator[dict[str, int]]:
    at.chmod(0o755)
    server = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        with contextlib.suppress(OSError):
            while True:
                server.accept()[0].close()

    threading.Thread(target=hang_up, daemon=True).start()
    ports = {"closed": free_port(), "hangs_up": server.getsockname()[1]}
    (at / "password").write_text("wrong\n")
    (at / "password").chmod(0o600)
    (at / "open").write_text("wrong\n")
    (at / "open").chmod(0o644)
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if mosquitto:
        ports["mosquitto"] = free_port()
        (at / "passwords").write_text("")
        (at / "passwords").chmod(0o644)
        (at / "mosquitto.conf").write_text(
            f"listener {ports['mosquitto']} 127.0.0.1\nallow_anonymous false\npassword_file {at}/passwords\n"
        )
        start(mosquitto, "-c", str(at / "mosquitto.conf")).wait_for_text("running")
    for row in BROKERS:
        with contextlib.suppress(KeyError):  # no mosquitto here
            url = row.url.format(**ports)
            configure(at, row.name, f"broker:\n  url: mqtt://{url}\n{row.more.format(at=at)}")
            start(sys.executable, "-m", "jidoka.steward", "--plan", str(at / f"{row.name}.json"))
    yield ports
    server.close()


@pytest.mark.parametrize("row", BROKERS, ids=[each.name for each in BROKERS])
def test_a_broker_that_cannot_be_used_is_told_by_status_and_stops_nothing(
    row: Refusal, at: Path, start: Start, brokers: dict[str, int]
) -> None:
    if "{mosquitto}" in row.url and "mosquitto" not in brokers:
        pytest.skip("mosquitto isn't installed")

    def mqtt() -> dict[str, Any]:
        value: dict[str, Any] = status(at, row.name).get("mqtt", {})
        return value

    wait_until(lambda: row.cause in mqtt().get("error", ""), f"status says {row.cause!r}")
    assert row.remedy in mqtt()["remedy"]
    assert status(at, row.name)["ledger"]["is_recording"]
    shown = start(sys.executable, "-m", "jidoka.cli", "status", "--plan", str(at / f"{row.name}.json"))
    assert shown.wait() == 0
    assert "NOT CONNECTED" in shown.text


def commands() -> Iterator[list[str]]:
    """Every command and the group above it."""
    for row in COMMANDS:
        found = jidoka.get_command(click.Context(jidoka), row.name)
        yield [row.name]
        if isinstance(found, click.Group):
            yield from ([row.name, name] for name in found.list_commands(click.Context(found)))


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_every_help_teaches_with_an_example(words: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    if words == ["plc", "sim"]:
        done = subprocess.run([sys.executable, "-m", "jidoka.cli", *words, "--help"], check=False)
        assert done.returncode == 0
    else:
        with pytest.raises(SystemExit) as caught:
            main([*words, "--help"])
        assert caught.value.code == 0
    told = capfd.readouterr().out
    assert f"jidoka {' '.join(words)}" in told
    assert re.search(r"Examples?:\n|\n  jidoka plc sim --link", told), told


def test_a_reader_that_has_enough_is_no_error(at: Path) -> None:
    told = f"{sys.executable} -m jidoka.cli ledger show {at}/good.jdl --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", told], check=False, capture_output=True, text=True, timeout=30)
    assert done.stdout.splitlines()[-1].lstrip("{") == "0", done
    assert "Traceback" not in done.stderr
