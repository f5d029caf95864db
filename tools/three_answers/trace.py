"""What the reference answers to many scans, written down once, and replayed within C against the block or a mutant."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from jidoka_bridge.registers import Word

from tests.firmware.scans import PythonCore
from tools.structured_text.blocks import Compiled
from tools.three_answers.agreement import EPISODE_SCANS, LONG
from tools.three_answers.edges import same_id
from tools.three_answers.exact import FOLLOWS
from tools.three_answers.plant import Plant
from tools.three_answers.scans import Answer, C, Inputs, Program, Python
from tools.three_answers.structured import INPUTS, packed

FEW = struct.Struct("=4I 16I")
BLOCK_C = struct.Struct("=170I")
GIVES = {0x5A5A: (0, 0), 0x6996: (1, 0), 0xA5A5: (1, 1)}
#: block C is made anew once in so many scans
C_EVERY = 10

#: runs a trace; returns how many scans were right
REPLAY = """
#include <string.h>
w replay(const w *given, w inputs, const w *few, w fews, const w *c, w cs, w refresh, const w *planted, w count) {
    static w v[4096];
    reset(v);
    for (; planted[0] != ~0u; planted += 2) v[planted[0]] = planted[1];
    for (w i = 0; i < count; i++) {
        memcpy(v, given + i * inputs, inputs * sizeof(w));
        if (scan(v) || memcmp(v + inputs, few + i * fews, fews * sizeof(w))) return i;
        if (v[refresh]) c += cs;
        if (memcmp(v + inputs + fews, c, cs * sizeof(w))) return i;
    }
    return count;
}
"""


#: counters of the block that an episode may begin with, shortly before they are full
FULL = {
    "Edges": 65_530, "AcceptedCount": 250, "Resets": 65_530, "KeyTimes": 65_530, "Epoch": 65_530, "PartCount": 0xFFFF_0000,
    "PartsWithoutSession": 0xFFFF_0000, "KeySeconds": 131_071,
}  # fmt: skip
REFUSED = {"crc": 65_530, "format": 65_530, "connection": 65_530, "number": 65_530, "stamp": 65_530}
SHORT_SCANS = 1_200


class Episode(NamedTuple):
    """given: packed inputs; few: the outputs but block C; block_c: each time it was made, zeros first; is_full: the
    counters begin shortly before they are full.
    """

    scans: int
    is_full: bool
    given: bytes
    few: bytes
    block_c: bytes


def record(seeds: Iterable[int]) -> Iterator[Episode]:
    """The first part of each long episode, with full counters too; then episodes of the plant.

    Where an id is drawn that can't be offered, the reference would draw again at once: there the C core is asked.
    """
    yield _episode(same_id(), None, False, C())
    for make in LONG:
        for is_full in (False, True):
            yield _episode(make(SHORT_SCANS), None, is_full)
    for number, seed in enumerate(seeds):
        plant = Plant(seed)
        yield _episode((plant.given() for _ in range(EPISODE_SCANS)), plant, number % 4 == 3)


def _episode(
    scans: Iterator[Inputs], plant: Plant | None, is_full: bool, other: Program | None = None
) -> Episode:
    program = other or Python()
    if is_full and isinstance(program, Python):
        _fill(program)
    given, few, block_c = [], [], [bytes(BLOCK_C.size)]
    output = int(Word.WITHHOLD)
    for number, scan in enumerate(scans):
        each = scan._replace(actual=output) if scan.actual == FOLLOWS else scan
        has_c = number % C_EVERY == C_EVERY - 1
        answer = program.scan(each, has_c)
        output = answer.output
        given.append(packed(each, has_c))
        few.append(_few(answer))
        if has_c:
            block_c.append(BLOCK_C.pack(*answer.block_c))
        if plant is not None:
            plant.seen(answer)
    return Episode(len(given), is_full, b"".join(given), b"".join(few), b"".join(block_c))


def _fill(program: Python) -> None:
    """The reference with the counters of FULL and REFUSED."""
    core = program.core
    assert isinstance(core, PythonCore)
    core.rule.edges, core.rule.accepted, core.parts = FULL["Edges"], FULL["AcceptedCount"], FULL["PartCount"]
    core.rule.admission.counts.update(REFUSED)
    record = core.record
    record.resets, record.key_times, record.epoch = FULL["Resets"], FULL["KeyTimes"], FULL["Epoch"]
    record.parts_without_session, record.key_ms = FULL["PartsWithoutSession"], FULL["KeySeconds"] * 1_000


def _few(answer: Answer) -> bytes:
    return FEW.pack(*GIVES[answer.output], answer.output, answer.accepted, *answer.block_b)


def first_wrong(program: Compiled, episodes: Iterable[Episode]) -> tuple[int, int] | None:
    """Episode and scan of the first output that differs from the reference, None if all are right."""
    places = program.translated.places
    full = [(places[name], value) for name, value in FULL.items()]
    full += [(places["RefusedCount"] + number, value) for number, value in enumerate(REFUSED.values())]
    planted = [struct.pack(f"={2 * len(pairs) + 1}I", *(word for pair in pairs for word in pair), 0xFFFF_FFFF)
               for pairs in ([], full)]  # fmt: skip
    for number, episode in enumerate(episodes):
        right = program.call(
            "replay", episode.given, INPUTS.size // 4, episode.few, FEW.size // 4, episode.block_c, BLOCK_C.size // 4,
            places["RefreshC"], planted[episode.is_full], episode.scans,
        )  # fmt: skip
        if right != episode.scans:
            return number, right
    return None
