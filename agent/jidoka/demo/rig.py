"""A whole plant on this machine, running: broker, PLC, the agent's four programs, a subscriber; and what is seen of it.

The demonstration tells its story on a rig; the scenario tests and the chain's bench kill, disturb and time one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

from jidoka_bridge.errors import PlainError

from jidoka.demo.broker import HOST
from jidoka.demo.facts import Facts
from jidoka.demo.hands import Hands
from jidoka.demo.piece import STATION, Piece
from jidoka.demo.site import Site
from jidoka.demo.subscriber import Subscriber
from jidoka.supervisor import Supervisor

STEP_S = 0.03
START_LIMIT_S = 180.0
#: how `jidoka baseline learn` begins the lines that tell of its progress
PROGRESS = ("learning", "compiling")


class Rig:
    """Everything of one site. Use it in `contextlib.closing`: whatever happens, nothing is left running.

    piece: which demonstration's; on_change(text) is told what is being prepared and what the programs do; laps_s: seconds by step of it;
    ready_ns: when all programs were ready, CLOCK_MONOTONIC.
    """

    def __init__(
        self, broker: str = "any", on_change: Callable[[str], None] | None = None, piece: Piece = STATION
    ) -> None:
        self.facts = piece.facts()
        self.piece = piece
        self.laps_s: dict[str, float] = {}
        self._broker = broker
        self._on_change = on_change or (lambda _: None)
        self._lap_s = time.monotonic()
        self._supervisor: Supervisor | None = None
        self._subscriber: Subscriber | None = None
        self._line: Hands | None = None
        self.ready_ns = 0
        self._on_change("a site of its own: configuration, plan, latch file")
        self.site: Site = piece.make_site()
        jidoka("guard", "init", str(self.site.plan_file))
        self.facts.watch_along = f"mosquitto_sub -h {HOST} -p {self.site.broker_port} -t 'aims/v1/#' -v"
        self._on_change(f"to watch along in another terminal: {self.facts.watch_along}")
        self._lap("site")

    @property
    def line(self) -> Hands:
        assert self._line is not None, "start() comes first"
        return self._line

    @property
    def subscriber(self) -> Subscriber:
        assert self._subscriber is not None, "start() comes first"
        return self._subscriber

    @property
    def supervisor(self) -> Supervisor:
        assert self._supervisor is not None, "start() comes first"
        return self._supervisor

    def learn(self, records: int | None = None) -> None:
        """Learn the baseline from the piece's source, through the same tap and kernels as in production."""
        wanted = records or self.piece.records
        self._on_change(f"a baseline of {wanted} {self.piece.good} (the first time, kernels are compiled)")
        jidoka(
            "baseline", "learn", str(self.site.configuration_file), *self.piece.source, "--records", str(wanted),
            on_line=self._learned,
        )  # fmt: skip
        self._lap("baseline")

    def start(self) -> None:
        """Start all programs in their order, each ready before the next. Raises PlainError if one can't be."""
        self._supervisor = Supervisor(
            self.site.programs(self._broker),
            self.site.folder / "run",
            self._printed,
            lambda name, text: self._on_change(f"{name}: {text}"),
        )
        for name in self._supervisor.children:
            self._supervisor.start(name, START_LIMIT_S)
            self._lap(name)
        self.ready_ns = time.monotonic_ns()
        self._subscriber = Subscriber(HOST, self.site.broker_port)
        self._line = self.piece.hands(self.site)

    def step(self) -> None:
        """One look at everything: at most STEP_S of waiting."""
        self.supervisor.step(STEP_S)
        self.facts.now_ns = time.monotonic_ns()
        for topic, event in self.subscriber.take():
            data = event.get("data")
            if topic == "interlock" and isinstance(data, dict) and "number" in data:
                self.facts.apply_transition(data)
        self.line.step(self.facts.now_ns, self.facts, self.facts.apply_status)

    def wait(self, claim: Callable[[Facts], bool], what: str, limit_s: float = 20.0) -> None:
        """Step until the claim holds of the facts. Raises PlainError naming `what` and the state otherwise."""
        deadline_s = time.monotonic() + limit_s
        while not claim(self.facts):
            if time.monotonic() > deadline_s:
                raise PlainError(
                    f"not within {limit_s:g} s: {what} (state {self.facts.state}, output {self.facts.output}, "
                    f"offer {self.facts.offer}, missing {self.facts.missing})"
                )
            self.step()

    def reach_run(self, limit_s: float = 30.0) -> None:
        """From any standing state to RUN as an operator does: acknowledge, press, prove, press."""
        self.wait(lambda f: f.offer in {"proving", "run"} or bool(f.waiting), "an offer or an alarm", limit_s)
        if self.facts.waiting:
            self.line.acknowledge(self.facts)
            self.wait(
                lambda f: not f.waiting and f.offer in {"proving", "run"},
                "an offer after acknowledging",
                limit_s,
            )
        self.wait(lambda f: f.is_ready, "a press counts", limit_s)
        if self.facts.offer == "proving":
            self.line.press()
            self.wait(lambda f: f.is_proving, "a proving run", limit_s)
            self.wait(lambda f: f.offer == "run" and f.is_ready, "the proving run judged good", limit_s)
        self.line.press()
        self.wait(lambda f: f.state == "RUN" and f.output == "MACHINE_AND_AI", "RUN", limit_s)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._subscriber is not None:
            self._subscriber.close()
        self._line = self._supervisor = self._subscriber = None

    def _learned(self, line: str) -> None:
        if line.startswith(PROGRESS):
            self._on_change(line)

    def _printed(self, name: str, text: str) -> None:
        if name not in {"plc", "host"} or not text.startswith("{"):
            return
        try:
            value = json.loads(text)
        except ValueError:
            return
        if name == "plc":
            self.facts.apply_plc(value)
        else:
            self.facts.apply_host(value)

    def _lap(self, name: str) -> None:
        now_s = time.monotonic()
        self.laps_s[name] = round(now_s - self._lap_s, 2)
        self._lap_s = now_s


def run_jidoka(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of the command line, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "jidoka.cli", *arguments], capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL, env={**os.environ, "JIDOKA_DIE_WITH_PARENT": "1"}, timeout=START_LIMIT_S,
    )  # fmt: skip


def jidoka(*arguments: str, on_line: Callable[[str], None] | None = None) -> str:
    """The same, which must succeed; returns what it printed, and tells on_line each line as it comes.

    Raises PlainError with what it said.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "jidoka.cli", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "JIDOKA_DIE_WITH_PARENT": "1"},
    )  # fmt: skip
    said = []
    with process:
        for line in process.stdout or ():
            said.append(line)
            if on_line is not None:
                on_line(line.rstrip())
    if process.returncode:
        raise PlainError(
            f"jidoka {' '.join(arguments[:2])} ended with {process.returncode}: {''.join(said).strip()}"
        )
    return "".join(said)
