"""What would shorten a stop: each lever is tried by itself, the times computed anew with that one thing changed. Pure."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jidoka.commissioning.measured import Measured
from jidoka.commissioning.ways import Line, with_link

BAUDS = (9600, 19200, 38400, 57600, 115200)
#: what saves less isn't told
LEAST_MS = 0.5
#: of a relay, and of a semiconductor output
QUICK_RELAY_MS = 1
#: a loop with real-time priority; one that has it and nothing beside it
GOOD_JITTER_MS, BEST_JITTER_MS = 20, 5


class Lever(NamedTuple):
    """One change, tried. *_saved_ms: what it takes off; below 0 it adds."""

    text: str
    silent_ms: float
    withdraw_ms: float
    silent_saved_ms: float
    withdraw_saved_ms: float


def _bauds(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    for baud in BAUDS:
        if baud > line.link.baud and line.link.transport == "rtu":
            yield f"baud: {line.link.baud} → {baud}", with_link(line, baud=baud)


def _function(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    if line.way[1] != "23":
        yield "a PLC whose Modbus server answers function code 23", line.by(line.link.transport, "23")


def _transport(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    if line.link.transport == "rtu":
        yield "transport: modbus-tcp, on a network of its own", line.by("modbus-tcp", line.link.function)


def _answer(line: Line, measured: Measured) -> Iterator[tuple[str, Line]]:
    found_ms = measured.answer_ms
    if found_ms is not None and math.ceil(found_ms) < line.answer_ms:
        yield (f"plc_answer: {line.answer_ms:g} → {math.ceil(found_ms)} ms, as measured",
               dataclasses.replace(line, answer_ms=float(math.ceil(found_ms))))  # fmt: skip
    if line.answer_ms > 1:
        half_ms = line.answer_ms / 2
        yield f"plc_answer: {line.answer_ms:g} → {half_ms:g} ms", dataclasses.replace(line, answer_ms=half_ms)


def _scan(line: Line, measured: Measured) -> Iterator[tuple[str, Line]]:
    scan_ms, found_ms = line.link.scan_ms, measured.scan_ms
    if found_ms is not None and found_ms < scan_ms:
        yield f"scan: {scan_ms} → {found_ms:g} ms, as measured", with_link(line, scan_ms=max(1, math.ceil(found_ms)))  # fmt: skip
    if scan_ms > 1:
        yield f"scan: {scan_ms} → {scan_ms // 2} ms", with_link(line, scan_ms=scan_ms // 2)


def _relay(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    if line.link.relay_ms > QUICK_RELAY_MS:
        yield (f"relay: {line.link.relay_ms} → {QUICK_RELAY_MS} ms, a semiconductor output",
               with_link(line, relay_ms=QUICK_RELAY_MS))  # fmt: skip


def _jitter(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    for jitter_ms, how in ((GOOD_JITTER_MS, "real-time priority"), (BEST_JITTER_MS, "a core of its own")):
        if line.link.jitter_ms > jitter_ms:
            yield f"jitter: {line.link.jitter_ms} → {jitter_ms} ms, {how}", with_link(line, jitter_ms=jitter_ms)  # fmt: skip


def _lost(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    lost = line.link.lost_beats
    if lost > 1:
        yield f"lost_beats: {lost} → {lost - 1}, a disturbed line stops sooner", with_link(line, lost_beats=lost - 1)  # fmt: skip


def _beat(line: Line, _: Measured) -> Iterator[tuple[str, Line]]:
    if line.beat_ms is not None:
        shortest = dataclasses.replace(line, beat_ms=None)
        if shortest.times.beat_ms < line.beat_ms:
            yield f"beat: {line.beat_ms:g} → {shortest.times.beat_ms:g} ms, the shortest", shortest


LEVERS: tuple[Callable[[Line, Measured], Iterator[tuple[str, Line]]], ...] = (
    _bauds, _transport, _function, _answer, _scan, _relay, _jitter, _lost, _beat,
)  # fmt: skip


def levers(line: Line, measured: Measured) -> tuple[Lever, ...]:
    """Every lever that saves anything, tried by itself, the one that saves most of the silent agent's time first."""
    now, tried = line.times, []
    for lever in LEVERS:
        for text, changed in lever(line, measured):
            then = changed.times
            tried.append(
                Lever(
                    text,
                    then.silent_ms,
                    then.withdraw_ms,
                    now.silent_ms - then.silent_ms,
                    now.withdraw_ms - then.withdraw_ms,
                )
            )
    tried = [each for each in tried if max(each.silent_saved_ms, each.withdraw_saved_ms) >= LEAST_MS]
    return tuple(sorted(tried, key=lambda each: (-each.silent_saved_ms, -each.withdraw_saved_ms, each.text)))
