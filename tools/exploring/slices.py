"""All slices and all seeded faults."""

from __future__ import annotations

from tools.exploring.alarm_slices import ALARMS
from tools.exploring.core_faults import CORE_FAULTS, Fault
from tools.exploring.core_slices import CORE, Slice
from tools.exploring.link_slices import LINK, LINK_FAULTS
from tools.exploring.loop_slices import LOOP, LOOP_FAULTS
from tools.exploring.rule_slices import RULE, RULE_FAULTS

ALL: tuple[Slice, ...] = CORE + RULE + LINK + LOOP + ALARMS
FAULTS: tuple[Fault, ...] = CORE_FAULTS + RULE_FAULTS + LINK_FAULTS + LOOP_FAULTS
BY_NAME: dict[str, Slice] = {each.name: each for each in ALL}
assert len(BY_NAME) == len(ALL), "two slices have the same name"

#: slices that take longest, the longest first
LONGEST: tuple[str, ...] = (
    "restarts within a write", "proving", "key", "trips", "loop: held up", "data and fallback", "a few events in each state",
    "loop: pauses", "drift falls back", "data", "loop: key", "fallback", "drift and restarts", "relay", "causes", "record",
    "rule: key", "latch files",
)  # fmt: skip
assert set(LONGEST) <= BY_NAME.keys(), "a slice has another name now"
