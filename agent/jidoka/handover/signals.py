"""The wires between plant and PLC: one table, from which drawing, list and calling program are made."""

from __future__ import annotations

from typing import NamedTuple


class Signal(NamedTuple):
    """One wire. name: of the block's variable; device: its mark in the drawing; broken: what a broken wire does; is_break: its
    contact opens when the device works."""

    name: str
    device: str
    text: str
    broken: str
    is_break: bool = False


INPUTS: tuple[Signal, ...] = (
    Signal("KeyAuto", "S1", "key switch in AUTO, make contact", "nothing can be armed, what runs is dropped"),
    Signal("OverrideKey", "S1", "key switch in OVERRIDE, make contact", "the key has no effect"),
    Signal("ResetButton", "S2", "reset button at the machine, make contact", "nothing can be reset"),
    Signal("SafetyChain", "K0", "signalling contact of the safety relay, closed = all well", "shown as open"),
    Signal("MachineReady", "plant", "the machine has no stop of its own", "the agent holds"),
    Signal("Running", "plant", "the machine runs and makes parts", "drift is judged no more: test it at commissioning"),
    Signal("Changeover", "S3", "changeover or cleaning", "records count as production"),
    Signal("Drill", "S4", "a drill is under way, key-operated", "no drill can be made"),
    Signal("FallbackHealthy", "plant", "the plant's own program without the model is ready", "FALLBACK becomes HOLD"),
    Signal("PartSensor", "B1", "one pulse for each part, at the model's station", "parts are not counted"),
    Signal("MachineReleased", "K1", "break contact of K1's forcibly guided set: closed while K1 is off",
           "reads as K1 on: fault, nothing can be armed", is_break=True),
    Signal("ModelReleased", "K2", "break contact of K2's forcibly guided set: closed while K2 is off",
           "reads as K2 on: fault, nothing can be armed", is_break=True),
)  # fmt: skip

OUTPUTS: tuple[Signal, ...] = (
    Signal("MachineMayRun", "K1", "M: the machine may run; in series with the machine's own enable", "machine stops"),
    Signal("ModelMayBeUsed", "K2", "A: the model's outputs may be used; in series with its good", "reject, or fallback"),
)  # fmt: skip

#: contact of the key switch that leads around K1 in OVERRIDE
KEY_AROUND = "S1.3"
#: terminals around K1 and K2, bridged while the agent only observes
BRIDGE_MACHINE, BRIDGE_MODEL = "X1", "X2"
