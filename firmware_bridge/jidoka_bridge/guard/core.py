"""The guard's pure core: messages, beats and time go in; events, messages and what to ask the link for come out.

The shell calls one input at a time and gives the time; after each the core has settled: what must be lowered is
lowered in `ask`. Raising alone takes two calls: an accepted press asks for a write of the latch file, and
`written` raises if nothing changed meanwhile. An exception in any input is LOCKOUT.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from jidoka_bridge.guard import (
    acts,
    clock,
    judging,
    known_answers,
    panel,
    plain,
    remembered,
    resetting,
    trips,
)
from jidoka_bridge.guard.button import APPROVE_NS, pressed
from jidoka_bridge.guard.clock import Step as ClockStep
from jidoka_bridge.guard.facts import MOVING
from jidoka_bridge.guard.guard_condition import NONE, Offer
from jidoka_bridge.guard.guarded import guarded
from jidoka_bridge.guard.interlock import Step
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.link_view import LinkView
from jidoka_bridge.guard.memory import REFUSALS, Memory, Withdrawal
from jidoka_bridge.guard.plc_memory import memory_of
from jidoka_bridge.guard.recorder import PLAIN, Details, Out
from jidoka_bridge.guard.reports import plc_status
from jidoka_bridge.guard.rules import settle
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.link.blocks import RANK, BlockC
from jidoka_bridge.link.session import Ask
from jidoka_bridge.messages import Condition, Kind, Lease, PlcStatus
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import REASON_NUMBERS, State, Word

__all__ = ["Guard", "Withdrawal"]

#: told at the start; the next write mends it
TORN = "One of the two copies in the latch file was damaged; the other one is used. Look at the disk if it comes again."


class Guard(Memory):
    """One device's guard. latch: what the file held, or None with `latch_fault` saying why; faults: of the self-test.

    boot: the kernel's boot id; without it the ages of what the file remembers can't be trusted.
    """

    def __init__(
        self, plan: Plan, latch: Latch | None, latch_fault: str, faults: list[str], now_ns: int, *, boot: bytes = b""
    ) -> None:  # fmt: skip
        number = (latch.number if latch else 1) + 1
        latch, latch_fault = remembered.checked(latch, latch_fault, plan)
        lost = {"clean": False}
        content = {**remembered.NEW, **remembered.LATER, **(latch.content if latch else lost)}
        is_same_boot = latch is not None and latch.boot_id == boot
        super().__init__(plan, faults, content, now_ns, latch_number=number, is_same_boot=is_same_boot)
        self._start(now_ns, latch, latch_fault, content)

    def _start(self, now_ns: int, latch: Latch | None, latch_fault: str, content: dict[str, Any]) -> None:
        torn = {"torn": True} if latch and latch.torn else {}
        evidence = {"clean": bool(content["clean"]), "plan": self.plan.digest, **torn}
        remembered.restore_causes(self.causes, content)
        if content["lockout"] and latch is not None:
            self.interlock.state = State.LOCKOUT
        self.event(now_ns, "restart", Details(evidence=evidence, text=TORN if torn else ""))
        if latch is None:
            self.causes["latch file"].strike(now_ns, {"why": latch_fault})
            self.event(now_ns, "lockout cause on", Details("latch file", text=latch_fault))
        elif (not content["clean"] or latch.torn) and self.plan.link is not None:
            self.causes["restart"].strike(now_ns, evidence)
        if self.faults:
            self.causes["self-test"].active = True
            self.causes["self-test"].strike(now_ns, {"faults": self.faults})
            self.event(now_ns, "self-test failed", Details("self-test", self.faults))
        settle(self, now_ns)

    # ------------------------------------------------------------------ inputs

    @guarded
    def tick(self, now_ns: int) -> None:
        """Time passed: deadlines are looked at."""

    @guarded
    def lease(self, now_ns: int, lease: Lease) -> None:
        self.data.take(now_ns, lease)

    @guarded
    def condition(self, now_ns: int, condition: Condition) -> None:
        if self.conditions.take(now_ns, condition):
            self.fresh.add(self.conditions.known[condition.index].id)
        if self.conditions.is_outdated(condition.index, now_ns):
            judging.renew(self, now_ns)

    @guarded
    def recorded(self, now_ns: int, number: int) -> None:
        self.recorder.ring.recorded(number)
        self.records.take(now_ns)

    @guarded
    def monitor_connected(self, now_ns: int) -> None:
        """A monitor came: it has to say everything again, and gets what it needs."""
        del now_ns
        self.conditions.monitor_lost()

    @guarded
    def steward_connected(self, now_ns: int) -> None:
        del now_ns
        self.recorder.tell_all(self.causes)

    @guarded
    def sent(self, now_ns: int, word: Word) -> None:
        """A request with this word has gone out."""
        self.shown.asks(panel.cause_on_the_wire(self))
        if self.withdrawal and not self.withdrawal.asked_ns and RANK[word] <= RANK[self.word]:
            self.withdrawal.asked_ns = now_ns

    @guarded
    def beat(self, now_ns: int, view: LinkView) -> None:
        """A beat ended, good or lost. A press counts if the same reset was on offer since a good beat before it began."""
        before, self.view = self.view, view
        self.data.take_parts(now_ns, view.part_count, view.running)
        if not view.is_up:
            self.shown.lose()
        if not view.good:
            return
        panel.take(self, now_ns, view)
        settle(self, now_ns)
        held = self.offer_held
        resetting.hold_offer(self)
        if view.presses > before.presses:
            resetting.press(self, now_ns, held)
        elif before.beat_ns and pressed(before.edges, view.edges):
            resetting.refuse_press(self, now_ns, is_counted=False)

    @guarded
    def written(self, now_ns: int, number: int, error: str) -> None:
        """A write of the latch file ended. This is the only place where a word rises."""
        self.latch_failed = error
        if not error:
            self.latch_written = max(self.latch_written, number)
            self.latch_asked_ns = now_ns
        settle(self, now_ns)
        if not error:
            resetting.finish(self, now_ns, number)

    @guarded
    def gap(self, now_ns: int, gap_ns: int) -> None:
        """The process or the computer stood still for longer than the permissive lasts."""
        resetting.cancel(self, now_ns, ("the process stood still",))
        self.offer = Offer(NONE, ("the process stood still",))
        resetting.offer_changed(self)  # as if it had only just begun
        evidence = {"gap_ms": gap_ns // MS_NS}
        if self.interlock.state in MOVING:
            self.causes["time gap"].strike(now_ns, evidence)
        self.event(now_ns, "monotonic gap", Details("time gap", evidence=evidence))

    @guarded
    def clock(self, now_ns: int, step: ClockStep) -> None:
        """The wall clock was set."""
        clock.stepped(self, now_ns, step)

    @guarded
    def model_digest(self, now_ns: int, body: Mapping[str, Any]) -> None:
        """The monitor says which file a model's application has loaded."""
        del now_ns
        self.approved.take_digest(body)

    @guarded
    def answers(self, now_ns: int, body: Mapping[str, Any]) -> None:
        """The monitor says whether a model gave the known answers."""
        known_answers.take(self, now_ns, body)

    @guarded
    def act(self, now_ns: int, kind: Kind, body: Mapping[str, Any]) -> dict[str, Any]:
        """What a person asks for through the steward: a kind of `acts.ACTS`. Returns the body of the ANSWER."""
        refused, remedy = acts.ACTS[kind](self, now_ns, body)
        request = plain.text(body, "request")
        return {"request": request, "ok": not refused, "refused": refused, "remedy": remedy, "value": {}}

    def remember_plc(self, block_c: BlockC) -> None:
        """What the PLC is and remembers was read from it; people are shown it."""
        self.block_c, self.plc_memory = block_c, memory_of(block_c)

    def refuse(self, now_ns: int, why: str) -> None:
        """Somebody sent what he may not send, or what can't be read; it changes nothing but is recorded."""
        self.event(now_ns, "message refused", Details(reasons=(why[: plain.MAX_TEXT],)))

    def refuse_input(self, now_ns: int, why: str) -> None:
        """As `refuse`, a few times a second at most: a flood must not fill the ring of transitions."""
        self._refused += 1
        if len(self._told) < REFUSALS or now_ns - self._told[0] >= 1_000 * MS_NS:
            self._told.append(now_ns)
            self.refuse(now_ns, f"{why} ({self._refused} refused so far)")

    def fail(self, now_ns: int, why: str) -> None:
        """An error inside the guard: LOCKOUT. One that goes on is told once."""
        self.pending = None
        told = self.causes["fault"].evidence.get("why")
        if self.interlock.state is State.LOCKOUT and told == why[: plain.MAX_TEXT]:
            return
        why = why[: plain.MAX_TEXT]
        self.causes["fault"].strike(now_ns, {"why": why})
        self.event(now_ns, "fault", Details("fault", text=why))
        # a rule that fails each time is never followed by what settling does last: the file must hold the lockout all the same
        with contextlib.suppress(Exception):
            self.note_latch(now_ns)
            self.recorder.report_causes(self.causes)

    @guarded
    def stop(self, now_ns: int) -> None:
        """A planned stop: withhold, and note whether the next start is a restart without a cause."""
        clean = self.interlock.state in (State.RUN, State.ADVISE)
        self.is_clean_stop = clean and not any(c.trips and (c.active or c.latched) for c in self.causes)
        self.stopping = True
        self.event(now_ns, "planned stop", Details(evidence={"clean": self.is_clean_stop}))

    # ------------------------------------------------------------------ outputs

    @property
    def word(self) -> Word:
        """What is written: the state's word, masked to WITHHOLD where not every model is in enforce."""
        return self.interlock.word if self.is_enforcing and not self.stopping else Word.WITHHOLD

    def ask(self) -> Ask:
        """What the next beat shall carry."""
        cause = panel.cause_on_the_wire(self)
        is_wanted = self.offer.target != NONE and self.is_enforcing and not self.stopping
        is_held = self.view.key_on and self.button.is_held(self.last_tick_ns, APPROVE_NS)
        reason = (
            REASON_NUMBERS["planned stop"] if self.stopping else 0
        )  # the PLC's panel shows the last one it heard
        return Ask(self.word, self.interlock.state, cause.reason if cause else reason, is_wanted, is_held)

    def status(self) -> PlcStatus:
        return plc_status(self.interlock, self.word, self.view, self.run.number)

    def take_outbox(self) -> list[Out]:
        """Messages that wait to be sent (transitions for the steward wait in `recorder.ring`)."""
        return self.recorder.take()

    def latch(self, boot: bytes) -> Latch:
        """What the latch file shall hold now, under `latch_number`."""
        return Latch(
            self.latch_number, boot, {**self._content, "trips": self.trips.ages_ms(self.last_tick_ns)}
        )

    # ------------------------------------------------------------------ for the rules

    def event(self, now_ns: int, name: str, details: Details = PLAIN) -> Step:
        """Apply one kind of event and record it. The only place where the interlock moves."""
        before = self.word
        step = self.interlock.apply(name)
        trip = step.is_trip and RANK[self.word] < RANK[before]
        evidence = dict(details.evidence)
        if step.is_trip:
            evidence |= {"loop_delay_ms": self.loop_delay_ns // MS_NS, "rtts_us": list(self.view.rtts_us)}
            evidence |= self.black_box()
        body = self.recorder.transition(
            now_ns, step, self.word, self.run.number, details._replace(evidence=evidence)
        )
        if self.word != before:
            self.changed_ns = now_ns
            self.more_since_ns = 0
        if trip:
            trips.count(self, now_ns, details.cause)
            self.withdrawal = Withdrawal(body["number"], details.cause, now_ns, evidence)
        self.conditions.in_proving = self.interlock.proving
        return step

    def note_latch(self, now_ns: int) -> None:
        """A new number for the latch file whenever what it must hold has changed."""
        content = remembered.content_of(self)
        if content != self._content:
            if self.latch_written >= self.latch_number:
                self.latch_asked_ns = now_ns
            self._content = content
            self.latch_number += 1
