"""Causes that are in every plan: what the guard watches by itself, as a table."""

from __future__ import annotations

from typing import NamedTuple


class BuiltIn(NamedTuple):
    """A cause that is in every plan. reason: its name in the register map's table."""

    id: str
    reason: str
    response: str
    priority: str
    text: str
    remedy: str


BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn("restart", "restart", "hold", "medium", "The guard starts anew: it ended by itself, or was stopped while something was latched or the machine wasn't in RUN.", "See what ended it (jidoka trip list), acknowledge, and reset at the machine."),
    BuiltIn("latch file", "latch file", "hold", "high", "The latch file is lost or can't be written.", "A new device needs `jidoka guard init` before its first start. Else check the disk of the state directory. An engineer unlocks."),
    BuiltIn("no data", "no data", "fallback", "high", "Nothing is heard from the model.", "Check the application and the monitor."),
    BuiltIn("parts without records", "parts without records", "fallback", "high", "The PLC counts parts, but no inference comes.", "Check the trigger, the camera and the application."),
    BuiltIn("running input", "running input", "fallback", "high", "The PLC counts parts while it says that the machine stands, so nothing is judged.", "Check the wire of the input `running`."),
    BuiltIn("not judged", "not judged", "fallback", "high", "What is judged on records wasn't judged for as long as a proving run may last.", "Check whether there is a baseline for this recipe; then a proving run."),
    BuiltIn("no record", "no record", "hold", "high", "Nothing can be recorded.", "Check the steward and the disk of the ledger."),
    BuiltIn("plc link", "plc link", "hold", "high", "The link to the PLC was lost.", "Check the cable, the port and the PLC."),
    BuiltIn("plc not ready", "plc not ready", "hold", "low", "The PLC isn't ready.", "See the machine's own alarms."),
    BuiltIn("other session", "other session", "lockout", "high", "Somebody else speaks to the PLC over this line.", "Find the other program or device and take it off; an engineer unlocks."),
    BuiltIn("read-back", "read-back less", "hold", "high", "The PLC's output isn't what was written.", "Check the relay and the PLC program."),
    BuiltIn("reset button", "button stuck", "hold", "medium", "The reset button is stuck or bounces.", "Free or replace the button."),
    BuiltIn("moved without permissive", "moved without permissive", "lockout", "high", "The machine ran or made parts though nothing permitted it.", "Stop it by its own means; check how the permissive is wired; an engineer unlocks."),
    BuiltIn("running in changeover", "moved without permissive", "advise", "medium", "The machine runs in changeover or cleaning without a permissive.", "See that nobody is near it, and that no parts are made."),
    BuiltIn("time gap", "pause", "hold", "high", "The guard was stopped for longer than the permissive lasts.", "Check the load and the sleep settings of this computer."),
    BuiltIn("clock step", "clock step", "advise", "medium", "The clock was set: time stamps are doubtful.", "Check who sets the clock of this computer, then acknowledge."),
    BuiltIn("local hold", "local hold", "hold", "medium", "A person holds the machine.", "Acknowledge and reset when it may go on."),
    BuiltIn("remote hold", "remote hold", "hold", "medium", "The machine is held from elsewhere.", "Ask who held it and why; acknowledge and reset at the machine."),
    BuiltIn("override", "override", "hold", "high", "The override key is or was on.", "Turn the key off, acknowledge, and reset."),
    BuiltIn("proving failed", "proving failed", "hold", "high", "A proving run ended without a good judgement.", "Find the cause; after three in a row maintenance acknowledges."),
    BuiltIn("model changed", "digest", "fallback", "high", "The model was changed in its announced window and isn't approved yet.", "Approve it, or load the approved one, before the window is over."),
    BuiltIn("digest", "digest", "lockout", "high", "The model in use isn't the approved one.", "Load the approved model, or approve the new one; an engineer unlocks."),
    BuiltIn("mode", "mode", "fallback", "high", "The model isn't in enforce any more.", "An engineer brings it back at the machine; what it stopped waits for an acknowledgement and a reset."),
    BuiltIn("too many trips", "too many trips", "lockout", "high", "The same cause tripped too often.", "Mend what trips; an engineer unlocks."),
    BuiltIn("self-test", "self-test failed", "lockout", "high", "The guard's self-test failed.", "Install the guard and its plan anew; an engineer unlocks."),
    BuiltIn("plc disobeys", "read-back more", "lockout", "high", "The PLC permits more than was written.", "Stop the machine by its own means; check relay and PLC program."),
    BuiltIn("fallback path", "fallback lost", "hold", "high", "The plant's own program isn't ready any more.", "Make it ready, acknowledge, and reset."),
    BuiltIn("fault", "internal", "lockout", "high", "An event that the guard doesn't know, or an error inside it.", "Report it with the record; an engineer unlocks."),
)  # fmt: skip
#: they exist once for each model, with its id behind a colon
PER_MODEL = ("no data", "parts without records", "not judged", "model changed", "digest", "mode")
