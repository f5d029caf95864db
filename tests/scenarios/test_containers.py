"""An application in a container: another root and another user namespace, and the socket directory as the only mount."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jidoka_tap
import numpy
import pytest
from jidoka.config.compile import compile_text
from jidoka_bridge import channel
from jidoka_bridge import plan as plans
from jidoka_bridge.messages import Kind, Lease
from jidoka_tap.attach import finder
from jidoka_tap.opening import DEFAULT_SOCKET
from ruamel.yaml import YAML

from tests.monitor.test_process import Peer
from tests.processes import Program, programs, wait_until
from tests.tap.conftest import CONFIGURATION, MODEL

pytestmark = pytest.mark.process
ROOT = Path(__file__).resolve().parents[2]

#: who the container's root is outside; somebody else than the monitor where that can be
IS_ROOT = os.getuid() == 0
USER, GROUP = (4711, 4711) if IS_ROOT else (os.getuid(), os.getgid())
#: namespaces: as root the user's own comes last, in the container's own script
NAMESPACES = ("--mount", "--pid", "--fork", "--kill-child") + (
    () if IS_ROOT else ("--user", "--map-root-user")
)
SCRIPT = Path(__file__).with_name("_container.sh")
#: what is promised is 2 s; the rest is for a machine that is busy with other tests, and for the lease's 100 ms
LIMIT_S = 2.0 + 1.0

#: says what it finds, then runs its model
APPLICATION = f"""
import json, os, sys, time
import numpy as np
import onnxruntime as ort
options = ort.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
options.log_severity_level = 4
session = ort.InferenceSession({str(MODEL)!r}, options, providers=["CPUExecutionProvider"])
def tries(what):
    try:
        return str(what())
    except OSError as error:
        return type(error).__name__
hidden = sys.argv[1]
print("facts", json.dumps({{
    "user": os.getuid(),
    "run": [os.listdir("/run/jidoka"), os.listdir("/run/jidoka/tap")],
    "private": [tries(lambda: os.listdir(hidden)), tries(lambda: os.listdir("/run/jidoka/tap/../private"))],
    "root": [tries(lambda: open(folder + "/mine", "w")) for folder in ("", "/usr", "/run/jidoka/tap")],
    "socket": tries(lambda: os.rename("/run/jidoka/tap/tap.sock", "/run/jidoka/tap/other")),
    "processes": len([name for name in os.listdir("/proc") if name.isdigit()]),
}}), flush=True)
picture = {{"image": np.zeros((1, 1, 96, 96), np.uint8)}}
while True:
    session.run(None, picture)
    time.sleep(0.005)
