"""Guard, session and PLC in one loop: what a person, a cause and the line do, to the PLC's output and back.

The guard's core asks, the session sends real frames, the PLC's server and rule answer, and what they show goes back into
the core. One event is a beat with what the line does to it, a press of the button within a beat, a word of the monitor, an
act of a person, or the death or pause of the guard's process. Everything is held against what was done from outside:
presses of the button, the cause, acknowledgements, and what the guard asked for; nothing is read from inside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jidoka_bridge.guard import core
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.link_view import READY, LinkView, view_of
from jidoka_bridge.guard.remembered import NEW
from jidoka_bridge.link import session as sessions
from jidoka_bridge.link.asides import HOUR_NS
from jidoka_bridge.messages import Condition, Judgement, Kind, Lease
from jidoka_bridge.plan import Plan
from jidoka_bridge.plc import rule as rules
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import Input, Phase

from tools.exploring import link_world
from tools.exploring.book import RANKS, claim
from tools.exploring.link_world import (
    BEAT_MS,
    HELD_UP,
    HOLD_MS,
    LINK,
    LOST,
    MS,
    OFFER_MS,
    PRESS,
    REPEATED,
    SCAN_MS,
    START_NS,
    UNHEARD,
    LinkBook,
    LinkWorld,
)
from tools.exploring.loop_form import RISE_NS, RULES, LoopForm
from tools.exploring.plans import INVALID, NEVER_S, plan
from tools.exploring.rule_world import Draw
from tools.exploring.seeding import Seed, name, together

BOOT = b"b" * 16
PERSON = {"request": "1", "person": "p1", "role": "operator"}
#: when within a beat other things happen than the line's
BETWEEN_NS = 55 * MS
#: when within a beat its answer has come
ANSWERED_NS = 30 * MS
#: a button that is pressed ten times in two seconds bounces; beats are scaled so that people may press in each
SCALED: Seed = together(link_world.SCALED, name("guard.button:WITHIN_NS", -1))
LOOP_PLANS: dict[str, Plan] = {
    response: plan(
        {INVALID: response},
        link=LINK,
        fallback="program 7" if response == "fallback" else None,
        times={"no_data_ms": NEVER_S * 1_000, "no_record_ms": NEVER_S * 1_000},
    )
    for response in ("hold", "fallback")
}


@dataclass
class LoopBook(LinkBook):
    """Facts from outside. left: rank that the cause leaves; granted_ns: when the guard last asked for M, and for M and A;
    press_ns: of the last press.

    may_ask, may_rise: nobody has used the press yet, the guard and the PLC; is_waiting: somebody must acknowledge.
    """

    left: int = 0
    granted_ns: list[int] = field(default_factory=lambda: [0, 0, 0])
    press_ns: int = 0
    may_ask: bool = False
    may_rise: bool = False
    is_on: bool = False
    is_waiting: bool = False
    asked: int = 0
    output: int = 0
    is_other: bool = (
        False  # the PLC still holds the session of a process that died: its frames aren't this one's
    )

    def button(self, now_ns: int) -> None:
        """Somebody pressed and released it, whatever it is worth."""
        self.press_ns, self.may_ask, self.may_rise = now_ns, True, True

    def look(self, now_ns: int, rank: int) -> None:
        """What the guard asks for, after each input."""
        if rank > self.asked:
            is_pressed = self.may_ask and now_ns - self.press_ns <= RISE_NS
            claim(is_pressed, f"I2: the guard asks for rank {rank} without a press")
            is_free = rank <= self.left or not self.is_waiting
            claim(is_free, f"I7: the guard asks for rank {rank} before somebody acknowledged")
            self.may_ask = False
        claim(
            not self.is_on or rank <= self.left,
            f"I1: the guard asks for rank {rank} while the cause is there",
        )
        if rank < self.asked:
            self.is_waiting = True
        self.asked = rank

    def nothing_on_the_way(self) -> None:
        """No frame is under way: an output that is off rises only to what is asked for from now on."""
        for each in range(max(self.asked, self.output) + 1, 3):
            self.granted_ns[each] = 0

    def asks(self, now_ns: int) -> None:
        """What stands at the end of a beat's exchange; what is asked between beats reaches no frame."""
        for each in range(1, self.asked + 1):
            self.granted_ns[each] = now_ns

    def scanned(self, now_ns: int, output: int) -> None:
        """After each scan of the PLC: what the link's book says, and the output against the guard and the button."""
        rank = RANKS[output]
        if rank > self.output:
            is_pressed = self.may_rise and now_ns - self.press_ns <= RISE_NS
            claim(is_pressed, f"J3: the output rises to {rank} without a press of the button")
            self.may_rise = False
        if rank:
            passed_ns = now_ns - self.granted_ns[rank]
            is_late = passed_ns > (HOLD_MS + 2 * SCAN_MS) * MS
            claim(not is_late, f"J1: the output is {rank}, for longer than W more than the guard asks for")
        self.output = rank
        if self.is_other:
            self.arrived_rank = max(self.arrived_rank, rank)
        super().scanned(now_ns, output)


