"""Random scan sequences that get far: a guard that mostly does right, people at the machine, and everything else.

The generator sees what the PLC answered, as a guard would, so that sessions stand, presses count and words rise;
then frames are lost, late, doubled, damaged or forged, keys are turned and relays stick.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockA, BlockD, checksum
from jidoka_bridge.registers import Input, Phase, State, Word

from tests.firmware.scans import Inputs, Outcome, Settings

WRAP_MS = 1 << 32
READY = Input.KEY_AUTO | Input.SAFETY_CHAIN | Input.MACHINE_READY
PRESSES_MS = (30, 90, 100, 110, 150, 300, 1_000, 4_990, 5_000, 5_020, 7_000, 26_000)
STEPS_MS = (1, 5, 9, 10, 10, 10, 10, 10, 11, 20, 30, 50)
#: how often, of a thousand scans, something out of the ordinary happens, by kind of stretch
WILD = (0, 0, 3, 10, 40, 200)
STRETCH_SCANS = 400
#: spells in which every frame is wrong in the same way, long enough that the hold time ends in them
SPELLS = ("mute", "damaged", "format", "foreign", "gap", "late", "mixed")


class Guard:
    """What writes blocks A and D. `answer` is block B as last seen."""

    def __init__(self, rng: random.Random, settings: Settings) -> None:
        self.rng = rng
        self.unit = settings.unit
        self.words: tuple[int, ...] | None = None
        self.number = rng.randrange(1 << 16)
        self.goal = Word.MACHINE_AND_AI
        self.hold_ms = settings.hold_limit_ms
        self.old: list[tuple[int, ...]] = []
        self.ledger_size = 0
        self.spell = ""
        self.spell_scans = 0

    def turn(self, answer: tuple[int, ...], wild: int) -> None:
        """One scan's worth of sending."""
        rng = self.rng
        if self.spell_scans > 0:
            self.spell_scans -= 1
            if rng.random() < 0.5:
                self._ill(answer, rng.choice(SPELLS[1:6]) if self.spell == "mixed" else self.spell)
        elif rng.randrange(1_000) < wild:
            self.wild(answer)
        elif rng.randrange(150) == 0 and wild < 200:
            self.spell, self.spell_scans = rng.choice(SPELLS), rng.choice((5, 20, 60, 300))
        elif rng.random() < (0.6 if wild < 200 else 0.3):
            self.beat(answer)

    def _ill(self, answer: tuple[int, ...], spell: str) -> None:
        """A frame of a spell."""
        if spell == "mute":
            return
        number = self.number
        self.beat(answer)
        assert self.words is not None
        words = list(self.words)
        words[0] ^= 0x100 if spell == "format" else 0
        words[1] ^= 0x10 if spell == "foreign" else 0
        words[2] = (number + 1_000 if spell == "gap" else words[2]) & 0xFFFF
        words[3] = (words[3] + 100 if spell == "late" else words[3]) & 0xFFFF
        crc = checksum(words[:6], self.unit, registers.A.direction) ^ (spell == "damaged")
        self.words = (*words[:6], crc >> 16, crc & 0xFFFF)
        if spell != "damaged":
            self.number = number  # none of these was taken

    def beat(self, answer: tuple[int, ...]) -> None:
        """The frame that a guard in its right mind sends now."""
        connection, counter, state = answer[1], answer[3], answer[5] >> 8
        self.number = self.number + 1 & 0xFFFF
        phase, word = Phase.IDLE, Word.WITHHOLD
        if connection and state == 3:
            phase, word = Phase.ARMED, self.goal
            if self.rng.random() < 0.3:
                phase = Phase.ARM_REQUEST
        elif connection:
            phase = Phase.ARM_REQUEST
        block = BlockA(self.hold_ms, connection, self.number, counter, State.RUN, phase, 0, word)
        self.write(block)

    def write(self, block: BlockA) -> None:
        self.words = tuple(block.encode(self.unit))
        self.old = [*self.old[-20:], self.words]

    def wild(self, answer: tuple[int, ...]) -> None:
        """A frame as no guard in its right mind would send it now."""
        rng = self.rng
        kind = rng.randrange(9)
        if kind == 0 and self.old:
            self.words = rng.choice(self.old)
        elif kind == 1 and self.words:
            words = list(self.words)
            words[rng.randrange(8)] ^= 1 << rng.randrange(16)
            self.words = tuple(words)
        elif kind == 2:
            self.number = self.number + rng.choice((-3, 2, 3, 7, 8, 9)) & 0xFFFF
        elif kind == 3:
            self.words = tuple(rng.randrange(1 << 16) for _ in range(8))
        elif kind == 4:
            self.goal = rng.choice((Word.MACHINE, Word.MACHINE_AND_AI))
        else:
            self._forge(answer)

    def _forge(self, answer: tuple[int, ...]) -> None:
        """A frame with a right CRC and anything in it."""
        rng = self.rng
        stamp = answer[3] - rng.choice((0, 1, 5, 20, 29, 31, 40, 0x7FFF, 0x8000, -1)) & 0xFFFF
        connection = rng.choice((0, answer[1], answer[1], answer[1], answer[1] ^ 1))
        number = self.number = self.number + rng.choice((0, 1, 1, 1, 1, 8, 9)) & 0xFFFF
        block = BlockA(
            rng.choice((0, 10, 100, self.hold_ms, 2_550)), connection, number, stamp,
            rng.choice(list(State)), rng.choice(list(Phase)), rng.randrange(256), rng.choice(list(Word)),
        )  # fmt: skip
        self.write(block)
        if rng.random() < 0.3:
            self._reseal(rng)

    def _reseal(self, rng: random.Random) -> None:
        """Codes that no table holds, under a right CRC."""
        assert self.words is not None
        words = list(self.words[:6])
        words[rng.choice((0, 4, 5))] ^= 1 << rng.randrange(16)
        crc = checksum(words, self.unit, registers.A.direction)
        self.words = (*words, crc >> 16, crc & 0xFFFF)

    def record(self, answer: tuple[int, ...]) -> tuple[int, ...]:
        """Block D, now and then one that isn't to be taken."""
        rng = self.rng
        self.ledger_size = max(0, self.ledger_size + rng.choice((0, 1, 1, 5, 5, 100, -1, -200)))
        connection = answer[1] if rng.random() < 0.9 else rng.randrange(1 << 16)
        root = self.ledger_size * 0x9E37_79B9_7F4A_7C15 & (1 << 64) - 1 if rng.random() < 0.9 else 7
        words = BlockD(connection, self.ledger_size, root, rng.choice((0, 0xABCD, 0xABCD))).encode(self.unit)
        if rng.random() < 0.1:
            words[rng.randrange(12)] ^= 1 << rng.randrange(16)
        return tuple(words)


