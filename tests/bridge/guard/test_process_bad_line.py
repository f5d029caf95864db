"""The real guard before a line that can't work: a message with cause and remedy, never armed, and never locked out for it.

Ports that are missing, busy or no ports, and another unit, are rows of tests/scenarios/test_bad_input.py.
"""

from __future__ import annotations

import contextlib
import os
import pty
import select
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import tty
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from jidoka_bridge.link.blocks import BlockB, BlockC
from jidoka_bridge.link.frames import READ_HOLDING, sealed
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.server import RequestParser
from jidoka_bridge.registers import MAP_DIGEST, Fault, Input, PlcState, Word

from tests.bridge.guard.guard_world import LINK_TIMES, World
from tests.processes import Program, programs

pytestmark = pytest.mark.process
NOBODY = 65534
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
OTHER_MAP = b"\x12\x34\x56\x78"
CHECK_SETTINGS = "and unit, baud and parity"


def block_b(request: bytes, digest: bytes = MAP_DIGEST) -> bytes:
    """What a PLC answers whose counter stands at 77, sealed for a register map."""
    number = int.from_bytes(request[15:17], "big")
    words = BlockB(0, number, 77, Word.WITHHOLD, PlcState.OFF, Fault.NONE, READY).encode(1)
    return reply(request, resealed(words, digest))


def resealed(words: list[int], digest: bytes) -> list[int]:
    body = struct.pack(f">{len(words) - 2}H", *words[:-2])
    crc = zlib.crc32(body + b"\x01\x0a" + digest)
    return [*words[:-2], crc >> 16, crc & 0xFFFF]


def reply(request: bytes, words: list[int]) -> bytes:
    return sealed(request[:2] + bytes([2 * len(words)]) + struct.pack(f">{len(words)}H", *words))


def of_another_map(request: bytes) -> bytes:
    """Block B of another map, and a block C whose head says which."""
    if request[1] != READ_HOLDING:
        return block_b(request, OTHER_MAP)
    words = list(BlockC(0x0107, 0, 0, 0, 0).encode(1))
    words[2:4] = struct.unpack(">HH", OTHER_MAP)
    first = int.from_bytes(request[2:4], "big") - 200
    return reply(request, words[first : first + int.from_bytes(request[4:6], "big")])


class Row(NamedTuple):
    """What stands at the line. answer: to a request without its CRC; lack, remedy: what is said."""

    name: str
    answer: Callable[[bytes], bytes]
    lack: str
    remedy: str


ROWS = (
    Row("other-baud", lambda _: b"\xf8\x00\xfe\x80" * 9, "isn't from unit 1: another station, or another baud or parity", CHECK_SETTINGS),
    Row("noise", lambda request: request[:2] + b"\x20" + bytes(34), "come garbled (CRC): baud, parity or a disturbed line", CHECK_SETTINGS),
    Row("in-stop", block_b, "answers, but its program doesn't run (its counter stands still)", "Put the PLC in RUN"),
    Row("no-registers", lambda request: sealed(bytes([1, request[1] | 0x80, 2])), "refuses the request (Modbus exception 2)", "registers of docs/registers.md"),
    Row("no-function", lambda request: sealed(bytes([1, request[1] | 0x80, 1])), "doesn't know the function code (Modbus exception 1)", "Set plc.function to auto or 16+03"),
    Row("other-map", of_another_map, f"another register map: {OTHER_MAP.hex()} (firmware 1.7), this program's is {MAP_DIGEST.hex()}", "Load the PLC program that belongs to this version"),
)  # fmt: skip


class Server:
    """Answers each request on a pseudo-terminal of its own in one row's way."""

    def __init__(self, path: Path, answer: Callable[[bytes], bytes]) -> None:
        self.ours, self.other = pty.openpty()
        tty.setraw(self.other)
        path.symlink_to(os.ttyname(self.other))
        self.answer = answer
        self.parser = RequestParser(1)

    def serve(self) -> None:
        for request in self.parser.feed(os.read(self.ours, 4096)):
            os.write(self.ours, self.answer(request))

    def close(self) -> None:
        for descriptor in (self.ours, self.other):
            os.close(descriptor)