"""
WATCH = 'import jidoka_tap\nsession = jidoka_tap.watch(session, "our-model")\n'


def why_no_namespaces() -> str:
    """Why this machine makes no namespaces, "" if it does."""
    inner = ["unshare", "--user", "--map-root-user", "true"]
    probe = ["mount", "-t", "tmpfs", "probe", "/mnt"]
    try:
        done = subprocess.run(
            ["unshare", *NAMESPACES, "sh", "-ec", " ".join(probe) + " && mount -t proc proc /mnt && " + " ".join(inner)],
            capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stderr.strip() if done.returncode else ""


class Site:
    """A monitor outside, applications in containers."""

    def __init__(self, folder: Path, start: Callable[..., Program]) -> None:
        self.folder, self._start = folder, start
        (folder / "line.yaml").write_text(CONFIGURATION.format(folder=folder))
        self.plan = compile_text((folder / "line.yaml").read_text(), folder)
        self.tap = self.plan.tap_socket.parent
        # as an installation makes it: the monitor owns it, the applications' group may look for the socket in it and,
        # as the group passes on to what is made there, connect
        self.tap.mkdir(parents=True)
        os.chown(self.tap, -1, GROUP)
        self.tap.chmod(0o2750)
        self.guard = Peer(self.plan.guard_monitor_socket)

    def bind(self, user_id: int | None) -> None:
        """Who may write the model."""
        models = (dataclasses.replace(self.plan.models[0], user_id=user_id),)
        self.plan = dataclasses.replace(self.plan, models=models)

    def monitor(self) -> Program:
        """One that listens; its predecessor's guard is forgotten."""
        self.guard.close()
        self.guard = Peer(self.plan.guard_monitor_socket)
        (self.folder / "plan.json").write_bytes(plans.dump(self.plan))
        plan_file = str(self.folder / "plan.json")
        program = self._start(sys.executable, "-m", "jidoka.monitor", "--plan", plan_file)
        wait_until(lambda: channel.is_listening(self.plan.tap_socket), "the monitor listens", 60.0)
        return program

    def application(self, way: str = "watch", is_mapped: bool = True) -> Program:
        """One in a container. way: watch, attach; is_mapped: root inside is USER outside."""
        files, root = self.folder / "app", self.folder / "root"
        files.mkdir(exist_ok=True)
        root.mkdir(exist_ok=True)
        text = APPLICATION if way == "attach" else APPLICATION.replace("def tries", WATCH + "def tries")
        (files / "app.py").write_text(text)
        tap, packages = Path(jidoka_tap.__file__).parent, Path(numpy.__file__).parents[1]
        folders = {str(files), str(MODEL.parent), str(tap), str(packages), sys.base_prefix} - {"/usr"}
        who = (str(USER), str(GROUP)) if IS_ROOT and is_mapped else ("-", "-")
        path = [str(tap / "attach" / "hook")] if way == "attach" else [str(tap.parent)]
        return self._start(
            "unshare", *NAMESPACES, "sh", str(SCRIPT), str(root), str(self.tap), *who, *sorted(folders), "--",
            os.path.realpath(sys.executable), str(files / "app.py"), str(self.plan.guard_monitor_socket.parent),
            environment={"PYTHONPATH": os.pathsep.join([*path, str(packages)]), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip

    def records(self) -> int:
        leases = self.guard.of(Kind.LEASE)
        return Lease.unpack(leases[-1].body).records if leases else 0


@pytest.fixture
def site() -> Iterator[Site]:
    why_not = why_no_namespaces()
    if why_not:
        pytest.skip(f"no namespaces can be made here: {why_not}")
    # a short path: a socket's has at most 107 characters
    with tempfile.TemporaryDirectory(prefix="jidoka-") as name, programs(Path(name)) as start:
        made = Site(Path(name), start)
        yield made
        made.guard.close()


@pytest.mark.parametrize("way", ["watch", "attach"])
def test_records_come_out_of_a_container_and_nothing_else_of_the_agent_is_in_it(way: str, site: Site) -> None:
    site.bind(USER)
    site.monitor()
    application = site.application(way)
    application.wait_for_text("processes")
    wait_until(lambda: site.records() > 20, "records flow")
    (said,) = [line for line in application.text.splitlines() if line.startswith("facts ")]
    assert json.loads(said.removeprefix("facts ")) == {
        "user": 0,
        "run": [["tap"], ["tap.sock"]],
        "private": ["FileNotFoundError"] * 2,
        "root": ["OSError"] * 3,  # read-only
        "socket": "OSError",
        "processes": 1,
    }


@pytest.mark.parametrize("user_id", [0, USER + 1], ids=["root", "another"])
def test_a_containers_root_is_the_user_that_it_is_outside_and_no_other(user_id: int, site: Site) -> None:
    site.bind(user_id)
    site.monitor()
    application = site.application()
    text = application.wait_for_text("refuses the records")
    assert "wrong user" in text
    assert f"The plan lets user {user_id} write our-model, this is user {USER}" in text
    assert site.records() == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root has a container whose root is root outside")
def test_a_root_that_is_root_outside_too_gets_no_right_by_that(site: Site) -> None:
    site.bind(USER)
    site.monitor()
    text = site.application(is_mapped=False).wait_for_text("refuses the records")
    assert f"The plan lets user {USER} write our-model, this is user 0" in text
    assert site.records() == 0


def test_what_the_documentation_has_people_write_says_what_the_programs_read() -> None:
    text = (ROOT / "docs" / "containers.md").read_text()
    blocks = [YAML(typ="safe").load(each) for each in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    assert len(blocks) == 2
    for block in blocks:
        service = block["services"]["inspection"]
        assert service["environment"]["JIDOKA_TAP_SOCKET"] == DEFAULT_SOCKET
        assert all(volume["read_only"] and "private" not in volume["source"] for volume in service["volumes"])
    assert blocks[0]["services"]["inspection"]["volumes"][0]["target"] == str(Path(DEFAULT_SOCKET).parent)
    hook = Path(blocks[1]["services"]["inspection"]["environment"]["PYTHONPATH"])
    assert hook.parts[-3:] == Path(finder.HOOK).parts[-3:]
    assert set(re.findall(r"JIDOKA_ATTACH_\w+", text)) == set(finder.VARIABLES)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
def test_after_a_restart_of_the_agent_records_flow_again_through_the_same_mount(
    number: int, site: Site
) -> None:
    site.bind(USER)
    monitor = site.monitor()
    application = site.application()
    wait_until(lambda: site.records() > 0, "records flow")
    folder = site.tap.stat().st_ino
    for _ in range(2):
        monitor.signal(number)
        monitor.wait()
        monitor = site.monitor()
        since_s = time.monotonic()
        wait_until(lambda: site.records() > 0, "records flow again")
        assert time.monotonic() - since_s < LIMIT_S
    assert site.tap.stat().st_ino == folder
    assert application.process.poll() is None
