"""The arm's host as a program: the policy in a watched session, the PLC's panel, one control period after the other."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import time
from typing import Any

import numpy as np
from jidoka_bridge import messages
from jidoka_bridge.channel import Channel
from jidoka_bridge.errors import ModelError
from jidoka_bridge.messages import Kind
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_tap import Rejected, watch
from numpy.typing import NDArray

from jidoka.arm.body import Joints
from jidoka.arm.cell import Answer, Cell, Cycle, Mover
from jidoka.arm.knobs import KnobFile
from jidoka.arm.motion import CYCLE_S, ENTRIES
from jidoka.arm.options import Options
from jidoka.arm.panel import Panel
from jidoka.arm.plant import PERIOD_S
from jidoka.config.manifest import Bundle, load_approved
from jidoka.host.bell import Bell
from jidoka.host.loop import DROPPED, INFERENCES, SENT
from jidoka.host.model import open_session
from jidoka.host.showing import Shower
from jidoka.host.telling import say

log = logging.getLogger(__name__)

SECOND_NS = 1_000_000_000
PERIOD_NS = int(PERIOD_S * SECOND_NS)
FIRST_CONNECT_S = 2.0  # the monitor's answer is waited for once, so that the first records aren't lost
POSE_NS = 100_000_000
IDLE_NS = 50_000_000  # between two looks at a PLC that makes no parts


def run(options: Options) -> int:
    """Move the arm until the count ends or a signal comes. Returns the exit code. Raises PlainError."""
    die_with_parent()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="host: %(message)s")
    knobs = KnobFile(options.knobs)
    bundle = _bundle_of(options)
    panel = Panel(options.panel) if options.panel else None
    bell = Bell()
    session = watch(
        open_session(bundle), options.model or bundle.id,
        socket=None if options.tap_socket is None else str(options.tap_socket), sha256=bundle.sha256,
        gate=options.is_gated, deadline_s=options.deadline_s,
    )  # fmt: skip
    if os.path.exists(session.tap.path):  # noqa: PTH110 — a folder that is closed to this user is no error
        session.tap.wait_until_connected(FIRST_CONNECT_S)
    steward = Channel(options.steward_socket) if options.steward_socket else None
    notify("READY=1")
    host = Host(options, Cell(_asks(session), np.random.default_rng(options.seed)), knobs, session.tap, bell,
                panel=panel, steward=steward, shower=Shower(session, options.known_answers))  # fmt: skip
    try:
        host.live()
    finally:
        notify("STOPPING=1")
        host.end()
        session.tap.close("the host ends")
    return bell.exit_code


def _asks(session: Any) -> Any:
    """The policy behind its gate, as the cell asks it."""

    def ask(x: NDArray[np.float32], part: int) -> Answer:
        try:
            (command,) = session.run(["command"], {"obs": x}, part=part)
        except Rejected as rejected:
            return Answer(None, "; ".join(rejected.verdict.reasons))
        return Answer(Joints(*command[0].tolist()))

    return ask


def _bundle_of(options: Options) -> Bundle:
    bundle = load_approved(options.bundle, options.sha256)
    takes = [(each.name, each.shape[-1:]) for each in bundle.inputs]
    if takes != [("obs", (len(ENTRIES),))] or [each.name for each in bundle.outputs] != ["command"]:
        raise ModelError(
            f"{bundle.folder}: isn't a policy for this arm: it takes {takes}",
            f"The arm needs one with an input obs of {len(ENTRIES)} entries and an output command of 2, as arm-policy.",
        )
    return bundle


class Host:
    """Runs cycles: one a part that the PLC counts, or one after the other; tells what each came to."""

    def __init__(
        self, options: Options, cell: Cell, knobs: KnobFile, tap: Any, bell: Bell, *, panel: Panel | None, steward: Channel | None,
        shower: Shower,
    ) -> None:  # fmt: skip
        self._shower = shower
        self._options, self._cell, self._knobs, self._tap, self._bell = options, cell, knobs, tap, bell
        self._panel, self._steward = panel, steward
        self._period_ns = int(PERIOD_NS / options.pace) if options.pace else 0
        self._given = self._steps = self._refused = 0
        self._squared = 0.0
        self._next_duty_ns = time.monotonic_ns() + SECOND_NS
        self._next_line_ns = time.monotonic_ns() + int(options.tells_every_s * SECOND_NS)
        self._next_cycle_ns = self._next_pose_ns = 0

    def live(self) -> None:
        """Until the count ends, or a signal comes."""
        while not self._bell.rung and (self._options.count is None or self._given < self._options.count):
            part = self._next_part()
            if part:
                self._run(part)

    def _next_part(self) -> int:
        """The next part to make; 0: none yet."""
        now_ns = time.monotonic_ns()
        self._duties(now_ns)
        self._shower.look()  # between two motions only: a set takes longer than a period
        if self._panel is None:
            if self._options.rate_hz and now_ns < self._next_cycle_ns:
                self._bell.wait(min(self._next_cycle_ns, self._next_duty_ns))
                return 0
            self._next_cycle_ns = (
                now_ns + int(SECOND_NS / self._options.rate_hz) if self._options.rate_hz else 0
            )
            return self._given + 1
        self._panel.read(now_ns)
        if self._panel.mover(now_ns) is Mover.BRAKES:
            self._panel.parts.clear()
            self._cell.step(Mover.BRAKES)
        elif self._panel.parts:
            return self._panel.parts.popleft()
        self._bell.wait(min(now_ns + IDLE_NS, self._next_duty_ns), [self._panel.trigger])
        return 0

    def _mover(self, now_ns: int) -> Mover:
        if (
            self._panel is None
        ):  # a baseline should know the arm under the policy and the policy in the shadow
            return Mover.POLICY if self._given % 2 else Mover.PROGRAM
        self._panel.read(now_ns)
        return self._panel.mover(now_ns)

    def _run(self, part: int) -> None:
        self._given += 1
        begun_ns = due_ns = time.monotonic_ns()
        self._cell.plant.knobs = self._knobs.current()
        self._cell.begin(part)
        while self._cell.is_moving and not self._bell.rung:
            now_ns = time.monotonic_ns()
            self._duties(now_ns)
            self._cell.step(self._mover(now_ns))
            self._tell_pose(now_ns)
            due_ns += self._period_ns
            self._bell.wait(due_ns)
        self._tell(begun_ns, self._cell.cycle)

    def _tell_pose(self, now_ns: int) -> None:
        """Where the arm is, for whoever draws it."""
        reference = self._cell.reference
        if self._options.tells != "results" or reference is None or now_ns < self._next_pose_ns:
            return
        self._next_pose_ns = now_ns + POSE_NS
        pose, wanted = ([round(each, 4) for each in joints] for joints in (self._cell.plant.q, reference.q))
        mover = self._cell.cycle.moved_by[-1] if self._cell.is_moving else Mover.BRAKES.value
        say(json.dumps({"pose": pose, "reference": wanted, "mover": mover}, separators=(",", ":")) + "\n")

    def _tell(self, begun_ns: int, done: Cycle) -> None:
        self._steps += done.steps
        self._refused += done.refused
        self._squared += done.squared
        if self._options.tells != "results":
            return
        value = {
            "ns": begun_ns, "part": done.part, "mover": "+".join(done.moved_by) or Mover.BRAKES.value, "steps": done.steps,
            "is_whole": done.is_whole, "error_mrad": round(done.error_mrad, 3),
            "residual_mrad": round(done.residual_mrad, 3), "refused": done.refused, "why": done.why,
            "command": None if done.command is None else [round(each, 3) for each in done.command],
        }  # fmt: skip
        say(json.dumps(value, separators=(",", ":")) + "\n")

    def _duties(self, now_ns: int) -> None:
        if now_ns < self._next_duty_ns:
            return
        self._next_duty_ns = now_ns + SECOND_NS
        counts = self._tap.counts
        if self._steward is not None:
            self._steward.connect(now_ns)
            self._steward.receive()
            self._tell_steward(now_ns, Kind.COUNTERS, {
                "program": "host", "labels": {"model": self._tap.model},
                "values": {INFERENCES: self._steps, SENT: counts.sent, DROPPED: counts.dropped},
            })  # fmt: skip
        if self._options.tells == "counts" and now_ns >= self._next_line_ns:
            self._next_line_ns = now_ns + int(self._options.tells_every_s * SECOND_NS)
            say(f"{self._tap.model}: {self._given} cycles  {self._error_mrad:.2f} mrad  {self._refused} commands refused  "
                f"monitor {'connected' if counts.is_connected else 'away'}\n")  # fmt: skip

    @property
    def _error_mrad(self) -> float:
        return 1e3 * float(np.sqrt(self._squared / self._steps)) if self._steps else 0.0

    def _tell_steward(self, now_ns: int, kind: Kind, value: dict[str, Any]) -> None:
        if self._steward is not None and self._steward.is_connected:
            self._steward.send(messages.encode_json(kind, self._steward.number, now_ns, value))

    def end(self) -> None:
        """Brakes on, goodbye to everybody, and the sum of it all where it was asked for."""
        self._cell.step(Mover.BRAKES)
        self._tell_steward(time.monotonic_ns(), Kind.BYE, {"program": "host", "reason": "stopped"})
        if self._panel is not None:
            self._panel.close()
        if self._options.tells == "summary":
            counts = self._tap.counts
            with contextlib.suppress(BrokenPipeError):
                say(json.dumps({
                    "model": self._tap.model, "cycles": self._given, "cycle_s": CYCLE_S, "records": self._steps,
                    "error_mrad": round(self._error_mrad, 3), "refused": self._refused,
                    "tap": {"sent": counts.sent, "dropped": counts.dropped, "unjudged": counts.unjudged},
                }) + "\n")  # fmt: skip
