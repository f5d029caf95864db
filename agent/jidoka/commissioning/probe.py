"""Who answers on the line, what it is, and how fast: opened while no guard runs, and WITHHOLD is all that is written."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockB, BlockC, BlockError, Flaw, checksum
from jidoka_bridge.link.times import pace_of
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Flag

from jidoka.commissioning.client import TRIES, Answer, Client
from jidoka.commissioning.findings import Finding, finding, line_finding
from jidoka.commissioning.search import UNITS, who_else

BEATS = 100
#: silence that tells a PLC in STOP, and an echo that moves without us
STANDSTILL_S = 0.25
ILLEGAL_FUNCTION = 1
#: upper edges of the histogram, ms
EDGES_MS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 250, 500)


@dataclass
class Probe:
    """What was found out. block_b, block_c: None where they couldn't be read; rtts_ns: of every good beat."""

    link: Link
    function: str | None = None
    block_b: BlockB | None = None
    block_c: BlockC | None = None
    beats: int = 0
    rtts_ns: list[int] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_usable(self) -> bool:
        return not any(each.is_fault for each in self.findings)

    @property
    def is_slow(self) -> bool:
        """The times of the plan don't hold."""
        return any(each.id in {"slow answer", "slow scan"} for each in self.findings)

    @property
    def answer_ms(self) -> float | None:
        """The longest time the PLC took to begin its answer; of a round trip shorter than its wire (a pseudo-terminal)
        all of it."""
        if not self.rtts_ns:
            return None
        pace = pace_of(self.link, function=self.function or "23")
        worst_ms = max(self.rtts_ns) / 1e6
        wire_ms = sum(there + back for there, back in pace.frames) * pace.character_ms
        return (worst_ms - wire_ms if worst_ms > wire_ms else worst_ms) / len(pace.frames)

    def histogram(self) -> list[tuple[int, int]]:
        """(upper edge in ms, beats below it and above the edge before)."""
        counts = Counter(next((e for e in EDGES_MS if rtt / 1e6 <= e), math.inf) for rtt in self.rtts_ns)
        return [(int(edge), counts[edge]) for edge in EDGES_MS if counts[edge]]

    def measured(self) -> dict[str, Any]:
        """For the record of commissioning."""
        block = self.block_c
        return {
            "transport": self.link.transport,
            "answer_ms": None if self.answer_ms is None else round(self.answer_ms, 2),
            "function": self.function,
            "scan_ms": None if block is None else block.longest_scan_ms,
            "hold_limit_ms": None if block is None else block.hold_limit_ms,
            "firmware": None if block is None else version_text(block.version),
            "lost": self.beats - len(self.rtts_ns),
            "beats": self.beats,
        }


def version_text(version: int) -> str:
    """A firmware version as people write it."""
    return f"{version >> 8}.{version & 0xFF}"


def probe(
    link: Link,
    answer_ms: float,
    *,
    search: bool = True,
    beats: int = BEATS,
    units: Iterable[int] = UNITS,
    tell: Callable[[str], None] = lambda _: None,
) -> Probe:
    """Look who is there. tell: what is done now, for a person who waits. Raises LinkError for a port that can't be used."""
    found = Probe(link)
    client = Client(link, answer_ms + link.reply_timeout_ms)
    try:
        tell(f"asking unit {link.unit} at {link.baud} baud, parity {link.parity}")
        first = _patiently(client)
        if first.why and not first.exception:
            client.close()
            found.findings += who_else(link, first.why, search, tuple(units), tell)
            return found
        if first.exception:
            found.findings.append(finding("no registers", exception=first.exception))
            return found
        found.findings += _look_at_b(client, first, found)
        if found.is_usable:
            _look_at_c(client, found)
        if found.is_usable:
            tell(f"{beats} beats, WITHHOLD in all of them")
            _beat(client, found, beats)
        if found.is_usable and found.block_b is not None:
            found.findings += _compare(found, answer_ms)
    finally:
        client.close()
    return found


def _patiently(client: Client) -> Answer:
    """Block B by function code 03."""
    return client.read_patiently(registers.B.address, registers.B.words)


# ---------------------------------------------------------------- somebody answers


def _look_at_b(client: Client, first: Answer, found: Probe) -> Iterator[Finding]:
    """Is it ours, does its program run, does anybody else speak to it?"""
    if not any(first.words):
        yield finding("empty")
        return
    unit = client.link.unit
    time.sleep(STANDSTILL_S)
    second = _patiently(client)
    if second.why:
        yield line_finding(second.why, client.link)
        return
    try:
        found.block_b = BlockB.decode(second.words, unit)
    except BlockError as error:
        yield from _why_not(client, "B", error, second.words)
        return
    try:
        before = BlockB.decode(first.words, unit)
    except BlockError:
        before = None  # torn: one lost beat
    if before is not None and found.block_b.counter == before.counter:
        yield finding("stop", counter=before.counter)
    elif before is not None and before.echo != found.block_b.echo:
        yield finding("other session", before=before.echo, after=found.block_b.echo)


