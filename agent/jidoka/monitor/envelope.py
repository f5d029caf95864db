"""The plausibility envelope: does a command lie within what its manifest allows, whatever the statistics say?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.kernels import command as kernel
from jidoka.monitor.verdicts import Reason

#: where a value counts as saturated, and over how many commands shares are taken, unless the manifest says so
SATURATED_AT, WINDOW = 0.98, 50
#: a difference of less than this share of the channel's range is no movement: noise is no chatter
DEADBAND = 0.005


class Fault(NamedTuple):
    """One way in which a command can be wrong. text: of channel, value, limit, " unit", window and its commands."""

    reason: Reason
    text: str


#: in the order of the kernel's rows
FAULTS = (
    Fault(Reason.OUTPUT_NOT_FINITE, "{channel} is {value}"),
    Fault(Reason.COMMAND_RANGE, "{channel} is {value}{unit}, {side} {limit}{unit}"),
    Fault(Reason.COMMAND_RATE, "{channel} moves at {value}{unit}/s, at most {limit}{unit}/s"),
    Fault(Reason.COMMAND_JERK, "{channel} changes its rate by {value}{unit}/s², at most {limit}{unit}/s²"),
    Fault(Reason.COMMAND_SATURATED,
          "{value} of {commands} lie at their limits, at most {limit}; {channel} most of all"),
    Fault(Reason.COMMAND_CHATTER, "{channel} turned back in {value} of the last {window} steps, at most {limit}"),
    Fault(Reason.COMMAND_OFF_TRACK, "{channel} is {value} away from its target, at most {limit}"),
)  # fmt: skip
#: reason bits of each set of faults that the kernel can say
_REASONS = tuple(
    sum(int(fault.reason) for row, fault in enumerate(FAULTS) if bits >> row & 1)
    for bits in range(1 << kernel.FAULTS)
)
_SHARES = (kernel.SATURATED, kernel.CHATTER)


class Envelope:
    """Judges the commands of one output of a model, in the order they come; constant memory.

    section: the model's, of the plan; spec: the output's entry with `channels` (C of them, else C from its shape).
    After each `judge` call `accept`, if nothing else speaks against the record: rate and jerk are measured from the
    last accepted command, over the steps since then.
    """

    def __init__(self, section: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
        channels: Sequence[Mapping[str, Any]] = spec.get("channels") or [
            {"name": f"{spec['name']}[{c}]"} for c in range(int(spec["shape"][-1]))
        ]
        self.names = tuple(str(each["name"]) for each in channels)
        self._units = tuple(
            f" {each['unit']}" if each.get("unit") not in {None, "", "1"} else "" for each in channels
        )
        saturation, chatter = section.get("saturation") or {}, section.get("chatter") or {}
        self._limits = limits_of(channels, float(saturation.get("at") or SATURATED_AT))
        self._windows = np.array(
            [each for rule in (saturation, chatter) for each in (_given(rule, "records", WINDOW), _given(rule, "share", math.inf))]
        )  # fmt: skip
        self._period_s = float(section.get("period_s") or 1.0)
        count = len(channels)
        self._accepted = np.full((2, count), np.nan)
        self._trial = np.full((2, count), np.nan)
        self._seen = np.full((2, count), np.nan)
        self._ring = np.zeros((int(max(self._windows[0], self._windows[2])), 2, count), np.uint8)
        self._counts = np.zeros((3, count), np.int64)
        self._found = np.zeros((kernel.FAULTS, 4))
        self._number: int | None = None
        self._behind = 0
        self._tracking = Tracking(section) if section.get("tracking") else None

    @property
    def tracked(self) -> tuple[str, ...]:
        """Names of the entries whose distance from their target is watched; the envelope of one output has them."""
        return self._tracking.names if self._tracking is not None else ()

    @property
    def tracked_inputs(self) -> tuple[str, ...]:
        """Names of the inputs that hold them and their targets."""
        return self._tracking.inputs if self._tracking is not None else ()

    def drop_tracking(self) -> None:
        """Another output's envelope watches the target."""
        self._tracking = None

    def judge(
        self, rows: NDArray[Any], number: int, inputs: Mapping[str, NDArray[Any]], values: NDArray[np.float64], at: int
    ) -> int:  # fmt: skip
        """Reason bits of one record's commands; 0 = nothing is wrong.

        rows: (N, C), each a step; number: of the record: one that is missing was a step too; inputs: (N, entries) by
        name, as far as they came; values[at:]: filled with C values, C |rates|, the share of saturated cells, the
        largest share of reversals, and the distance of each tracked entry.
        """
        if rows.shape[1] != len(self.names):
            self.skip()
            return int(Reason.OUTPUT_SHAPE)
        gap = 1 if self._number is None else max(1, number - self._number)
        self._number = number
        since_seen = (gap - 1) * len(rows) + 1
        bits: int = kernel.command_step(
            rows, self._limits, self._accepted, self._trial, self._seen, self._ring, self._counts, self._windows,
            float(self._behind + since_seen), float(since_seen), self._period_s, self._found, values, at,
        )  # fmt: skip
        self._behind += gap * len(rows)
        if self._tracking is not None:
            bits |= self._tracking.judge(inputs, self._found, values, at + 2 * len(self.names) + 2)
        return _REASONS[bits]

    def skip(self) -> None:
        """A record came without a command that fits: nothing to judge, and nothing to accept."""
        self._found[:] = 0.0
        self._trial[:] = self._accepted

    def accept(self) -> None:
        """The record just judged was let through: the next one is measured from it."""
        self._accepted, self._trial = self._trial, self._accepted
        self._behind = 0

    def evidence(self) -> dict[str, Any]:
        """What was wrong with the record just judged, in words and numbers: the first fault, and the others' words."""
        rows = [row for row in range(kernel.FAULTS) if self._found[row, 0] > 0.0]
        if not rows:
            return {}
        _, place, value, limit = self._found[rows[0]].tolist()
        texts = [self._text(row) for row in rows]
        found: dict[str, Any] = {
            "why": texts[0],
            "channel": self._name(rows[0], int(place)),
            # JSON has no NaN
            "value": float(f"{value:.6g}") if math.isfinite(value) else str(value),
            "limit": float(f"{limit:.6g}"),
        }
        return {**found, "also": texts[1:]} if len(texts) > 1 else found

    def _name(self, row: int, place: int) -> str:
        return self.tracked[place] if row == kernel.OFF_TRACK else self.names[place]

    def _text(self, row: int) -> str:
        times, place, value, limit = self._found[row].tolist()
        channel = int(place)
        show = "{:.0%}" if row in _SHARES else "{:.4g}"
        window = int(self._windows[0 if row == kernel.SATURATED else 2])
        text = FAULTS[row].text.format(
            channel=self._name(row, channel),
            value=show.format(value) if math.isfinite(value) else str(value).replace("nan", "NaN"),
            limit=show.format(limit),
            unit="" if row == kernel.OFF_TRACK else self._units[channel],
            side="at least" if value < limit else "at most",
            window=window,
            commands=f"the last {window} commands" if window > 1 else "the command's channels",
        )
        return f"{text} (and {int(times) - 1} more)" if times > 1 and row not in _SHARES else text


