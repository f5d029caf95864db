"""The arming report: what would have stopped the line while models were in `observe`, the nearest misses, the cost.

In `observe` the guard runs the same table with a reset assumed and the word masked; what it would have done stands in the
ledger as transitions. Pure, over entries.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.link.blocks import RANK
from jidoka_bridge.registers import State, Word

from jidoka.commissioning.reaction import Reaction
from jidoka.steward.ledger.decisions import Block
from jidoka.steward.ledger.format import Entry, FormatError, Kind
from jidoka.steward.ledger.spool import OpenBlock

#: what each state would have permitted
WOULD_GIVE: dict[str, Word] = {
    State.RUN.name: Word.MACHINE_AND_AI, State.ADVISE.name: Word.MACHINE_AND_AI, State.FALLBACK.name: Word.MACHINE,
}  # fmt: skip
#: a stop by the agent's own end or start says nothing about the line
OWN = frozenset({"planned stop", "power-on", "self-test passed", "restart"})
NEAR_SHARE = 0.5
MOST_MISSES = 10


@dataclass
class Stop:
    """One time at which less would have been permitted. machine: M too; lasted_s: None while it goes on."""

    at_ns: int
    event: str
    cause: str
    text: str
    machine: bool
    lasted_s: float | None = None


@dataclass(frozen=True)
class Miss:
    """A statistic that came near its limit and stayed below. share: of the limit, on the log scale."""

    model: str
    share: float
    part: int
    at_ns: int


@dataclass
class Arming:
    """What the ledger tells. observed_s: time in which the shadow would have permitted something; locked_ns, locked_by:
    since when it stands in LOCKOUT, which in observe nothing but a person ends, and by which cause; 0 where it doesn't."""

    stops: list[Stop] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    observed_s: float = 0.0
    records: int = 0
    verdicts: Counter[int] = field(default_factory=Counter)
    advices: int = 0
    refused: int = 0
    first_ns: int = 0
    last_ns: int = 0
    locked_ns: int = 0
    locked_by: str = ""


def report(entries: Iterable[Entry], still_open: Iterable[OpenBlock] = ()) -> Arming:
    """Read it all. Bodies that can't be read are left out; `jidoka ledger check` names them.

    still_open: decision blocks that are being filled: on a slow line they hold the verdicts of a day.
    """
    found, state = Arming(), _Following()
    for entry in entries:
        found.first_ns = found.first_ns or entry.wall_ns
        found.last_ns = max(found.last_ns, entry.wall_ns)
        try:
            if entry.kind is Kind.TRANSITION:
                state.transition(found, entry.json(), entry.wall_ns)
            elif entry.kind is Kind.CONDITION:
                state.condition(entry.json())
            elif entry.kind is Kind.DECISIONS:
                state.decisions(found, Block.decode(entry.body))
            elif entry.kind is Kind.BOOT:
                state.began(found, entry.wall_ns)
        except (FormatError, LookupError, TypeError, ValueError):
            continue
    for open_block in still_open:
        state.decisions(found, open_block)
    state.end(found)
    found.misses = sorted(state.nearest.values(), key=lambda each: -each.share)[:MOST_MISSES]
    return found


def _cause_of(body: dict[str, Any]) -> str:
    return str(body.get("cause") or body.get("first_out") or body["event"])


class _Following:
    """The shadow's state as it goes on. nearest: by model, outside of what tripped."""

    def __init__(self) -> None:
        self._gave = Word.WITHHOLD
        self._since_ns = 0
        self._open: Stop | None = None
        self._limits: dict[str, float] = {}
        self._on: set[str] = set()
        self._serials: dict[str, int] = {}
        self.nearest: dict[tuple[str, int], Miss] = {}

    def began(self, found: Arming, wall_ns: int) -> None:
        """A new boot or start: what was open ended unseen."""
        self._take_time(found, wall_ns)
        self._gave, self._open = Word.WITHHOLD, None

    def transition(self, found: Arming, body: dict[str, Any], wall_ns: int) -> None:
        """One step of the shadow."""
        found.refused += bool(body.get("refused"))
        if body["to"] != State.LOCKOUT.name:
            found.locked_ns, found.locked_by = 0, ""
        elif not found.locked_ns:
            found.locked_ns, found.locked_by = wall_ns, _cause_of(body)
        gave, gives = (WOULD_GIVE.get(str(body[name]), Word.WITHHOLD) for name in ("from", "to"))
        self._take_time(found, wall_ns)
        found.advices += body["to"] == State.ADVISE.name and body["from"] == State.RUN.name
        if RANK[gives] < RANK[gave] and str(body["event"]) not in OWN:
            self._close(wall_ns)
            self._open = Stop(
                wall_ns,
                str(body["event"]),
                _cause_of(body),
                str(body.get("text", "")),
                gives is Word.WITHHOLD,
            )
            found.stops.append(self._open)
        elif RANK[gives] > RANK[gave]:
            self._close(wall_ns)
        self._gave = gives

    def _close(self, wall_ns: int) -> None:
        if self._open is not None:
            self._open.lasted_s = max(0.0, (wall_ns - self._open.at_ns) / 1e9)
            self._open = None

    def _take_time(self, found: Arming, wall_ns: int) -> None:
        if self._gave is not Word.WITHHOLD and self._since_ns:
            found.observed_s += max(0.0, (wall_ns - self._since_ns) / 1e9)
        self._since_ns = wall_ns

    def condition(self, body: dict[str, Any]) -> None:
        """A limit that decisions are held against."""
        model, limit = str(body["model"]), float(body["limit"])
        if limit > 1.0:
            self._limits[model] = min(limit, self._limits.get(model, limit))
        (self._on.add if body["judgement"] == "on" else self._on.discard)(str(body["id"]))

    def decisions(self, found: Arming, block: Block | OpenBlock) -> None:
        """Up to 256 verdicts; the nearest of each block that stayed below the limit. A spool may outlive its block."""
        if isinstance(block, Block):
            self._serials[block.model] = block.serial
        elif block.serial <= self._serials.get(block.model, 0):
            return
        limit = self._limits.get(block.model)
        for row in block.rows:
            found.records += 1
            found.verdicts[row.verdict] += 1
            if limit is None or not math.isfinite(row.score1):
                continue
            share = row.score1 / math.log(limit)
            key = (block.model, block.serial)
            if NEAR_SHARE <= share < 1.0 and share > self.nearest.get(key, Miss("", 0.0, 0, 0)).share:
                self.nearest[key] = Miss(block.model, share, row.part, row.record_ns + block.wall_offset_ns)

    def end(self, found: Arming) -> None:
        """The ledger's end: what is permitted now has been so until its last entry."""
        self._take_time(found, found.last_ns)


@dataclass(frozen=True)
class Cost:
    """What the stops would have cost. None where the site doesn't say how many parts it makes."""

    stops: int
    standing_s: float
    parts: float | None
    mm: float | None


def cost_of(found: Arming, reaction: Reaction | None, part_rate_hz: float | None) -> Cost:
    """Standing time is what the cause itself lasted: a person, an acknowledgement and a reset come on top."""
    stops = [each for each in found.stops if each.machine]
    standing_s = sum(each.lasted_s or 0.0 for each in stops)
    way = None
    if reaction is not None:
        way = next(each.mm for each in reaction.outcomes if each.name == "withdrawal")
    return Cost(
        len(stops),
        standing_s,
        None if part_rate_hz is None else part_rate_hz * standing_s,
        None if way is None else way * len(stops),
    )
