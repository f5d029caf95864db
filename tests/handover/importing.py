"""The handover's sources taken in again, as their editors would, and run: each becomes Structured Text of the subset."""

from __future__ import annotations

import dataclasses
import re
from xml.etree import ElementTree as Xml

from jidoka.handover.openplc import without_named_arrays
from jidoka.handover.plcopen import NAMESPACE, XHTML
from jidoka.handover.scl import plain_of
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.registers import Flag, Input

from tests.firmware.scans import LONGEST_SHOWN_MS, Inputs, Outcome, Settings
from tools.structured_text.blocks import PythonBlock, load

INPUTS = {
    "KeyAuto": Input.KEY_AUTO, "OverrideKey": Input.OVERRIDE_KEY, "ResetButton": Input.RESET_BUTTON,
    "SafetyChain": Input.SAFETY_CHAIN, "MachineReady": Input.MACHINE_READY, "Running": Input.RUNNING,
    "Changeover": Input.CHANGEOVER, "Drill": Input.DRILL,
}  # fmt: skip
SPACES = {"p": NAMESPACE, "x": XHTML}
SECTIONS = {"inputVars": "VAR_INPUT", "outputVars": "VAR_OUTPUT", "localVars": "VAR"}


def guard_alone(text: str) -> str:
    """The block and its functions, without the part that calls it: that one is outside the subset."""
    return text[: text.index("(* JIDOKA_SITE")]


def of_st(text: str) -> str:
    """OpenPLC's file with its arrays written out again: named types are outside the subset."""
    return guard_alone(without_named_arrays(text))


def of_scl(text: str) -> str:
    """SCL written back: quotes, # and types of literals taken off, its own head lines left out."""
    text = text[text.index("END_DATA_BLOCK") + len("END_DATA_BLOCK") :]
    text = re.sub(r"(?m)^\{ S7_Optimized_Access := 'TRUE' \}$|^VERSION : 0\.1$|^BEGIN$", "", text)
    return guard_alone(plain_of(text).replace("VAR_TEMP", "VAR"))


def of_plcopen(document: bytes) -> str:
    """PLCopen XML written out as text, from its interfaces and bodies alone."""
    pous = Xml.fromstring(document).findall("p:types/p:pous/p:pou", SPACES)
    return "\n".join(_pou(pou) for pou in pous if pou.get("name") != "JIDOKA_SITE")


def _pou(pou: Xml.Element) -> str:
    kind = {"function": "FUNCTION", "functionBlock": "FUNCTION_BLOCK"}[str(pou.get("pouType"))]
    interface = pou.find("p:interface", SPACES)
    assert interface is not None
    result = interface.find("p:returnType", SPACES)
    head = f"{kind} {pou.get('name')}" + (f" : {_plain(result[0].tag)}" if result is not None else "")
    lines = [head]
    for section in interface:
        if _plain(section.tag) == "returnType":
            continue
        modifier = "CONSTANT" if section.get("constant") else "RETAIN" if section.get("retain") else ""
        lines += [
            f"{SECTIONS[_plain(section.tag)]} {modifier}",
            *(_variable(each) for each in section),
            "END_VAR",
        ]
    return "\n".join([*lines, pou.findtext("p:body/p:ST/x:xhtml", "", SPACES), f"END_{kind}", ""])


def _variable(variable: Xml.Element) -> str:
    kind = variable.find("p:type", SPACES)
    assert kind is not None
    array = kind.find("p:array", SPACES)
    if array is None:
        text = _plain(kind[0].tag)
    else:
        dimension, base = array.find("p:dimension", SPACES), array.find("p:baseType", SPACES)
        assert dimension is not None
        assert base is not None
        text = f"ARRAY [{dimension.get('lower')}..{dimension.get('upper')}] OF {_plain(base[0].tag)}"
    value = variable.find("p:initialValue/p:simpleValue", SPACES)
    return f"    {variable.get('name')} : {text}" + (
        f" := {value.get('value')};" if value is not None else ";"
    )


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


class ImportedBlock:
    """A block as it was imported, with the site's values that stand in it: nothing is set from outside."""

    def __init__(self, text: str) -> None:
        self._block = PythonBlock(load(text))

    @property
    def settings(self) -> Settings:
        """The site's values that it carries."""
        return Settings(self._block["Station"], self._block["HoldLimitMs"], self._block["RelayMs"])

    def scan(self, inputs: Inputs) -> Outcome:
        values = {name: bool(inputs.inputs & bit) for name, bit in INPUTS.items()}
        out = self._block(
            NowMs=inputs.now_ms & 0xFFFF_FFFF,
            BlockA=inputs.block_a or (0,) * registers.A.words, HasBlockA=inputs.block_a is not None,
            BlockD=inputs.block_d or (0,) * registers.D.words, HasBlockD=inputs.block_d is not None,
            Actual=inputs.actual, FallbackHealthy=bool(inputs.inputs2 & 1), Parts=inputs.parts, Recipe=inputs.recipe,
            Acknowledges=inputs.acknowledges, AcknowledgeReason=inputs.acknowledge_reason, Person=inputs.person,
            Random=inputs.random, **values,
        )  # fmt: skip
        press_ms = min(self._block["PressMs"], LONGEST_SHOWN_MS) if self._block["IsPressed"] else -1
        return Outcome(out["OutputWord"], press_ms, out["PressAccepted"], tuple(out["BlockB"]))

    def block_c(self) -> tuple[int, ...]:
        """As the reference writes it: that one always answers function code 23, a family of PLCs may not."""
        unit = self._block["Station"]
        block = BlockC.decode(self._block["BlockC"], unit)
        assert block.flags == (Flag.FC23 if self._block["HasFc23"] else 0)
        return tuple(dataclasses.replace(block, flags=Flag.FC23).encode(unit))
