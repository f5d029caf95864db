"""The real guard over a pseudo-terminal, killed and stopped at random instants, its port and its disk taken away.

The PLC is the simulator, the test plays monitor, steward and operator. Where it is allowed the PLC runs under SCHED_FIFO,
as a PLC does: its clock is what the output is held against.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.channel import Channel
from jidoka_bridge.messages import Judgement, Kind, Message
from jidoka_bridge.plan import Link, Trips
from jidoka_bridge.registers import State

from tests.bridge.guard.guard_rig import DIGEST, DRIFT
from tests.bridge.guard.guard_world import World, outputs
from tests.processes import Program

MS = 1_000_000
PRESS_NS = 200 * MS
#: after the release, until the guard has judged the press, on a busy machine too
THROUGH_NS = 500 * MS
OFF = ("WITHHOLD", "ABSTAIN")
#: shorter than the tests' own: what is asked here is whether it is kept
LINK: dict[str, Any] = {
    "baud": 115200,
    "beat_ms": 40,
    "reply_timeout_ms": 30,
    "hold_ms": 400,
    "lost_beats": 6,
}
PLC_PRIORITY = 60


def run_first(pid: int, priority: int) -> None:
    """Give a process SCHED_FIFO where this user may; else it stays as it is."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(priority))


@dataclass
class Tally:
    """rounds; in_run: of them with the permissive on; late_ms: beyond hold time and two scans, at most (negative: a margin);
    wrong: what was lost, or rose; reenumerated: ports that came back under another device number."""

    rounds: int = 0
    in_run: int = 0
    late_ms: float = float("-inf")
    wrong: list[str] = field(default_factory=list)
    reenumerated: int = 0


class Floor(World):
    """A world that goes towards RUN by itself, as an operator would, and remembers what it was told."""

    def __init__(
        self, folder: Path, start: Callable[..., Program], draw: random.Random, link: Link | None = None
    ) -> None:
        # hundreds of trips in an hour, as no site has them, would ask for maintenance
        made = link or Link(port=str(folder / "plc"), **LINK)
        super().__init__(folder, start, link=made, trips=Trips(most=10**6))
        self.draw = draw
        self.told: dict[str, int] = {}
        self.lost_numbers = 0
        self.plc: Program | None = None
        self.guard: Program | None = None
        self.wants_lockout = False
        self.may_press = True
        self._press_until_ns = self._pressed_ns = 0
        self._asked: dict[str, tuple[Kind, dict[str, Any]]] = {}
        self._ask_ns = 0

    def begin(self) -> None:
        self.make_latch_file()
        self.begin_plc()
        self.guard = self.start_guard()

    def begin_plc(self) -> None:
        if self._panel_fd >= 0:
            os.close(self._panel_fd)
        self.plc = self.start_plc()
        run_first(self.plc.process.pid, PLC_PRIORITY)

    def changes(self) -> list[dict[str, Any]]:
        """Of the PLC's output. Raises AssertionError where somebody else has written to its panel: a button that stays down
        because its release came garbled is no fault of the guard's.
        """
        assert self.plc is not None
        found = outputs(self.plc)
        assert '"event": "refused"' not in self.plc.text, "somebody else writes to the panel of this PLC"
        return found

    @property
    def is_on(self) -> bool:
        changes = self.changes()
        return bool(changes) and changes[-1]["word"] not in OFF

    def work(self, s: float, claim: Callable[[], bool] = lambda: False) -> None:
        """Go towards RUN for so long, or until the claim holds."""
        until_s = time.monotonic() + s
        while time.monotonic() < until_s and not claim():
            self.step()
            self._operate()

    def _operate(self) -> None:
        now_ns = time.monotonic_ns()
        if self._press_until_ns and now_ns > self._press_until_ns:
            self.tell_panel("release")
            self._press_until_ns = 0
        if not self.steward.is_connected:
            return
        proving = bool(self.status and self.status.flags & self.status.PROVING)
        self.says[DRIFT] = Judgement.OFF if proving or self.mode.get("state") == "RUN" else Judgement.UNKNOWN
        if now_ns - self._ask_ns > 100 * MS:
            self._ask_ns = now_ns
            self._acknowledge()
        is_offered = self.mode.get("offer") in ("run", "proving") and self.mode.get("ready")
        if (
            self.may_press
            and is_offered
            and not self._press_until_ns
            and now_ns - self._pressed_ns > 500 * MS
        ):
            self.tell_panel("press")
            self._pressed_ns, self._press_until_ns = now_ns, now_ns + PRESS_NS

    def _acknowledge(self) -> None:
        waiting = [
            c for c in self.causes.values() if c["latched"] and c["acknowledged_revision"] != c["revision"]
        ]
        for cause in waiting:
            role = cause["needs_role"] or "engineer"
            self._ask(Kind.ACKNOWLEDGE, cause=cause["id"], revision=cause["revision"], role=role)
        if not waiting and self.mode.get("state") == State.LOCKOUT.name:
            self.says[DIGEST] = Judgement.OFF
            self._ask(Kind.UNLOCK)

    @property
    def is_pressing(self) -> bool:
        """The button is down, or what was pressed isn't through yet: the release is debounced, told with a beat, judged."""
        return self._press_until_ns > 0 or time.monotonic_ns() - self._pressed_ns < PRESS_NS + THROUGH_NS

    def hold(self) -> None:
        self._ask(Kind.HOLD)

    def _ask(self, kind: Kind, **body: Any) -> None:
        request = f"k{len(self._asked)}"
        given = {
            "request": request,
            "role": "engineer",
            "person": "p1",
            "reason": "cause removed",
            "remote": False,
            **body,
        }
        self._asked[request] = (kind, given)
        self.send(self.steward, kind, json.dumps(given).encode())

    def _take(self, channel: Channel, message: Message) -> None:
        if channel is self.steward and message.kind is Kind.TRANSITION:
            body = message.json()
            self.lost_numbers += max(0, body["number"] - self.recorded - 1) if self.recorded else 0
            if body["number"] > self.recorded:
                self.recorded = body["number"]
                self.transitions.append(body)
            return
        super()._take(channel, message)
        if message.kind is Kind.ANSWER:
            answer = message.json()
            kind, asked = self._asked.get(answer["request"], (Kind.HOLD, {}))
            if answer["ok"] and kind is Kind.ACKNOWLEDGE:
                self.told[asked["cause"]] = max(self.told.get(asked["cause"], 0), asked["revision"])