@contextlib.contextmanager
def serving(servers: list[Server]) -> Iterator[None]:
    is_over = threading.Event()

    def work() -> None:
        by_fd = {server.ours: server for server in servers}
        while not is_over.is_set():
            for descriptor in select.select(list(by_fd), [], [], 0.05)[0]:
                by_fd[descriptor].serve()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
        for server in servers:
            server.close()


@pytest.fixture(scope="module")
def guards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[World, Program]]]:
    """A guard for each row, all at once."""
    begun = {}
    folders = {row.name: tmp_path_factory.mktemp(row.name) for row in ROWS}
    servers = [Server(folders[row.name] / "plc", row.answer) for row in ROWS]
    with serving(servers), programs(tmp_path_factory.getbasetemp()) as start:
        for row in ROWS:
            function = {"function": "23"} if row.name == "no-function" else {}
            link = Link(port=str(folders[row.name] / "plc"), **LINK_TIMES, **function)
            world = World(folders[row.name], start, link=link)
            world.make_latch_file()
            begun[row.name] = world, world.start_guard()
        yield begun


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_line_that_cannot_work_is_told_with_cause_and_remedy_and_is_not_armed(
    row: Row, guards: dict[str, tuple[World, Program]]
) -> None:
    world, guard = guards[row.name]
    world.until(lambda: row.lack in " ".join(world.mode.get("missing", [])), f"the status says {row.lack!r}")
    guard.wait_for_text("not armed: ")
    guard.wait_for_text(row.remedy)
    assert row.lack in guard.text
    assert world.state == "START_UP"
    world.until(
        lambda: world.status is not None and world.status.word == Word.WITHHOLD, "nothing is asked for"
    )


def test_a_plc_without_function_code_23_is_used_by_16_and_03_and_what_that_costs_is_told(
    tmp_path: Path,
) -> None:
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        command = (
            "-m",
            "jidoka_bridge.plc",
            "--link",
            str(world.link),
            "--panel",
            str(world.panel),
            "--no-fc23",
        )
        start(sys.executable, *command, "--hold-ms", "1500").wait_for_text('"ready"')
        guard = world.start_guard()
        guard.wait_for_text("has no function code 23: a beat goes over by 16 and 03")
        assert "Set plc.function to 16+03, and make the plan anew" in guard.text
        world.until(
            lambda: "no link" not in " ".join(world.mode.get("missing", ["no link"])), "the link is up"
        )


def test_a_port_that_this_user_may_not_open_is_told_with_the_group(tmp_path: Path) -> None:
    """As another user where these tests are root's, for root may open everything."""
    ours, other = pty.openpty()
    os.chmod(os.ttyname(other), 0)  # noqa: PTH101 - a device, not one of our paths
    command = ["-m", "jidoka_bridge", "--plan"]
    as_somebody: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="jidoka-closed-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            as_somebody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            needs = [*as_somebody, sys.executable, "-c", "import jidoka_bridge"]
            if shutil.which("setpriv") is None or subprocess.run(needs, check=False, timeout=60).returncode:
                pytest.skip("nobody else can run this checkout")
        with programs(tmp_path) as start:
            (folder / "plc").symlink_to(os.ttyname(other))
            world = World(folder, start)
            world.make_latch_file()
            if as_somebody:
                for path in (folder, *folder.rglob("*")):
                    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
            guard = start(*as_somebody, sys.executable, *command, str(world.plan_file))
            guard.wait_for_text("can't open the serial port: Permission denied")
            guard.wait_for_text("group dialout")
            world.until(
                lambda: "Permission denied" in " ".join(world.mode.get("missing", [])), "status says so"
            )
            assert world.state == "START_UP"
    finally:
        shutil.rmtree(folder)
        os.close(ours)
        os.close(other)
