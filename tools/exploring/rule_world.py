"""The PLC's rule under an agent that sends anything at all with a right CRC, a button, a key, and a relay.

The constants of the rule (20 frames and 1 s to an offer, 2 s of a rise, 1 s of a request, 5 s of a press) are scaled
down so that they differ in order as in reality and are over after two or three scans. One event is a frame and the
scan that finds it, a scan without a frame, or a turn of a switch. Invariants J1 to J3 are held against a book of its
own: what was sent, what the inputs were, what the output is.
"""

# ruff: noqa: SLF001 - what a search must tell apart is what the program keeps for itself
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from jidoka_bridge.link.blocks import BlockA
from jidoka_bridge.plc import rule as rules
from jidoka_bridge.registers import Input, Phase, State, Word

from tools.exploring import snapshot
from tools.exploring.book import RANKS, claim
from tools.exploring.canonical import BASE_NS, Form, Rule, drop, truth
from tools.exploring.seeding import Seed, name, together

#: ms of PLC time; what is below is scaled to it
SCAN_MS = 60
HOLD_MS, RISE_MS, OFFER_MS, ARM_FRAMES, ARM_MS, SHORTEST_MS, LONGEST_MS = 130, 130, 130, 2, 60, 100, 250
CAP_MS = 600
START_MS = 2 * BASE_NS

SCALED: Seed = together(
    name("plc.rule:RISE_MS", RISE_MS),
    name("plc.rule:OFFER_MS", OFFER_MS),
    name("plc.rule:PRESS_MS", range(SHORTEST_MS, LONGEST_MS + 1)),
    name("plc.rule:STUCK_MS", LONGEST_MS),
    name("plc.admission:ARM_FRAMES", ARM_FRAMES),
    name("plc.admission:ARM_MS", ARM_MS),
)


class Frame(NamedTuple):
    """What an agent may send. connection: own, none or other; step: of the number; late_ms: of the stamp."""

    word: Word = Word.WITHHOLD
    phase: Phase = Phase.IDLE
    connection: str = "own"
    step: int = 1
    late_ms: int = 0
    hold_ms: int = HOLD_MS


W, M, A, ABSTAIN = Word.WITHHOLD, Word.MACHINE, Word.MACHINE_AND_AI, Word.ABSTAIN
ARM, ARMED = Phase.ARM_REQUEST, Phase.ARMED
FRAMES: dict[str, Frame] = {
    "frame: first step": Frame(connection="none"),
    "frame: first step with a word": Frame(A, ARMED, "none"),
    "frame: arm-request": Frame(W, ARM),
    "frame: withhold, armed": Frame(W, ARMED),
    "frame: machine": Frame(M, ARMED),
    "frame: machine, arm-request": Frame(M, ARM),
    "frame: machine and model": Frame(A, ARMED),
    "frame: withdraw": Frame(W, Phase.WITHDRAW),
    "frame: machine, but withdraw": Frame(M, Phase.WITHDRAW),
    "frame: abstain": Frame(ABSTAIN, Phase.IDLE),
    "frame: machine and model, held up": Frame(A, ARMED, late_ms=120),
    "frame: machine, held up for long": Frame(M, ARMED, late_ms=300),
    "frame: arm-request, held up": Frame(W, ARM, late_ms=120),
    "frame: machine, of the future": Frame(M, ARMED, late_ms=-100),
    "frame: machine, for very long": Frame(M, ARMED, hold_ms=2550),
    "frame: machine, for no time": Frame(M, ARMED, hold_ms=0),
    "frame: machine and model, other connection": Frame(A, ARMED, "other"),
    "frame: arm-request, other connection": Frame(W, ARM, "other"),
    "frame: machine, number too far": Frame(M, ARMED, step=9),
    "frame: machine, number from before": Frame(M, ARMED, step=-1),
}