class People:
    """Keys, button, relays and parts."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.levels = READY
        self.until_ms = 0
        self.is_stuck = False

    def act(self, now_ms: int, wild: int) -> None:
        rng = self.rng
        if now_ms >= self.until_ms:
            is_down = bool(self.levels & Input.RESET_BUTTON)
            self.levels ^= Input.RESET_BUTTON
            pause_ms = rng.choice((20, 40, 300, 1_500))
            self.until_ms = now_ms + (
                pause_ms if is_down else rng.choice(PRESSES_MS if rng.random() < 0.4 else (110, 300))
            )
        elif rng.random() < 0.02:
            self.levels ^= Input.RESET_BUTTON  # it bounces
        if rng.randrange(1_000) < wild:
            self.levels ^= Input(1 << rng.randrange(8))
        elif rng.random() < 0.05:
            self.levels = READY | self.levels & Input.RESET_BUTTON
        if rng.randrange(1_000) < wild / 4:
            self.is_stuck = not self.is_stuck
        elif rng.random() < 0.03:
            self.is_stuck = False


def sequence(
    seed: int, scans: int, settings: Settings, answers: list[Outcome], start_ms: int | None = None
) -> Iterator[Inputs]:
    """Inputs of so many scans; the caller appends each outcome to `answers`. start_ms: of the PLC's clock, at random
    some seconds before it wraps unless said.
    """
    rng = random.Random(seed)
    now_ms = WRAP_MS - rng.randrange(120_000) if start_ms is None else start_ms
    guard, people = Guard(rng, settings), People(rng)
    last_id, stuck_word, wild = 0, int(Word.WITHHOLD), 0
    for scan in range(scans):
        if scan % STRETCH_SCANS == 0:
            wild = rng.choice(WILD)
        now_ms += rng.choice(STEPS_MS)
        if rng.randrange(20_000) == 0:
            now_ms += rng.choice((400, 2_000, 30_000, 3_600_000, 90_000_000))
        if answers:
            answer = answers[-1].block_b
            last_id = answer[1] or last_id
            output = answers[-1].output
            guard.turn(answer, wild)
            block_d = guard.record(answer) if rng.random() < 0.02 else None
        else:
            output, block_d = int(Word.WITHHOLD), None
        people.act(now_ms, wild)
        if not people.is_stuck:
            stuck_word = output
        yield Inputs(
            now_ms, guard.words, block_d, int(people.levels), rng.randrange(2),
            stuck_word if people.is_stuck else output, int(rng.random() < 0.05), rng.randrange(4), scan >> 8 & 0xFF,
            rng.randrange(4), rng.randrange(3), last_id % 0xFFFF + 1,
        )  # fmt: skip