class LoopWorld(LinkWorld):
    """See `tools.exploring.search.World`. Events: `EVENTS`."""

    book: LoopBook
    form: Any

    def __init__(self, events: Sequence[str] = (), response: str = "hold") -> None:
        self.keeps_old = False
        self.response = response
        self.form = LoopForm(LOOP_PLANS[response], RULES)
        self.form.world = self
        self.form.is_restarted = "guard starts" in events

    def begin(self, root: str) -> None:
        self.now_ns = START_NS
        self.rule = rules.PlcRule(Draw(), hold_limit_ms=HOLD_MS, relay_ms=15)
        self.record = PlcRecord()
        self.registers = Registers(self._block_c)
        self.parser = RequestParser(LINK.unit)
        self.book = LoopBook(left=int(self.response == "fallback"))
        self.is_down = self.is_key_on = False
        self.held = []
        self.old_reply = b""
        self.durable: dict[str, Any] = dict(NEW)
        self.restarts = 0
        self.is_dead = False
        self.paused_ns = 0
        self._start()
        for event in WAYS.get(root, ()):
            self.happen(event)

    @property
    def base_inputs(self) -> Input:
        return READY

    def _start(self) -> None:
        """A new process: a new session, and what the latch file holds."""
        now_ns = self.now_ns + BETWEEN_NS
        self.session = sessions.Session(LINK, 100 + 1_000 * self.restarts)
        self.session._asides._c_due_ns = START_NS * 2  # noqa: SLF001 - it comes due by an event
        self.guard = core.Guard(LOOP_PLANS[self.response], Latch(1, BOOT, self.durable), "", [], now_ns)
        self.submitted = self.guard.latch_written
        self.view = LinkView()
        self.told: dict[str, tuple[bool, int, int]] = {}
        self.restarts += 1
        self.guard.lease(now_ns, Lease(0, now_ns, now_ns, 1, 0))
        self.guard.recorded(now_ns, self.guard.recorder.ring.last_number)
        self._say(now_ns)
        self._look(now_ns)

    # ------------------------------------------------------------------ events

    def may(self, event: str) -> bool:
        may = EVENTS[event][0]
        return may is None or may(self)

    def happen(self, event: str) -> None:
        EVENTS[event][1](self)

    def beat(self, line: str = "") -> None:
        """70 ms: the guard's frame and its answer, scans of the PLC, and the button if somebody presses it."""
        self.now_ns += BEAT_MS * MS
        if self.is_dead or self.paused_ns:
            self._carry(b"", 0, "")
        else:
            self._exchange(line)
        if line == PRESS:
            for later_ms, self.is_down in ((5, True), (30, True), (40, False), (64, False)):
                if later_ms == 64:
                    self.book.button(self.now_ns + later_ms * MS)
                self._scan(later_ms)
        else:
            self._scan(SCAN_MS)
        if not self.held:
            self.book.nothing_on_the_way()

    def _exchange(self, line: str) -> None:
        now_ns, session, guard = self.now_ns, self.session, self.guard
        ask = guard.ask()
        frame = session.request(now_ns, ask)
        word = link_world._word_in(frame)  # noqa: SLF001 - of the same program
        if word is not None:
            claim(
                RANKS[word] <= self.book.asked,
                f"J1: {word:#06x} is sent, rank {self.book.asked} is asked for",
            )
        if frame:
            guard.sent(now_ns, ask.word)
        reply, is_answer = self._carry(frame, word or 0, line)
        ended_ns = now_ns + ANSWERED_NS
        beat = session.feed(ended_ns, reply) if reply else None
        if beat is None:
            ended_ns = now_ns + 42 * MS
            beat = session.timeout(ended_ns)
        elif beat.good and word is not None:
            claim(is_answer, "J2: an answer of an earlier request passes for one of now")
        self.view = view_of(session, beat, self.view)
        guard.beat(ended_ns, self.view)
        self._look(ended_ns)
        self.book.asks(now_ns + ANSWERED_NS)

    def _scan(self, later_ms: int = 0) -> None:
        self.book.is_other = self.rule.connection != self.session.connection_id
        super()._scan(later_ms)

    def _look(self, now_ns: int) -> None:
        """Read what the guard tells and asks, and write its latch file at once."""
        guard = self.guard
        self.book.look(now_ns, RANKS[int(guard.ask().word)])
        if guard.latch_number > self.submitted:
            self.submitted = guard.latch_number
            self.durable = guard.latch(BOOT).content
            guard.written(now_ns, self.submitted, "")
            self.book.look(now_ns, RANKS[int(guard.ask().word)])
        for out in guard.take_outbox():
            if out.kind is Kind.CAUSE:
                self.told[out.body["id"]] = (
                    out.body["latched"],
                    out.body["revision"],
                    out.body["acknowledged_revision"],
                )
        ring = guard.recorder.ring
        ring.recorded(ring.last_number)

    def _say(self, now_ns: int) -> None:
        judgement = Judgement.ON if self.book.is_on else Judgement.OFF
        self.guard.condition(now_ns, Condition(0, judgement, 1, judged_ns=now_ns - 1, judged_n=3, run=0))

    def say(self, is_on: bool) -> None:
        """The monitor judges the condition anew."""
        self.book.is_on = is_on
        self.book.is_waiting = self.book.is_waiting or is_on
        if not self.is_dead:
            now_ns = self.now_ns + BETWEEN_NS
            self._say(now_ns)
            self._look(now_ns)

    def acknowledge(self) -> None:
        """All that waits, by an operator at the machine."""
        now_ns = self.now_ns + BETWEEN_NS
        for cause, (latched, revision, seen) in list(self.told.items()):
            if latched and revision != seen:
                body = {**PERSON, "cause": cause, "revision": revision, "reason": "cause removed"}
                self.guard.act(now_ns, Kind.ACKNOWLEDGE, body)
        self.book.is_waiting = False
        self._look(now_ns)

    def die(self) -> None:
        """SIGKILL. The PLC hears nothing any more."""
        self.is_dead, self.paused_ns = True, 0
        self.book.asked = 0

    def live(self) -> None:
        """A new process; the PLC's session is that of the old one."""
        self.is_dead = False
        self.book.is_waiting = True
        self._start()

    def pause(self, beats: int, pressed: int = 0) -> None:
        """SIGSTOP, or a computer that is much too slow; at one of the beats somebody presses the button.

        The first turn afterwards looks at the clock before anything else.
        """
        self.paused_ns = self.now_ns + BETWEEN_NS
        for number in range(1, beats + 1):
            self.beat(PRESS if number == pressed else "")
        now_ns = self.now_ns + BETWEEN_NS
        gap_ns, self.paused_ns = now_ns - self.paused_ns, 0
        if gap_ns > HOLD_MS * MS:
            self.guard.gap(now_ns, gap_ns)
        self._say(now_ns)
        self._look(now_ns)

    @property
    def is_hour_over(self) -> bool:
        """What goes over the line once an hour is due."""
        return self.session._asides._c_due_ns <= self.now_ns  # noqa: SLF001

    def let_an_hour_pass(self) -> None:
        """Good beats all the while; then blocks C and D are due."""
        asides = self.session._asides  # noqa: SLF001
        asides._c_due_ns = asides._approved_due_ns = self.now_ns  # noqa: SLF001
        asides._recorded_ns = min(asides._recorded_ns, self.now_ns - HOUR_NS)  # noqa: SLF001

    # ------------------------------------------------------------------ for the search

    def key(self) -> bytes:
        form = self.form
        form.guard, form.submitted = self.guard, self.submitted
        return form.key(self, self.now_ns)  # type: ignore[no-any-return]

    @property
    def marks(self) -> int:
        """Bit 0: the PLC permits machine and model."""
        return int(RANKS[int(self.rule.output)] == 2)

    def told_state(self) -> str:
        guard = "dead" if self.is_dead else self.guard.ask().state.name
        return f"guard {guard}, {super().told_state()}"


