"""The invariants I1 to I9 on raw facts: what the guard was told, and what it writes. Nothing here is the guard's.

The book knows the numbers of the register map, which judgements, leases, acts and inputs were handed to the guard and
when, and reads two outputs: the word and the state. From that it works out by itself what a reset may lead to.
Source: INTERLOCK §4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.exploring.plant import Limits, Plant
from tools.exploring.search import BrokenInvariantError

#: permissive words of the register map, by what they permit: nothing, M, M and A
RANKS = {0x5A5A: 0, 0x3C3C: 0, 0x6996: 1, 0xA5A5: 2}
ABSTAIN = 0x3C3C
START_UP, RUN, ADVISE, FALLBACK, HOLD, LOCKOUT, OVERRIDE = range(1, 8)
MS = 1_000_000
#: a press opens the PLC for 2 s
PRESS_NS = 2_000 * MS


@dataclass(frozen=True)
class Site:
    """What the book must know of the plan. responses: condition -> response; statistical: judged on records."""

    responses: dict[str, str]
    statistical: frozenset[str]
    no_data_ns: int
    no_record_ns: int
    record_may_fall_back: bool = False
    valid_ns: int = 0
    enforces: bool = True
    may_take_back: bool = False
    limits: Limits = field(default_factory=Limits)


@dataclass
class Fact:
    """A condition as the monitor said it. on: until judged off; off_run: run of an `off` that counts, -1: none."""

    by_run: bool
    on: bool = False
    off_run: int = -1
    off_ns: int = 0
    on_run: int = -1
    wrong_ns: int = 0
    is_told: bool = False


@dataclass
class Book:
    """What was told and seen so far. Times are of the same clock as the guard's."""

    site: Site
    facts: dict[str, Fact] = field(default_factory=dict)
    data_ns: int = 0
    record_ns: int = 0
    is_up: bool = False
    key: bool = False
    ready: bool = True
    healthy: bool = False
    actual: int = 0
    is_disk_failing: bool = False
    may_hold_with_key: bool = False
    plant: Plant = field(init=False)
    looked_ns: int = 0
    waiting: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    on_disk: set[str] = field(default_factory=set)
    is_lockout_on_disk: bool = False
    is_hold_on_disk: bool = False
    is_unlocked: bool = False
    rank: int = 0
    state: int = START_UP
    proving: bool = False
    run: int = 0
    began_ns: int = 0
    least: int = 0
    press_least: int = -1
    pressed_ns: int = 0
    struck: str = ""
    is_locked: bool = False
    is_press_on_disk: bool = False
    is_clear: bool = True
    is_press_clear: bool = True
    is_file_wrong: bool = False
    window_until_ns: int = 0
    is_out_of_enforce: bool = False
    is_stopped: bool = False  # it withholds for good, and ends within seconds; what the output does is its follower's to judge
    answered: set[str] = field(default_factory=set)
    bad: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.facts = {name: Fact(name in self.site.statistical) for name in self.site.responses}
        self.plant = Plant(self.site.limits)

    # ------------------------------------------------------------------ what was told

    def judged(self, name: str, judgement: str, run: int, now_ns: int) -> None:
        """The monitor said on, off or unknown of a condition, of records of this run."""
        fact = self.facts[name]
        is_of_run = name not in self.site.statistical or (run == self.run and now_ns >= self.began_ns)
        if self.proving and not is_of_run:
            return
        if judgement == "off" and fact.wrong_ns and now_ns <= fact.wrong_ns:
            return  # it was judged before the known answers were wrong
        fact.off_run, fact.is_told = -1, True
        if judgement == "on":
            if not fact.on and self.site.responses[name] != "advise":
                self.waiting.add(name)
            fact.on, fact.on_run = True, run
            self.is_locked = self.is_locked or self.site.responses[name] == "lockout"
        elif judgement == "off" and is_of_run:
            fact.on, fact.off_run, fact.off_ns = False, run, now_ns

    def monitor_came(self) -> None:
        """A new monitor: what the one before said is no judgement any more, but what was on stays on."""
        for fact in self.facts.values():
            fact.off_run, fact.is_told = -1, False

    def acknowledged(self, name: str) -> None:
        """An entitled person acknowledged, at the machine, with a reason, the revision that is the present one."""
        gone = {each for each in self.waiting if name in each.split("|")}
        self.waiting -= gone
        if self.site.may_take_back:
            self.seen |= gone

    def taken_back(self, name: str) -> None:
        """That acknowledgement was a mistake."""
        back = {each for each in self.seen if name in each.split("|")}
        self.waiting |= back
        self.seen -= back

    def written(self, waiting: set[str], is_lockout: bool) -> None:
        """The latch file holds now what stood at the time that the write began."""
        self.on_disk, self.is_lockout_on_disk = set(waiting), is_lockout
        self.is_hold_on_disk = self.may_hold_with_key

    def restarted(self, is_clean: bool) -> None:
        """The process died or ended; the PLC has dropped by itself."""
        self.waiting = set(self.on_disk) | (set() if is_clean else {"restart"})
        self.seen = set()
        self.facts = {name: Fact(name in self.site.statistical) for name in self.site.responses}
        self.rank = self.least = self.data_ns = self.record_ns = 0
        self.press_least = -1
        self.is_up = self.proving = self.key = self.is_stopped = False
        self.may_hold_with_key = self.is_hold_on_disk  # the key must go off first, whoever restarts what
        self.began_ns = 0
        self.plant.unlinked()
        self.plant.unwritten_ns = 0
        self.state = LOCKOUT if self.is_lockout_on_disk else START_UP
        self.is_locked = self.is_lockout_on_disk

    # ------------------------------------------------------------------ what follows from it

    def is_fresh(self, now_ns: int) -> bool:
        return bool(self.data_ns) and now_ns - self.data_ns <= self.site.no_data_ns

    def is_recorded(self, now_ns: int) -> bool:
        return bool(self.record_ns) and now_ns - self.record_ns <= self.site.no_record_ns

    def is_off(self, name: str, now_ns: int) -> bool:
        """Judged off, on records of the present run."""
        fact = self.facts[name]
        if name in self.answered and not fact.on:
            return True
        if fact.on or fact.off_run < 0:
            return False
        if name not in self.site.statistical:
            return True
        is_valid = not self.site.valid_ns or now_ns - fact.off_ns <= self.site.valid_ns
        return is_valid and fact.off_run == self.run and fact.off_ns >= self.began_ns

    def is_bad(self, now_ns: int) -> frozenset[str]:
        """Facts that may have tripped."""
        bad = {
            name
            for name, fact in self.facts.items()
            if fact.on
            and self.site.responses[name] != "advise"
            and not (self.proving and fact.on_run != self.run)
        }
        bad |= {"data"} if self.data_ns and not self.is_fresh(now_ns) else set()
        bad |= {"record"} if self.record_ns and not self.is_recorded(now_ns) else set()
        bad |= {"link"} if not self.is_up else set()
        bad |= {"key"} if self.key else set()
        bad |= {"disk"} if self.is_disk_failing else set()
        bad |= {"path"} if not self.healthy else set()
        # in an announced window it falls back; without one, or at its end, it locks out: a fact of its own
        bad |= {"file" if self.is_in_window(now_ns) else "digest"} if self.is_file_wrong else set()
        bad |= {"mode"} if self.is_out_of_enforce else set()
        bad |= {"not ready"} if not self.ready else set()
        return frozenset(bad | ({self.struck} if self.struck else set()))

    def answers(self, is_right: bool, now_ns: int) -> None:
        """The model was shown the known answers: until the next reset, or until it was wrong, that is its judgement."""
        for name in self.site.statistical & self.facts.keys():
            fact = self.facts[name]
            if not is_right and self.site.responses[name] != "advise":
                self.waiting.add(name)
            fact.on, fact.on_run = not is_right, -1 if is_right else self.run
            fact.wrong_ns = 0 if is_right else now_ns
        self.answered = set(self.site.statistical) if is_right else set()

    def is_in_window(self, now_ns: int) -> bool:
        return now_ns < self.window_until_ns

    def allowed(self, now_ns: int) -> int:
        """The rank that a reset may lead to now, acknowledgements apart."""
        if self.state in (LOCKOUT, OVERRIDE) or not self.is_up or self.key or not self.ready:
            return 0
        if self.is_disk_failing or self.actual != self.rank:
            return 0
        trips = {name: response for name, response in self.site.responses.items() if response != "advise"}
        lacking = {name for name in trips if not self.is_off(name, now_ns)}
        data, record = self.is_fresh(now_ns), self.is_recorded(now_ns)
        is_other = self.is_file_wrong or self.is_out_of_enforce
        if not lacking and data and record and not is_other:
            return 2
        may_fall_back = (record or self.site.record_may_fall_back) and all(
            trips[n] == "fallback" for n in lacking
        )
        if self.healthy and may_fall_back:
            return 1
        if is_other:
            return 0
        # besides statistical causes a proving run may clear what the monitor says that it can't judge without records
        unjudged = {name for name in lacking if self.facts[name].is_told and not self.facts[name].on}
        return 1 if data and record and lacking <= self.site.statistical | unjudged else 0

    # ------------------------------------------------------------------ what must hold

    def forget_press(self) -> None:
        """Where a reset is written at once it counts in its own step or never."""
        self.press_least, self.is_press_on_disk, self.is_press_clear = -1, False, True

    def beat(self, now_ns: int, *, is_pressed: bool, is_down: bool) -> None:
        """A good beat ends; is_pressed: with a press that the PLC counted, is_down: with the button held down: least is
        that of all its time. Called before the guard hears of it."""
        if is_pressed:
            self.press_least, self.pressed_ns, self.is_press_on_disk = self.least, now_ns, False
            self.is_press_clear = self.is_clear
        if not is_down:
            self.least = -1

    def look(self, now_ns: int, by: str, *, word: int, state: int, proving: bool, run: int) -> None:
        """After each input. by: what it was."""
        rank = RANKS[word]
        self.is_locked = self.is_locked or (self.is_file_wrong and not self.is_in_window(now_ns))
        self._count_override(now_ns)
        if rank > self.rank:
            self._look_at_rise(now_ns, by, rank, state)
            self.press_least = -1
            self.seen = set()
            self.answered = set()
        if (proving and not self.proving) or run != self.run:
            self.began_ns, self.run = now_ns, run
        fell = rank < self.rank or (state == LOCKOUT != self.state and by != "restart")
        self._look_at_state(now_ns, rank, word, state, proving)
        self._look_at_facts(now_ns, rank, state)
        is_other = self.is_file_wrong or self.is_out_of_enforce
        claim(not (proving and is_other), "I1: a proving run of a model that isn't approved, or in enforce")
        wrong = self.plant.wrong(rank, state, is_proving=proving and self.proving)
        claim(not wrong, wrong)
        self.plant.looked(rank, state, is_changed=rank != self.rank, is_proving=proving and self.proving)
        self.rank, self.state, self.proving = rank, state, proving
        bad = self.is_bad(now_ns)
        # what came with it may have tripped; a condition waits by itself, a PLC that isn't ready tells its own alarms
        new = bad - self.bad
        if fell and new and "not ready" not in new and not new & self.facts.keys():
            self.waiting.add("|".join(sorted(new)))
        trip = new & self.facts.keys()
        if fell and rank == 0 and len(trip) == 1:
            self._count_trip(next(iter(trip)))
        self.bad, self.struck = bad - {self.struck}, ""
        allowed = self.allowed(now_ns)
        # what a beat found is what stands after the guard's answer to it
        self.is_clear = not self.waiting and (self.is_clear or self.least < 0)
        self.least = allowed if self.least < 0 else min(self.least, allowed)
        if self.press_least >= 0:
            self.press_least = min(self.press_least, allowed)
            self.is_press_clear = self.is_press_clear and not self.waiting
        if self.press_least <= 0 or now_ns - self.pressed_ns > PRESS_NS:
            self.forget_press()

    def _count_override(self, now_ns: int) -> None:
        """For how long a human has had the machine by the key; called before the state is noted."""
        plant, limit_ns = self.plant, self.site.limits.override_ns
        if self.state == OVERRIDE and limit_ns:
            plant.overridden_ns += now_ns - self.looked_ns
        if limit_ns and plant.overridden_ns > limit_ns:
            self.may_hold_with_key = True
        self.looked_ns = now_ns

    def _count_trip(self, name: str) -> None:
        """A cause that stops the machine again and again locks out."""
        if self.site.responses[name] == "hold" and name not in self.site.statistical:
            self.is_locked = self.plant.tripped(name) or self.is_locked

    def key_off(self) -> None:
        """The next time begins anew."""
        self.may_hold_with_key, self.plant.overridden_ns = False, 0

    def _look_at_rise(self, now_ns: int, by: str, rank: int, state: int) -> None:
        claim(not by.startswith("remote"), f"I4: rank {rank} by {by}")
        claim(not by.startswith(("off", "back", "acknowledge", "restart")), f"I5: rank {rank} by {by}")
        is_pressed = self.press_least >= 0 and now_ns - self.pressed_ns <= PRESS_NS
        claim(is_pressed, f"I2: rank {rank} by {by} without a press")
        claim(
            not self.waiting, f"I7: rank {rank} while nobody acknowledged {', '.join(sorted(self.waiting))}"
        )
        claim(self.is_press_clear, f"I7: rank {rank} by a press from before the acknowledgement")
        if rank == 2:
            # an advice is no trip: with it on, or not judged, the model runs on and people are told
            unjudged = [
                name
                for name in self.site.statistical
                if name in self.facts
                and self.site.responses[name] != "advise"
                and not self.is_off(name, now_ns)
            ]
            claim(not unjudged, f"I1: A while {', '.join(sorted(unjudged))} isn't judged off")
        claim(self.is_press_on_disk, f"I2: rank {rank} before the latch file holds the reset")
        claim(rank <= self.press_least, f"I2: rank {rank} in state {state}, {self.press_least} was allowed")

    def _look_at_state(self, now_ns: int, rank: int, word: int, state: int, proving: bool) -> None:
        for name, fact in self.facts.items():
            response = self.site.responses[name]
            if not fact.on or response == "advise":
                continue
            if response in ("hold", "lockout"):
                excused = proving and name in self.site.statistical and fact.on_run != self.run
                claim(rank == 0 or excused, f"I1: rank {rank} with {name} on")
            else:
                claim(rank < 2, f"I1: A with {name} on")
        if self.state == LOCKOUT and state != LOCKOUT:
            claim(self.is_unlocked and state == HOLD, f"I3: LOCKOUT became {state}")
            self.is_locked = False
            self.plant.unlocked()
        claim(not self.is_locked or state == LOCKOUT, f"I3: state {state} after a fact that locks out")
        claim((state == OVERRIDE) == (word == ABSTAIN), f"I6: {word:#06x} in state {state}")
        if state == FALLBACK:
            proven = proving and self.is_fresh(now_ns) and self.is_recorded(now_ns)
            claim(proven or (self.healthy and self.is_up), "I8: FALLBACK with nothing to fall back to")
        if self.key and self.is_up:
            fine = (START_UP, OVERRIDE, LOCKOUT, *((HOLD,) if self.may_hold_with_key else ()))
            claim(state in fine, f"I9: state {state} with the key on")

    def _look_at_facts(self, now_ns: int, rank: int, state: int) -> None:
        """Whatever the guard makes of them: with these nothing, or not the model, is permitted."""
        if rank == 0:
            return
        data = not self.data_ns or self.is_fresh(now_ns)
        record = not self.record_ns or self.is_recorded(now_ns)
        other = self.is_file_wrong or self.is_out_of_enforce
        claim(rank < 2 or not other, "I1: A for a model that isn't the approved one, or isn't in enforce")
        claim(self.site.enforces, f"I1: rank {rank} though a model isn't in enforce")
        claim(self.is_up and self.ready, f"I1: rank {rank} without a link, or with a PLC that isn't ready")
        claim(not self.is_disk_failing, f"I1: rank {rank} though the latch file can't be written")
        is_unwritten = self.plant.is_unwritten(now_ns)
        claim(not is_unwritten, f"I1: rank {rank} though a write of the latch file takes too long")
        claim(not self.struck, f"I1: rank {rank} after {self.struck}")
        claim(data or (rank == 1 and self.healthy and state == FALLBACK), f"I1: rank {rank} without data")
        claim(record or (rank == 1 and self.site.record_may_fall_back), f"I1: rank {rank} without record")


def claim(holds: bool, text: str) -> None:
    """Raise BrokenInvariantError unless it holds."""
    if not holds:
        raise BrokenInvariantError(text)
