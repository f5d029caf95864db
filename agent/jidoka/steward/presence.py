"""Who is connected, since when somebody is away, and whose garbage was complained of already. Pure."""

from __future__ import annotations

from jidoka_bridge.plan import Plan

from jidoka.steward.effects import Effect, Record
from jidoka.steward.ledger.format import Kind

PROGRAMS = ("monitor", "guard", "host")
#: the number of the guard's connection; the shell gives all others theirs, from 0 on
GUARD = -1


def programs_of(plan: Plan) -> tuple[str, ...]:
    """Those that run with a plan: the host only where it has one."""
    has_host = plan.sections.get("host") is not None
    return tuple(program for program in PROGRAMS if program != "host" or has_host)


class Presence:
    """The programs at the other ends. A peer is the number of its connection."""

    def __init__(self) -> None:
        self.is_guard_here = False
        self.programs: dict[int, str] = {}
        self._away: dict[str, int] = {}
        self._complained: set[int] = set()

    def guard_connected(self, now_ns: int) -> list[Effect]:
        self.is_guard_here = True
        return self._back("guard", now_ns)

    def guard_lost(self, now_ns: int) -> None:
        self.is_guard_here = False
        self._away["guard"] = now_ns

    def shows(self, peer: int, program: str, now_ns: int) -> list[Effect]:
        """What came from `peer` shows which program it is; if that was away, how long is recorded."""
        if self.programs.get(peer) == program:
            return []
        self.programs[peer] = program
        return self._back(program, now_ns)

    def lost(self, peer: int, now_ns: int) -> None:
        self._complained.discard(peer)
        program = self.programs.pop(peer, None)
        if program and program not in self.programs.values():
            self._away.setdefault(program, now_ns)

    def complain(self, peer: int, why: str) -> list[Effect]:
        """Record that a message was refused: once a connection, for a flood must not fill the disk."""
        if peer in self._complained:
            return []
        self._complained.add(peer)
        program = "guard" if peer == GUARD else self.programs.get(peer, "somebody")
        return [Record(Kind.REFUSAL, {"what": "message", "refused": f"{program}: {why}"})]

    def _back(self, program: str, now_ns: int) -> list[Effect]:
        away_ns = self._away.pop(program, None)
        if away_ns is None:
            return []
        text = f"The {program} was away for {(now_ns - away_ns) / 1e9:.1f} s."
        body = {"what": program, "text": text, "from_ns": away_ns, "to_ns": now_ns}
        return [Record(Kind.ABSENCE, body)]