Happen = tuple[Callable[[LoopWorld], bool] | None, Callable[[LoopWorld], None]]


def _beat(line: str) -> Callable[[LoopWorld], None]:
    return lambda world: world.beat(line)


def _is_running(world: LoopWorld) -> bool:
    return not world.is_dead


def _is_rested(world: LoopWorld) -> bool:
    """The last press is over for everybody; presses that follow sooner are explored with the link's session."""
    book = world.book
    return not (book.may_ask or book.may_rise) or world.now_ns - book.press_ns > RISE_NS


def _is_asked(world: LoopWorld) -> bool:
    return _is_rested(world) and world.session.phase is Phase.ARM_REQUEST


def _pause(beats: int, pressed: int = 0) -> Happen:
    return (_is_asked if pressed else _is_running), lambda world: world.pause(beats, pressed)


#: the longest time that either end asks for: of an output that reads more than is written
LONGEST_MS = 587
#: how long the process is paused, in beats: until each time is over, after which a longer pause is as the longest
PAUSES = range(1, LONGEST_MS // BEAT_MS + 2)
#: beats of a pause at which the button is pressed: for as long as the PLC keeps the request
PRESSED_AT = range(1, OFFER_MS // BEAT_MS + 1)

EVENTS: dict[str, Happen] = {
    "beat": (None, _beat("")),
    "press": (_is_rested, _beat(PRESS)),
    "press when asked": (
        _is_asked,
        _beat(PRESS),
    ),
    **{f"beat, {line}": (_is_running, _beat(line)) for line in (LOST, UNHEARD, HELD_UP, REPEATED)},
    "invalid on": (lambda world: not world.book.is_on, lambda world: world.say(True)),
    "invalid off": (lambda world: world.book.is_on, lambda world: world.say(False)),
    "acknowledge": (_is_running, lambda world: world.acknowledge()),
    "guard dies": (lambda world: not world.is_dead, lambda world: world.die()),
    "guard starts": (lambda world: world.is_dead, lambda world: world.live()),
    **{f"guard pauses, {beats}": _pause(beats) for beats in PAUSES},
    **{
        f"guard pauses, {beats}, press at {at}": _pause(beats, at)
        for beats in PAUSES
        for at in PRESSED_AT
        if at <= beats
    },
    "an hour passes": (lambda world: not world.is_hour_over, lambda world: world.let_an_hour_pass()),
    "key on": (lambda world: not world.is_key_on, lambda world: setattr(world, "is_key_on", True)),
    "key off": (lambda world: world.is_key_on, lambda world: setattr(world, "is_key_on", False)),
}
PRESSED = (*("beat",) * 18, "press")
GIVEN = (*PRESSED, *("beat",) * 4)
WAYS = {
    "given": GIVEN,
    "an hour fallen back": (*GIVEN, "invalid on", *("beat",) * 4, "an hour passes", "invalid off"),
}
MENDING = frozenset(
    {
        "beat",
        "press",
        "press when asked",
        "invalid off",
        "acknowledge",
        "guard starts",
        "key off",
    }
)
