"""Closed slices of the PLC's rule, and the faults that are seeded into it."""

from __future__ import annotations

from typing import Any

from tools.exploring.core_faults import Fault
from tools.exploring.core_slices import Slice
from tools.exploring.rule_world import FRAMES, SCALED, RuleWorld
from tools.exploring.seeding import Seed, name, text

BUTTON = ("button down", "button up")
KEY = ("key on", "key off")
FIRST, ASK, WAIT, MACHINE, MODEL = (
    "frame: first step", "frame: arm-request", "frame: withhold, armed", "frame: machine", "frame: machine and model",
)  # fmt: skip
HELD_UP = (
    "frame: machine and model, held up",
    "frame: machine, held up for long",
    "frame: arm-request, held up",
)
DOWN = ("frame: withdraw", "frame: machine, but withdraw", "frame: abstain", "frame: machine, arm-request")
WRONG = (
    "frame: first step with a word", "frame: machine, of the future", "frame: machine, for very long",
    "frame: machine, for no time", "frame: machine and model, other connection", "frame: arm-request, other connection",
    "frame: machine, number too far", "frame: machine, number from before",
)  # fmt: skip
assert {FIRST, ASK, WAIT, MACHINE, MODEL, *HELD_UP, *DOWN, *WRONG} == set(FRAMES), "a frame is in no slice"


def _slice(label: str, shown: str, *events: str, is_reduced: bool = False) -> Slice:
    always = ("scan", FIRST, ASK, MACHINE)
    roots = ("start", "pressed")
    return Slice(label, shown, always + events, RuleWorld, roots, is_reduced, (), SCALED)


RULE: tuple[Slice, ...] = (
    _slice("rule: words", "the PLC under an agent that writes any word in any phase", *BUTTON, MODEL, WAIT, *DOWN),
    _slice("rule: delays", "the PLC under frames that are held up on the way", *BUTTON, MODEL, *HELD_UP),
    _slice("rule: strangers", "the PLC under frames of another connection, out of order, of the future", *BUTTON, MODEL,
           *WRONG),
    _slice("rule: key", "the PLC, its key and its button", *BUTTON, *KEY, MODEL, WAIT),
    _slice("rule alone", "the PLC with its button", *BUTTON, MODEL, is_reduced=True),
    _slice("rule given", "the PLC after a press, without a further one", MODEL, *DOWN, *WRONG, "frame: machine, held up for long",
           *KEY, is_reduced=True),
)  # fmt: skip


def _fault(label: str, seed: Seed, where: str, by: str, is_quick: bool = False) -> Fault:
    return Fault(f"PLC: {label}", seed, where, by, is_quick)


def _never(*_: Any) -> bool:
    return False


RULE_FAULTS: tuple[Fault, ...] = (
    _fault("the hold time runs from a frame's arrival",
           text("plc.admission:Admission._judge", "(ticks - age) * TICK_MS", "now_ms"), "rule given", "J2", True),
    _fault("it has no limit of its own for the hold time",
           text("plc.admission:Admission._judge", "min(block.hold_ms, self.hold_limit_ms)",
                "block.hold_ms"), "rule given", "J2"),
    _fault("frames of another connection are taken",
           text("plc.admission:Admission._judge", "block.connection != self.connection and not may_be_unconnected",
                "False"), "rule given", "J"),
    _fault("any number is taken", text("plc.admission:Admission._judge", "self.connection and step > MAX_STEP", "False"),
           "rule given", "J"),
    _fault("stamps of the future are taken", text("plc.admission:Admission._judge", "if age >= 0x8000", "if False"),
           "rule given", "J"),
    _fault("a hold time that is over drops nothing", name("plc.admission:Admission.is_lapsed", _never), "rule given", "J2", True),
    _fault("a higher word needs no press", text("plc.rule:PlcRule._follow", "if not is_rise_open", "if False"),
           "rule given", "J3", True),
    _fault("a rise stays open after it was used",
           text("plc.rule:PlcRule._follow", 'self.output, self._rise_until_ms, self._why = block.word, None, "press"',
                'self.output, self._why = block.word, "press"'), "rule given", "J3"),
    _fault("a lower word leaves the rise open",
           text("plc.rule:PlcRule._follow", 'self.output, self._rise_until_ms, self._why = block.word, None, "lowered"',
                'self.output, self._rise_until_ms = block.word, self._now_ms + RISE_MS'), "rule given", "J3"),
    _fault("a lower word is passed over",
           text("plc.rule:PlcRule._follow", 'self.output, self._rise_until_ms, self._why = block.word, None, "lowered"',
                "pass"), "rule given", "J1"),
    _fault("a rise is open for ever",
           text("plc.rule:PlcRule.scan", "self._rise_until_ms is not None and now_ms > self._rise_until_ms", "False"),
           "rule alone", "J3"),
    _fault("a press without a request counts", text("plc.rule:PlcRule._press", "since_ms is None or", "since_ms is not None and"),
           "rule alone", "J3"),
    _fault("a press that began before the request counts", text("plc.rule:PlcRule._press", "press.began_ms < since_ms", "False"),
           "rule alone", "J3", True),
    _fault("a press of any length counts", text("plc.rule:PlcRule._press", "press.length_ms not in PRESS_MS", "False"),
           "rule alone", "J3"),
    _fault("a request lasts for ever",
           text("plc.rule:PlcRule.scan", "now_ms - self._request_at_ms > OFFER_MS", "False"), "rule alone", "J"),
    _fault("a withdrawal is passed over",
           text("plc.rule:PlcRule._follow", "block.phase in (Phase.WITHDRAW, Phase.LATCH) or block.hold_ms == 0", "False"),
           "rule given", "J1"),
    _fault("WITHHOLD while armed is passed over",
           text("plc.rule:PlcRule._follow", "if is_withdrawn or (self.is_armed and not is_waiting)", "if is_withdrawn"),
           "rule: words", "J1"),
    _fault("the key isn't looked at", text("plc.rule:PlcRule._is_key_auto", "not self._inputs & Input.OVERRIDE_KEY", "True"),
           "rule given", "J1"),
)  # fmt: skip
