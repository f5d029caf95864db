"""Scans at exact times: each limit of the rule met, missed by 1 ms, and passed by 1 ms."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge.registers import Phase, Word

from tools.three_answers.scans import Inputs, sealed

HOUR_MS = 3_600_000
#: as `actual` of a scan: the relays read back what the last scan gave
FOLLOWS = 0


def hours(_: int = 0) -> Iterator[Inputs]:
    """Whole hours from power-up on, each met exactly and missed by 1 ms."""
    script = Script(0)
    yield script.scan(0, d=head(5, (1, 2, 3, 4)))
    for passed_ms in (HOUR_MS - 1, 1, HOUR_MS, HOUR_MS - 1, 1, 2 * HOUR_MS, 1):
        yield script.scan(passed_ms)
        for _ in range(10):
            yield script.scan(0)


class Script:
    """An agent, a button and a clock, step by step. The PLC's part (connection, counter) is known beforehand."""

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self.connection = 0
        self.draw = 100
        self._number = 60_000
        self._frame: tuple[int, ...] | None = None

    def scan(self, passed_ms: int, phase: int = -1, word: int = Word.WITHHOLD, level: bool = False, *, hold: int = 31,
             step: int = 1, age: int = 0, inputs: int = 1, d: tuple[int, ...] | None = None,
             actual: int = FOLLOWS) -> Inputs:  # fmt: skip
        """One scan; a frame is sent where a phase is given. actual: what reads back."""
        if phase >= 0:
            self._number = self._number + step & 0xFFFF
            stamp = self.now_ms // 10 - age & 0xFFFF
            self._frame = sealed(
                [0x4100 | hold, self.connection, self._number, stamp, 0x5000 | phase << 8, word]
            )
        self.now_ms += passed_ms
        return Inputs(self.now_ms, self._frame, d, inputs | level << 2, actual=actual, random=self.draw)

    def stands(self, frame: tuple[int, ...] | None) -> None:
        """What stands in the registers from now on, where it isn't the frame as it was sent."""
        self._frame = frame

    def armed(self, frames: int = 21, spacing_ms: int = 50) -> Iterator[Inputs]:
        """Silence, then a run of frames up to the offer, and the first frame with the id."""
        self.connection = 0
        self.draw += 1
        yield self.scan(5_000)
        for _ in range(frames):
            yield self.scan(spacing_ms, Phase.IDLE)
        self.connection = self.draw
        yield self.scan(50, Phase.IDLE)

    def pressed(self, length_ms: int = 200) -> Iterator[Inputs]:
        """A press of an exact length while the request is renewed. The last scan makes sure of the release."""
        yield self.scan(50, Phase.ARM_REQUEST, level=True)
        left_ms = length_ms
        while left_ms > 150:
            yield self.scan(100, Phase.ARM_REQUEST, level=True)
            left_ms -= 100
        yield self.scan(left_ms - 20, Phase.ARM_REQUEST, level=True)
        yield self.scan(20, Phase.ARM_REQUEST)
        yield self.scan(20, Phase.ARM_REQUEST)


def exact(_: int = 0) -> Iterator[Inputs]:
    """All of it, one after the other, on one PLC."""
    script = Script((1 << 32) - 20_000)
    for part in (_armings, _presses, _rises, _requests, _holds, _steps, _words, _refusals, _keys, _relays):
        yield from part(script)
    yield from _record(script)


def _armings(script: Script) -> Iterator[Inputs]:
    for frames, spacing_ms in (
        (19, 60),
        (20, 52),
        (20, 53),
        (21, 50),
        (21, 49),
        (22, 47),
        (22, 48),
        (25, 40),
    ):
        yield from script.armed(frames, spacing_ms)
    # one frame 1 ms too early for the offer, and the next in time
    yield script.scan(5_000)
    script.connection, script.draw = 0, script.draw + 1
    for spacing_ms in (*(50,) * 20, 49, 1, 50):
        yield script.scan(spacing_ms, Phase.IDLE)
    for gap_ms in (309, 310, 311):
        yield script.scan(5_000)
        script.connection = 0
        script.draw += 1
        for number in range(24):
            yield script.scan(gap_ms if number == 18 else 60, Phase.IDLE, hold=40)


def _presses(script: Script) -> Iterator[Inputs]:
    for length_ms in (99, 100, 101, 4_999, 5_000, 5_001):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield from script.pressed(length_ms)
        yield script.scan(50, Phase.ARMED, Word.MACHINE)
    for debounce_ms in (19, 20, 21):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield script.scan(50, Phase.ARM_REQUEST, level=True)
        yield script.scan(debounce_ms, Phase.ARM_REQUEST, level=True)
        yield script.scan(1, Phase.ARM_REQUEST)
        yield script.scan(100, Phase.ARM_REQUEST)


