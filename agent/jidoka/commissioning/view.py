"""What the PLC shows, in one shape, whether a running steward tells it or its blocks were read from the line. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jidoka_bridge.guard.plc_memory import memory_of
from jidoka_bridge.link.blocks import BlockB, BlockC
from jidoka_bridge.registers import Input, Input2, Word

#: word as read back -> relays of M and A; ABSTAIN: K2 alone, which the PLC never writes
RANKS = {
    "WITHHOLD": (False, False),
    "MACHINE": (True, False),
    "ABSTAIN": (False, True),
    "MACHINE_AND_AI": (True, True),
}


@dataclass(frozen=True)
class View:
    """One look. source: steward or line; agent: state of the interlock; actual: read back; memory: of block C."""

    source: str
    link_up: bool
    actual: str
    plc_state: str
    fault: str
    inputs: tuple[str, ...]
    remaining_ms: int
    parts: int
    recipe: int
    accepted: int
    rtt_ms: float | None
    agent: str = ""
    word: str = ""
    text: str = ""
    why: str = ""
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def machine(self) -> bool:
        """M, as it reads back."""
        return RANKS.get(self.actual, (False, False))[0]

    @property
    def model(self) -> bool:
        """A, as it reads back."""
        return RANKS.get(self.actual, (False, False))[1]

    def as_object(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "machine": self.machine, "model": self.model}


def of_status(value: dict[str, Any]) -> View:
    """From the steward's answer to `status`. memory: of block C, as the guard read it last."""
    interlock = value["interlock"]
    plc = interlock["plc"]
    if not plc:
        return View("steward", False, "", "", "", (), 0, 0, 0, 0, None, interlock["state"], interlock["word"],
                    interlock["text"], "the guard isn't here, or has not heard of the PLC yet")  # fmt: skip
    return View(
        "steward",
        bool(plc["link_up"]),
        str(plc["actual"]),
        str(plc["state"]),
        str(plc["fault"]),
        tuple(plc["inputs"]),
        int(plc["remaining_ms"]),
        int(plc["part_count"]),
        int(plc["recipe"]),
        int(plc["accepted_presses"]),
        plc["rtt_us"] / 1000 if plc["rtt_us"] else None,
        str(interlock["state"]),
        str(interlock["word"]),
        str(interlock["text"]),
        "; ".join(str(each) for each in value.get("missing", ())),
        dict(plc.get("memory") or {}),
    )


def of_blocks(block_b: BlockB | None, block_c: BlockC | None, rtt_ns: int | None, why: str) -> View:
    """From the line. why: of the last beat that was lost, "" while they are good."""
    memory = {} if block_c is None else memory_of(block_c)
    if block_b is None:
        return View("line", False, "", "", "", (), 0, 0, 0, 0, None, why=why, memory=memory)
    return View(
        "line",
        not why,
        block_b.actual.name,
        block_b.plc_state.name,
        block_b.fault.name,
        _names(Input, block_b.inputs) + _names(Input2, block_b.inputs2),
        block_b.remaining_ms,
        block_b.parts,
        block_b.recipe,
        block_b.accepted,
        None if rtt_ns is None else rtt_ns / 1e6,
        word=Word.WITHHOLD.name,
        why=why,
        memory=memory,
    )


def _names(table: type[Input | Input2], bits: int) -> tuple[str, ...]:
    return tuple(flag.name for flag in table if bits & flag and flag.name)


def changed(before: View | None, now: View) -> Sequence[str]:
    """Names of what differs, apart from what changes with every beat."""
    if before is None:
        return ("all",)
    restless = {"remaining_ms", "rtt_ms"}
    one, other = asdict(before), asdict(now)
    return tuple(name for name in one if name not in restless and one[name] != other[name])
