"""What the monitor says of one record: pass, suspect or reject, and the table of reasons."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Verdict(enum.IntEnum):
    """Of one record; a part's verdict is the worst of its records'."""

    PASS = 0
    SUSPECT = 1
    REJECT = 2


class Reason(enum.IntFlag):
    """Bits of a decision row; numbers are frozen."""

    OUTPUT_NOT_FINITE = 1 << 0
    OUTPUT_SHAPE = 1 << 1
    OUTPUT_MISSING = 1 << 2
    OUTPUT_NOT_SENT = 1 << 3
    INPUT_NOT_FINITE = 1 << 4
    LOW_CONFIDENCE = 1 << 5
    DRIFT_ALL = 1 << 6
    DRIFT_INPUT = 1 << 7
    DRIFT_CONFIDENCE = 1 << 8
    NO_BASELINE = 1 << 9
    INPUT_SHAPE = 1 << 10
    DRIFT_OUTPUT = 1 << 11
    DRIFT_COMMAND = 1 << 12
    COMMAND_RANGE = 1 << 13
    COMMAND_RATE = 1 << 14
    COMMAND_JERK = 1 << 15
    COMMAND_SATURATED = 1 << 16
    COMMAND_CHATTER = 1 << 17
    COMMAND_OFF_TRACK = 1 << 18
    COMMAND_NOT_SEEN = 1 << 19
    UNUSUAL_RECORD = 1 << 20
    DRIFT_EMBEDDING = 1 << 21
    INPUT_REPEATED = 1 << 22
    MATERIAL_DRIFT = 1 << 23


class Row(NamedTuple):
    """One reason: the verdict that it makes of a record, and what people read."""

    reason: Reason
    verdict: Verdict
    text: str


REASONS: tuple[Row, ...] = (
    Row(Reason.OUTPUT_NOT_FINITE, Verdict.REJECT,  "the output holds NaN or infinity"),
    Row(Reason.OUTPUT_SHAPE,      Verdict.REJECT,  "the output's shape or type isn't the manifest's"),
    Row(Reason.OUTPUT_MISSING,    Verdict.REJECT,  "an output that the manifest names did not come"),
    Row(Reason.OUTPUT_NOT_SENT,   Verdict.SUSPECT, "the output was too large to be sent, so nobody looked at it"),
    Row(Reason.INPUT_NOT_FINITE,  Verdict.SUSPECT, "the input holds NaN or infinity"),
    Row(Reason.LOW_CONFIDENCE,    Verdict.SUSPECT, "the confidence is below the manifest's limit"),
    Row(Reason.DRIFT_ALL,         Verdict.SUSPECT, "drift(all) is on"),
    Row(Reason.DRIFT_INPUT,       Verdict.SUSPECT, "drift(input) is on"),
    Row(Reason.DRIFT_CONFIDENCE,  Verdict.SUSPECT, "drift(confidence) is on"),
    Row(Reason.NO_BASELINE,       Verdict.PASS,    "no baseline for this recipe and position: drift isn't judged"),
    Row(Reason.INPUT_SHAPE,       Verdict.SUSPECT, "the input's shape or type isn't the manifest's, so nobody looked at it"),
    Row(Reason.DRIFT_OUTPUT,      Verdict.SUSPECT, "drift(output) is on"),
    Row(Reason.DRIFT_COMMAND,     Verdict.SUSPECT, "drift(command) is on"),
    Row(Reason.COMMAND_RANGE,     Verdict.REJECT,  "a command lies outside its channel's range"),
    Row(Reason.COMMAND_RATE,      Verdict.REJECT,  "a command changes faster than its channel may"),
    Row(Reason.COMMAND_JERK,      Verdict.REJECT,  "a command changes its rate faster than its channel may"),
    Row(Reason.COMMAND_SATURATED, Verdict.REJECT,  "too many of the last commands lie at their limits"),
    Row(Reason.COMMAND_CHATTER,   Verdict.REJECT,  "a command turns back and forth too often"),
    Row(Reason.COMMAND_OFF_TRACK, Verdict.REJECT,  "the machine is too far from where it should be"),
    Row(Reason.COMMAND_NOT_SEEN,  Verdict.REJECT,  "the command was not sent along, so its limits could not be checked"),
    Row(Reason.UNUSUAL_RECORD,    Verdict.REJECT,  "the record lies beyond what the gate lets pass of good ones"),
    Row(Reason.DRIFT_EMBEDDING,   Verdict.SUSPECT, "drift(embedding) is on"),
    Row(Reason.INPUT_REPEATED,    Verdict.PASS,    "the picture is the same as the three before: is the camera frozen?"),
    Row(Reason.MATERIAL_DRIFT,    Verdict.SUSPECT, "more records than are tolerated lie beyond the baseline's range"),
)  # fmt: skip

INVALID_OUTPUT = Reason.OUTPUT_NOT_FINITE | Reason.OUTPUT_SHAPE | Reason.OUTPUT_MISSING
#: the plausibility envelope refused it; a command that isn't finite is an invalid output besides
IMPLAUSIBLE = (
    Reason.COMMAND_RANGE | Reason.COMMAND_RATE | Reason.COMMAND_JERK | Reason.COMMAND_SATURATED
    | Reason.COMMAND_CHATTER | Reason.COMMAND_OFF_TRACK | Reason.COMMAND_NOT_SEEN
)  # fmt: skip
#: by the group of a drift condition
DRIFT = {
    "all": Reason.DRIFT_ALL,
    "input": Reason.DRIFT_INPUT,
    "confidence": Reason.DRIFT_CONFIDENCE,
    "output": Reason.DRIFT_OUTPUT,
    "command": Reason.DRIFT_COMMAND,
    "embedding": Reason.DRIFT_EMBEDDING,
}

# plain numbers: each record is judged by them, and an enum's operators cost ten times as much
REJECT_BITS = sum(int(row.reason) for row in REASONS if row.verdict is Verdict.REJECT)
SUSPECT_BITS = sum(int(row.reason) for row in REASONS if row.verdict is Verdict.SUSPECT)
_WORST_FIRST = sorted(REASONS, key=lambda row: -row.verdict)


def verdict_of(reasons: int) -> Verdict:
    """The worst verdict among the reasons' rows; pass where there is none."""
    return Verdict(number_of(reasons))


def number_of(reasons: int) -> int:
    """`verdict_of` as a plain number: each record has one."""
    if reasons & REJECT_BITS:
        return 2
    return 1 if reasons & SUSPECT_BITS else 0


def texts_of(reasons: int) -> list[str]:
    """What people read, worst first."""
    return [row.text for row in _WORST_FIRST if row.reason & reasons]
