"""The small parts of a session at their edges: each figure of INTERLOCK §2 holds to the beat, the tick and the nanosecond."""

from __future__ import annotations

import dataclasses

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link import skew
from jidoka_bridge.link.arming import Arming, Ask
from jidoka_bridge.link.asides import Asides
from jidoka_bridge.link.blocks import BlockB, BlockC, BlockD
from jidoka_bridge.link.exchange import Exchange, Sent
from jidoka_bridge.link.frames import Found, Outcome
from jidoka_bridge.link.freshness import EchoHabit, Freshness
from jidoka_bridge.link.numbers import Numbers
from jidoka_bridge.link.part_count import PartCount
from jidoka_bridge.link.standing import Standing
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import MAP_DIGEST, Fault, Input, Phase, PlcState, State, Word

MS, S = 1_000_000, 1_000_000_000
HOUR = 3_600 * S
LINK = Link("null")
REQUEST = Ask(Word.WITHHOLD, State.HOLD, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)


def block(connection: int = 7, echo: int = 0, accepted: int = 0) -> BlockB:
    return BlockB(connection, echo, 0, Word.WITHHOLD, PlcState.IDLE, Fault.NONE, Input(0), accepted=accepted)


# ---------------------------------------------------------------- is a reply of now?


def test_a_counter_may_lag_by_a_twentieth_two_ticks_and_a_scan_and_by_no_nanosecond_more() -> None:
    for sent_ns, why in ((42_105_263, ""), (42_105_264, "stale"), (0, "")):
        fresh = Freshness(scan_ms=10)
        fresh.accept(100, 0)
        assert fresh.judge(101, sent_ns) == why
    slower = Freshness(scan_ms=20)
    slower.accept(100, 0)
    assert slower.judge(101, 42_105_264) == ""


def test_a_counter_orders_replies_across_its_wrap_and_one_that_stands_still_or_goes_back_is_old() -> None:
    for last, counter, why in (
        (65_535, 0, ""), (0, 0x7FFF, ""), (0, 0x8000, "stale"), (5, 4, "stale"), (65_535, 65_534, "stale"),
    ):  # fmt: skip
        fresh = Freshness(10)
        fresh.accept(last, S)
        assert fresh.judge(counter, S) == why
    fresh = Freshness(10)
    assert [fresh.judge(9, 0), fresh.judge(9, 0), fresh.judge(8, 0)] == ["", "counter stands still", ""]
    fresh.accept(8, 0)
    assert [fresh.judge(7, 0), fresh.judge(7, 0)] == ["stale", "counter stands still"]
    fresh.forget()
    assert [fresh.judge(7, 0), fresh.judge(3, 99 * S)] == ["counter stands still", ""]


def behind() -> EchoHabit:
    habit = EchoHabit()
    assert [habit.allows(1) for _ in range(12)] == [False] * 11 + [True]
    return habit


def test_twelve_beats_in_a_row_make_a_plc_one_that_is_behind_and_twenty_current_ones_undo_it() -> None:
    habit = behind()
    assert [habit.allows(lag) for lag in (0, 1, 2, 65_535, 1)] == [True, True, False, False, True]
    assert all(habit.allows(0) for _ in range(19))
    assert habit.allows(1)
    assert all(habit.allows(0) for _ in range(20))
    assert not habit.allows(1)


@pytest.mark.parametrize("other", [0, 2])
def test_another_lag_in_between_begins_the_count_anew(other: int) -> None:
    habit = EchoHabit()
    for _ in range(11):
        habit.allows(1)
    habit.allows(other)
    assert [habit.allows(1) for _ in range(12)] == [False] * 11 + [True]
    habit = behind()
    for _ in range(19):
        habit.allows(0)
    habit.allows(2)
    habit.allows(0)
    assert habit.allows(1)


def test_a_lost_beat_begins_the_count_anew_and_another_plc_forgets_all_of_it() -> None:
    habit = EchoHabit()
    for _ in range(11):
        habit.allows(1)
    habit.interrupted()
    assert not habit.allows(1)
    habit = behind()
    habit.interrupted()
    assert habit.allows(1), "what is known stays known"
    habit.forget()
    assert [habit.allows(1) for _ in range(12)] == [False] * 11 + [True]
    for _ in range(19):
        habit.allows(0)
    assert habit.allows(1)


# ---------------------------------------------------------------- is the link up?


