"""Python, C and Structured Text through the same scans: every output of every scan has to be the same."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from jidoka_bridge.registers import Fault, PlcState, Word

from tools.three_answers.edges import edges, held_at_start
from tools.three_answers.exact import FOLLOWS, exact, hours
from tools.three_answers.plant import WRAP_MS, Plant
from tools.three_answers.scans import Answer, Inputs, Program, sealed

EPISODE_SCANS = 1_500


class DifferError(AssertionError):
    """Two programs differ."""


def agree(makers: Sequence[Callable[[], Program]], seed: int, scans: int, c_every: int = 5) -> Counter[str]:
    """Run all programs; the first one leads. Raises DifferError at the first difference.

    c_every: block C is made and compared once in so many scans. Returns how often what is interesting happened.
    """
    seen: Counter[str] = Counter()
    for number in itertools.count():
        if seen["scans"] >= scans:
            return seen
        plant = Plant(seed + number)
        _episode(
            [make() for make in makers],
            _scans(plant, min(EPISODE_SCANS, scans - seen["scans"])),
            plant,
            c_every,
            seen,
        )
        seen["episodes"] += 1
        seen["across the wrap"] += plant.now_ms >= WRAP_MS
    raise AssertionError


def long_ones(makers: Sequence[Callable[[], Program]], scans: int = 0) -> Counter[str]:
    """The long episodes: what only shows when counters are full or much time passes. scans: of each, 0 = all."""
    seen: Counter[str] = Counter()
    for make, count in LONG.items():
        _episode([maker() for maker in makers], make(scans or count), None, 1_000, seen)
    return seen


def babbling(scans: int) -> Iterator[Inputs]:
    """Each frame of a wrong format or a wrong CRC; parts, touches of button and key, and a new start of the ledger
    with key and button held, in every four scans.
    """
    for number in range(scans):
        frame = sealed([0x4200, 0, number & 0xFFFF, number >> 16, 0x1000, Word.WITHHOLD])
        if number % 16 == 0:
            frame = (*frame[:7], frame[7] ^ 1)
        size = 0xFFFF_FFFF - number
        head = sealed([0x4401, 0, size >> 16, size & 0xFFFF, 0, 0, 0, number & 0xFFFF, 0, 0], direction=0xA1)
        inputs = (0x01, 0x05, 0x07, 0x03)[number % 4]
        yield Inputs(
            WRAP_MS - 20_000 + 20 * number, frame, head if number % 4 == 2 else None, inputs, parts=0x2_0001
        )


def pressing(scans: int) -> Iterator[Inputs]:
    """A press in every four scans that counts, within one request that never ends."""
    for number in range(scans):
        now_ms = WRAP_MS - 20_000 + 55 * number
        connection = 4_711 if number >= 30 else 0
        phase = 1 if number >= 35 else 0
        stamp = (now_ms - 55) // 10 & 0xFFFF
        frame = sealed([0x411F, connection, number & 0xFFFF, stamp, 0x5000 | phase << 8, Word.WITHHOLD])
        yield Inputs(now_ms, frame, None, 0x05 if number >= 40 and number % 4 < 2 else 0x01, random=4_711)


def waiting(scans: int) -> Iterator[Inputs]:
    """Long times between scans, under the override key and not; ledger heads that start anew again and again."""
    now_ms, total = 3_599_000, 0
    gaps = (10, 999, 1_001, 1, 70_000_000, 3_599_999, 3_600_000, 3_600_001, 25, 65_535, 65_536, 1_999_999_999)
    for number in range(scans):
        now_ms += gaps[number % 12] if number < 240 else gaps[number % 4]
        size = 1 if number % 7 == 0 else number
        head = sealed([0x4401, 0, 0, size, *(number >> 4 & 0xFF, number, 5, size), 0, 7], direction=0xA1)
        # once the counter of parts stands at its highest
        parts = number if number != 300 else 0xFFFF_FFFF - total
        total += parts
        yield Inputs(now_ms, None, head, (0x01, 0x03, 0x07, 0x07, 0x06)[number % 5], parts=parts)


#: episode -> its scans; 65 536 times four scans are more than a 16-bit counter holds
LONG: dict[Callable[[int], Iterator[Inputs]], int] = {
    babbling: 263_000, pressing: 263_000, waiting: 3_000, exact: 0, hours: 0, edges: 0, held_at_start: 0,
}  # fmt: skip


def _scans(plant: Plant, scans: int) -> Iterator[Inputs]:
    return (plant.given() for _ in range(scans))


def _episode(
    programs: Sequence[Program],
    scans: Iterator[Inputs],
    plant: Plant | None,
    c_every: int,
    seen: Counter[str],
) -> None:
    before: Answer | None = None
    for number, given in enumerate(scans):
        has_c = number % c_every == 0
        if given.actual == FOLLOWS:
            given = given._replace(actual=before.output if before else Word.WITHHOLD)  # noqa: PLW2901 - now it is known
        first, *others = (program.scan(given, has_c) for program in programs)
        if any(other != first for other in others):
            raise DifferError(f"scan {number} of an episode: {given}\n{_told(programs, [first, *others])}")
        if plant is not None:
            plant.seen(first)
        _count(seen, before, first)
        before = first


def _count(seen: Counter[str], before: Answer | None, now: Answer) -> None:
    seen["scans"] += 1
    seen["block C compared"] += bool(now.block_c)
    if before is None or (before.output, before.block_b[5], before.accepted) == (
        now.output,
        now.block_b[5],
        now.accepted,
    ):
        return
    seen["accepted presses"] += now.accepted
    if now.output != before.output:
        seen[f"output {Word(before.output).name} -> {Word(now.output).name}"] += 1
    if now.block_b[5] != before.block_b[5]:
        seen[f"state {PlcState(now.block_b[5] >> 8).name}"] += 1
        seen[f"fault {Fault(now.block_b[5] & 0xFF).name}"] += 1


def _told(programs: Sequence[Program], answers: Sequence[Answer]) -> str:
    lines = [f"{type(program).__name__}: output {answer.output:#06x}, accepted {answer.accepted}"
             for program, answer in zip(programs, answers, strict=True)]  # fmt: skip
    for block in ("block_b", "block_c"):
        for place, words in enumerate(zip(*(getattr(answer, block) for answer in answers), strict=True)):
            if len(set(words)) > 1:
                lines.append(f"{block}[{place}]: {' '.join(f'{word:#06x}' for word in words)}")
    return "\n".join(lines)