class Draw:
    """Connection ids, one after the other."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> int:
        self.last = self.last % 3 + 1
        return self.last


@dataclass
class RuleBook:
    """What was sent and what the inputs were, by which the output is judged. Times are ms of the PLC."""

    expiry_ms: int = 0
    last: int | None = None
    down_ms: int = 0
    since_ms: int = 0
    is_down: bool = False
    is_heard: bool = False
    asked_ms: int = 0
    renewed_ms: int = 0
    open_until_ms: int = 0
    rank: int = 0

    def frame(self, now_ms: int, frame: Frame, number: int, connection: int, shown: int) -> bool:
        """Note a frame that must count: of the session that the PLC shows, next in order, of the past."""
        step = (number - self.last) & 0xFFFF if self.last is not None else 99
        is_own = connection == shown != 0 and 1 <= step <= 8 and frame.late_ms >= 0
        self.is_heard = self.is_heard or is_own
        if is_own or (connection == 0 and not self.is_heard):
            self.last = number
        if not is_own:
            return False
        sent_ms = now_ms - now_ms % 10 - frame.late_ms
        self.expiry_ms = max(self.expiry_ms, sent_ms + min(frame.hold_ms, HOLD_MS))
        if frame.phase is ARM:
            if not self.asked_ms or now_ms - self.renewed_ms > OFFER_MS:
                self.asked_ms = now_ms
            self.renewed_ms = now_ms
        return True

    def button(self, now_ms: int, level: bool) -> None:
        """Each scan: a press counts if it was of a right length and lay wholly within requests that were renewed."""
        if self.asked_ms and now_ms - self.renewed_ms > OFFER_MS:
            self.asked_ms = 0
        if level == self.is_down:
            self.since_ms = 0
        elif not self.since_ms:
            self.since_ms = now_ms
        else:  # the second scan in a row: no bounce
            edge_ms, self.since_ms, self.is_down = self.since_ms, 0, level
            fits = SHORTEST_MS <= edge_ms - self.down_ms <= LONGEST_MS
            if level:
                self.down_ms = edge_ms
            elif fits and self.asked_ms and self.down_ms >= self.asked_ms:
                self.open_until_ms = now_ms + RISE_MS

    def look(
        self, now_ms: int, output: int, *, shown: int, frame: Frame | None, is_valid: bool, is_auto: bool
    ) -> None:
        """After each scan. shown: connection id that the PLC shows, 0 = the session is over."""
        rank = RANKS[output]
        if rank > self.rank:
            claim(
                bool(self.open_until_ms) and now_ms <= self.open_until_ms, f"J3: rank {rank} without a press"
            )
            claim(is_valid, f"J3: rank {rank} by a frame that isn't of this session")
            self.open_until_ms = 0
        if rank and frame and is_valid:
            claim(rank <= RANKS[int(frame.word)], f"J1: rank {rank}, {frame.word.name} was written")
            claim(frame.phase not in (Phase.WITHDRAW, Phase.LATCH), f"J1: rank {rank} after a withdrawal")
        if rank:
            claim(now_ms <= self.expiry_ms + SCAN_MS, f"J2: rank {rank} after the hold time of every frame")
            claim(is_auto, f"J1: rank {rank} with the key on")
        if rank < self.rank or not shown:
            self.open_until_ms = 0
        if not shown:
            self.asked_ms = self.expiry_ms = 0
            self.is_heard = False
        self.rank = rank


def _age(_: Any, value: int | None, form: Form) -> Any:
    """Of a press and of requests: whatever is longer ago than the longest press decides the same."""
    return None if value is None else form.age(value, LONGEST_MS + SCAN_MS)


def _run_age(admission: Any, value: int, form: Form) -> Any:
    """Frames of step 1 count before there is a connection only."""
    return None if admission.connection or not admission._run else form.age(value, HOLD_MS)


def _open(_: Any, value: int, form: Any) -> int:
    """A time of the future: what is left of it."""
    return max(0, value - form.now_ns) if value else 0


RULES: dict[str, dict[str, Rule]] = {
    "RuleWorld": dict.fromkeys(("form", "now_ms", "scan", "words"), drop),
    "RuleBook": {
        "last": lambda _, value, form: None if value is None else (value - form.number) & 0xFFFF,
        "open_until_ms": _open,
        "expiry_ms": _open,
        "since_ms": truth,
        "down_ms": lambda book, value, form: form.age(value, LONGEST_MS + SCAN_MS) if book.is_down else 0,
        "renewed_ms": lambda book, value, form: form.age(value, CAP_MS) if book.asked_ms else 0,
        "asked_ms": _age,
    },
    "PlcRule": {
        **dict.fromkeys(
            (
                "actual",
                "accepted",
                "edges",
                "press_ms",
                "_relay_ms",
                "_inputs",
                "_may_arm",
                "_why",
                "_now_ms",
            ),
            drop,
        ),
        "_request_since_ms": _age,
        "_rise_until_ms": lambda _, value, form: None if value is None else max(-1, value - form.now_ns),
        "fault": truth,
        "_request_at_ms": lambda rule, value, form: form.age(value, CAP_MS) if rule._request_since_ms else 0,
    },
    "Admission": {
        **dict.fromkeys(
            ("unit", "hold_limit_ms", "counts", "_draw", "_last_id", "_last_words", "_refused_since_good"),
            drop,
        ),
        "last_number": truth,
        "connection": truth,
        "expiry_ms": lambda admission, value, form: _open(None, value, form) if admission.connection else 0,
        "_run": lambda admission, value, __: 0 if admission.connection else min(value, ARM_FRAMES),
        "_run_since_ms": _run_age,
        "_run_at_ms": _run_age,
    },
    "Button": {"_began_ms": _age, "_changed_ms": _age},
    "Draw": {"last": drop},
}


class RuleForm(Form):
    """number: the last one that the PLC took; others are seen as their distance to it."""

    number = 0


snapshot.never_changes(RuleForm)


class RuleWorld:
    """See `tools.exploring.search.World`. Events: `FRAMES` and `SWITCHES`."""

    def __init__(self) -> None:
        self.form = RuleForm(RULES, {}, CAP_MS)

    def begin(self, root: str) -> None:
        self.now_ms = START_MS
        self.rule = rules.PlcRule(Draw(), hold_limit_ms=HOLD_MS, relay_ms=35)
        self.book = RuleBook()
        self.is_down = self.is_key_on = False
        self.words: list[int] | None = None
        for event in WAYS.get(root, ()):
            self.happen(event)

    def may(self, event: str) -> bool:
        return event not in SWITCHES or SWITCHES[event][0](self)

    def happen(self, event: str) -> None:
        if event in SWITCHES:
            SWITCHES[event][1](self)
            return
        self.now_ms += SCAN_MS
        frame = FRAMES.get(event)
        is_valid = False
        if frame is not None:
            shown = self.rule.connection
            connection = {"own": shown, "none": 0, "other": shown % 3 + 1}[frame.connection]
            number = ((self.rule.admission.last_number or 0) + frame.step) & 0xFFFF
            stamp = (self.now_ms - frame.late_ms) // 10 & 0xFFFF
            block = BlockA(frame.hold_ms, connection, number, stamp, State.RUN, frame.phase, 0, frame.word)
            self.words = block.encode(1)
            is_valid = self.book.frame(self.now_ms, frame, number, connection, shown)
        inputs = Input.KEY_AUTO | Input.OVERRIDE_KEY if self.is_key_on else Input.KEY_AUTO
        if self.is_down:
            inputs |= Input.RESET_BUTTON
        self.rule.scan(self.now_ms, self.words, inputs)
        self.book.button(self.now_ms, self.is_down)
        shown = self.rule.connection
        self.book.look(
            self.now_ms,
            int(self.rule.output),
            shown=shown,
            frame=frame,
            is_valid=is_valid,
            is_auto=not self.is_key_on,
        )

    def key(self) -> bytes:
        self.form.number = self.rule.admission.last_number or 0
        return self.form.key(self, self.now_ms)

    @property
    def marks(self) -> int:
        return int(RANKS[int(self.rule.output)] > 0)

    def told_state(self) -> str:
        return f"PLC {self.rule.state.name}, output {self.rule.output.name}"


def _key(is_on: bool) -> Callable[[RuleWorld], None]:
    return lambda world: setattr(world, "is_key_on", is_on)


def _down(is_down: bool) -> Callable[[RuleWorld], None]:
    return lambda world: setattr(world, "is_down", is_down)


SWITCHES: dict[str, tuple[Callable[[RuleWorld], bool], Callable[[RuleWorld], None]]] = {
    "button down": (lambda world: not world.is_down, _down(True)),
    "button up": (lambda world: world.is_down, _down(False)),
    "key on": (lambda world: not world.is_key_on, _key(True)),
    "key off": (lambda world: world.is_key_on, _key(False)),
}
REQUEST = "frame: arm-request"
WAYS = {
    "pressed": (
        "scan", *("frame: first step",) * 3, REQUEST, "button down", *(REQUEST,) * 3, "button up", *(REQUEST,) * 2,
    ),
}  # fmt: skip