def test_the_third_good_beat_brings_it_up_and_each_is_remembered() -> None:
    standing = Standing(LINK)
    seen = []
    for number in range(3):
        standing.good(number * S + 5, number * S, fits=True)
        seen.append((standing.is_up, standing.answers, standing.last_sent_ns))
    assert seen == [(False, False, 0), (False, False, S), (True, True, 2 * S)]
    standing.good(9 * S, 9 * S - 7, fits=False)
    assert not standing.is_up
    standing.good(10 * S, 10 * S - 7, fits=True)
    assert standing.is_up
    assert list(standing.history) == [5, 5, 5, 7, 7]
    for number in range(100):
        standing.good(number, 0, fits=True)
    assert list(standing.history) == list(range(36, 100)), "the newest 64"


def test_it_goes_down_with_the_third_lost_beat_in_a_row_and_comes_up_with_three_good_ones() -> None:
    standing = Standing(LINK)
    for _ in range(3):
        standing.good(0, 0, fits=True)
    assert [standing.lost(), standing.lost()] == [False, False]
    standing.good(0, 0, fits=True)
    assert [standing.lost(), standing.lost(), standing.lost()] == [False, False, True]
    assert (standing.good_run, standing.lost_run) == (0, 3)
    standing.down()
    for _ in range(2):
        standing.good(0, 0, fits=True)
    assert (standing.is_up, standing.lost_run, standing.good_run) == (False, 0, 2)
    standing.down()
    assert standing.good_run == 0


@pytest.mark.parametrize(("hold_ms", "kept_ms"), [(310, 310), (2550, 2550), (2560, 2550)])
def test_it_is_over_once_the_plc_holds_no_longer(hold_ms: int, kept_ms: int) -> None:
    standing = Standing(Link("null", hold_ms=hold_ms))
    assert standing.hold_ms == kept_ms
    assert not standing.is_over(10**15), "nothing was up"
    for _ in range(3):
        standing.good(S, S, fits=True)
    assert not standing.is_over(S + kept_ms * MS)
    assert standing.is_over(S + kept_ms * MS + 1)
    standing.forget()
    assert (standing.is_up, standing.good_run, standing.lost_run, standing.last_sent_ns) == (False, 0, 0, 0)
    standing.is_up = True
    assert standing.is_over(S), "up without a good beat can't be"


# ---------------------------------------------------------------- numbers and parts


def test_numbers_begin_at_1_at_the_least_and_go_round() -> None:
    assert [Numbers(first, 0).take() for first in (0, 1, 65_535, 65_536, 65_537)] == [1, 1, 65_535, 1, 1]
    numbers = Numbers(65_534, 0)
    assert [numbers.take() for _ in range(4)] == [65_534, 65_535, 0, 1]
    numbers.restart()
    assert numbers.take() == 2 + 256
    wrapped = Numbers(65_280, 0)
    wrapped.restart()
    assert wrapped.take() == 1, "a session never starts at 0"


def test_at_a_beginning_what_an_earlier_process_left_is_borne_for_some_answers() -> None:
    numbers = Numbers(10, settling=3)
    for _ in range(2):
        for _ in range(3):
            assert not numbers.is_strange(5)
            numbers.answered()
        assert not numbers.is_strange(5)
        numbers.answered()
        assert numbers.is_strange(5)
        numbers.answered()
        assert numbers.is_strange(5)
        numbers.restart()


def test_what_stands_in_a_plc_is_what_it_echoed_last_or_what_was_sent_since_however_long_ago() -> None:
    numbers = Numbers(10, settling=0)
    numbers.answered()
    first = numbers.take()
    assert not numbers.is_strange(first)
    assert numbers.is_strange(first + 1)
    numbers = Numbers(10, settling=100)
    first = numbers.take()
    numbers.echoed(first)
    for _ in range(2_000):
        last = numbers.take()
    assert not any(numbers.is_strange(each) for each in (first, first + 1_000, last))
    assert [numbers.is_strange(each) for each in (first - 1, last + 1)] == [True, True], (
        "at once: it is known"
    )
    numbers.echoed(last)
    assert [numbers.is_strange(each) for each in (last - 1, last, last + 1)] == [True, False, True]


