"""What the steward keeps and carries on: the ledger, the decision blocks, and the courier to the AIMS beside them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from jidoka.steward import gauges
from jidoka.steward.blocks import Blocks
from jidoka.steward.core import Core
from jidoka.steward.effects import Record, Rows
from jidoka.steward.ledger.format import Entry, Kind, Lane
from jidoka.steward.ledger.removed import removed_of
from jidoka.steward.ledger.writer import Ledger, Ticket
from jidoka.steward.mqtt.bulletin import NO_BROKER
from jidoka.steward.mqtt.courier import Courier
from jidoka.steward.mqtt.topics import body_of, kept_on
from jidoka.steward.opening import loss
from jidoka.steward.outbox.figures import backlog_value, room_value, ticket_of


class Records:
    """Opened and restored when made: `restore` gets each entry. courier: None without a broker.

    Raises PlainError if the ledger can't be opened.
    """

    def __init__(
        self, core: Core, boot: bytes, courier: Courier | None, restore: Callable[[Entry], None],
        *, now_ns: int, wall_ns: int,
    ) -> None:  # fmt: skip
        self.courier = courier
        self._core = core
        self._boot = boot
        self._blocks = Blocks(boot, wall_ns - now_ns)
        self._restore_further = restore
        section = (core.plan.sections.get("steward") or {}).get("record") or {}
        limit_bytes = int(section.get("limit_bytes", 0))
        self.ledger = Ledger(core.plan.ledger_file, boot, self._restore, wall_ns, limit_bytes)

    def _restore(self, offset: int, entry: Entry) -> None:
        self._restore_further(entry)
        self._blocks.restore(entry)
        if self.courier is not None:
            self.courier.index(ticket_of(offset, entry, kept_on(entry.kind, entry.body)))
            if entry.kind is Kind.REMOVED:
                self.courier.outbox.at_least(Lane.HISTORY, removed_of(entry).acknowledged)

    def begin(self, now_ns: int, wall_ns: int) -> list[Record]:
        """Go on where the last process ended; what of it is lost."""
        older: list[str] = []
        if self.courier is not None:
            self.courier.outbox.runs = self.ledger.pruner.runs
            older = self.courier.reconcile(self.ledger.lane_numbers)
        models = [model.id for model in self._core.plan.models]
        damaged = self._blocks.resume(self.ledger, models, now_ns, wall_ns)
        return [
            *(loss("outbox cursor", f"{told}: the ledger is an older copy.") for told in older),
            *(loss("spool", f"An open decision block can't be read: {told}") for told in damaged),
        ]

    def append(self, effect: Record, now_ns: int, wall_ns: int) -> None:
        """An entry. A transition that finds no room is forgotten, so that the guard tells it again; an alarm is written later,
        for a restart would bring back the state before."""
        body = body_of(effect.kind, effect.value)
        ticket = self.ledger.append(
            effect.kind, body, now_ns, wall_ns, urgent=effect.is_urgent, tag=effect.transition,
            secret=effect.secret, topic=kept_on(effect.kind, body),
        )  # fmt: skip
        if ticket is None and effect.transition:
            self._core.transitions.forget(effect.transition)
        if ticket is None and effect.kind is Kind.ALARM:
            self._core.alarms.not_written(str(effect.value["id"]))

    def spool(self, effect: Rows, now_ns: int, wall_ns: int) -> None:
        """Verdicts into the decision block of their model."""
        self._blocks.add(self.ledger, effect.model, effect.rows, now_ns, wall_ns)

    def take_committed(self, now_ns: int) -> bool:
        """What reached the disk goes to the courier. Returns whether a transition was among it, which the guard waits for."""
        core, ledger = self._core, self.ledger
        core.why_not_recording = "" if ledger.is_recording(now_ns) else (ledger.error or "the disk is slow")
        core.remedy = ledger.remedy
        is_awaited = False
        for ticket in self._hand_on():
            if ticket.tag:
                core.transitions.commit(ticket.tag)
                is_awaited = True
        return is_awaited

    def _hand_on(self) -> list[Ticket]:
        tickets = self.ledger.take_committed()
        for ticket in tickets:
            if self.courier is not None:
                self.courier.add(ticket)
        return tickets

    def each_second(self, wall_ns: int) -> list[Record]:
        """What the receiver has may go, where room is short. Returns what was lost since the last time."""
        pruner, courier, core = self.ledger.pruner, self.courier, self._core
        if courier is not None:
            ends = courier.snapshot.ends
            core.certificate_days = None if ends is None else ends.days_left(wall_ns / 1e9)
        pruner.acknowledged(None if courier is None else courier.outbox.lanes[Lane.HISTORY].cursor)
        core.is_nearly_full = pruner.room.is_nearly_full
        refused, self.ledger.refused = self.ledger.refused, {}
        text = "{} entries ({}) found no room while the disk took nothing."
        return [loss("ledger", text.format(count, kind), count, "entries") for kind, count in refused.items()]

    def end_blocks(self, now_ns: int, wall_ns: int) -> None:
        """No verdict comes any more."""
        self._blocks.close_all(self.ledger, now_ns, wall_ns)

    def close(self) -> bool:
        """Let the courier tell what it still can. Returns whether all is on the disk."""
        is_clean = self.ledger.close()
        self._hand_on()
        if self.courier is not None:
            self.courier.stop()
        return is_clean

    # ------------------------------------------------------------ what is shown of it

    def gauges(self, now_ns: int, wall_ns: int) -> Iterator[gauges.Gauge]:
        """For the counters."""
        yield from gauges.of_ledger(self.ledger)
        if self.courier is not None:
            yield from gauges.of_courier(
                self.courier, self.courier.outbox.backlog(now_ns, wall_ns, self._boot)
            )

    def ledger_value(self, now_ns: int) -> dict[str, Any]:
        """Part of a status."""
        ledger, core = self.ledger, self._core
        return {
            "entries": ledger.committed_entries,
            "waiting": ledger.entries - ledger.committed_entries,
            "bytes": ledger.committed_bytes,
            "boot": self._boot.hex(),
            "file": str(ledger.path),
            "recorded": core.transitions.recorded,
            "is_recording": ledger.is_recording(now_ns),
            "error": core.why_not_recording,
            "remedy": core.remedy,
            **room_value(ledger.pruner.room),
        }

    def mqtt_value(self, now_ns: int) -> dict[str, Any]:
        """Part of a status."""
        if self.courier is None:
            return NO_BROKER
        waiting = self.courier.outbox.backlog(now_ns, time.time_ns(), self._boot)
        return {**self.courier.snapshot.value(self.courier.backlog()), **backlog_value(waiting)}
