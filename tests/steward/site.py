"""A site for the steward's tests: a plan in short paths, and the guard and the monitor played over the real sockets."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from jidoka.steward.client import ask
from jidoka_bridge import messages
from jidoka_bridge.channel import Channel, listen
from jidoka_bridge.messages import Condition, Decision, Judgement, Kind, Message, PlcStatus
from jidoka_bridge.plan import ConditionSpec, Link, Model, Plan, Proving, Times, dump

from tests.processes import Program, programs, wait_until

MODEL = "surface"
DRIFT = "surface:drift(all)"


def make_plan(root: Path, **sections: Any) -> Plan:
    return Plan(
        site="plant 1", line="line/7", device="press", run_dir=str(root / "run"), state_dir=str(root / "state"),
        map_digest="00000000", link=Link(str(root / "link")), times=Times(), proving=Proving(), models=(Model(MODEL, "enforce"),),
        conditions=(ConditionSpec(DRIFT, MODEL, True, 0.0),), causes=(), sections={"steward": sections},
    )  # fmt: skip


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def decision(number: int, **fields: Any) -> Decision:
    values: dict[str, Any] = {
        "number": number, "part": number, "record_ns": 10**9 + number * 10**8, "judged_ns": 10**9 + number * 10**8 + 4000,
        "reasons": 0, "top_class": 1, "verdict": 0, "flags": 0, "position": 0, "recipe": 7, "confidence": 0.5,
        "score1": float("nan"), "score2": float("nan"),
    }  # fmt: skip
    return Decision(**{**values, **fields})


def transition(number: int, was: str = "HOLD", now: str = "HOLD", **fields: Any) -> dict[str, Any]:
    return {
        "number": number, "ns": time.monotonic_ns(), "event": "hold cause on", "from": was, "to": now, "proving": False,
        "proving_run": 0, "word": "WITHHOLD", "m": False, "a": False, "cause": None, "first_out": None,
        "refused": False, "reasons": [], "text": f"Event {number}.", "person": None, "reason": None, "evidence": {},
        **fields,
    }  # fmt: skip


def cause(active: bool = True, revision: int = 1, acknowledged: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "id": "R-03", "risk": "model drift", "response": "hold", "priority": "high", "statistical": True,
        "text": "The model drifts.", "remedy": "Clean the lens.", "active": active, "latched": True,
        "revision": revision, "acknowledged_revision": acknowledged, "person": None, "quality": "good",
        "since_ns": 5, "onset_ns": 4, "trip": True, "evidence": {}, **fields,
    }  # fmt: skip


class Guard:
    """The guard's side of guard-steward.sock: keeps transitions until RECORDED, sends them again on a new connection."""

    def __init__(self, plan: Plan) -> None:
        self.server = listen(plan.guard_steward_socket)
        self.channel: Channel | None = None
        self.waiting: list[dict[str, Any]] = []
        self.recorded = -1
        self.beats = 0
        self.connections = 0
        self.acts: list[Message] = []
        self.byes = 0

    def send(self, kind: Kind, value: dict[str, Any]) -> None:
        if self.channel is not None:
            self.channel.send(messages.encode_json(kind, self.channel.number, time.monotonic_ns(), value))

    def send_status(self, status: PlcStatus) -> None:
        assert self.channel is not None
        self.channel.send(
            messages.encode(Kind.PLC_STATUS, self.channel.number, time.monotonic_ns(), status.pack())
        )

    def transition(self, body: dict[str, Any]) -> None:
        self.waiting.append(body)
        self.send(Kind.TRANSITION, body)

    def pump(self) -> None:
        with contextlib.suppress(BlockingIOError):
            connected, _ = self.server.accept()
            self.channel = Channel(connected=connected)
            self.connections += 1
            for body in self.waiting:
                self.send(Kind.TRANSITION, body)
        if self.channel is None:
            return
        for datagram in self.channel.receive():
            message = messages.decode(datagram)
            if message.kind is Kind.RECORDED:
                self.recorded = messages.unpack_recorded(message.body)
                self.beats += 1
                self.waiting = [body for body in self.waiting if body["number"] > self.recorded]
            elif message.kind is Kind.BYE:
                self.byes += 1
            else:
                self.acts.append(message)
        if not self.channel.is_connected:
            self.channel = None

    def until(self, claim: Callable[[], bool], what: str, limit_s: float = 15.0) -> None:
        def pumped() -> bool:
            self.pump()
            return claim()

        wait_until(pumped, what, limit_s)

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
        self.server.close()


class Monitor:
    """The monitor's side of steward.sock."""

    def __init__(self, plan: Plan) -> None:
        self.channel = Channel(plan.steward_socket)
        assert self.channel.connect(time.monotonic_ns())

    def send(self, kind: Kind, body: bytes | dict[str, Any]) -> bool:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        while not self.channel.send(messages.encode(kind, self.channel.number, time.monotonic_ns(), body)):
            assert self.channel.is_connected
            select.select([], [self.channel], [], 1.0)
        return True

    def condition(self, judgement: Judgement, revision: int, **evidence: Any) -> None:
        self.send(Kind.CONDITION, Condition(0, judgement, revision, 12.5, 10.0, evidence=evidence).pack())

    def decide(self, rows: list[Decision]) -> None:
        self.send(Kind.DECISIONS, messages.pack_decisions(0, rows[0].number, rows))


class Site:
    """A plan with a played guard; `start` runs the real steward."""

    def __init__(self, root: Path, start: Callable[..., Program], sections: dict[str, Any]) -> None:
        self.root = root
        self.plan = make_plan(root, **sections)
        self.plan_file = root / "plan.json"
        self.plan_file.write_bytes(dump(self.plan))
        self.guard = Guard(self.plan)
        self._start = start

    @property
    def ledger(self) -> Path:
        return self.plan.ledger_file

    def start(self, environment: dict[str, str] | None = None) -> Program:
        program = self._start(
            sys.executable, "-m", "jidoka.steward", "--plan", str(self.plan_file), environment=environment
        )
        program.wait_for_text("listens at")
        return program

    def stop(self, program: Program) -> int:
        program.signal(signal.SIGTERM)
        return program.wait()

    def status(self) -> dict[str, Any]:
        return ask(self.plan.steward_socket, Kind.ASK, {"what": "status"})


@contextlib.contextmanager
def site(**sections: Any) -> Iterator[Site]:
    """A site in a folder of its own whose paths are short enough for sockets."""
    root = Path(tempfile.mkdtemp(prefix="jdk-"))
    try:
        with programs(root) as start:
            place = Site(root, start, sections)
            try:
                yield place
            finally:
                place.guard.close()
    finally:
        shutil.rmtree(root, ignore_errors=True)


def rss_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