def test_numbers_are_told_from_others_round_the_register_and_nothing_is_strange_after_all_of_them() -> None:
    numbers = Numbers(0xFFFE, settling=0)
    for _ in range(4):
        numbers.take()
    numbers.echoed(0xFFFF)
    assert [numbers.is_strange(each) for each in (0xFFFE, 0xFFFF, 0, 1, 2)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    for _ in range(0x10000):
        numbers.take()
    assert not any(numbers.is_strange(each) for each in (0xFFFE, 0, 2, 0x8000))


def test_parts_are_counted_over_the_wrap_and_a_plc_that_began_anew_adds_its_own() -> None:
    for seen, total in (
        ((0xFFF0,), 0xFFF0), ((5, 5), 5), ((0xFFFF, 2), 0xFFFF + 3), ((0, 0x7FFF), 0x7FFF), ((0, 0x8000), 0x8000),
        ((500, 3), 503), ((500, 3, 4), 504), ((0x8000, 0x7FFF), 0xFFFF),
    ):  # fmt: skip
        parts = PartCount()
        for each in seen:
            parts.seen(each)
        assert parts.total == total, seen


# ---------------------------------------------------------------- the program in the PLC


def head(version: int = 0x0102, digest: bytes = MAP_DIGEST) -> list[int]:
    return BlockC(version, int.from_bytes(digest, "big"), 310, 10, 1).encode(1)[: skew.HEAD_WORDS]


def test_another_map_format_or_an_older_firmware_is_named_on_both_sides() -> None:
    assert skew.HEAD_WORDS == 16
    assert [skew.found_in(head(version)) for version in (0x0100, 0x0102, 0xFFFF)] == ["", "", ""]
    mine = MAP_DIGEST.hex()
    assert skew.found_in(head(0x00FF)) == "the PLC's firmware is 0.255, this program needs 1.0 or newer"
    assert skew.found_in(head(0x0102, b"\x12\x34\x56\x78")) == (
        f"the PLC has another register map: 12345678 (firmware 1.2), this program's is {mine}"
    )
    for place, bit in ((0, 1), (0, 0x8000)):
        words = head()
        known = words[0]
        words[place] ^= bit
        assert skew.found_in(words) == (
            f"the PLC has another register map: its block C begins with {words[0]:#06x}, this program knows {known:#06x}"
        )
    for at in range(4):
        digest = bytes(byte ^ (number == at) for number, byte in enumerate(MAP_DIGEST))
        assert digest.hex() in skew.found_in(head(0x0102, digest))


# ---------------------------------------------------------------- arming


def offered(beats: int = 20, now_ns: int = S, margin_ns: int = 62 * MS) -> Arming:
    """A connection id was offered, block D is written; `beats` withheld ones, the first at 0, the last at now_ns."""
    arming = Arming(margin_ns)
    for number in range(beats):
        arming.seen(block(), now_ns * number // max(1, beats - 1), 0)
    arming.is_recorded = True
    return arming


@pytest.mark.parametrize(
    ("beats", "now_ns", "phase"),
    [
        (20, S, Phase.ARM_REQUEST),
        (19, S, Phase.IDLE),
        (20, S - 1, Phase.IDLE),
        (40, 2 * S, Phase.ARM_REQUEST),
    ],
)
def test_an_arm_request_needs_20_beats_and_1_s(beats: int, now_ns: int, phase: Phase) -> None:
    assert offered(beats, now_ns).shape(now_ns, REQUEST, is_up=True) == (phase, Word.WITHHOLD)


def test_an_arm_request_needs_the_offer_the_record_a_link_and_to_be_asked_for() -> None:
    assert offered().shape(S, REQUEST, is_up=False)[0] is Phase.IDLE
    assert offered().shape(S, Ask(Word.WITHHOLD, State.HOLD), is_up=True)[0] is Phase.IDLE
    assert offered().shape(S, Ask(Word.ABSTAIN, State.OVERRIDE, arm=True), is_up=True)[0] is Phase.IDLE
    assert offered().shape(S, Ask(Word.WITHHOLD, State.LOCKOUT, arm=True), is_up=True)[0] is Phase.LATCH
    unrecorded = offered()
    unrecorded.is_recorded = False
    assert unrecorded.shape(S, REQUEST, is_up=True)[0] is Phase.IDLE
    unconnected = Arming(0)
    for number in range(21):
        unconnected.seen(block(connection=0), number * S, 0)
    unconnected.is_recorded = True
    assert unconnected.shape(30 * S, REQUEST, is_up=True)[0] is Phase.IDLE


def pressed(margin_ns: int = 62 * MS, previous_ns: int = 5 * S, echo: int = 300, counted: int = 1) -> Arming:
    """An arm-request went out as number 300, then the PLC counted a press after the good beat sent at previous_ns."""
    arming = offered(margin_ns=margin_ns)
    arming.shape(S, REQUEST, is_up=True)
    arming.sent(300)
    arming.sent(301)
    arming.seen(block(echo=echo), 2 * S, S)
    arming.seen(block(echo=echo, accepted=counted), 6 * S, previous_ns)
    return arming


def test_a_press_opens_a_rise_for_2_s_less_what_the_plc_needs_counted_from_the_beat_before_it() -> None:
    assert pressed().shape(7 * S - 62 * MS - 1, RUN, True) == (Phase.ARMED, Word.MACHINE_AND_AI)
    assert pressed().shape(7 * S - 62 * MS, RUN, True)[1] is Word.WITHHOLD


def test_one_press_is_one_rise() -> None:
    arming = pressed()
    fallback = Ask(Word.MACHINE, State.FALLBACK)
    assert arming.shape(6 * S, fallback, True) == (Phase.ARMED, Word.MACHINE)
    assert arming.shape(6 * S, RUN, True) == (Phase.ARMED, Word.MACHINE)
    assert (arming.presses, arming.unasked_presses, arming.level) == (1, 0, Word.MACHINE)
    up = Ask(Word.MACHINE, State.FALLBACK, arm=True)
    assert arming.shape(6 * S, up, True) == (Phase.ARM_REQUEST, Word.MACHINE)


@pytest.mark.parametrize(
    ("echo", "is_ours"), [(300, True), (301, True), (299, False), (300 + 0x7FFF, True), (300 + 0x8000, False)]
)
def test_a_press_counts_only_once_our_request_was_echoed(echo: int, is_ours: bool) -> None:
    arming = pressed(echo=echo, counted=2)
    assert (arming.presses, arming.unasked_presses) == ((2, 0) if is_ours else (0, 2))
    assert (arming.shape(6 * S, RUN, True)[1] is Word.MACHINE_AND_AI) is is_ours


def test_presses_are_counted_round_the_register_and_the_first_one_seen_is_the_reference() -> None:
    arming = offered()
    arming.shape(S, REQUEST, is_up=True)
    arming.sent(1)
    arming.seen(block(echo=1, accepted=0), S, S)
    assert arming.presses == 0
    arming.seen(block(echo=1, accepted=254), S, S)
    assert arming.presses == 254
    arming.seen(block(echo=1, accepted=1), S, S)
    assert arming.presses == 254 + 3
    arming.withdraw()
    arming.seen(block(echo=1, accepted=2), S, S)
    assert (arming.presses, arming.unasked_presses) == (257, 1)


def test_a_withdrawal_lasts_until_the_session_ends_and_the_end_keeps_only_the_count() -> None:
    arming = pressed()
    arming.shape(6 * S, RUN, True)
    assert not arming.is_quiet
    assert arming.shape(6 * S, Ask(Word.WITHHOLD, State.HOLD), True) == (Phase.WITHDRAW, Word.WITHHOLD)
    assert arming.shape(6 * S, RUN, True) == (Phase.WITHDRAW, Word.WITHHOLD)
    arming.end()
    assert (arming.connection_id, arming.phase, arming.level, arming.is_recorded, arming.presses) == (
        0, Phase.IDLE, Word.WITHHOLD, False, 1,
    )  # fmt: skip
    assert arming.is_quiet
    assert arming.shape(7 * S, REQUEST, True)[0] is Phase.IDLE, "step 1 begins anew"
    fresh = Arming(0)
    fresh.withdraw()
    assert fresh.shape(0, Ask(Word.WITHHOLD, State.HOLD), True)[0] is Phase.IDLE, (
        "there is nothing to withdraw"
    )


# ---------------------------------------------------------------- blocks C and D beside the beats


class Aside:
    """Asides over a line that answers what it is told to."""

    def __init__(self) -> None:
        self.asides = Asides(LINK, Exchange(LINK))
        self.arming = Arming(0)
        self.memory = BlockC(0x0102, int.from_bytes(MAP_DIGEST, "big"), 310, 10, 1, part_count=70_000).encode(
            1
        )

    def due(self, now_ns: int, ask: Ask = Ask(Word.WITHHOLD, State.HOLD)) -> Sent | None:  # noqa: B008
        return self.asides.due(now_ns, self.arming, ask)

    def answer(self, now_ns: int, sent: Sent, words: list[int] | None = None) -> str:
        """The words that it asked for, or others."""
        frame = sent.assembler.frame
        first, count = (
            int.from_bytes(frame[2:4], "big") - registers.C.address,
            int.from_bytes(frame[4:6], "big"),
        )
        given = self.memory[first : first + count] if words is None else words
        return self.asides.answered(now_ns, sent, given, self.arming)

    def known(self, now_ns: int = 0) -> Aside:
        sent = self.due(now_ns)
        assert sent is not None
        assert sent.kind == "head"
        assert self.answer(now_ns, sent) == ""
        return self.approved(now_ns)

    def approved(self, now_ns: int) -> Aside:
        """What is approved there was asked for, and answered."""
        sent = self.due(now_ns)
        assert sent is not None
        if sent.kind == "head":  # a PLC may make the block anew only when its first word is read
            self.answer(now_ns, sent)
            sent = self.due(now_ns)
            assert sent is not None
        assert sent.kind == "approved"
        place = (registers.C.address + 22).to_bytes(2, "big")
        assert sent.assembler.frame[:6] == bytes((1, 3)) + place + b"\0\x02"
        assert self.answer(now_ns, sent) == ""
        return self

    def read_c(self, now_ns: int) -> list[tuple[int, int]]:
        """Pieces (place, words) until nothing of block C is due any more."""
        pieces = []
        while (sent := self.due(now_ns)) is not None and sent.kind != "D":
            assert (sent.kind, sent.at_ns, sent.asked_ns) == ("C", now_ns, now_ns)
            frame = sent.assembler.frame
            pieces.append((int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")))
            self.answer(now_ns, sent)
        return pieces


def test_the_head_comes_first_and_nothing_is_armed_until_it_fits() -> None:
    line = Aside()
    assert not line.asides.fits
    sent = line.due(0)
    assert sent is not None
    assert sent.assembler.frame[:6] == bytes((1, 3)) + registers.C.address.to_bytes(2, "big") + b"\0\x10"
    line.answer(0, sent, head(0x00FF))
    assert (line.asides.is_known, line.asides.fits) == (True, False)
    assert not line.asides.is_head_due(2 * S - 1)
    assert line.asides.is_head_due(2 * S), "somebody may be loading the right program"
    line.known(2 * S)
    assert line.asides.fits
    line.asides.recheck()
    assert not line.asides.fits
    assert line.asides.is_head_due(2 * S)
    line.asides.forget()
    assert (line.asides.is_known, line.asides.skew, line.asides.is_head_due(0)) == (False, "", True)


def test_block_c_is_read_in_pieces_of_16_words_and_again_after_an_hour() -> None:
    line = Aside().known()
    words, address = registers.C.words, registers.C.address
    pieces = [(address + at, min(16, words - at)) for at in range(0, words, 16)]
    assert line.read_c(S) == pieces
    assert line.asides.block_c is not None
    assert line.asides.block_c.part_count == 70_000
    assert line.due(HOUR + S - 1) is None
    assert line.approved(HOUR + S).read_c(HOUR + S) == pieces


def test_block_c_isnt_read_while_anything_is_given_and_goes_before_an_arm_request() -> None:
    line = Aside().known()
    assert line.due(S, REQUEST) is not None
    assert line.due(S, RUN) is None
    line.arming.level = Word.MACHINE
    assert line.due(S) is None


def test_a_torn_block_c_is_begun_anew_and_after_three_tries_left_for_10_s() -> None:
    line = Aside().known()
    line.memory[60] ^= 1
    for _ in range(3):
        whys = []
        for _ in range(-(-registers.C.words // 16)):
            sent = line.due(S)
            assert sent is not None
            whys.append(line.answer(S, sent))
        assert whys[-1] == "block C crc"
        assert not any(whys[:-1])
    assert line.asides.block_c is None
    assert line.asides.may_arm(S, line.arming), "it is for people; what is approved was read by itself"
    assert line.due(11 * S - 1) is None
    assert line.due(11 * S) is not None


def test_a_head_that_is_never_answered_is_asked_for_every_2_s_and_named() -> None:
    line = Aside()
    for tries in range(3):
        assert line.asides.skew == ""
        sent = line.due(S)
        assert sent is not None, tries
        line.asides.failed(S, sent)
    assert line.asides.skew == skew.UNKNOWN
    assert not line.asides.is_head_due(3 * S - 1)
    again = line.due(3 * S)
    assert again is not None
    assert again.kind == "head"
    line.asides.skew = "another map"
    for _ in range(3):
        line.asides.failed(3 * S, again)
    assert line.asides.skew == "another map", "what is known stays said"


def test_block_d_goes_over_before_each_arm_request_and_once_an_hour() -> None:
    line = Aside().known()
    line.asides.record = BlockD(0, 5, 6, 7)
    line.read_c(S)
    assert line.due(S) is None, "there is no connection id yet"
    line.arming.seen(block(connection=9), S, S)
    sent = line.due(S)
    assert sent is not None
    assert sent.kind == "D"
    words = BlockD(9, 5, 6, 7).encode(1)
    expected = b"".join(word.to_bytes(2, "big") for word in words)
    assert (
        sent.assembler.frame[:-2]
        == bytes((1, 16)) + registers.D.address.to_bytes(2, "big") + b"\0\x0c\x18" + expected
    )
    assert line.asides.answered(S, sent, (), line.arming) == ""
    assert line.arming.is_recorded
    line.asides.failed(S, sent)
    assert line.asides.skew == "", "a lost block D says nothing about the PLC's program"
    assert not line.asides.is_refused
    line.arming.level = Word.MACHINE
    assert line.due(HOUR + S - 1) is None
    again = line.due(HOUR + S)
    assert again is not None
    assert again.kind == "D"
    line.arming.phase = Phase.WITHDRAW
    assert line.due(HOUR + S) is None, "the end of a session isn't held up"


# ---------------------------------------------------------------- function codes


@pytest.mark.parametrize(
    ("function", "kind", "exception", "may"),
    [("auto", "A", 1, True), ("auto", "A", 2, False), ("auto", "C", 1, False), ("23", "A", 1, False),
     ("16+03", "A", 1, False)],
)  # fmt: skip
def test_function_23_is_given_up_only_where_the_plc_says_that_it_has_none_and_the_plan_lets_it(
    function: str, kind: str, exception: int, may: bool
) -> None:
    exchange = Exchange(Link("null", function=function))
    sent = exchange.beat(5, 9, [0] * 8)
    sent = Sent(kind, sent.at_ns, sent.asked_ns, sent.assembler, sent.number, sent.is_half)
    assert exchange.may_change(sent, Found(Outcome.EXCEPTION, exception=exception)) is may
    exchange.change()
    assert exchange.function == "16+03"
    assert not exchange.may_change(sent, Found(Outcome.EXCEPTION, exception=1))
    exchange.forget()
    assert exchange.function == ("16+03" if function == "16+03" else "23")


def test_a_beat_is_one_exchange_or_two_halves() -> None:
    exchange = Exchange(Link("null", unit=3))
    sent = exchange.beat(5, 9, [1] * 8)
    assert (sent.kind, sent.at_ns, sent.asked_ns, sent.number, sent.is_half) == ("A", 5, 5, 9, False)
    a, b = registers.A.address.to_bytes(2, "big"), registers.B.address.to_bytes(2, "big")
    assert sent.assembler.frame[:11] == bytes((3, 23)) + b + b"\0\x10" + a + b"\0\x08\x10"
    exchange.change()
    half = exchange.beat(6, 10, [1] * 8)
    assert (half.is_half, half.assembler.frame[:7]) == (True, bytes((3, 16)) + a + b"\0\x08\x10")
    whole = exchange.second(8, half)
    assert (whole.at_ns, whole.asked_ns, whole.number, whole.is_half) == (6, 8, 10, False)
    assert whole.assembler.frame[:6] == bytes((3, 3)) + b + b"\0\x10"


# ---------------------------------------------------------------- approving at the PLC

APPROVING = Ask(Word.ABSTAIN, State.OVERRIDE, approve=True)
IN_OVERRIDE = Ask(Word.ABSTAIN, State.OVERRIDE)
PLAN = 0x1234_5678


def recorded(digest: int = 0) -> Aside:
    """A session whose block D was taken; the PLC has this digest approved."""
    line = Aside()
    line.memory = BlockC(
        0x0102, int.from_bytes(MAP_DIGEST, "big"), 310, 10, 1, approved_digest=digest
    ).encode(1)
    line.known().read_c(S)
    line.asides.record = BlockD(0, digest_prefix=PLAN)
    line.arming.connection_id = 7
    take_d(line, S, IN_OVERRIDE)
    assert line.arming.is_recorded
    return line


def take_d(line: Aside, now_ns: int, ask: Ask) -> None:
    sent = line.due(now_ns, ask)
    assert sent is not None
    assert sent.kind == "D"
    line.answer(now_ns, sent, [])


@pytest.mark.parametrize(("digest", "is_unapproved"), [(0, False), (PLAN, False), (PLAN + 1, True)])
def test_a_plan_is_unapproved_where_the_plc_has_approved_another(digest: int, is_unapproved: bool) -> None:
    assert not Aside().asides.is_unapproved, "nobody knows yet"
    assert recorded(digest).asides.is_unapproved is is_unapproved


def test_nothing_is_armed_before_it_was_read_what_is_approved_there_or_that_was_given_up() -> None:
    line = Aside()
    head_sent = line.due(0)
    assert head_sent is not None
    line.answer(0, head_sent)
    assert (line.asides.fits, line.asides.may_arm(0, line.arming)) == (True, False)
    for tries in range(3):
        sent = line.due(0)
        assert sent is not None
        if tries:
            assert sent.kind == "head"
            line.answer(0, sent)
            sent = line.due(0)
            assert sent is not None
        assert (sent.kind, line.asides.may_arm(0, line.arming)) == ("approved", False), tries
        line.asides.failed(0, sent)
    assert line.asides.may_arm(2 * S - 1, line.arming)
    assert not line.asides.may_arm(2 * S, line.arming)
    line.approved(2 * S)
    assert line.asides.may_arm(2 * S, line.arming), "block C itself is for people"
    assert not line.asides.may_arm(HOUR + 2 * S, line.arming)


def test_what_is_approved_is_asked_for_anew_after_each_session_and_of_another_plc() -> None:
    line = recorded(PLAN)
    line.asides.recheck()
    assert not line.asides.fits
    line.known(2 * S)
    assert line.asides.block_c is not None, "what the same PLC remembers is read again in an hour"
    assert not line.asides.is_unapproved
    line.asides.forget()
    assert (line.asides.block_c, line.asides.approved_digest, line.asides.is_unapproved) == (
        None,
        None,
        False,
    )
    line.known(3 * S)
    assert line.read_c(3 * S)


def test_another_approved_plan_is_asked_about_every_2_s_for_somebody_may_be_approving_this_one() -> None:
    line = recorded(PLAN + 1)
    assert line.due(3 * S - 1, IN_OVERRIDE) is None
    line.memory = BlockC(0x0102, int.from_bytes(MAP_DIGEST, "big"), 310, 10, 1, approved_digest=PLAN).encode(
        1
    )
    line.approved(3 * S)
    assert not line.asides.is_unapproved
    assert line.asides.block_c is not None
    assert line.asides.block_c.approved_digest == PLAN, "people are shown it at once"
    assert line.due(5 * S, IN_OVERRIDE) is None


def fail(line: Aside, now_ns: int, kind: str) -> None:
    """It is asked for, and nothing comes."""
    sent = line.due(now_ns)
    assert sent is not None
    assert sent.kind == kind
    line.asides.failed(now_ns, sent)


def test_tries_of_a_head_are_counted_from_the_last_one_that_came() -> None:
    line = Aside()
    for _ in range(2):
        fail(line, 0, "head")
        fail(line, 0, "head")
        assert line.asides.skew == ""
        line.known(0)
        line.asides.recheck()


def test_tries_of_what_is_approved_are_counted_from_the_last_one_that_came() -> None:
    line = Aside().known()
    for hour in (1, 2):
        for _ in range(2):
            head_sent = line.due(hour * HOUR)
            assert head_sent is not None
            assert head_sent.kind == "head", "a PLC may make the block anew only when its first word is read"
            line.answer(hour * HOUR, head_sent)
            fail(line, hour * HOUR, "approved")
        assert not line.asides.may_arm(hour * HOUR, line.arming)
        line.approved(hour * HOUR)
        assert line.asides._failures["approved"] == 0
        line.read_c(hour * HOUR)


def test_tries_of_block_d_are_counted_from_the_last_one_that_was_taken() -> None:
    line = recorded()
    for _ in range(2):
        line.arming.is_recorded = False
        fail(line, 2 * S, "D")
        fail(line, 2 * S, "D")
        take_d(line, 2 * S, IN_OVERRIDE)
    assert not line.asides.is_refused


def test_a_block_d_that_gets_lost_disturbs_no_block_c_that_is_being_read() -> None:
    line = Aside().known()
    first = line.due(S)
    assert first is not None
    assert first.kind == "C"
    line.answer(S, first)
    line.arming.connection_id = 7
    fail(line, S, "D")
    line.arming.connection_id = 0
    following = line.due(S)
    assert following is not None
    assert int.from_bytes(following.assembler.frame[2:4], "big") == registers.C.address + 16


def test_a_lost_beat_says_nothing_of_what_goes_beside_the_beats() -> None:
    line = recorded()
    sent = line.asides._exchange.beat(S, 1, [0] * 8)
    for _ in range(4):
        line.asides.failed(S, sent)
    assert not any(line.asides._failures.values())


def test_a_plc_that_refuses_block_d_three_times_is_told_of_until_it_takes_one() -> None:
    line = recorded()
    line.arming.is_recorded = False
    for tries in range(3):
        assert not line.asides.is_refused, tries
        sent = line.due(2 * S)
        assert sent is not None
        assert sent.kind == "D"
        line.asides.failed(2 * S, sent)
    assert line.asides.is_refused
    assert line.due(32 * S - 1) is None, "nobody loses beats over it for ever"
    take_d(line, 32 * S, IN_OVERRIDE)
    assert not line.asides.is_refused


def test_block_d_is_written_once_more_for_each_time_that_key_and_button_are_held() -> None:
    line = recorded(PLAN + 1)
    assert line.due(2 * S, IN_OVERRIDE) is None
    for _ in range(2):
        take_d(line, 2 * S, APPROVING)
        assert line.due(2 * S, APPROVING) is None, "once is enough"
        assert line.due(2 * S, IN_OVERRIDE) is None


def test_what_came_of_it_is_read_once_the_plc_has_made_its_block_anew() -> None:
    line = recorded(PLAN + 1)
    take_d(line, 2 * S, APPROVING)
    line.memory = BlockC(0x0102, int.from_bytes(MAP_DIGEST, "big"), 310, 10, 1, approved_digest=PLAN).encode(
        1
    )
    assert line.due(2 * S + 1_199 * MS, APPROVING) is None
    assert not line.asides.may_arm(2 * S, line.arming), "nobody knows yet what came of it"
    line.approved(2 * S + 1_200 * MS)
    assert not line.asides.is_unapproved
    assert line.read_c(2 * S + 1_200 * MS), "people are shown it"


def test_a_block_that_is_being_read_is_begun_anew_after_an_approval() -> None:
    line = recorded(PLAN + 1)
    line.approved(HOUR)
    sent = line.due(HOUR + S - 1, IN_OVERRIDE)
    assert sent is None
    line.asides._recorded_ns = HOUR
    sent = line.due(HOUR + S, IN_OVERRIDE)
    assert sent is not None
    assert sent.kind == "C"
    line.answer(HOUR + S, sent)
    take_d(line, HOUR + S, APPROVING)
    (first, *_) = line.approved(HOUR + 4 * S).read_c(HOUR + 4 * S)
    assert first == (registers.C.address, 16)


def test_one_that_got_lost_is_written_again_while_they_are_held() -> None:
    line = recorded()
    sent = line.due(2 * S, APPROVING)
    assert sent is not None
    line.asides.failed(2 * S, sent)
    take_d(line, 2 * S, APPROVING)


def test_nothing_is_approved_while_anything_is_permitted() -> None:
    line = recorded()
    line.arming.level = Word.MACHINE
    assert line.due(2 * S, dataclasses.replace(RUN, approve=True)) is None


def test_the_hourly_block_d_approves_nothing() -> None:
    line = recorded().approved(HOUR + S)
    take_d(line, HOUR + S, IN_OVERRIDE)
    assert line.due(HOUR + S, dataclasses.replace(RUN, approve=True)) is None


def test_where_something_is_due_a_standing_request_and_the_step_up_to_a_dont_wait_for_it() -> None:
    line = recorded()
    assert not line.asides.may_arm(HOUR + S, line.arming)
    line.arming.phase = Phase.ARM_REQUEST
    assert line.asides.may_arm(HOUR + S, line.arming)
    line.arming.phase, line.arming.level = Phase.ARMED, Word.MACHINE
    assert line.asides.may_arm(HOUR + S, line.arming), (
        "else there were no way from FALLBACK to RUN after an hour"
    )
