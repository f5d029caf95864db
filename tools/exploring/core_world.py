"""The guard's core with everything around it as plain switches: monitor, steward, disk, link, PLC, key, people, a clock.

One event is a turn of a switch, a message, an act of a person or a beat, at which `STEP_MS` pass. Between a counted
press and the write that it waits for anything may happen. The PLC is hostile in one thing: it counts every press.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jidoka_bridge.guard import core
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.link_view import NO_INPUTS2, READY, LinkView
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import Plan
from jidoka_bridge.registers import Input, Input2, Phase, PlcState, Word

from tools.exploring.book import RANKS, Book, Site
from tools.exploring.canonical import BASE_NS
from tools.exploring.core_form import RULES
from tools.exploring.core_people import TOUCHING
from tools.exploring.core_roots import LOST, UNLINKED, WAYS
from tools.exploring.plans import FACT_OF, MS, NEVER_S, STEP_MS
from tools.exploring.plant import Limits, Seen
from tools.exploring.rules import GuardForm

START_NS = 2 * BASE_NS
BOOT = b"b" * 16
JUDGEMENTS = {"on": Judgement.ON, "off": Judgement.OFF, "unknown": Judgement.UNKNOWN}


@dataclass(frozen=True)
class Setting:
    """What is explored. responses: condition -> response; remembers: whether the guard may be restarted; restates:
    whether a monitor may come anew; two_phase: whether the disk's writes begin and end as events of their own; is_prompt: whether a press is written at once; is_fed: whether
    leases and records come with each beat (else once: nothing in the slice could lose them); takes_back: whether
    acknowledgements may be; faults: of the self-test; watches: events that oblige the guard; budget: of events
    beside beats after the root, 0 = as many as there are; contents: of the latch file, by the root's name."""

    responses: dict[str, str]
    plan: Plan
    remembers: bool = False
    restates: bool = False
    two_phase: bool = False
    is_prompt: bool = False
    is_fed: bool = True
    takes_back: bool = False
    faults: tuple[str, ...] = ()
    watches: frozenset[str] = frozenset()
    budget: int = 0
    contents: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """What happens; may: when it can."""

    happen: Callable[[CoreWorld], None]
    may: Callable[[CoreWorld], bool] | None = None


