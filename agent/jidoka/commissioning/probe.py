"""Who answers on the line, what it is, and how fast: opened while no guard runs, and WITHHOLD is all that is written."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator

from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockB, BlockC, BlockError, Flaw, checksum
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault

from jidoka.commissioning.client import TRIES, Answer, Client
from jidoka.commissioning.clock import LEAST_S
from jidoka.commissioning.findings import Finding, finding, line_finding
from jidoka.commissioning.probed import Probe
from jidoka.commissioning.search import UNITS, who_else

BEATS = 100
#: silence that tells a PLC in STOP, and an echo that moves without us
STANDSTILL_S = 0.25
ILLEGAL_FUNCTION = 1


def probe(
    link: Link,
    answer_ms: float,
    *,
    search: bool = True,
    beats: int = BEATS,
    clock_s: float = LEAST_S,
    units: Iterable[int] = UNITS,
    tell: Callable[[str], None] = lambda _: None,
) -> Probe:
    """Look who is there. clock_s: its clock is looked at for so long at least; tell: what is done now, for a person who waits. Raises LinkError for a port that can't be used."""
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
            _wait_for_the_clock(client, found, clock_s)
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
        found.clock.add(found.block_b.counter, answer.came_ns, answer.rtt_ns)
        # the read part of FC23 may be served before the program saw the written part
        followed += (number - found.block_b.echo) & 0xFFFF <= 1
    lost = found.beats - len(found.rtts_ns)
    if followed < len(found.rtts_ns) // 2:
        found.findings.append(finding("ignored", echo=found.block_b.echo, number=number))
    if lost:
        reasons = ", ".join(f"{count} × {why}" for why, count in found.refusals.most_common())
        row = finding("lost", lost=lost, beats=found.beats, why=reasons)
        found.findings.append(row._replace(is_fault=lost > found.beats // 10))


def _wait_for_the_clock(client: Client, found: Probe, clock_s: float) -> None:
    """Beats of a fast line are over before a clock shows how it runs: another look, later; the second counts, as the first
    may tell of a scan that was long over where nobody had asked for a while."""
    left_s = clock_s - found.clock.ours_ms / 1000
    if not found.rtts_ns or left_s <= 0:
        return
    time.sleep(left_s)
    for _ in range(2):
        answer = _patiently(client)
        if answer.why:
            return
        try:
            found.block_b = BlockB.decode(answer.words, client.link.unit)
        except BlockError:
            return
        found.clock.add(found.block_b.counter, answer.came_ns, answer.rtt_ns)


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
    off = found.clock.off_percent
    if off is not None:
        way, effect = ("slow", "longer") if off < 0 else ("fast", "shorter")
        yield finding("plc clock", percent=f"{abs(off):.0f}", way=way, effect=effect)
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
