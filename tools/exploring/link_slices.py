"""Closed slices of the link's session against the PLC's rule, and faults that are seeded into the session."""

from __future__ import annotations

from typing import Any

from tools.exploring.core_faults import Fault
from tools.exploring.core_slices import Slice
from tools.exploring.link_world import ASKS, HELD_UP, LOST, OLD, PRESS, SCALED, UNHEARD, LinkWorld
from tools.exploring.seeding import name, text, together

NOTHING, ARM, MACHINE, MODEL, ABSTAINS = ASKS


def _slice(label: str, shown: str, *events: str, is_reduced: bool = False, keeps_old: bool = False) -> Slice:
    roots = ("given",) if is_reduced else ("start", "pressed", "given")
    return Slice(label, shown, events, lambda: LinkWorld(keeps_old), roots, is_reduced, (), SCALED)


def _each(asks: tuple[str, ...], *lines: str) -> tuple[str, ...]:
    return tuple(f"{each}{', ' if line else ''}{line}" for each in asks for line in lines)


LINK: tuple[Slice, ...] = (
    _slice("link: losses", "session and PLC over a line that loses requests and answers",
           *_each((ARM, MODEL), "", LOST, UNHEARD), f"{ARM}, {PRESS}", f"{MODEL}, {PRESS}"),
    _slice("link: held up", "session and PLC over a line that holds requests up",
           *_each((ARM, MODEL), "", HELD_UP), f"{ARM}, {PRESS}"),
    _slice("link: old answers", "session and PLC over a line that delivers answers late",
           *_each((ARM, MODEL), "", OLD), f"{ARM}, {PRESS}", f"{MODEL}, {UNHEARD}", keeps_old=True),
    _slice("link: words", "session and PLC, whatever the agent asks for",
           *_each((NOTHING, ARM, MACHINE, MODEL, ABSTAINS), "", PRESS)),
    _slice("link: key", "session and PLC with the override key", *_each((ARM, MODEL), ""), f"{ARM}, {PRESS}", "key on", "key off"),
    _slice("link given", "session and PLC after a press, over a line that loses", *_each((ARM, MODEL), "", LOST),
           is_reduced=True),
    _slice("link given, old answers", "session and PLC after a press, with answers that come late", *_each((MODEL,), "", OLD),
           f"{MODEL}, {UNHEARD}", is_reduced=True, keeps_old=True),
)  # fmt: skip


def _never(*_: Any) -> bool:
    return False


def _nothing(*_: Any) -> str:
    return ""


def _always(*_: Any) -> bool:
    return True


LINK_FAULTS: tuple[Fault, ...] = (
    Fault("link: the agent's word rises without a press",
          text("link.arming:Arming.shape", "RANK[word] > RANK[self.level] and now_ns >= self._rise_until_ns", "False"),
          "link given", "J3", True),
    Fault("link: silence takes nothing away",
          together(name("link.standing:Standing.is_over", _never), name("link.standing:Standing.lost", _never)),
          "link given", "J", True),
    Fault("link: a link that is lost isn't withdrawn", name("link.arming:Arming.withdraw", _nothing), "link given", "J"),
    Fault("link: any answer passes for one of now",
          together(name("link.freshness:Freshness.judge", _nothing), name("link.freshness:EchoHabit.allows", _always)),
          "link given, old answers", "J2"),
)  # fmt: skip
