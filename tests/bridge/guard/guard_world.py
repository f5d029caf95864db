"""The real guard and the real PLC simulator as processes; the test itself is monitor and steward on the sockets."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jidoka_bridge import messages
from jidoka_bridge import plan as plans
from jidoka_bridge.channel import Channel
from jidoka_bridge.guard import latch
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease, PlcStatus
from jidoka_bridge.plan import Link, Plan, Proving
from jidoka_bridge.registers import MAP_DIGEST

from tests.bridge.guard.guard_rig import CONDITIONS, DRIFT, plan
from tests.processes import Program

MS = 1_000_000
#: shared machines are slow: the PLC's own watchdog must not fire because this test's processes waited for a core
LINK_TIMES: dict[str, Any] = {
    "baud": 115200,
    "beat_ms": 50,
    "hold_ms": 1500,
    "reply_timeout_ms": 42,
    "lost_beats": 25,
}


class World:
    """Call `step` often: it beats for the monitor, records for the steward, and reads what the guard says."""

    def __init__(self, folder: Path, start: Callable[..., Program], **changes: Any) -> None:
        self.start = start
        self.link, self.panel = folder / "plc", folder / "panel"
        run_dir = folder / "run"
        link = Link(port=str(self.link), **LINK_TIMES)
        proving = Proving(parts=100_000, minutes=10.0)  # parts go by while this test waits for a core
        changes = {"link": link, "map_digest": MAP_DIGEST.hex(), "proving": proving, **changes}
        self.plan: Plan = plan(run_dir=str(run_dir), state_dir=str(folder / "state"), **changes)
        self.plan_told = self.plan.digest  # by the monitor
        self.plan_file = folder / "plan.json"
        self.plan_file.write_bytes(plans.dump(self.plan))
        self.monitor = Channel(self.plan.guard_monitor_socket)
        self.steward = Channel(self.plan.guard_steward_socket)
        self.says = dict.fromkeys(CONDITIONS, Judgement.OFF)
        self.says[DRIFT] = Judgement.UNKNOWN
        self.evidence: dict[str, Any] = {}
        self.transitions: list[dict[str, Any]] = []
        self.causes: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.mode: dict[str, Any] = {}
        self.counters: dict[str, float] = {}
        self.status: PlcStatus | None = None
        self.monitor_lives = self.steward_records = True
        self.recorded = 0
        self._due_ns = 0
        self._panel_fd = -1

    def make_latch_file(self) -> None:
        latch.create(self.plan.latch_file, NEW)

    def start_plc(self) -> Program:
        command = ("-m", "jidoka_bridge.plc", "--link", str(self.link), "--panel", str(self.panel))
        plc = self.start(sys.executable, *command, "--hold-ms", "1500", "--rate", "20")
        plc.wait_for_text('"ready"')
        self._panel_fd = os.open(self.panel, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        return plc

    def start_guard(self) -> Program:
        return self.start(sys.executable, "-m", "jidoka_bridge", "--plan", str(self.plan_file))

    def kill_plc(self, plc: Program) -> None:
        """As a pulled plug: its terminals go, and their names, or the guard would open whatever the system calls so next."""
        plc.signal(signal.SIGKILL)
        plc.wait()
        self.link.unlink()
        self.panel.unlink()

    def tell_panel(self, line: str) -> None:
        os.write(self._panel_fd, f"{line}\n".encode())

    def press(self) -> None:
        """Hold the button for 200 ms of this test's own polling, and let go."""
        self.tell_panel("press")
        until = time.monotonic_ns() + 200 * MS
        self.until(lambda: time.monotonic_ns() > until, "the button is held")
        self.tell_panel("release")

    def until(self, claim: Callable[[], bool], what: str, limit_s: float = 20.0) -> None:
        deadline = time.monotonic() + limit_s
        while not claim():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {limit_s} s: {what}; {self.mode}, {self.transitions[-4:]}")
            self.step()

    def step(self) -> None:
        now_ns = time.monotonic_ns()
        channels = [channel for channel in (self.monitor, self.steward) if channel.is_connected]
        if channels:
            select.select(channels, [], [], 0.02)
        else:
            select.select([], [], [], 0.02)
        if self.monitor.connect(now_ns):
            self.send(self.monitor, Kind.MODE, json.dumps({"plan": self.plan_told}).encode())
        self.steward.connect(now_ns)
        for channel in (self.monitor, self.steward):
            for datagram in channel.receive():
                self._take(channel, messages.decode(datagram))
        if self._panel_fd >= 0:
            self._drain_panel()
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + 50 * MS
            if self.monitor_lives:
                self.send(self.monitor, Kind.LEASE, Lease(0, now_ns, now_ns, 1, 0).pack())
                self.tell_conditions()
            if self.steward_records:
                self.send(self.steward, Kind.RECORDED, messages.pack_recorded(self.recorded))

    def _drain_panel(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._panel_fd, 4096)

    def tell_conditions(self) -> None:
        now_ns = time.monotonic_ns()
        run = self.status.proving_run if self.status else 0
        for index, name in enumerate(CONDITIONS):
            condition = Condition(
                index,
                self.says[name],
                1,
                judged_ns=now_ns,
                judged_n=3,
                needed_n=20,
                run=run,
                evidence=self.evidence,
            )
            self.send(self.monitor, Kind.CONDITION, condition.pack())

    def send(self, channel: Channel, kind: Kind, body: bytes) -> None:
        channel.send(messages.encode(kind, channel.number, time.monotonic_ns(), body))

    def act(self, kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
        request = f"r{len(self.answers)}"
        self.send(self.steward, kind, json.dumps({"request": request, **body}).encode())
        self.until(lambda: request in self.answers, f"an answer to {kind.name}")
        return self.answers[request]

    def acknowledge(self, cause: str, revision: int | None = None) -> dict[str, Any]:
        seen = self.causes[cause]["revision"] if revision is None else revision
        body = {
            "cause": cause,
            "revision": seen,
            "reason": "cause removed",
            "role": "operator",
            "person": "p1",
        }
        return self.act(Kind.ACKNOWLEDGE, body)

    def _take(self, channel: Channel, message: messages.Message) -> None:
        if message.kind is Kind.PLC_STATUS:
            self.status = PlcStatus.unpack(message.body)
        if channel is not self.steward or message.kind is Kind.PLC_STATUS:
            return
        body = message.json()
        if message.kind is Kind.TRANSITION:
            if body["number"] > self.recorded:
                assert body["number"] == self.recorded + 1, "a number is missing"
                self.recorded = body["number"]
                self.transitions.append(body)
        elif message.kind is Kind.CAUSE:
            self.causes[body["id"]] = body
        elif message.kind is Kind.ANSWER:
            self.answers[body["request"]] = body
        elif message.kind is Kind.MODE:
            self.mode = body
        elif message.kind is Kind.COUNTERS:
            self.counters = body["values"]

    @property
    def state(self) -> str:
        return str(self.mode.get("state"))

    def happened(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.transitions if each["event"] == event]


def outputs(plc: Program) -> list[dict[str, Any]]:
    """Every change of the PLC's output so far."""
    stdout = plc.process.stdout
    assert stdout is not None
    while select.select([stdout], [], [], 0)[0]:
        if not plc._read(time.monotonic() + 0.1):
            break
    lines = [
        json.loads(line) for line in plc.text.splitlines() if line.startswith("{") and line.endswith("}")
    ]
    return [line for line in lines if line["event"] == "output"]
