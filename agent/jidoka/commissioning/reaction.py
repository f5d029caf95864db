"""How fast this site stops, term by term, what that costs in mm and parts, and what would shorten it most.

Pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from jidoka_bridge.link.times import MARGIN_MS, LinkTimes, pace_of, with_dead_source

from jidoka.commissioning.levers import Lever, levers
from jidoka.commissioning.measured import Measured
from jidoka.commissioning.ways import WAYS, Line

#: from a record at the tap until the verdict, and from there until the guard knows: bounds above the worst that
#: docs/figures.md has (0.8 and 2.3 ms) for a busy machine
VERDICT_MS = 5.0
MESSAGE_MS = 5.0


class Term(NamedTuple):
    """A time. source: assumed (a setting), measured, or computed; sum: what it consists of."""

    name: str
    value_ms: float
    source: str
    sum: str


class Outcome(NamedTuple):
    """A way to stop, from its cause until the output is off, at worst. found: how measured_ms came about; mm, parts: None where the
    site doesn't say."""

    name: str
    text: str
    ms: float
    measured_ms: float | None
    found: str
    mm: float | None
    parts: float | None


@dataclass(frozen=True)
class Reaction:
    """All of it for one site."""

    line: Line
    terms: tuple[Term, ...]
    outcomes: tuple[Outcome, ...]
    alternatives: dict[str, LinkTimes]
    levers: tuple[Lever, ...]
    warnings: tuple[str, ...]

    def as_object(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "way": WAYS[self.line.way][0],
            "terms": [each._asdict() for each in self.terms],
            "stops": [each._asdict() for each in self.outcomes],
            "ways": {
                name: {"beat_ms": t.beat_ms, "hold_ms": t.hold_ms, "withdraw_ms": t.withdraw_ms,
                       "silent_ms": t.silent_ms}
                for name, t in self.alternatives.items()
            },
            "levers": [each._asdict() for each in self.levers],
            "warnings": list(self.warnings),
        }  # fmt: skip


def reaction_of(
    line: Line,
    measured: Measured,
    *,
    no_data_ms: int,
    speed_mm_s: float | None = None,
    part_rate_hz: float | None = None,
) -> Reaction:
    """The times of a site. line: as the plan sets it; no_data_ms: silence of a source of verdicts that is bearable."""
    times = line.times
    return Reaction(
        line,
        tuple(_terms(line, times, measured)),
        tuple(_outcomes(times, measured, no_data_ms, speed_mm_s, part_rate_hz)),
        {name: line.by(*way).times for way, (name, _) in WAYS.items()},
        levers(line, measured),
        tuple(_warnings(line, times, measured)),
    )  # fmt: skip


def _terms(line: Line, times: LinkTimes, measured: Measured) -> Iterator[Term]:
    link, lost = line.link, line.link.lost_beats
    pace = pace_of(link)
    (there, _), (_, back) = pace.frames[0], pace.frames[-1]

    def given(name: str, value_ms: float, setting: str, found_ms: float | None) -> Term:
        if found_ms is None:
            return Term(name, value_ms, "assumed", setting)
        return Term(
            name, value_ms, "assumed", f"{setting}; measured: {found_ms:.4g} ms ({measured.probed_at})"
        )

    yield Term("verdict", VERDICT_MS, "assumed", "from the record at the tap until the monitor's verdict")
    yield Term("message", MESSAGE_MS, "assumed", "from the monitor to the guard")
    yield Term("request on the wire", times.request_ms, "computed", f"{there} bytes of 11 bits, with block A")
    yield Term("reply on the wire", times.reply_ms, "computed", f"{back} bytes, block B")
    yield Term("gap between frames", times.gap_ms, "computed", "3.5 characters, 1.75 ms above 19200 baud")
    yield given("PLC begins its answer", line.answer_ms, "plc_answer", measured.answer_ms)
    yield Term(
        "reply time-out",
        math.floor(times.reply_timeout_ms),
        "computed",
        f"answer + reply + {MARGIN_MS:g} ms, rounded down",
    )
    beat = "request + answer + reply + margin + 2 gaps" + (", twice" if len(pace.frames) > 1 else "")
    yield Term("beat T", times.beat_ms, "computed" if line.beat_ms is None else "set",
               f"{beat}, up to whole 5 ms" if line.beat_ms is None else "beat")  # fmt: skip
    yield Term("jitter of this device", link.jitter_ms, "assumed", "jitter")
    yield given("scan of the PLC", link.scan_ms, "scan", measured.scan_ms)
    yield Term("output relay drops", link.relay_ms, "assumed", "relay")
    hold = f"{lost + 1} T ({lost} lost) + jitter + scan, up to whole 10 ms, + 1 T (stamp)"
    yield Term("hold time W", times.hold_ms, "computed", hold)


def _outcomes(
    times: LinkTimes, measured: Measured, no_data_ms: int, speed_mm_s: float | None, part_rate_hz: float | None
) -> Iterator[Outcome]:  # fmt: skip
    def row(
        name: str, text: str, ms: float, found_ms: float | None = None, found: str = "measured"
    ) -> Outcome:
        return Outcome(
            name, text, ms, found_ms, "" if found_ms is None else f"{found}, {measured.drilled_at}",
            None if speed_mm_s is None else speed_mm_s * ms / 1000,
            None if part_rate_hz is None else part_rate_hz * ms / 1000,
        )  # fmt: skip

    yield row("withdrawal", "from the guard's decision: the beat in progress + request + 2 scans + relay",
              times.withdraw_ms, measured.withdraw_ms)  # fmt: skip
    yield row("verdict", "from the bad record at the tap: verdict + message + withdrawal",
              VERDICT_MS + MESSAGE_MS + times.withdraw_ms)  # fmt: skip
    yield row("silent agent", "from the last beat of a dead guard, a cut cable: W + scan + relay",
              times.silent_ms, measured.silent_ms, "hold time as the PLC showed it + scan and relay as assumed")  # fmt: skip
    yield row("dead source", f"the tap or the monitor dies: {no_data_ms} ms without data + silent agent",
              with_dead_source(times, no_data_ms))  # fmt: skip


def _warnings(line: Line, times: LinkTimes, measured: Measured) -> Iterator[str]:
    """Where what was measured is worse than what the times rest on."""
    over = "a drill took longer than the formula allows"
    rows = (
        ("plc_answer", measured.answer_ms, line.answer_ms, "the PLC begins its answer later than assumed"),
        ("scan", measured.scan_ms, line.link.scan_ms, "the PLC's longest scan is longer than assumed"),
        ("withdrawal", measured.withdraw_least_ms, times.withdraw_ms, over),
        ("silent agent", measured.silent_ms, times.silent_ms, over),
    )
    for name, found_ms, assumed_ms, what in rows:
        if found_ms is not None and found_ms > assumed_ms:
            yield f"{name}: {found_ms:.4g} ms measured, {assumed_ms:.4g} ms in the plan: {what}"
    if measured.hold_limit_ms is not None and measured.hold_limit_ms < times.hold_ms:
        yield (
            f"the PLC's own limit W is {measured.hold_limit_ms} ms, the plan asks for {times.hold_ms:g} ms: "
            "fewer lost beats than planned stop the machine; set the PLC's limit to the plan's"
        )
    if measured.function is not None and measured.function != line.way[1]:
        setting = "16+03" if measured.function == "16+03" else "auto"
        yield (
            f"the PLC was found to use function codes {measured.function}, the times above are those of {line.way[1]}: "
            f"set function: {setting}"
        )