def kill_rounds(floor: Floor, rounds: int) -> Tally:
    """kill -9 of the guard at random instants; then another one is started."""
    tally = Tally()
    for number in range(rounds):
        _reach(floor, number)
        was_on = floor.is_on
        killed_ns = time.monotonic_ns()
        _guard(floor).signal(signal.SIGKILL)
        _guard(floor).wait()
        floor.may_press = False
        floor.work(0.05)  # what it had sent arrives
        known = _Known(floor)
        if number % 2:
            floor.work(0.6)
        floor.guard = floor.start_guard()
        _settle(floor, known)
        tally.rounds += 1
        tally.in_run += was_on
        _judge(tally, floor, known, killed_ns if was_on else None, f"kill {number}")
        floor.may_press = True
    return tally


def stop_rounds(floor: Floor, rounds: int) -> Tally:
    """SIGSTOP for 50 ms to 1.2 s, then SIGCONT."""
    tally = Tally()
    for number in range(rounds):
        _reach(floor, number)
        floor.may_press = False
        floor.work(2.0, lambda: not floor.is_pressing)
        was_on = floor.is_on
        pause_s = floor.draw.uniform(0.05, 1.2)
        stopped_ns = time.monotonic_ns()
        _guard(floor).signal(signal.SIGSTOP)
        known = _Known(floor)
        time.sleep(pause_s)
        _guard(floor).signal(signal.SIGCONT)
        is_long = pause_s * 1000 > LINK["hold_ms"] + 20
        _settle(floor, known, restarts=False)
        tally.rounds += 1
        tally.in_run += was_on and is_long
        _judge(
            tally,
            floor,
            known,
            stopped_ns if was_on and is_long else None,
            f"stop {number} ({pause_s:.2f} s)",
        )
        floor.may_press = True
    return tally


def port_rounds(floor: Floor, rounds: int) -> Tally:
    """The PLC's end of the line goes away, as a pulled plug; it comes back under another device number."""
    tally = Tally()
    for number in range(rounds):
        _reach(floor, 0)
        assert floor.plc is not None
        before = floor.link.readlink()
        was_on = floor.is_on
        floor.may_press = False
        floor.kill_plc(floor.plc)
        floor.work(0.5 + LINK["hold_ms"] / 1000)
        state = floor.mode.get("state")
        if was_on and state != "HOLD":
            tally.wrong.append(f"port {number}: {state} with the port closed")
        known = _Known(floor)
        taken = [fd for _ in range(3) for fd in os.openpty()]  # the number of before is taken now
        floor.begin_plc()
        for descriptor in taken:
            os.close(descriptor)
        tally.reenumerated += floor.link.readlink() != before
        floor.work(1.0)
        tally.rounds += 1
        tally.in_run += was_on
        _judge(tally, floor, known, None, f"port {number}")
        floor.may_press = True
    return tally