class Tracking:
    """How far entries of one input are from their targets in another. section: the model's, with `tracking`."""

    def __init__(self, section: Mapping[str, Any]) -> None:
        rule = section["tracking"]
        self._state, self._target = (str(rule[side]["input"]) for side in ("state", "target"))
        self._entries = np.array([rule[side]["entries"] for side in ("state", "target")], np.int64)
        self._limit = float(rule["limit"])
        spec: Mapping[str, Any] = next(
            (each for each in section["inputs"] if each["name"] == self._state), {}
        )
        named = [each["name"] if isinstance(each, Mapping) else each for each in spec.get("channels") or ()]
        self.names = tuple(
            str(named[e]) if e < len(named) else f"{self._state}[{e}]" for e in self._entries[0].tolist()
        )

    @property
    def inputs(self) -> tuple[str, str]:
        """The inputs that are compared."""
        return self._state, self._target

    def judge(
        self, inputs: Mapping[str, NDArray[Any]], found: NDArray[np.float64], values: NDArray[np.float64], at: int
    ) -> int:  # fmt: skip
        """The kernel's bit of OFF_TRACK, or 0; nothing can be said where an input didn't come or is too narrow."""
        state, target = inputs.get(self._state), inputs.get(self._target)
        if (
            state is None
            or target is None
            or state.shape[1] <= self._entries[0].max()
            or target.shape[1] <= self._entries[1].max()
        ):
            return 0
        return int(kernel.residuals(state, target, self._entries, self._limit, found, values, at))


def limits_of(channels: Sequence[Mapping[str, Any]], at: float) -> NDArray[np.float64]:
    """(7, C) for the kernel: what the manifest gives, ∓inf where it gives nothing. at: share of a limit.

    Between two limits a value is saturated beyond `at` of the way from their middle; with one limit, beyond `at` of
    it on its own side of zero.
    """
    limits = np.empty((7, len(channels)))
    for c, each in enumerate(channels):
        low, high = _given(each, "low", -math.inf), _given(each, "high", math.inf)
        middle, half = 0.5 * (low + high), 0.5 * (high - low)
        sat_low, sat_high, deadband = -math.inf, math.inf, 0.0
        if math.isfinite(half):
            sat_low, sat_high, deadband = middle - at * half, middle + at * half, DEADBAND * 2.0 * half
        else:
            sat_low = at * low if math.isfinite(low) and low < 0.0 else sat_low
            sat_high = at * high if math.isfinite(high) and high > 0.0 else sat_high
        rate, jerk = _given(each, "rate", math.inf), _given(each, "jerk", math.inf)
        limits[:, c] = (low, high, rate, jerk, sat_low, sat_high, deadband)
    return limits


def _given(table: Mapping[str, Any], key: str, default: float) -> float:
    value = table.get(key)
    return default if value is None else float(value)