def _why_not(client: Client, block: str, error: BlockError, words: tuple[int, ...]) -> Iterator[Finding]:
    """A block that isn't ours: of another register map, another unit, or damaged."""
    layout, unit = registers.BLOCKS[block], client.link.unit
    if error.flaw is not Flaw.CRC:
        yield line_finding(f"block {error.flaw.value}", client.link)
        return
    crc, ours = words[-2] << 16 | words[-1], registers.MAP_DIGEST
    for other in range(1, 248):
        if checksum(words[:-2], other, layout.direction) == crc:
            yield finding("other unit in program", unit=unit, theirs=other)
            return
    why, c_words = client.read_block_c()
    stated = b"" if why else (c_words[2] << 16 | c_words[3]).to_bytes(4, "big")
    if stated and stated != ours:
        yield finding("other map", theirs=stated.hex(), ours=ours.hex())
        return
    yield finding("damaged block", block=block)


def _look_at_c(client: Client, found: Probe) -> None:
    why, words = client.read_block_c()
    if why:
        found.findings.append(line_finding(why, client.link))
        return
    try:
        found.block_c = BlockC.decode(words, client.link.unit)
    except BlockError as error:
        found.findings += _why_not(client, "C", error, words)
        return
    stated = found.block_c.map_digest.to_bytes(4, "big")
    if stated != registers.MAP_DIGEST:
        found.findings.append(finding("map not stated", theirs=stated.hex(), ours=registers.MAP_DIGEST.hex()))


def _beat(client: Client, found: Probe, beats: int) -> None:
    """Beats as the guard makes them, all of them WITHHOLD; which function code, how long, what got lost."""
    assert found.block_b is not None
    found.function = function_of(client, found.block_b.counter)
    if found.function is None:
        found.findings.append(line_finding("no answer", client.link))
        return
    if found.function != "23":
        found.findings += [] if client.link.function == "16+03" else [finding("no fc23")]
    followed, number = 0, 0
    for _ in range(beats):
        answer, number = client.beat(found.block_b.counter, found.function)
        found.beats += 1
        why = answer.why
        if not why:
            try:
                found.block_b = BlockB.decode(answer.words, client.link.unit)
            except BlockError as error:
                why = f"block {error.flaw.value}"
        if why:
            found.refusals[why] += 1
            continue
        found.rtts_ns.append(answer.rtt_ns)
        # the read part of FC23 may be served before the program saw the written part
        followed += (number - found.block_b.echo) & 0xFFFF <= 1
    lost = found.beats - len(found.rtts_ns)
    if followed < len(found.rtts_ns) // 2:
        found.findings.append(finding("ignored", echo=found.block_b.echo, number=number))
    if lost:
        reasons = ", ".join(f"{count} × {why}" for why, count in found.refusals.most_common())
        row = finding("lost", lost=lost, beats=found.beats, why=reasons)
        found.findings.append(row._replace(is_fault=lost > found.beats // 10))


def function_of(client: Client, stamp: int) -> str | None:
    """FC23 unless the PLC says that it has none; a time-out says nothing."""
    for _ in range(TRIES):
        answer, _number = client.beat(stamp, "23")
        if not answer.why:
            return "23"
        if answer.exception == ILLEGAL_FUNCTION:
            return "16+03"
    return None


def _compare(found: Probe, answer_ms: float) -> Iterator[Finding]:
    """What was measured against what the configuration assumes."""
    link, block_b, block_c = found.link, found.block_b, found.block_c
    if block_b is not None and block_b.fault is not Fault.NONE:
        yield finding("fault latched", fault=block_b.fault.name)
    if found.answer_ms is not None and found.answer_ms > answer_ms:
        shown = f"{found.answer_ms:.1f}"
        yield finding("slow answer", found=shown, assumed=f"{answer_ms:g}", above=math.ceil(found.answer_ms))
    if block_c is None:
        return
    if block_c.hold_limit_ms < link.hold_ms:
        yield finding("hold limit", theirs=block_c.hold_limit_ms, ours=link.hold_ms)
    # block A carries the hold time in whole 10 ms
    elif block_c.hold_limit_ms > -(-link.hold_ms // 10) * 10:
        yield finding("loose limit", theirs=block_c.hold_limit_ms, ours=-(-link.hold_ms // 10) * 10)
    if block_c.longest_scan_ms > link.scan_ms:
        yield finding("slow scan", found=block_c.longest_scan_ms, assumed=link.scan_ms)


def flags_text(flags: int) -> str:
    """Abilities of block C in words."""
    known = [flag.name for flag in Flag if flags & flag and flag.name]
    return ", ".join(known) or "none"
