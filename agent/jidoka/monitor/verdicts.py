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
)  # fmt: skip

INVALID_OUTPUT = Reason.OUTPUT_NOT_FINITE | Reason.OUTPUT_SHAPE | Reason.OUTPUT_MISSING
DRIFT = {"all": Reason.DRIFT_ALL, "input": Reason.DRIFT_INPUT, "confidence": Reason.DRIFT_CONFIDENCE}

_REJECT = sum((row.reason for row in REASONS if row.verdict is Verdict.REJECT), Reason(0))
_SUSPECT = sum((row.reason for row in REASONS if row.verdict is Verdict.SUSPECT), Reason(0))


def verdict_of(reasons: Reason) -> Verdict:
    """The worst verdict among the reasons' rows; pass where there is none."""
    if reasons & _REJECT:
        return Verdict.REJECT
    return Verdict.SUSPECT if reasons & _SUSPECT else Verdict.PASS


def texts_of(reasons: Reason) -> list[str]:
    """What people read, worst first."""
    return [row.text for row in REASONS if row.reason & reasons]