def _rises(script: Script) -> Iterator[Inputs]:
    for passed_ms in (1_999, 2_000, 2_001):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield from script.pressed()
        for _ in range(9):
            yield script.scan(200, Phase.ARMED)
        yield script.scan(passed_ms - 1_800, Phase.ARMED, Word.MACHINE_AND_AI)
        yield script.scan(50, Phase.ARMED, Word.MACHINE)
        yield script.scan(50, Phase.ARMED)
    # a rise that was open before the session ended isn't open in the next
    yield from script.armed()
    yield script.scan(50, Phase.ARM_REQUEST)
    yield from script.pressed()
    yield script.scan(20, Phase.WITHDRAW)
    script.connection, script.draw = 0, script.draw + 1
    for _ in range(21):
        yield script.scan(51, Phase.IDLE)
    script.connection = script.draw
    yield script.scan(30, Phase.ARMED, Word.MACHINE)


def _requests(script: Script) -> Iterator[Inputs]:
    for passed_ms in (999, 1_000, 1_001):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield script.scan(100, Phase.IDLE, level=True)
        for _ in range(3):
            yield script.scan(200, Phase.IDLE, level=True)
        yield script.scan(200, Phase.IDLE)
        yield script.scan(passed_ms - 900, Phase.IDLE)
    for lead_ms in (0, 1):
        # the press begins in the scan of the request, and one before it
        yield from script.armed()
        yield script.scan(50, Phase.IDLE if lead_ms else Phase.ARM_REQUEST, level=True)
        yield script.scan(20, Phase.ARM_REQUEST, level=True)
        yield script.scan(150, Phase.ARM_REQUEST)
        yield script.scan(20, Phase.ARM_REQUEST)


def _holds(script: Script) -> Iterator[Inputs]:
    for hold, silent_ms in ((31, 309), (31, 310), (31, 311), (20, 200), (20, 201), (40, 311), (255, 320)):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield from script.pressed()
        script.now_ms += -script.now_ms % 10
        yield script.scan(10, Phase.ARMED, Word.MACHINE)
        yield script.scan(10, Phase.ARMED, Word.MACHINE, hold=hold)
        yield script.scan(silent_ms - 10)
        yield script.scan(1)
        yield script.scan(1)
    for age in (0, 28, 29, 30, 31, 32, 0x7FFE, 0x7FFF, 0x8000, -1, -2):
        yield from script.armed()
        yield script.scan(10, Phase.IDLE, age=age)
        yield script.scan(20, Phase.ARM_REQUEST, age=age)
        yield script.scan(300)


def _steps(script: Script) -> Iterator[Inputs]:
    for step in (7, 8, 9, 10, 0xFFFF, 0):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST, step=step)
        yield script.scan(50, Phase.ARM_REQUEST)
    for step in (8, 9):
        script.connection, script.draw = 0, script.draw + 1
        yield script.scan(5_000)
        for number in range(24):
            yield script.scan(60, Phase.IDLE, step=step if number == 10 else 1)


def _words(script: Script) -> Iterator[Inputs]:
    for word in (*Word, 0, 0xFFFF, 0x3C3D, 0x3C3B):
        for phase in range(6):
            for hold in (31, 0):
                yield from script.armed(21, 50)
                yield script.scan(50, Phase.ARM_REQUEST)
                yield from script.pressed(120)
                yield script.scan(20, phase, word, hold=hold)
                yield script.scan(20, Phase.ARMED, Word.MACHINE)
                yield script.scan(20, phase, word)


def _refusals(script: Script) -> Iterator[Inputs]:
    """Runs of refused frames until the hold time is over, of each reason and in each order."""
    for kinds in (
        "ccc",
        "cc",
        "nnn",
        "iii",
        "sss",
        "ncncnc",
        "cncncn",
        "isisi",
        "sisisi",
        "ciinncc",
        "nnniii",
        "iiinnn",
        "ssssccc",
        "ciicci",  # as often, and the second time the other one first
    ):
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield from script.pressed()
        yield script.scan(10, Phase.ARMED, Word.MACHINE)
        own = script.connection
        for kind in kinds:
            script.connection = own + (kind == "i")
            given = script.scan(
                30, Phase.ARMED, Word.MACHINE, age=-9 if kind == "s" else 0, step=300 if kind == "n" else 1
            )
            if kind == "c" and given.block_a is not None:
                given = given._replace(block_a=(*given.block_a[:7], given.block_a[7] ^ 1))
            script.connection = own
            script.stands(given.block_a)
            yield given
        yield script.scan(320)


