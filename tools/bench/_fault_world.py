"""Guard's line, faulty wire and PLC in one simulated time: every frame is followed, every scan is judged.

The judging knows the wire format by itself (offsets, no decoder) and asks the PLC for nothing but its output.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from jidoka_bridge.guard.core import Guard
from jidoka_bridge.guard.line import Line
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.link.arming import Ask
from jidoka_bridge.link.times import pace_of
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import State, Word

from tools.bench._fault_classes import CLASSES, MS, Way
from tools.bench._fault_plcs import Plc

RANK = {0x6996: 1, 0xA5A5: 2}
#: of the agent's reasons these are no beat's
NO_BEAT = ("unasked bytes", "block C crc", "block C format")
PROBABILITIES = (0.02, 0.1, 0.3, 1.0)


@dataclass
class Tally:
    """What happened. late_ns: longest that the output outlived the last frame that allowed it."""

    frames: Counter[str] = field(default_factory=Counter)
    touched: Counter[str] = field(default_factory=Counter)
    fates: Counter[str] = field(default_factory=Counter)
    beats: Counter[str] = field(default_factory=Counter)
    scans: int = 0
    above: int = 0
    late: int = 0
    late_ns: int = 0
    rises: int = 0
    presses: int = 0
    stale: int = 0
    unaccounted: int = 0

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            if isinstance(value, Counter):
                getattr(self, name).update(value)
            elif name == "late_ns":
                self.late_ns = max(self.late_ns, value)
            else:
                setattr(self, name, getattr(self, name) + value)


class Hand:
    """Guard and operator in one: asks, is pressed for, holds for a while, lowers, begins anew."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.view = LinkView()
        self.word = Word.WITHHOLD
        self.is_holding = False
        self.press_from_ns = self.press_until_ns = self.next_ns = 0
        self.presses = 0

    def ask(self) -> Ask:
        if self.is_holding:
            return Ask(self.word, State.RUN if self.word is Word.MACHINE_AND_AI else State.FALLBACK)
        return Ask(Word.WITHHOLD, State.HOLD, arm=self.word is not Word.ABSTAIN)

    def sent(self, now_ns: int, word: Word) -> None:
        """Nothing to remember."""

    def beat(self, now_ns: int, view: LinkView) -> None:
        """After each beat: what next."""
        self.view, rng = view, self.rng
        if self.is_holding:
            if not view.is_up or now_ns >= self.next_ns:
                self.is_holding = False
            elif self.word is Word.MACHINE_AND_AI and rng.random() < 0.01:
                self.word = Word.MACHINE
        elif view.presses > self.presses:
            self.is_holding = True
            self.word = rng.choice((Word.MACHINE_AND_AI, Word.MACHINE_AND_AI, Word.MACHINE))
            self.next_ns = now_ns + rng.randint(500, 6_000) * MS
        elif view.is_press_awaited and now_ns > self.press_until_ns + 500 * MS:
            self.press_from_ns = now_ns + rng.randint(0, 300) * MS
            self.press_until_ns = self.press_from_ns + rng.randint(150, 350) * MS
        self.presses = view.presses

    def is_pressing(self, now_ns: int) -> bool:
        return self.press_from_ns <= now_ns < self.press_until_ns


class FaultyPort:
    """Stands where the port does: what is written goes through the faults, and arrives when its last character would."""

    def __init__(self, world: World) -> None:
        self.is_open = False
        self.error = ""
        self.notes: tuple[tuple[str, str], ...] = ()
        self.waiting = bytearray()
        self._world = world

    def open(self, now_ns: int) -> bool:
        del now_ns
        self.is_open = True
        return True

    def fileno(self) -> int:
        return -1

    def drain(self) -> int:
        dropped = len(self.waiting)
        self.waiting.clear()
        return dropped

    def read(self) -> bytes:
        data = bytes(self.waiting)
        self.waiting.clear()
        return data

    def write(self, data: bytes) -> None:
        if data:
            self._world.send(data, is_up=True)

    def line_errors(self) -> None:
        """A simulated driver counts none."""

    def close(self) -> None:
        self.is_open = False