class CoreWorld:
    """See `tools.exploring.search.World`. events: by name."""

    def __init__(self, setting: Setting, events: Mapping[str, Event]) -> None:
        self.setting = setting
        self.events = events
        self.form = GuardForm(setting.plan, RULES)
        self.form.touches_unlatched = bool(setting.watches & TOUCHING)
        self.form.may_read_less = bool(setting.watches & {"relay falls off", "relay sticks"})

    # ------------------------------------------------------------------ the beginning

    def begin(self, root: str) -> None:
        self.now_ns = START_NS
        self.monitor = self.steward = self.disk = self.infers = True
        self.link = root != UNLINKED
        self.is_foreign = False
        self.relay = "obeys"
        self.output = Word.WITHHOLD
        self.inputs, self.inputs2 = int(READY), 0
        self.says: dict[str, tuple[str, int]] = {}
        self.durable: dict[str, Any] | None = None
        content = {**NEW, **self.setting.contents.get(root, {})}
        self.is_lost = root == LOST
        plan = self.setting.plan
        valid_ns = int(plan.judgement_valid_h * 3_600_000 * MS)
        self.book = Book(
            Site(
                self.setting.responses,
                frozenset(spec.id for spec in plan.conditions if spec.statistical),
                plan.times.no_data_ms * MS,
                plan.times.no_record_ms * MS,
                plan.no_record == "fallback",
                valid_ns if valid_ns < NEVER_S * 1_000 * MS else 0,
                all(model.mode == "enforce" for model in plan.models),
                self.setting.takes_back,
                self._limits(),
            )
        )
        self.book.is_lockout_on_disk = bool(content["lockout"]) or self.is_lost
        self.book.on_disk = {
            FACT_OF.get(name, name)
            for name, (latched, revision, seen, _, _) in content["causes"].items()
            if latched and revision != seen
        }
        if self.setting.remembers:
            self.durable = content
        for name, response in self.setting.responses.items():
            self.says[name] = ("unknown" if name in self.book.site.statistical else "off", 0)
            del response
        self._start(content)
        if not self.setting.remembers:  # nobody reads the file again
            self.book.on_disk, self.book.is_lockout_on_disk, self.book.is_hold_on_disk = set(), False, False
        self.left = 100
        self.happen("beat")
        self.happen("beat")
        for event in WAYS.get(root, ()):
            self.happen(event)
            if self.setting.two_phase:
                self._write_now()
        self.left = self.setting.budget

    def _limits(self) -> Limits:
        """What of the plant this slice looks at: what the plan limits, and what its events can make wrong."""
        plan, events = self.setting.plan, self.setting.watches
        times = plan.times
        return Limits(
            times.run_out_ms * MS if times.run_out_ms < NEVER_S else 0,
            3 * STEP_MS * MS if "relay sticks" in events else 0,
            3 * STEP_MS * MS if "relay falls off" in events else 0,
            5_000 * MS + STEP_MS * MS if "button stuck" in events else 0,
            plan.proving.parts if plan.proving.parts < NEVER_S else 0,
            plan.trips.most if plan.trips.most < NEVER_S else 0,
            int(times.override_s * 1_000) * MS if times.override_s < NEVER_S else 0,
            1_000 * MS + STEP_MS * MS if "disk stuck" in events else 0,
        )

    def _write_now(self) -> None:
        self.disk_begins()
        self.disk_ends()

    def _start(self, content: dict[str, Any]) -> None:
        """A new process of the guard; the PLC has dropped and drawn a new id, and so has a relay that obeys."""
        self.view = LinkView()
        self.output = self.output if self.relay == "stuck" else Word.WITHHOLD
        self.presses = self.edges = 0
        self.parts = 0
        self.told: dict[str, tuple[bool, int, int, str]] = {}
        self.writing: tuple[int, dict[str, Any], set[str], bool, bool] | None = None
        self.was_fed = False
        self.book.restarted(bool(content["clean"]))
        self.book.is_locked = (
            self.book.is_locked or bool(self.setting.faults) or self._has_tripped_too_often(content)
        )
        latch, why = (None, "the latch file is lost") if self.is_lost else (Latch(1, BOOT, content), "")
        self.guard = core.Guard(self.setting.plan, latch, why, list(self.setting.faults), self.now_ns)
        self.is_lost = False
        self.submitted = self.guard.latch_written
        self.monitor_run = self.book.run = self.guard.run.number
        self.look("restart")
        if self.monitor:
            self._tell_all()
        if self.setting.two_phase and self.disk:
            self._write_now()
        self._write()

    def _has_tripped_too_often(self, content: dict[str, Any]) -> bool:
        """By the file a cause that isn't statistical did, and nobody was asked for already."""
        most, book = self.setting.plan.trips.most, self.book
        return any(
            len(ages) > most
            and FACT_OF.get(name) not in book.site.statistical
            and not (name in content["causes"] and content["causes"][name][4])
            for name, ages in content.get("trips", {}).items()
        )

    # ------------------------------------------------------------------ for the search

    def may(self, event: str) -> bool:
        may = self.events[event].may
        if self.setting.budget and self.left <= 0 and event != "beat":
            return False
        if self.guard.stopping and event not in ("beat", "restart", "disk begins", "disk ends", "kill"):
            return False
        return may is None or may(self)

    def happen(self, event: str) -> None:
        if self.may(event):
            self.events[event].happen(self)
            self._write()
            self.left -= self.setting.budget > 0 and event != "beat"
            if self.setting.is_prompt and not self.setting.two_phase:
                self.book.forget_press()

    def key(self) -> bytes:
        form = self.form
        form.guard, form.book = self.guard, self.book
        form.submitted = self.submitted
        return form.key(self, self.now_ns)

    def told_state(self) -> str:
        """For a story."""
        ask, proving = self.guard.ask(), " (proving run)" if self.guard.status().flags & 1 else ""
        return f"{ask.state.name}{proving}, writes {ask.word.name}, reads back {self.view.actual.name}"

    @property
    def marks(self) -> int:
        """Bit 0: the model is permitted; 1: LOCKOUT; 2: OVERRIDE; 3: M; 4: HOLD; 5: the guard is being stopped."""
        state = int(self.guard.ask().state)
        rank = RANKS[int(self.guard.ask().word)]
        bits = (rank == 2, state == 6, state == 7, rank >= 1, state == 5, self.guard.stopping)
        return sum(1 << number for number, bit in enumerate(bits) if bit)

    # ------------------------------------------------------------------ inputs of the guard

    def look(self, by: str) -> None:
        """Read the outputs, and hold them against the book."""
        guard = self.guard
        for out in guard.take_outbox():
            if out.kind is Kind.CAUSE:
                body = out.body
                self.told[body["id"]] = (
                    body["latched"], body["revision"], body["acknowledged_revision"], body["needs_role"],
                )  # fmt: skip
        self.book.plant.waits(self.now_ns, guard.latch_number > self.submitted)
        ask, status = guard.ask(), guard.status()
        proving = bool(status.flags & 1)
        self.book.look(
            self.now_ns, by, word=int(ask.word), state=int(ask.state), proving=proving, run=status.proving_run
        )

    def _write(self) -> None:
        """The disk's own pace: at once, unless a press waits for it or its writes are events."""
        guard = self.guard
        waits = guard.pending is not None and not self.setting.is_prompt
        if self.setting.two_phase or not self.disk or waits:
            return
        if guard.latch_number > self.submitted:
            self._write_now()

    def disk_begins(self) -> None:
        self.submitted = self.guard.latch_number
        content = self.guard.latch(BOOT).content if self.setting.remembers else {}
        ask = self.guard.ask()
        is_after_press = self.book.press_least >= 0
        self.writing = (self.submitted, content, set(self.book.waiting), int(ask.state) == 6, is_after_press)

    def disk_ends(self, error: str = "") -> None:
        assert self.writing is not None
        number, content, waiting, lockout, is_after_press = self.writing
        self.writing = None
        self.book.is_disk_failing = bool(error)
        if error:
            self.submitted = -1
        else:
            self.book.plant.unwritten_ns = 0
            self.book.is_press_on_disk = self.book.is_press_on_disk or is_after_press
        if error:
            pass
        elif self.setting.remembers:
            self.durable = content
            self.book.written(waiting, lockout)
        self.guard.written(self.now_ns, number, error)
        self.look("write")

    def say(self, name: str, judgement: str, is_old: bool = False) -> None:
        """The monitor judges: of the run that it knows, or of the one before."""
        run = self.monitor_run - 1 if is_old else self.monitor_run
        self.says[name] = (judgement, run)
        if self.monitor:
            self._tell(name)

    def _tell(self, name: str) -> None:
        judgement, run = self.says[name]
        index = list(self.setting.responses).index(name)
        # judged just before: a run that begins at this moment was begun later
        judged_ns = self.now_ns - 1 if judgement != "unknown" else 0
        self.book.judged(name, judgement, run & 0xFFFF, self.now_ns - 1)
        condition = Condition(
            index, JUDGEMENTS[judgement], 1, judged_ns=judged_ns, judged_n=3, run=run & 0xFFFF
        )
        self.guard.condition(self.now_ns, condition)
        self.look(f"{judgement} {name}")

    def _tell_all(self) -> None:
        for name in self.says:
            self._tell(name)

    def monitor_comes(self) -> None:
        self.monitor = True
        self.book.monitor_came()
        self.guard.monitor_connected(self.now_ns)
        self.look("back: monitor")
        self._tell_all()

    def monitor_comes_cold(self) -> None:
        """It has kept nothing, and says so."""
        self.says = dict.fromkeys(self.says, ("unknown", self.monitor_run))
        self.monitor_comes()

    def beat(self, pressed: int = 0, counted: bool = True) -> None:
        self.now_ns += STEP_MS * MS
        now_ns, guard, book = self.now_ns, self.guard, self.book
        is_fed = self.setting.is_fed or not self.was_fed
        self.was_fed = True
        if self.monitor:
            book.data_ns = now_ns
            if is_fed:
                guard.lease(now_ns, Lease(0, now_ns, now_ns if self.infers else START_NS, 1, 0))
                self.look("lease")
            run = guard.status().proving_run
            if run != self.monitor_run:
                self.monitor_run = run
                for name in book.site.statistical:
                    self.says[name] = ("unknown", run)
                    self._tell(name)
        if self.steward:
            book.record_ns = now_ns
            ring = guard.recorder.ring
            if is_fed:
                guard.recorded(now_ns, ring.last_number)
                self.look("recorded")
            else:
                ring.recorded(ring.last_number)
        self.edges += pressed
        self.presses += pressed and counted
        self._link_beat(now_ns, bool(pressed and counted))

    def _link_beat(self, now_ns: int, is_pressed: bool) -> None:
        guard, book = self.guard, self.book
        ask = guard.ask()
        if self.link:
            guard.sent(now_ns, ask.word)
        wanted = ask.word if self.link else Word.WITHHOLD  # without a link the PLC drops by itself
        self.output = {"obeys": wanted, "off": Word.WITHHOLD, "stuck": self.output}[self.relay]
        if not self.link:
            view = replace(self.view, good=False, is_up=False)
            book.is_up = False
            book.plant.unlinked()
        else:
            view = LinkView(
                good=True,
                is_up=True,
                phase=Phase.ARM_REQUEST if ask.arm else Phase.IDLE,
                connection=7,
                presses=self.presses,
                edges=self.edges,
                part_count=self.parts,
                actual=self.output,
                plc_state=PlcState.ARMING if ask.arm else PlcState.IDLE,
                inputs=Input(self.inputs),
                inputs2=Input2(self.inputs2) if self.inputs2 else NO_INPUTS2,
                beat_ns=now_ns,
                foreign=self.is_foreign,
            )
            book.is_locked = book.is_locked or self.is_foreign
            book.is_up = True
            book.key = bool(self.inputs & Input.OVERRIDE_KEY)
            if not book.key:
                book.key_off()
            book.ready = self.inputs & READY == READY
            book.healthy = bool(self.inputs2) and self.setting.plan.fallback is not None
            book.actual = RANKS[int(self.output)]
            seen = Seen(
                book.actual,
                book.key,
                bool(self.inputs & Input.RUNNING),
                bool(self.inputs & Input.CHANGEOVER),
                self.parts - self.view.part_count if self.view.is_up else 0,
                bool(self.inputs & Input.RESET_BUTTON),
            )
            is_locking = book.plant.beat(now_ns, book.rank, book.state, seen) and not book.is_stopped
            book.is_locked = book.is_locked or is_locking
            book.beat(now_ns, is_pressed=is_pressed, is_down=bool(self.inputs & Input.RESET_BUTTON))
        self.view = view
        guard.beat(now_ns, view)
        self.look("beat")

    def restart(self) -> None:
        """SIGKILL, or the end of a planned stop, and a new process."""
        assert self.durable is not None
        self._start(self.durable)
