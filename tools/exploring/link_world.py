"""The link's session against the PLC's rule over a line that loses, holds up and repeats; what is asked for is arbitrary.

One event is a beat with what the line does to it, or a turn of a switch: what is asked for, the button, the key. The
frames are real, with both CRCs. Constants of arming are scaled down on both sides, so that an arming takes a few beats.
J1 to J3 are held against a book of its own, and three rules of the agent: its word rises by a press only, withholds
after the hold time of silence, and no answer of an earlier request passes for one of now.
"""

# ruff: noqa: SLF001 - what a search must tell apart is what the program keeps for itself
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jidoka_bridge.link import session as sessions
from jidoka_bridge.link.arming import Ask
from jidoka_bridge.link.asides import HOUR_NS
from jidoka_bridge.plan import Link
from jidoka_bridge.plc import rule as rules
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.server import Registers, RequestParser
from jidoka_bridge.registers import A, B, C, Input, State, Word

from tools.exploring import snapshot
from tools.exploring.book import RANKS, claim
from tools.exploring.canonical import BASE_NS, Form, Rule, drop, truth
from tools.exploring.rule_world import Draw
from tools.exploring.seeding import Seed, name, together

MS = 1_000_000
BEAT_MS, SCAN_MS, HOLD_MS = 70, 35, 230
RISE_MS, OFFER_MS, ARM_BEATS, ARM_MS, SHORTEST_MS = 300, 230, 2, 70, 30
LINK = Link(port="/nowhere", beat_ms=BEAT_MS, hold_ms=HOLD_MS, lost_beats=1, scan_ms=10, function="23")
START_NS = 2 * BASE_NS
CAP_NS = 400 * MS