def disk_rounds(floor: Floor, rounds: int) -> Tally:
    """No byte can be written any more: a hold still withholds, what can't be kept isn't answered as kept, nothing rises."""
    tally = Tally()
    for number in range(rounds):
        _reach(floor, 0)
        pid = _guard(floor).process.pid
        was_on = floor.is_on
        floor.may_press = False
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        floor.hold()
        floor.work(1.2)
        known = _Known(floor)
        if was_on and floor.is_on:
            tally.wrong.append(f"disk {number}: the output is still on")
        if not floor.causes.get("latch file", {}).get("active"):
            tally.wrong.append(f"disk {number}: nobody is told that the latch file can't be written")
        if floor.told.get("local hold", 0) >= floor.causes["local hold"]["revision"]:
            tally.wrong.append(f"disk {number}: an acknowledgement that can't be kept was answered as kept")
        floor.may_press = True
        floor.work(1.0)
        _judge(tally, floor, known, None, f"disk {number}")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        tally.rounds += 1
        tally.in_run += was_on
    return tally


class _Known:
    """What was told and seen until a program was hit."""

    def __init__(self, floor: Floor) -> None:
        self.changes = len(floor.changes())
        self.is_on = floor.is_on
        self.told = dict(floor.told)
        self.latched = {name for name, cause in floor.causes.items() if cause["latched"]}
        self.is_locked = floor.mode.get("state") == "LOCKOUT"
        self.number = floor.recorded


def _guard(floor: Floor) -> Program:
    assert floor.guard is not None
    return floor.guard


def _reach(floor: Floor, number: int) -> None:
    """Mostly RUN for a moment; sometimes any moment on the way; sometimes a hold, or a lockout."""
    draw = floor.draw
    if number % 5 == 4:
        floor.work(draw.uniform(0.0, 2.5))
        return
    floor.work(20.0, lambda: floor.is_on and floor.state == "RUN")
    floor.work(draw.uniform(0.0, 0.3))
    if number % 5 == 3:
        if number % 10 == 3:
            floor.hold()
        else:
            floor.says[DIGEST] = Judgement.ON
        floor.work(draw.uniform(0.0, 0.4))


def _settle(floor: Floor, known: _Known, *, restarts: bool = True) -> None:
    """Until the guard has told everything again, and a moment in which something could rise."""
    if restarts:
        floor.causes.clear()
        floor.work(10.0, lambda: floor.recorded > known.number and bool(floor.causes))
    floor.work(0.5)


def _judge(tally: Tally, floor: Floor, known: _Known, hit_ns: int | None, what: str) -> None:
    changes = floor.changes()
    rises = [each for each in changes[known.changes :] if each["word"] not in OFF and each["was"] in OFF]
    # one that was asked for before and reached the PLC with the last frame
    if rises and hit_ns is None and known.is_on:
        rises = rises[1:]
    if rises:
        tally.wrong.append(f"{what}: the output rose by itself: {rises}")
    before = [each for each in changes if hit_ns is not None and each["ns"] <= hit_ns]
    # a drop of just before, whose line came only now, is none of this
    if hit_ns is not None and before and before[-1]["word"] not in OFF:
        off = [each for each in changes if each["ns"] > hit_ns and each["word"] in OFF]
        if not off:
            tally.wrong.append(f"{what}: the output never dropped")
        else:
            late_ms = (off[0]["ns"] - hit_ns) / MS - LINK["hold_ms"] - 2 * 10
            tally.late_ms = max(tally.late_ms, late_ms)
    for name, revision in known.told.items():
        cause = floor.causes.get(name)
        if cause is None or cause["acknowledged_revision"] < revision:
            tally.wrong.append(f"{what}: the acknowledgement of {name} is lost")
    for name in known.latched:
        cause = floor.causes.get(name)
        if cause is None or not cause["latched"]:
            tally.wrong.append(f"{what}: {name} isn't latched any more")
    if known.is_locked and floor.mode.get("state") not in ("LOCKOUT", "HOLD"):
        tally.wrong.append(f"{what}: the lockout is lost: {floor.mode.get('state')}")
