"""JIDOKA_SITE, run: its few kinds of statements as Python, around the real block, with holding registers as a list."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any

from jidoka.handover.calling import REGISTERS, calling_part
from jidoka.handover.signals import INPUTS
from jidoka.handover.source import read_source, units_of, without_comments
from jidoka_bridge.link.frames import READ_HOLDING, READ_WRITE, sealed
from jidoka_bridge.plc.server import RequestParser
from jidoka_bridge.registers import Word

from tools.structured_text.blocks import PythonBlock, load

WRAP = 1 << 32
#: the Siemens clock begins its timer anew after so long
DAY_MS = 86_400_000
WORDS = ((r"<>", "!="), (r"\bAND\b", "and"), (r"\bNOT\b", "not"), (r"\bTRUE\b", "True"), (r"\bFALSE\b", "False"),
         (r"\bMOD\b", "%"), (r"/", "//"), (r"(?<![<>=!])=(?!=)", "=="), (r"T#2D\b", str(2 * DAY_MS)))  # fmt: skip


def python_of(body: str) -> str:
    """Statements of the shape that the calling part keeps to; anything else fails when it is compiled."""
    return "\n".join(_lines(without_comments(body)))


def _lines(text: str) -> Iterator[str]:
    depth = 0
    for statement in re.findall(r"\s*(?:IF .*? THEN|FOR .*? DO|ELSE\b|[^;]*;)", text):
        each = statement.strip().rstrip(";").strip()
        if each in {"END_IF", "END_FOR"}:
            depth -= 1
        elif each == "ELSE":
            yield "  " * (depth - 1) + "else:"
        elif loop := re.fullmatch(r"FOR (\w+) := (\d+) TO (\d+) DO", each):
            yield "  " * depth + f"for {loop[1]} in range({loop[2]}, {loop[3]} + 1):"
            depth += 1
        elif choice := re.fullmatch(r"IF (.*) THEN", each):
            yield "  " * depth + f"if {_expression(choice[1])}:"
            depth += 1
        elif each:
            target, sign, value = each.partition(":=")
            is_call = "(" in target
            yield "  " * depth + (
                _expression(each) if is_call or not sign else f"{target.strip()} = {_expression(value)}"
            )


def _expression(text: str) -> str:
    for pattern, word in WORDS:
        text = re.sub(pattern, word, text.replace(":=", "\0") if pattern.startswith("(?<") else text)
    return " ".join(text.replace("\0", "=").replace(":=", "=").split())


class Guard:
    """An instance of the block as the calling part sees it."""

    def __init__(self) -> None:
        self.inside = PythonBlock(load(read_source()))
        self.BlockB, self.BlockC = [0] * 16, [0] * 170

    def __call__(self, **inputs: Any) -> None:
        vars(self).update(self.inside(**inputs))


class Timer:
    """An on-delay timer (TON_TIME): ET is the whole milliseconds since IN rose, PT at most."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_ms: float | None = None
        self.ET = 0

    def __call__(self, *, IN: bool, PT: int) -> None:  # noqa: N803 - as the CPU names them
        if not IN:
            self._began_ms = None
        elif self._began_ms is None:
            self._began_ms = self._clock()
        self.ET = 0 if self._began_ms is None else min(PT, int(self._clock() - self._began_ms))


def _actual(*, MachineContact: bool, ModelContact: bool) -> int:  # noqa: N803 - as the block names them
    both = {(True, True): Word.MACHINE_AND_AI, (True, False): Word.MACHINE, (False, True): Word.ABSTAIN}
    return both.get((MachineContact, ModelContact), Word.WITHHOLD)


class Site:
    """A PLC with the calling part: wires in `wires`, holding registers in `registers`, relays that follow at once."""

    def __init__(self, *, is_siemens: bool, now_ms: float) -> None:
        (unit,) = units_of(calling_part(is_siemens=is_siemens))
        self._code = compile(python_of(unit.body), "JIDOKA_SITE", "exec")
        self._is_siemens = is_siemens
        self.now_ms = now_ms
        self.registers = [0] * REGISTERS
        self.wires = {each.name: each.is_break for each in INPUTS}
        self._parser = RequestParser(1)
        self._space: dict[str, Any] = {
            each.name: [0] * (each.bounds[1] + 1) if each.bounds else 0
            for section in unit.sections for each in section.declarations
        }  # fmt: skip
        self._space |= {
            "Guard": Guard(), "Registers": self.registers, "JIDOKA_REGISTERS": self, "JIDOKA_ACTUAL": _actual,
            "JIDOKA_SUM": lambda One, Other: (One + Other) % WRAP,  # noqa: N803
            "JIDOKA_SINCE": lambda NowMs, ThenMs: (NowMs - ThenMs) % WRAP,  # noqa: N803
            "UDINT_TO_UINT": int, "DINT_TO_UDINT": int, "TIME_TO_DINT": int,
            "Timer": Timer(lambda: self.now_ms),
        }  # fmt: skip

    @property
    def Register(self) -> list[int]:  # noqa: N802 - as the data block names it
        return self.registers

    def __getitem__(self, name: str) -> Any:
        return self._space[name]

    def scan(self, passed_ms: float = 10) -> None:
        self.now_ms += passed_ms
        self._space |= self.wires
        if not self._is_siemens:
            self._space["NowMs"] = int(self.now_ms) % WRAP
        exec(self._code, self._space)
        # break contacts are closed while their relay is off
        self.wires["MachineReleased"] = not self["MachineMayRun"]
        self.wires["ModelReleased"] = not self["ModelMayBeUsed"]

    def answer(self, frame: bytes) -> bytes:
        """The Modbus server of such a PLC: a list of registers and nothing else."""
        (request,) = self._parser.feed(frame)
        function, place = request[1], 2
        if function == READ_WRITE:
            place = 6
        if function != READ_HOLDING:
            address, count = struct.unpack_from(">HH", request, place)
            self.registers[address : address + count] = struct.unpack_from(f">{count}H", request, place + 5)
        self.scan()
        if function not in (READ_HOLDING, READ_WRITE):
            return sealed(request[:6])
        address, count = struct.unpack_from(">HH", request, 2)
        words = self.registers[address : address + count]
        return sealed(bytes((1, function, 2 * count)) + struct.pack(f">{count}H", *words))