SCALED: Seed = together(
    name("plc.rule:RISE_MS", RISE_MS),
    name("plc.rule:OFFER_MS", OFFER_MS),
    name("plc.rule:PRESS_MS", range(SHORTEST_MS, 5_001)),
    name("plc.admission:ARM_FRAMES", ARM_BEATS),
    name("plc.admission:ARM_MS", ARM_MS),
    name("link.freshness:SURE_BEATS", 3),
    name("link.freshness:BEHIND_BEATS", 2),
    name("link.arming:ARM_BEATS", ARM_BEATS),
    name("link.arming:ARM_NS", ARM_MS * MS),
    name("link.arming:RISE_NS", RISE_MS * MS),
    name("link.asides:AGAIN_NS", 2 * BEAT_MS * MS),
    name("link.asides:TRIES", 2),
    name("link.asides:WAITS_NS", {**dict.fromkeys(("head", "approved", "C"), 2 * BEAT_MS * MS), "D": 0}),
    name("link.asides:PIECE_WORDS", C.words // 2),
)
ASKS: dict[str, Ask] = {
    "asks for nothing": Ask(Word.WITHHOLD, State.HOLD),
    "asks for arming": Ask(Word.WITHHOLD, State.HOLD, arm=True),
    "asks for the machine": Ask(Word.MACHINE, State.FALLBACK),
    "asks for machine and model": Ask(Word.MACHINE_AND_AI, State.RUN),
    "abstains": Ask(Word.ABSTAIN, State.OVERRIDE),
}
LOST, UNHEARD, HELD_UP, OLD, PRESS = "request lost", "reply lost", "request held up", "an old answer", "press"
#: it arrives, and once more before the next one
REPEATED = "request repeated"
#: numbers further apart than a PLC takes (8 of them, and what may still be on the way) are all the same to both ends
FAR = 12
LINES = ("", LOST, UNHEARD, HELD_UP, OLD, PRESS)
#: what is asked for, and what the line does to it; with `press` the button is pressed and let go within the beat
EVENTS: dict[str, tuple[str, str]] = {
    f"{asks}{', ' if line else ''}{line}": (asks, line) for asks in ASKS for line in LINES
}


@dataclass
class LinkBook:
    """Facts of line, button and outputs; times in ns."""

    delivered_ns: int = 0  # when the newest frame was sent that permits and arrived
    good_ns: int = 0
    agent: int = 0
    plc: int = 0
    sent_rank: int = 0
    arrived_rank: int = 0
    rank: int = 0

    def sent(self, now_ns: int, word: int) -> None:
        """The agent wrote a frame."""
        rank = RANKS[word]
        if rank > self.sent_rank:
            claim(self.agent > 0, f"J3: the agent writes rank {rank} without a press")
            self.agent -= 1
        if rank:
            silent = now_ns - self.good_ns > HOLD_MS * MS
            claim(not silent, f"J2: the agent writes rank {rank} after a silence longer than the hold time")
        self.sent_rank = rank

    def pressed(self, is_accepted: bool, *, is_over: bool) -> None:
        """Rises that accepted presses allow: two that come before the agent hears of the first are two to it."""
        if is_accepted:
            self.agent, self.plc = min(self.agent + 1, 2), 1
        if is_over:
            self.agent = self.plc = 0

    def scanned(self, now_ns: int, output: int) -> None:
        """After each scan."""
        rank = RANKS[output]
        if rank > self.rank:
            claim(self.plc > 0, f"J3: the output rises to {rank} without a press")
            self.plc -= 1
        claim(rank <= self.arrived_rank, f"J1: the output is {rank}, {self.arrived_rank} was written last")
        if rank:
            is_late = now_ns - self.delivered_ns > (HOLD_MS + 2 * SCAN_MS) * MS
            claim(not is_late, f"J2: the output is {rank} without a frame for the hold time and two scans")
        self.rank = rank


class LinkForm(Form):
    """world: whose numbers, ids and counters are seen as distances."""

    world: Any = None

    def plc(self, value: int | None, cap_ms: int = 400) -> Any:
        """A time of the PLC in ms as its age, what is to come as negative."""
        if value is None:
            return None
        return max(-cap_ms, min(self.world.now_ns // MS - value, cap_ms))


def _plc(cap_ms: int) -> Rule:
    return lambda _, value, form: form.plc(value, cap_ms)


def _counter(_: Any, value: Any, form: Any) -> Any:
    """A block's counter as its age in ticks."""
    return None if value is None else min((form.world.now_ns // MS // 10 - value.counter) & 0xFFFF, 40)


def _last(_: Any, value: Any, form: Any) -> Any:
    if value is None:
        return None
    return min((form.world.now_ns // MS // 10 - value[0]) & 0xFFFF, 40), form.age(value[1], CAP_NS)


def _id(_: Any, value: int, form: Any) -> Any:
    return value and (1 if value == form.world.rule.connection else 2)


def far(number: int) -> int:
    """A distance of consecutive numbers, cut off where no end tells it apart any more."""
    return min(number & 0xFFFF, FAR)


def _left(_: Any, value: int, form: Any) -> int:
    return max(0, value - form.now_ns) if value else 0


def _behind(world: Any, number: int) -> int:
    """How far the agent sees a number behind its next one: one, more, or not of this process."""
    distance = far(world.session._numbers._next - number)
    return min(distance, 2) if distance < FAR else distance


def _run(admission: Any, form: Any) -> int:
    """Frames of step 1 in a row that the next one may still belong to."""
    is_over = form.plc(admission._run_at_ms) > HOLD_MS - BEAT_MS
    return 0 if admission.connection or is_over else min(admission._run, ARM_BEATS)


def _run_age(cap_ms: int) -> Rule:
    return lambda admission, value, form: form.plc(value, cap_ms) if _run(admission, form) else None


def _last_number(admission: Any, value: int | None, form: Any) -> int | None:
    """How far it is behind the agent's next one. That end tells one behind from more, the PLC more than 8 from less.

    The PLC's session and its run of step 1 are over four beats after the last frame that it took, so that a distance of
    up to 4 never becomes more than 8; without either it takes any number. A number that isn't of this process is far.
    """
    if value is None:
        return None
    distance = far(form.world.session._numbers._next - value)
    is_near = distance <= 4 or not (admission.connection or _run(admission, form))
    return _behind(form.world, value) if is_near else distance


def _reply(value: bytes, form: Any) -> Any:
    """Of an answer that may come late: its kind, and number, counter and connection as distances."""
    if len(value) != 5 + 2 * B.words:
        return len(value)
    connection, echo, counter = (int.from_bytes(value[3 + at : 5 + at], "big") for at in (2, 4, 6))
    now = form.world.now_ns // MS // 10
    return (
        _behind(form.world, echo),
        min((now - counter) & 0xFFFF, 40),
        _id(None, connection, form),
    )


RULES: dict[str, dict[str, Rule]] = {
    "LinkWorld": {
        **dict.fromkeys(("form", "now_ns", "registers", "parser", "record"), drop),
        "keeps_old": drop,
        "old_reply": lambda world, value, form: _reply(value, form) if world.keeps_old else None,
        "held": lambda _, value, form: tuple((word, form.age(sent, CAP_NS)) for _, sent, word in value),
    },
    "LinkBook": {
        "delivered_ns": lambda book, value, form: form.age(value, CAP_NS) if book.arrived_rank else 0,
        "good_ns": lambda _, value, form: form.age(value, HOLD_MS * MS),
    },
    "Session": {
        **dict.fromkeys(("link", "asked_ns", "_foreign_until_ns", "counts", "_numbers", "_parts"), drop),
        # only told to people
        "_offer": drop,
        "block": _counter,
        "_exchange": lambda _, value, __: value.function,
        "_word": lambda _, value, __: RANKS[int(value)],
        "_misfits": lambda _, value, __: min(value, 3),
    },
    "Standing": {
        **dict.fromkeys(("_link", "history"), drop),
        # good beats count until it is up, and from the first lost one on they begin anew
        "good_run": lambda standing, value, __: 0 if standing.is_up else min(value, 3),
        "lost_run": lambda standing, value, __: min(value, standing._link.lost_beats),
        "last_sent_ns": lambda _, value, form: form.age(value, RISE_MS * MS),
        # a link that isn't up can't be over
        "_last_good_ns": lambda standing, value, form: (
            form.age(value, HOLD_MS * MS) if standing.is_up and value is not None else None
        ),
    },
    "EchoHabit": {
        "_current": lambda habit, value, __: min(value, 3) if habit._is_behind else 0,
        "_behind": lambda _, value, __: min(value, 2),
    },
    "Freshness": {"_slack_ns": drop, "_last": _last, "_seen": truth},
    "Asides": {
        # a block D that failed is written again at once here, however often; that it is refused is only told
        **dict.fromkeys(("record", "block_c", "_link", "_exchange", "_d_due_ns", "_is_refused"), drop),
        "_failures": lambda _, value, __: tuple(
            sorted((kind, count) for kind, count in value.items() if count and kind != "D")
        ),
        "_recorded_ns": lambda _, value, form: 0 < value <= form.now_ns - HOUR_NS,
        "_approved_due_ns": lambda _, value, form: min(_left(None, value, form), CAP_NS),
        "_c_due_ns": lambda _, value, form: min(_left(None, value, form), CAP_NS),
        "_words": lambda asides, value, form: len(value) if asides._c_due_ns <= form.now_ns else 0,
        "_head_due_ns": lambda asides, value, form: 0 if asides.fits else _left(None, value, form),
    },
    "Arming": {
        **dict.fromkeys(("presses", "unasked_presses", "_margin_ns"), drop),
        "connection_id": _id,
        "_rise_until_ns": _left,
        "_withheld_beats": lambda _, value, __: min(value, ARM_BEATS),
        "_withheld_since_ns": lambda _, value, form: None if value is None else form.age(value, ARM_MS * MS),
        "_reference": lambda _, value, form: None if value is None else (form.world.rule.accepted - value) & 0xFF,
        "_request_number": lambda _, value, __: value is not None,
    },
    "PlcRule": {
        **dict.fromkeys(
            ("actual", "accepted", "edges", "press_ms", "_relay_ms", "_inputs", "_may_arm", "_why", "_now_ms"), drop
        ),
        # only told to people: a press clears it, and neither end asks for it
        "fault": drop,
        "_rise_until_ms": _plc(RISE_MS),
        # a press lies within one beat, so that it never began before the request
        "_request_since_ms": lambda _, value, __: value is not None,
        "_request_at_ms": lambda rule, value, form: form.plc(value, 200) if rule._request_since_ms else 0,
        "_differs_since_ms": truth,
    },
    "Admission": {
        **dict.fromkeys(
            ("unit", "hold_limit_ms", "counts", "_draw", "_last_id", "_last_words", "_refused_since_good"), drop
        ),
        "last_number": _last_number,
        "connection": truth,
        "expiry_ms": lambda admission, value, form: form.plc(value, 200) if admission.connection else 0,
        "_run": lambda admission, _, form: _run(admission, form),
        "_run_since_ms": _run_age(ARM_MS),
        "_run_at_ms": _run_age(HOLD_MS),
    },
    "Button": {"_began_ms": _plc(300), "_changed_ms": _plc(100)},
}  # fmt: skip
snapshot.never_changes(LinkForm)


class LinkWorld:
    """See `tools.exploring.search.World`. keeps_old: answers may come late, in place of later ones."""

    def __init__(self, keeps_old: bool = False) -> None:
        self.keeps_old = keeps_old
        self.form = LinkForm(RULES, {}, CAP_NS)
        self.form.world = self

    def begin(self, root: str) -> None:
        self.now_ns = START_NS
        self.session = sessions.Session(LINK, 100)
        self.session._asides._c_due_ns = START_NS * 2  # block C comes due in the loop
        self.rule = rules.PlcRule(Draw(), hold_limit_ms=HOLD_MS, relay_ms=15)
        self.record = PlcRecord()
        self.registers = Registers(self._block_c)
        self.parser = RequestParser(LINK.unit)
        self.book = LinkBook()
        self.is_down = self.is_key_on = False
        self.held: list[tuple[bytes, int, int]] = []
        self.old_reply = b""
        for event in WAYS.get(root, ()):
            self.happen(event)

    @property
    def base_inputs(self) -> Input:
        """Of a PLC that nothing ails."""
        return Input.KEY_AUTO

    def _block_c(self) -> list[int]:
        return self.record.block(self.rule.admission, 0).encode(LINK.unit)

    def may(self, event: str) -> bool:
        if event in SWITCHES:
            return SWITCHES[event][0](self)
        return EVENTS[event][1] != OLD or bool(self.old_reply)

    def happen(self, event: str) -> None:
        if event in SWITCHES:
            SWITCHES[event][1](self)
        else:
            self._beat(*EVENTS[event])

    def _beat(self, asks: str, line: str) -> None:
        self.now_ns += BEAT_MS * MS
        now_ns, session = self.now_ns, self.session
        frame = session.request(now_ns, ASKS[asks])
        word = _word_in(frame)
        if word is not None:
            self.book.sent(now_ns, word)
        reply, is_answer = self._carry(frame, word or 0, line)
        beat = session.feed(now_ns + 30 * MS, reply) if reply else None
        if beat is None:
            session.timeout(now_ns + 42 * MS)
        elif beat.good and word is not None:
            claim(is_answer, "J2: an answer of an earlier request passes for one of now")
            self.book.good_ns = now_ns + 30 * MS
        if line == PRESS:
            for later_ms, self.is_down in ((5, True), (30, True), (40, False), (64, False)):
                self._scan(later_ms)
        else:
            self._scan(SCAN_MS)

    def _carry(self, frame: bytes, word: int, line: str) -> tuple[bytes, bool]:
        """What the line brings back, and whether that answers this frame."""
        arriving, self.held = self.held, []
        if frame and line in (HELD_UP, REPEATED):
            self.held = [(frame, self.now_ns, word)]
        if frame and line not in (HELD_UP, LOST):
            arriving.append((frame, self.now_ns, word))
        reply = b""
        for each, sent_ns, _ in arriving:
            reply = self._arrive(each, sent_ns)
        if not arriving:
            self._scan()
        is_own = bool(arriving) and arriving[-1][0] == frame
        if line == OLD:
            return self.old_reply, False
        self.old_reply = reply or self.old_reply
        return (reply, True) if is_own and line != UNHEARD else (b"", False)

    def _arrive(self, frame: bytes, sent_ns: int) -> bytes:
        """A frame reaches the PLC; its program runs, then it answers."""
        reply = b""
        for request in self.parser.feed(frame):
            exception = self.registers.write(request)
            word = _word_in(frame)
            if word is not None:
                self.book.arrived_rank = RANKS[word]
                if RANKS[word]:
                    self.book.delivered_ns = max(self.book.delivered_ns, sent_ns)
            self._scan()
            reply = self.registers.reply(request, exception)
        return reply

    def _scan(self, later_ms: int = 0) -> None:
        inputs = self.base_inputs | (Input.OVERRIDE_KEY if self.is_key_on else Input(0))
        if self.is_down:
            inputs |= Input.RESET_BUTTON
        now_ms = self.now_ns // MS + later_ms
        scan = self.rule.scan(now_ms, self.registers.block("A"), inputs)
        self.book.pressed(scan.is_accepted, is_over=not self.rule.connection)
        self.registers.set("B", self.rule.block().encode(LINK.unit))
        self.book.scanned(self.now_ns + later_ms * MS, int(self.rule.output))

    def key(self) -> bytes:
        return self.form.key(self, self.now_ns)

    @property
    def marks(self) -> int:
        return int(RANKS[int(self.rule.output)] > 0)

    def told_state(self) -> str:
        session = self.session
        return (
            f"agent {session.phase.name}, link {'up' if session.is_up else 'down'};"
            f" PLC {self.rule.state.name}, output {self.rule.output.name}"
        )


def _word_in(frame: bytes) -> int | None:
    """The permissive word in a frame with block A, None for another one."""
    if len(frame) != 13 + 2 * A.words:
        return None
    return int.from_bytes(frame[11 + 10 : 11 + 12], "big")


def _turn(attribute: str, value: bool) -> tuple[Callable[[LinkWorld], bool], Callable[[LinkWorld], None]]:
    return (
        lambda world: getattr(world, attribute) is not value,
        lambda world: setattr(world, attribute, value),
    )


SWITCHES: dict[str, tuple[Callable[[LinkWorld], bool], Callable[[LinkWorld], None]]] = {
    "key on": _turn("is_key_on", True),
    "key off": _turn("is_key_on", False),
}
ARM, MODEL = "asks for arming", "asks for machine and model"
PRESSED = (*(ARM,) * 18, f"{ARM}, {PRESS}", ARM)
WAYS = {"pressed": PRESSED, "given": (*PRESSED, MODEL, MODEL)}
