"""The steward's core: a message comes in, effects go out. No clock, socket or file in here; it decides nothing about the machine."""

from __future__ import annotations

from collections.abc import Callable

from jidoka_bridge.messages import Message, MessageError
from jidoka_bridge.plan import Plan

from jidoka.steward import asking, from_guard, from_peers
from jidoka.steward.acts import Seal
from jidoka.steward.effects import Effect, Record
from jidoka.steward.knowledge import Knowledge
from jidoka.steward.ledger.format import Entry
from jidoka.steward.ledger.format import Kind as EntryKind
from jidoka.steward.presence import GUARD
from jidoka.steward.restoring import restore


class Core(Knowledge):
    """What is known, and the ways in. Each returns what the shell is to do, in order. boot: id of this start."""

    def __init__(self, plan: Plan, boot: bytes, seal: Seal) -> None:
        super().__init__(plan, seal)
        self._boot = boot

    def restore(self, entry: Entry) -> None:
        """An entry that was in the ledger at the start. Bodies that can't be read are left alone."""
        restore(self, entry, self._boot)

    def on_guard_connected(self, now_ns: int) -> list[Effect]:
        return from_guard.connected(self, now_ns)

    def on_guard_lost(self, now_ns: int) -> list[Effect]:
        return from_guard.lost(self, now_ns)

    def on_guard(self, now_ns: int, message: Message) -> list[Effect]:
        """A message of the guard."""
        handle = from_guard.HANDLERS.get(message.kind)
        if handle is None:
            return self.presence.complain(GUARD, f"{message.kind.name} isn't the guard's to send")
        return self._handled(GUARD, message, lambda: handle(self, now_ns, message))

    def on_peer(self, now_ns: int, peer: int, message: Message) -> list[Effect]:
        """A message of whoever is connected at `peer` (a number that the shell gives)."""
        handle = from_peers.HANDLERS.get(message.kind)
        if handle is None:
            return self.presence.complain(peer, f"{message.kind.name} isn't for the steward")
        shown = from_peers.SHOWS.get(message.kind)
        effects = self.presence.shows(peer, shown, now_ns) if shown else []
        return effects + self._handled(peer, message, lambda: handle(self, now_ns, peer, message))

    def on_peer_lost(self, peer: int, now_ns: int) -> list[Effect]:
        return from_peers.lost(self, now_ns, peer)

    def on_garbage(self, peer: int, why: str) -> list[Effect]:
        """Something that isn't a message."""
        return self.presence.complain(peer, why)

    def on_refused_command(self, now_ns: int, kind: str) -> list[Effect]:
        """A command from elsewhere isn't followed: a person sees that somebody tries. kind: of the refusal."""
        return self.alarms.refused_command(now_ns, kind)

    def tick(self, now_ns: int) -> list[Effect]:
        """What time brings: acts that nobody answered, and what alarms wait for."""
        effects = self.alarms.tick(
            now_ns,
            is_recording=not self.why_not_recording,
            is_guard_here=self.is_guard_here,
            plc=self.plc,
            judgements=self.conditions.judgements,
            summaries=self.summaries,
            is_nearly_full=self.is_nearly_full,
            certificate_days=self.certificate_days,
            findings=self.findings,
        )
        return self.lists.gather(effects + asking.overdue(self, now_ns))

    def each_second(self, now_ns: int) -> list[Effect]:
        """What stands on this device, where it changed: its inventory and the rows of its register."""
        inventory = self.inventory.due(now_ns)
        effects: list[Effect] = [Record(EntryKind.INVENTORY, inventory)] if inventory else []
        rows = self.risks.due(now_ns, self.conditions, self.alarms.annunciator.causes, self.summaries)
        return effects + [Record(EntryKind.RISK, row) for row in rows]

    def _handled(self, peer: int, message: Message, handle: Callable[[], list[Effect]]) -> list[Effect]:
        """What a malformed message costs: a recorded refusal, never the steward."""
        try:
            return self.lists.gather(handle())
        except (MessageError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
            why = f"{message.kind.name} can't be used: {type(error).__name__}: {error}"
            return self.presence.complain(peer, why)
