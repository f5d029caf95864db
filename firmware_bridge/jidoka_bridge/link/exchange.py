"""How a beat goes over the line: function code 23, or 16 and then 03 where the PLC says that it has no 23.

"Unsupported" is only what the PLC itself says (exception 01): a time-out isn't, and 23 is asked again. The change is
for one session and is never made inside an armed one. S7-1200 (MB_SLAVE) and OpenPLC have no 23 (INTERLOCK §2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.frames import Found, Request
from jidoka_bridge.link.mbap import Rtu, Tcp
from jidoka_bridge.plan import Link

ILLEGAL_FUNCTION = 1
#: illegal address, illegal value: the PLC hasn't the registers, which no repetition changes
CONFIGURATION_FAULTS = (2, 3)


class Assembling(Protocol):
    """Finds the reply to one request in what the line delivers."""

    request: Request

    @property
    def frame(self) -> bytes: ...

    @property
    def why(self) -> str: ...

    def feed(self, data: bytes) -> Found | None: ...


@dataclass(frozen=True)
class Sent:
    """A request that waits for its answer. kind: block that it carries or reads; number: of block A.

    at_ns: when the beat began; asked_ns: when what it reads was asked for; is_half: block B is still to be asked for.
    """

    kind: str
    at_ns: int
    asked_ns: int
    assembler: Assembling
    number: int = 0
    is_half: bool = False


class Exchange:
    """The way of one link's requests. `function`: "23" or "16+03", as the beats go now."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._wire = Tcp() if link.transport == "modbus-tcp" else Rtu(link.echo)
        self.forget()

    def forget(self) -> None:
        """A new session: another PLC may stand there."""
        self.function = "16+03" if self._link.function == "16+03" else "23"

    def may_change(self, sent: Sent, found: Found) -> bool:
        """The PLC says that it doesn't know function code 23, and the plan leaves the choice to it."""
        is_beat = sent.kind == "A" and self.function == "23"
        return is_beat and found.exception == ILLEGAL_FUNCTION and self._link.function == "auto"

    def change(self) -> None:
        """For this session beats go by 16 and 03."""
        self.function = "16+03"

    def beat(self, now_ns: int, number: int, words: Sequence[int]) -> Sent:
        """Block A there and block B back, or the first half of that."""
        unit, a, b = self._link.unit, registers.A.address, registers.B
        if self.function == "23":
            request = frames.read_write(unit, b.address, b.words, a, words)
        else:
            request = frames.write_multiple(unit, a, words)
        return Sent("A", now_ns, now_ns, self._wire.ask(request), number, self.function != "23")

    def second(self, now_ns: int, first: Sent) -> Sent:
        """Block A was taken: ask for block B."""
        request = frames.read_holding(self._link.unit, registers.B.address, registers.B.words)
        return replace(first, asked_ns=now_ns, assembler=self._wire.ask(request), is_half=False)

    def aside(self, now_ns: int, kind: str, request: Request) -> Sent:
        """A request in place of a beat."""
        return Sent(kind, now_ns, now_ns, self._wire.ask(request))