def _running(script: Script) -> Iterator[Inputs]:
    """From nothing to MACHINE."""
    yield from script.armed()
    yield script.scan(50, Phase.ARM_REQUEST)
    yield from script.pressed()
    yield script.scan(10, Phase.ARMED, Word.MACHINE)
    yield script.scan(10, Phase.ARMED, Word.MACHINE)


def _keys(script: Script) -> Iterator[Inputs]:
    """The key while something is given, while something is asked for, while a rise is open, and before."""
    for inputs in (0, 2, 3, 1):
        yield from _running(script)
        yield script.scan(10, Phase.ARMED, Word.MACHINE, inputs=inputs)
        yield script.scan(10, Phase.ARMED, Word.MACHINE)
        for waits in (0, 1):
            yield from script.armed()
            yield script.scan(50, Phase.ARM_REQUEST)
            if waits:
                yield from script.pressed()
            yield script.scan(10, Phase.ARM_REQUEST, inputs=inputs)
            yield from script.pressed()
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST, inputs=inputs)
        yield from script.pressed()


def _relays(script: Script) -> Iterator[Inputs]:
    """Relays that read back late, otherwise, and for too long."""
    for late_ms in (34, 35, 36):
        for actual in (Word.WITHHOLD, Word.MACHINE_AND_AI, Word.ABSTAIN):
            yield from _running(script)
            yield script.scan(5, Phase.ARMED, Word.MACHINE, actual=actual)
            yield script.scan(late_ms, Phase.ARMED, Word.MACHINE, actual=actual)
            yield script.scan(5, Phase.ARMED, Word.MACHINE)
            yield script.scan(5, Phase.ARMED, Word.MACHINE)
    yield from script.armed()
    yield script.scan(10, Phase.ARM_REQUEST, actual=Word.MACHINE)
    yield from script.pressed()
    yield from script.armed()
    yield script.scan(10, Phase.ARM_REQUEST)
    yield script.scan(10, Phase.ARM_REQUEST, actual=Word.MACHINE)
    yield script.scan(10, actual=Word.WITHHOLD)
    yield from script.pressed()


def head(
    size: int, root: tuple[int, int, int, int], digest: int = 0, connection: int = 0, form: int = 0x4401
) -> tuple[int, ...]:
    """Block D of a ledger of this size."""
    return sealed(
        [form, connection, size >> 16, size & 0xFFFF, *root, digest >> 16, digest & 0xFFFF], direction=0xA1
    )


def _record(script: Script) -> Iterator[Inputs]:
    """Ledger heads hour by hour, so that the ring shows what was taken."""
    script.connection = 0
    yield script.scan(5_000)
    heads = [
        head(5, (1, 5, 0, 0)), head(5, (1, 9, 9, 9)), head(6, (1, 2, 3, 4)), head(6, (9, 2, 3, 4)), head(6, (1, 9, 3, 4)),
        head(6, (1, 2, 9, 4)), head(6, (1, 2, 3, 9)), head(6, (1, 2, 3, 4)), head(4, (7, 7, 7, 7)), head(0x10006, (6, 6, 6, 6)),
        head(0x10005, (7, 7, 7, 7)), head(0x20000, (8, 8, 8, 8), connection=77), head(0x20000, (8, 8, 8, 8), form=0x4402),
    ]  # fmt: skip
    for number, each in enumerate(heads * 3):
        size = number // len(heads) << 17
        yield script.scan(
            HOUR_MS if number % 3 else HOUR_MS - 1,
            d=sealed([*each[:2], each[2] + (size >> 16), *each[3:10]], direction=0xA1),
        )
        yield script.scan(1)
    for keys in (0x07, 0x03, 0x05, 0x06, 0x07):
        yield script.scan(20, inputs=keys, d=head(3, (5, 5, 5, keys)))
        for _ in range(10):
            yield script.scan(20)
        yield script.scan(HOUR_MS)
        yield script.scan(20, inputs=keys, d=head(3, (5, 5, 5, keys)))
        yield script.scan(HOUR_MS, d=head(0x7000_0000, (1, 1, 1, 1)))
    for digest, keys in ((7, 1), (7, 0x07), (8, 1), (0x10007, 1), (7, 1), (9, 0x07), (0, 1)):
        yield script.scan(20, inputs=keys, d=head(0x7000_0001, (1, 1, 1, 1), digest))
        yield from script.armed()
        yield script.scan(50, Phase.ARM_REQUEST)
        yield from script.pressed()
        yield script.scan(20, Phase.WITHDRAW)
        script.connection = 0
    for seconds_ms in (999, 1, 1_000, 1_001, 998, 1, 1, 65_535, 65_536, 70_000):
        yield script.scan(seconds_ms, inputs=3)
        yield script.scan(1, inputs=1)
