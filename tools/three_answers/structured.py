"""The function block as it stands in firmware_bridge/plc, translated, as one program."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

from jidoka_bridge.registers import Input

from tools.structured_text.blocks import Compiled, PythonBlock, load
from tools.three_answers.scans import SETTINGS, Answer, Inputs

BLOCK = Path(__file__).resolve().parents[2] / "firmware_bridge" / "plc" / "JidokaGuard.st"
#: input of the block -> bit of the register map
SWITCHES = {
    "KeyAuto": Input.KEY_AUTO, "OverrideKey": Input.OVERRIDE_KEY, "ResetButton": Input.RESET_BUTTON,
    "SafetyChain": Input.SAFETY_CHAIN, "MachineReady": Input.MACHINE_READY, "Running": Input.RUNNING,
    "Changeover": Input.CHANGEOVER, "Drill": Input.DRILL,
}  # fmt: skip
#: all inputs in the order of the block: 4 values of the site, then those of the scan
INPUTS = struct.Struct("=4I I 8I I 12I I I I 8I I 6I")
OUTPUTS = struct.Struct("=4I 16I 170I")
NO_A, NO_D = (0,) * 8, (0,) * 12


@functools.cache
def compiled() -> Compiled:
    """The block, compiled once a process."""
    return Compiled(load(BLOCK.read_text(encoding="utf-8")), "-O2")


def packed(given: Inputs, has_c: bool = True) -> bytes:
    """The block's inputs as they lie in its memory."""
    bits = given.inputs
    return INPUTS.pack(
        *SETTINGS, 1, given.now_ms & 0xFFFF_FFFF,
        *(given.block_a or NO_A), given.block_a is not None, *(given.block_d or NO_D), given.block_d is not None, has_c,
        given.actual, *(bits >> place & 1 for place in range(8)), given.inputs2 & 1,
        given.parts, given.recipe, given.acknowledges, given.acknowledge_reason, given.person, given.random,
    )  # fmt: skip


class Structured:
    """One PLC, as C made from the Structured Text."""

    def __init__(self, program: Compiled | None = None) -> None:
        self._block = (program or compiled()).new()
        self._memory = memoryview(self._block.words).cast("B")

    def scan(self, given: Inputs, has_c: bool = True) -> Answer:
        """One scan."""
        self._memory[: INPUTS.size] = packed(given, has_c)
        self._block.run()
        machine, model, output, accepted, *words = OUTPUTS.unpack_from(self._memory, INPUTS.size)
        assert (machine, model) == {0x5A5A: (0, 0), 0x6996: (1, 0), 0xA5A5: (1, 1)}[output]
        return Answer(output, bool(accepted), tuple(words[:16]), tuple(words[16:]) if has_c else ())

    def save(self) -> bytes:
        """All of its memory."""
        return bytes(self._memory)

    def restore(self, saved: bytes) -> None:
        self._memory[:] = saved


class Interpreted:
    """The same as Python made from the Structured Text: slow, and another translation."""

    def __init__(self) -> None:
        self._block = PythonBlock(load(BLOCK.read_text(encoding="utf-8")))

    def scan(self, given: Inputs, has_c: bool = True) -> Answer:
        """One scan."""
        done = self._block(
            Station=SETTINGS.unit, HoldLimitMs=SETTINGS.hold_limit_ms, RelayMs=SETTINGS.relay_ms, HasFc23=True, NowMs=given.now_ms & 0xFFFF_FFFF,
            BlockA=given.block_a or NO_A, HasBlockA=given.block_a is not None,
            BlockD=given.block_d or NO_D, HasBlockD=given.block_d is not None, RefreshC=has_c,
            Actual=given.actual, FallbackHealthy=bool(given.inputs2 & 1), Parts=given.parts, Recipe=given.recipe,
            Acknowledges=given.acknowledges, AcknowledgeReason=given.acknowledge_reason, Person=given.person,
            Random=given.random, **{name: bool(given.inputs & bit) for name, bit in SWITCHES.items()},
        )  # fmt: skip
        return Answer(
            done["OutputWord"],
            done["PressAccepted"],
            tuple(done["BlockB"]),
            tuple(done["BlockC"]) if has_c else (),
        )
