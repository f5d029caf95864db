"""What surrounds the PLC in one episode: an agent, a bad line, an operator, relays, time. All from one seed.

The agent arms properly and gives and takes back permissives, as it sees block B; then it does what it must not.
The line damages, tears, repeats, delays and loses. The operator presses well and badly. Time runs across its wrap.
"""

from __future__ import annotations

import random
from typing import NamedTuple

from jidoka_bridge.registers import Input, Phase, Word

from tools.three_answers.scans import SETTINGS, Answer, Inputs, sealed

READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
#: flaw of a frame -> word and what is added to it before it is sealed; "crc" is damaged afterwards
FLAWS = {"format": (0, 0x100), "connection": (1, 1), "number": (2, 100), "stamp": (3, 5)}
#: word, what stays of it, what is put in: formats, states, phases and permissive words that are none
NONSENSE = (
    (0, 0x00FF, (0x0000, 0x4000, 0x4200, 0xFF00)), (4, 0x0FFF, (0x0000, 0x8000, 0xF000)), (4, 0xF0FF, (0x0500, 0x0600, 0x0F00)),
    (5, 0x0000, (0x0000, 0xFFFF, 0x6997, 0xA5A4, 0x1234)),
)  # fmt: skip
SPELLS = ("crc", *FLAWS)
RAISING = (Word.MACHINE, Word.MACHINE_AND_AI)
WRAP_MS = 1 << 32
HOUR_MS = 3_600_000
#: lengths of presses near what the rule names, ms
PRESSES = (60, 80, 90, 100, 110, 120, 300, 1000, 2000, 4980, 4990, 5000, 5010, 5020, 6000)


class Manner(NamedTuple):
    """How an episode goes: probabilities for each frame or scan, times in ms."""

    scan_ms: tuple[int, int]
    beat_ms: int
    noise: float
    lost: float
    mischief: float
    upset: float
    gap: float
    clumsy: float


MANNERS = (
    Manner((10, 10), 50, 0.0, 0.0, 0.0, 0.01, 0.0, 0.05),
    Manner((8, 12), 50, 0.01, 0.02, 0.005, 0.01, 0.0002, 0.2),
    Manner((1, 20), 70, 0.03, 0.05, 0.02, 0.02, 0.001, 0.3),
    Manner((3, 5), 35, 0.02, 0.02, 0.02, 0.01, 0.0005, 0.3),
    Manner((20, 60), 110, 0.02, 0.02, 0.02, 0.02, 0.001, 0.2),
    Manner((5, 15), 20, 0.2, 0.1, 0.05, 0.02, 0.002, 0.5),
)


