"""The host as a program: what it prints, what it sends, how it ends, and what it says of mistakes."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import load_bundle
from jidoka.host.renderer import Camera, Line
from jidoka.host.tensors import PictureInput
from jidoka_bridge import messages, plan
from jidoka_bridge.channel import Channel, listen
from jidoka_bridge.messages import Kind
from jidoka_tap import wire
from PIL import Image

from tests.host.bundles import SHIPPED, changed_bundle
from tests.host.panel import Panel
from tests.processes import ENVIRONMENT, Program, programs, wait_until
from tests.tap.listener import Listener, tensor

pytestmark = pytest.mark.process

HOST = (sys.executable, "-m", "jidoka.host")
BUNDLE = "surface-inspection"
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with programs(tmp_path) as starter:
        yield lambda *arguments, **how: starter(*HOST, *map(str, arguments), **how)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "tap.sock")
    yield listener
    listener.close()


def finish(program: Program, listener: Listener) -> int:
    listener.wait(lambda: program.process.poll() is not None, "the host ends")
    listener.pump()
    return program.wait()


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def save_pictures(folder: Path, count: int) -> None:
    folder.mkdir()
    line = Line(1)
    for n in range(count):
        Image.fromarray(line.part()[0]).resize((200, 150)).save(folder / f"{n:02}.png")


def test_rendered_parts_reach_the_monitor_as_they_are_and_the_summary_counts_them(
    start: Start, listener: Listener
) -> None:
    program = start(BUNDLE, "--count", 20, "--rate", 0, "--seed", 9, "--socket", listener.path, "--json")
    assert finish(program, listener) == 0, program.text
    assert [record.part for record in listener.records] == list(range(1, 21))
    line = Line(9)
    for record in listener.records:
        assert np.array_equal(tensor(record, wire.INPUT, 0)[0, 0], line.part(Camera())[0])
        assert tensor(record, wire.OUTPUT, 0).shape == (1, 4)
        assert tensor(record, wire.OUTPUT, 1).shape == (1, 64)
    (summary,) = objects(program.text)
    assert summary["records"] == sum(summary["classes"].values()) == 20
    assert summary["tap"]["sent"] == 20
    assert summary["right"] >= 19
    assert summary["means_something"]
    assert [goodbye["reason"] for goodbye in listener.goodbyes] == ["the host ends"]


def test_it_says_which_file_it_has_loaded_before_any_record_so_that_a_lockout_by_another_one_can_end(
    start: Start, listener: Listener
) -> None:
    program = start(BUNDLE, "--count", 1, "--rate", 0, "--socket", listener.path)
    assert finish(program, listener) == 0, program.text
    assert listener.hellos[0]["sha256"] == load_bundle(SHIPPED).sha256


def test_a_folder_of_pictures_is_run_in_order_and_the_output_says_that_the_classes_mean_nothing_there(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    save_pictures(tmp_path / "pictures", 6)
    program = start(
        BUNDLE, "--source", tmp_path / "pictures", "--rate", 0, "--socket", listener.path, "--json"
    )
    assert finish(program, listener) == 0, program.text
    bundle = load_bundle(SHIPPED)
    shape = PictureInput(bundle, bundle.inputs[0])
    for n, record in enumerate(listener.records):
        with Image.open(tmp_path / "pictures" / f"{n:02}.png") as picture:
            assert np.array_equal(tensor(record, wire.INPUT, 0), shape.tensor(picture))
    assert "its classes mean nothing" in program.text
    assert "not for: Inspecting real parts" in program.text
    (summary,) = objects(program.text)
    assert summary["records"] == len(listener.records) == 6
    assert not summary["means_something"]
    assert summary["right"] is None


def test_each_part_at_the_panel_makes_one_record_with_its_number_also_after_the_plc_was_restarted(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    panel = Panel(tmp_path / "panel")
    program = start(
        BUNDLE, "--trigger", panel.path, "--socket", listener.path, "--count", 5, "--results",
    )  # fmt: skip
    listener.wait(lambda: len(listener.beats) > 0, "the host is there")
    panel.say("part 41\npart 42\n")
    listener.wait_for_records(2)
    panel.close()
    program.wait_for_text("waiting until it is back")
    panel = Panel(tmp_path / "panel")
    panel.say("part 1\npart 2\npart 3\n")
    assert finish(program, listener) == 0, program.text
    assert [record.part for record in listener.records] == [41, 42, 1, 2, 3]
    results = objects(program.text)
    assert [result["part"] for result in results] == [41, 42, 1, 2, 3]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert set(results[0]) == {"ns", "part", "index", "name", "class", "confidence", "good"}
    panel.close()


def test_without_a_trigger_line_nothing_is_run(start: Start, listener: Listener, tmp_path: Path) -> None:
    panel = Panel(tmp_path / "panel")
    program = start(BUNDLE, "--trigger", panel.path, "--socket", listener.path)
    listener.wait(lambda: len(listener.beats) >= 5, "the host beats")
    assert listener.records == []
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0
    panel.close()


def test_the_camera_file_darkens_the_next_picture(start: Start, listener: Listener, tmp_path: Path) -> None:
    camera = tmp_path / "camera.json"
    start(BUNDLE, "--camera", camera, "--rate", 200, "--socket", listener.path)
    listener.wait_for_records(5)
    bright = float(tensor(listener.records[-1], wire.INPUT, 0).mean())
    (tmp_path / "new").write_text('{"gain": 0.5}')
    (tmp_path / "new").replace(camera)

    def latest_is_dark() -> bool:
        return float(tensor(listener.records[-1], wire.INPUT, 0).mean()) < 0.6 * bright

    listener.wait(latest_is_dark, "the picture is dark")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_order(number: int, code: int, start: Start, listener: Listener) -> None:
    program = start(BUNDLE, "--rate", 50, "--socket", listener.path)
    listener.wait_for_records(3)
    program.signal(number)
    assert finish(program, listener) == code
    assert len(listener.goodbyes) == 1
    assert "Traceback" not in program.text
    assert f"{BUNDLE}: {len(listener.records)} records  ok " in program.text


def test_on_a_pipe_the_counts_by_class_are_printed_each_second(start: Start, listener: Listener) -> None:
    program = start(BUNDLE, "--rate", 50, "--socket", listener.path)
    listener.wait(lambda: len(listener.records) > 60, "more than a second of records")
    text = program.wait_for_text("monitor connected")
    assert "\r" not in text
    assert "scratch" in text


def test_on_a_terminal_one_line_is_kept_alive(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    host = subprocess.Popen(
        [*HOST, BUNDLE, "--count", "3", "--rate", "0", "--socket", str(tmp_path / "none")],
        stdout=slave, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    os.close(slave)
    shown = b""
    try:
        while select.select([master], [], [], 30.0)[0]:
            try:
                chunk = os.read(master, 4096)
            except OSError:  # the other end is closed
                break
            shown += chunk
        assert host.wait(30) == 0
    finally:
        host.kill()
        os.close(master)
    assert shown.startswith(b"\r\x1b[K" + BUNDLE.encode())
    assert b"3 records" in shown


def test_it_tells_its_supervisor_that_it_is_ready_and_stopping(start: Start, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(30)
        start(BUNDLE, "--count", 1, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert supervisor.recv(100) == b"READY=1"
        assert supervisor.recv(100) == b"STOPPING=1"


def plan_file(folder: Path, sha256: str, host: dict[str, Any] | None) -> Path:
    """A plan as far as the host reads it."""
    made = plan.Plan(
        site="s", line="l", device="d", run_dir=str(folder / "run"), state_dir=str(folder / "state"), map_digest="",
        link=None, times=plan.Times(), proving=plan.Proving(), models=(plan.Model("top-view", "observe"),),
        conditions=(), causes=(),
        sections={"models": {"top-view": {"bundle": str(SHIPPED), "sha256": sha256}}, "host": host},
    )  # fmt: skip
    path = folder / "plan.json"
    path.write_bytes(plan.dump(made))
    return path


HOST_SECTION = {
    "model": "top-view",
    "source": "renderer",
    "trigger": None,
    "camera": None,
    "seed": 4,
    "rate_hz": 200.0,
}


def test_from_a_plan_it_takes_everything_and_tells_the_steward_its_counters_and_its_end(
    start: Start, tmp_path: Path
) -> None:
    path = plan_file(tmp_path, load_bundle(SHIPPED).sha256, HOST_SECTION)
    loaded = plan.load(path)
    server = listen(loaded.steward_socket)
    loaded.tap_socket.parent.mkdir(parents=True)
    listener = Listener(loaded.tap_socket)
    program = start("--plan", path)
    told: list[messages.Message] = []
    steward: list[Channel] = []

    def hear() -> None:
        listener.pump()
        if not steward:
            try:
                steward.append(Channel(connected=server.accept()[0]))
            except BlockingIOError:
                return
        told.extend(messages.decode(datagram) for datagram in steward[0].receive())

    def counted() -> bool:
        hear()
        return any(message.json()["values"]["60"] > 0 for message in told if message.kind == Kind.COUNTERS)

    wait_until(counted, "counters that are not 0")
    counters = told[-1].json()
    assert counters["program"] == "host"
    assert counters["labels"] == {"model": "top-view"}
    assert counters["values"]["60"] == counters["values"]["61"] + counters["values"]["62"]
    assert listener.hellos[0]["model"] == "top-view"
    assert np.array_equal(tensor(listener.records[0], wire.INPUT, 0)[0, 0], Line(4).part()[0])
    program.signal(signal.SIGTERM)

    def heard_bye() -> bool:
        hear()
        return told[-1].kind == Kind.BYE

    wait_until(heard_bye, "the host says goodbye")
    assert finish(program, listener) == 0, program.text
    steward[0].close()
    server.close()
    listener.close()


def test_options_beside_the_plan_win(start: Start, tmp_path: Path) -> None:
    path = plan_file(tmp_path, load_bundle(SHIPPED).sha256, HOST_SECTION)
    program = start("--plan", path, "--count", 2, "--rate", 0, "--json")
    assert program.wait() == 0
    assert objects(program.text)[0]["records"] == 2


def test_a_bundle_that_is_not_the_plans_is_refused(start: Start, tmp_path: Path) -> None:
    program = start("--plan", plan_file(tmp_path, "0" * 64, HOST_SECTION))
    assert program.wait() == 4
    assert "isn't the plan's" in program.text


def refused(start: Start, code: int, says: str, *arguments: object) -> None:
    program = start(*arguments)
    assert program.wait() == code, program.text
    assert says in program.text
    assert "Traceback" not in program.text


def test_mistakes_end_in_a_sentence_and_the_code_of_the_table(start: Start, tmp_path: Path) -> None:
    save_pictures(tmp_path / "mixed", 2)
    (tmp_path / "mixed" / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    damaged = changed_bundle(tmp_path / "damaged")
    (damaged / "surface-inspection.onnx").write_bytes(b"\0" * 1000)
    (tmp_path / "camera.json").write_text('{"gian": 1}')
    refused(start, 2, "give a BUNDLE")
    refused(start, 2, "not both", BUNDLE, "--plan", "x")
    refused(start, 2, "can't go together", BUNDLE, "--json", "--results")
    refused(start, 3, "can't read the plan", "--plan", tmp_path / "nothing")
    refused(start, 3, "has no host", "--plan", plan_file(tmp_path, "", None))
    refused(start, 3, "Did you mean 'gain'", BUNDLE, "--camera", tmp_path / "camera.json")
    refused(start, 4, "isn't the file that was approved", damaged)
    refused(start, 4, "no such folder", "surface-inspektion")
    refused(start, 5, "notes.txt: isn't an image", BUNDLE, "--source", tmp_path / "mixed")
    refused(start, 5, "has no image files", BUNDLE, "--source", tmp_path / "empty")
    refused(start, 5, "no such folder", BUNDLE, "--source", tmp_path / "nowhere")
    refused(start, 5, "isn't the panel of a PLC", BUNDLE, "--trigger", tmp_path / "camera.json")