class World:
    """One site under one error class in one direction ("both": each frame of either)."""

    def __init__(self, link: Link, plc: Plc, error: str, direction: str, seed: int) -> None:
        self.link, self.plc = link, plc
        self.tally = Tally()
        self.now_ns = 1_000_000 * MS
        self.rng = random.Random(seed)
        self.hand = Hand(self.rng)
        self.line = Line(link, self.rng.randint(1, 0xFFFF))
        self.port = FaultyPort(self)
        self.line.port = cast("Any", self.port)
        self._error, self._direction = error, direction
        self._ways = {up: Way(up, link.hold_ms, link.beat_ms, self.rng) for up in (True, False)}
        self._character_ns = int(pace_of(link).character_ms * MS)
        self._free_ns = {True: 0, False: 0}
        self._heap: list[tuple[int, int, bool, bytes]] = []
        self._count = 0
        self._scan_ns = self.now_ns
        self._words: dict[int, int] = {}
        self._allowed_ns = {1: 0, 2: 0}
        self._spell_until_ns = 0
        self._probability = 0.0
        self._is_everywhere = False
        self._asked_ns = 0
        self.bound_ns = (link.hold_ms + link.beat_ms + 2 * link.scan_ms) * MS

    # ------------------------------------------------------------------ the line

    def send(self, frame: bytes, is_up: bool) -> None:
        """A frame goes out, through the faults."""
        way, frames = self._ways[is_up], self.tally.frames
        side = "up" if is_up else "down"
        frames[f"sent {side}"] += 1
        if is_up:
            self._remember(frame)
        way.now_ns = self.now_ns
        arrivals = [(0, frame)]
        if self._is_faulty(is_up):
            arrivals = CLASSES[self._error](way, frame)
            if arrivals != [(0, frame)]:
                self.tally.touched[self._error] += 1
        way.history.append(frame)
        frames[f"gone {side}"] += len(arrivals)
        frames[f"more {side}"] += max(0, len(arrivals) - 1)
        frames[f"fewer {side}"] += not arrivals
        for delay_ns, data in arrivals:
            begin_ns = max(self.now_ns + delay_ns, self._free_ns[is_up] if not delay_ns else 0)
            arrive_ns = begin_ns + len(data) * self._character_ns
            if not delay_ns:
                self._free_ns[is_up] = arrive_ns
            self._count += 1
            heapq.heappush(self._heap, (arrive_ns, self._count, is_up, data))

    def _is_faulty(self, is_up: bool) -> bool:
        if self.now_ns >= self._spell_until_ns:
            rng = self.rng
            self._spell_until_ns = self.now_ns + rng.randint(2_000, 12_000) * MS
            self._probability = rng.choice(PROBABILITIES)
            self._is_everywhere = rng.random() < 0.2
            for way in self._ways.values():
                way.loss = rng.choice((0.05, 0.2, 0.5, 0.8, 1.0))
                way.delays = rng.choice(("uniform", "buffer", "dripping", "dripping"))
        if self._direction == ("down" if is_up else "up"):
            return False
        is_on = self._is_everywhere or self.hand.is_holding or self.plc.output in RANK
        if self._error == "delay" and self._ways[is_up].delays == "dripping":
            return is_on
        return is_on and self.rng.random() < self._probability

    def _remember(self, frame: bytes) -> None:
        """The word that the agent put under this number, and when."""
        start = {0x17: 11, 0x10: 7}.get(frame[1])
        if start is None or len(frame) != start + 18:
            return
        number = int.from_bytes(frame[start + 4 : start + 6], "big")
        rank = RANK.get(int.from_bytes(frame[start + 10 : start + 12], "big"), 0)
        self._words[number] = rank
        for allowed in range(1, rank + 1):
            self._allowed_ns[allowed] = self.now_ns

    # ------------------------------------------------------------------ time

    def run(self, frames: int) -> Tally:
        """Until so many frames went out."""
        line, sent = self.line, self.tally.frames
        guard = cast("Guard", self.hand)
        while sent["sent up"] + sent["sent down"] < frames:
            due_ns = min(line.next_ns, self._scan_ns, self._heap[0][0] if self._heap else self._scan_ns)
            self.now_ns = max(self.now_ns, due_ns)
            if self._heap and self._heap[0][0] <= self.now_ns:
                self._arrive(guard)
            elif self._scan_ns <= self.now_ns:
                self._scan_ns += self.link.scan_ms * MS
                self._scan()
            else:
                line.step(self.now_ns, guard)
        self._account()
        return self.tally

    def _arrive(self, guard: Guard) -> None:
        _, _, is_up, data = heapq.heappop(self._heap)
        self.tally.frames["came up" if is_up else "came down"] += 1
        if is_up:
            self.plc.feed(self.now_ns, data)
            return
        self.port.waiting += data
        before = self.line.session.block
        self.line.readable(self.now_ns, guard)
        block = self.line.session.block
        if block is not None and block is not before:
            # the program writes its block at the end of a scan: what is older than a scan and a tick is of before
            made_ns = self._time_of(block.counter)
            slack_ns = (self.link.scan_ms + 10) * MS
            self.tally.stale += made_ns + slack_ns < self.line.session.asked_ns

    def _time_of(self, counter: int) -> int:
        ticks = self.now_ns // (10 * MS)
        return (ticks - (ticks - counter & 0xFFFF)) * 10 * MS

    def _scan(self) -> None:
        plc, tally = self.plc, self.tally
        before, presses = RANK.get(plc.output, 0), plc.presses
        replies = plc.scan(self.now_ns, self.hand.is_pressing(self.now_ns))
        rank = RANK.get(plc.output, 0)
        tally.scans += 1
        tally.presses += plc.presses - presses
        tally.rises += rank > before
        tally.above += rank > self._words.get(plc.echo, 0)
        if before:
            # how long after the last frame that allowed it the output was still seen on
            outlived_ns = self.now_ns - self._allowed_ns[before]
            tally.late_ns = max(tally.late_ns, outlived_ns)
        if rank:
            tally.late += self.now_ns - self._allowed_ns[rank] > self.bound_ns
        for reply in replies:
            self.send(reply, is_up=False)

    def _account(self) -> None:
        """Every frame: sent + more = came + lost + still under way; found = accepted + refused + …; beats likewise."""
        plc = self.plc
        wrong = self.account_line() + self.account_beats()
        self.tally.fates.update(plc.fates)
        pending = plc.found - sum(plc.fates.values())
        wrong += pending if not 0 <= pending <= 8 else 0
        judged = sum(
            n for why, n in plc.fates.items() if why.startswith("refused") and "exception" not in why
        )
        wrong += abs(plc.own_refusals - judged)
        # frames that the PLC's Modbus half took for none: torn, damaged, of another station
        self.tally.frames["no request to the PLC"] += self.tally.frames["came up"] - plc.found
        self.tally.unaccounted += wrong

    def account_line(self) -> int:
        """Frames that are missing on the line itself."""
        frames, wrong = self.tally.frames, 0
        for side, is_up in (("up", True), ("down", False)):
            flying = sum(each[2] is is_up for each in self._heap)
            frames[f"under way {side}"] = flying
            wrong += abs(frames[f"gone {side}"] - frames[f"came {side}"] - flying)
            balance = frames[f"sent {side}"] + frames[f"more {side}"] - frames[f"fewer {side}"]
            wrong += abs(balance - frames[f"gone {side}"])
        return wrong

    def account_beats(self) -> int:
        """Beats of the guard that are neither good nor lost by a reason."""
        line = self.line
        counts = line.session.counts
        lost = sum(n for why, n in counts.items() if why not in NO_BEAT)
        self.tally.beats.update({"good": line.good, "under way": int(line.in_transaction), **counts})
        return abs(line.beats - line.good - line.lost - line.in_transaction) + abs(line.lost - lost)