class Plant:
    """One episode. `given` makes a scan's inputs; `seen` is told what the PLC answered to them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.manner = self._random.choice(MANNERS)
        # not at the wrap itself: that is another power-up for a program that counts without end
        self.now_ms = WRAP_MS - self._random.randrange(1, 30_001)
        self.last_id = 0
        self._b: tuple[int, ...] = (0,) * 16
        self._old_b: tuple[int, ...] = self._b
        self._output = int(Word.WITHHOLD)
        self._relays = [self._output] * 4
        self._relay_delay = self._random.randrange(3)
        self._relay_fault_ms = 0
        self._registers: tuple[int, ...] | None = None
        self._d: tuple[int, ...] | None = None
        self._frames: list[tuple[int, ...]] = []
        self._number = self._random.randrange(1 << 16)
        self._next_beat_ms = self.now_ms
        self._silent_until_ms = 0
        self._spell: list[str] = []  # what is wrong with each of the next frames
        self._accepted = 0
        self._goal = Word.MACHINE
        self._is_given = False
        self._beats = 0
        self._ledger = [self._random.randrange(5), self._random.getrandbits(64), self._random.getrandbits(32)]
        self._inputs = int(READY)
        self._button: list[tuple[int, bool]] = []  # what the finger does, and when
        self._keys: list[tuple[int, int]] = []
        self._values = [0] * 4
        self._is_long = self._random.random() < 0.03

    def seen(self, answer: Answer) -> None:
        """The PLC's answer: the next frames go by it."""
        self._old_b, self._b = self._b, answer.block_b
        self._output = answer.output
        if answer.block_b[1]:
            self.last_id = answer.block_b[1]

    def given(self) -> Inputs:
        """The next scan."""
        rng = self._random
        self.now_ms += rng.randint(*self.manner.scan_ms)
        if rng.random() < self.manner.gap:
            self.now_ms += rng.choice((30, 100, 300, 320, 1000, 2100, 5000))
        if self._is_long and rng.random() < 0.002:
            self.now_ms += rng.choice((HOUR_MS - 50, HOUR_MS, 70_000, 3 * HOUR_MS, 1 << 31))
        if self.now_ms >= self._next_beat_ms:
            self._next_beat_ms = self.now_ms + self.manner.beat_ms
            if self.now_ms >= self._silent_until_ms:
                self._beat()
        self._operate()
        d, self._d = self._d, None
        if rng.random() < 0.01:
            self._values = [
                rng.randrange(1 << 16),
                rng.randrange(256),
                rng.randrange(256),
                rng.randrange(1 << 16),
            ]
        number = rng.randrange(1, 1 << 16)
        recipe, acknowledges, reason, person = self._values
        return Inputs(
            self.now_ms, self._registers, d, self._inputs, rng.random() < 0.9, self._actual(),
            rng.choice((0, 0, 0, 0, 0, 1, 1, 2, rng.getrandbits(32) if self._is_long else 3)),
            recipe, acknowledges, reason, person, number if number != self.last_id else number % 0xFFFF + 1,
        )  # fmt: skip

    # ------------------------------------------------------------------ the agent

    def _beat(self) -> None:
        rng = self._random
        connection, counter, state = self._b[1], self._b[3], self._b[5] >> 8
        word, phase = Word.WITHHOLD, Phase.IDLE
        if connection == 0:
            self._is_given, self._beats = False, 0
        else:
            self._beats += 1
            accepted = self._b[13] & 0xFF
            if accepted != self._accepted and state == 3:
                self._is_given = True
            self._accepted = accepted
            if self._is_given:
                word, phase = self._goal, Phase.ARMED
            elif self._beats > 3:
                phase = Phase.ARM_REQUEST
            if self._is_given and word is Word.MACHINE and rng.random() < 0.01:
                self._is_given, self._goal = False, Word.MACHINE_AND_AI
                self._beats = 3
            if not self._is_given and self._output == Word.MACHINE and self._beats > 3:
                word, phase = Word.MACHINE, Phase.ARM_REQUEST
        hold = rng.choice((31, 31, 31, 25, 40, 255, 12))
        stamp = counter
        if rng.random() < self.manner.mischief:
            word, phase, hold, connection, stamp = self._mischief(word, phase, hold, connection, stamp)
        if rng.random() < 0.004:
            self._goal = rng.choice(RAISING)
        if rng.random() < 0.01:
            self._silent_until_ms = self.now_ms + rng.choice((100, 200, 280, 320, 400, 1200))
        if self._beats in (2, 3) or rng.random() < 0.01:
            self._write_d(connection)
        if not self._spell and self._is_given and rng.random() < 0.02:
            kinds = rng.sample(SPELLS, rng.choice((1, 1, 2, 3)))
            self._spell = [rng.choice(kinds) for _ in range(rng.randint(1, 30))]
        flaw = self._spell.pop() if self._spell else ""
        self._number = self._number + 1 & 0xFFFF
        fields = [0x41 << 8 | hold, connection, self._number, stamp, rng.randint(1, 7) << 12 | phase << 8 | rng.randrange(256),
                  int(word)]  # fmt: skip
        place, change = FLAWS.get(flaw, (0, 0))
        fields[place] = fields[place] + change & 0xFFFF
        self._send(fields, flaw == "crc")

    def _mischief(
        self, word: Word, phase: Phase, hold: int, connection: int, stamp: int
    ) -> tuple[Word, Phase, int, int, int]:
        """What a healthy agent does at the end, and a faulty one at any time."""
        rng = self._random
        what = rng.randrange(10)
        if what <= 2:
            phase = rng.choice(list(Phase))
        if what in (1, 3, 4):
            word = rng.choice(list(Word))
        if what == 5:
            hold = rng.choice((0, 1, 255))
        if what == 6:
            connection = rng.choice((0, connection ^ 1, self.last_id, rng.randrange(1 << 16)))
        if what == 7:
            stamp = (
                stamp - rng.choice((1, 5, 20, 30, 31, 32, 40, 3000, 0x7FFF, 0x8000, -1, -3, -0x7FFF))
            ) & 0xFFFF
        if what == 8:
            self._number += rng.choice((1, 6, 7, 8, 9, 100, 0x7FFF, -1, -2))
        if what == 9:
            word, phase = rng.choice(((Word.WITHHOLD, Phase.WITHDRAW), (Word.WITHHOLD, Phase.LATCH),
                                      (Word.ABSTAIN, Phase.IDLE), (Word.MACHINE, Phase.ARMED)))  # fmt: skip
        return word, phase, hold, connection, stamp

    def _write_d(self, connection: int) -> None:
        rng = self._random
        ledger = self._ledger
        kind = rng.randrange(8)
        if kind <= 3:
            ledger[0] = min(ledger[0] + rng.choice((1, 1, 2, 0x10000)), 0xFFFF_FFFF)
            ledger[1] = rng.getrandbits(64)
        elif kind == 4:
            ledger[0] = max(0, ledger[0] - rng.choice((0, 1, 2, 100)))
        elif kind == 5:
            ledger[1] = rng.getrandbits(64)
        if rng.random() < 0.02:
            ledger[2] = rng.choice((0, rng.getrandbits(32)))
        size, root, digest = ledger
        words = [0x4401, connection, size >> 16, size & 0xFFFF, *(root >> shift & 0xFFFF for shift in (48, 32, 16, 0)),
                 digest >> 16, digest & 0xFFFF]  # fmt: skip
        if rng.random() < 0.03:
            words[rng.randrange(10)] ^= 1 << rng.randrange(16)
        self._d = sealed(words, direction=0xA1 if rng.random() < 0.97 else 0xA0)
        if rng.random() < 0.05:
            self._flip("d")

    def _send(self, fields: list[int], is_damaged: bool) -> None:
        rng = self._random
        manner = self.manner
        station, direction = SETTINGS.unit, 0xA0
        if rng.random() < manner.noise / 4:
            what = rng.randrange(6)
            if what <= 3:
                place, mask, values = NONSENSE[what]
                fields[place] = fields[place] & mask | rng.choice(values)
            station = rng.randrange(248) if what == 4 else station
            direction = rng.choice((0xA1, 0x0A)) if what == 5 else direction
        frame = sealed(fields, station, direction)
        self._frames = [*self._frames[-40:], frame]
        if rng.random() < manner.lost:
            return
        before = self._registers
        self._registers = frame
        if is_damaged:
            self._flip("a")
        elif rng.random() < manner.noise:
            what = rng.randrange(4)
            if what == 0:
                self._flip("a")
            elif what == 1 and before is not None:
                torn = rng.randrange(1, 8)
                self._registers = frame[:torn] + before[torn:]
            elif what == 2:
                self._registers = rng.choice(self._frames)
            else:
                self._registers = rng.choice(
                    ((0,) * 8, (0xFFFF,) * 8, tuple(rng.randrange(1 << 16) for _ in range(8)))
                )

    def _flip(self, which: str) -> None:
        words = list((self._registers if which == "a" else self._d) or ())
        for _ in range(self._random.choice((1, 1, 2, 5, 40))):
            words[self._random.randrange(len(words))] ^= 1 << self._random.randrange(16)
        if which == "a":
            self._registers = tuple(words)
        else:
            self._d = tuple(words)

    # ------------------------------------------------------------------ people and relays

    def _operate(self) -> None:
        rng = self._random
        manner = self.manner
        if not self._button and (
            self._b[5] >> 8 == 2 or self._inputs & Input.RESET_BUTTON or rng.random() < 0.002
        ):
            self._plan_press()
        while self._button and self.now_ms >= self._button[0][0]:
            _, level = self._button.pop(0)
            self._inputs = self._inputs | Input.RESET_BUTTON if level else self._inputs & ~Input.RESET_BUTTON
        if not self._keys and rng.random() < manner.upset / 20:
            start = self.now_ms + 50
            bit = rng.choice((Input.OVERRIDE_KEY, Input.OVERRIDE_KEY, Input.KEY_AUTO, 8, 16, 32, 64, 128))
            self._keys = [(start, bit), (start + rng.choice((10, 200, 1500, 4000)), bit)]
            if rng.random() < 0.3 and bit == Input.OVERRIDE_KEY:
                # key and button together, and block D meanwhile: a new start of what is remembered
                self._button = [(start, True), (start + 1200, False)]
                self._write_d(self._b[1])
        while self._keys and self.now_ms >= self._keys[0][0]:
            self._inputs ^= self._keys.pop(0)[1]
        held = Input.OVERRIDE_KEY | Input.RESET_BUTTON
        if self._inputs & held == held and rng.random() < 0.2:
            self._write_d(self._b[1])

    def _plan_press(self) -> None:
        rng = self._random
        at = self.now_ms + rng.choice((0, 10, 100, 400, 1100))
        length = rng.choice(PRESSES) if rng.random() < self.manner.clumsy else rng.randint(120, 600)
        self._button = [(at, True), (at + length, False)]
        if rng.random() < self.manner.clumsy:
            for edge in (at, at + length):
                level = edge == at
                for bounce in range(rng.randrange(4)):
                    self._button += [(edge + 5 + bounce * 15, not level), (edge + 12 + bounce * 15, level)]
            self._button.sort()

    def _actual(self) -> int:
        rng = self._random
        self._relays = [self._output, *self._relays[:3]]
        if rng.random() < self.manner.upset / 40:
            self._relay_fault_ms = self.now_ms + rng.choice((20, 34, 36, 60, 500))
        if self.now_ms < self._relay_fault_ms:
            return rng.choice((Word.WITHHOLD, Word.MACHINE, Word.MACHINE_AND_AI, Word.ABSTAIN))
        # half of the time relays as quick as the scan, else some scans late
        return self._relays[self._relay_delay]
