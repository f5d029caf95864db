"""The PLC's rule at its edges: what it says of each change, to the millisecond, and what block B can't show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from jidoka_bridge.link.blocks import BlockA
from jidoka_bridge.plc.admission import Admission
from jidoka_bridge.plc.press import Button, Press
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.bridge.link.null_modem import READY
from tests.bridge.plc.test_rule import HOLD_MS, Bench

BOTH = Word.MACHINE_AND_AI


def _silent(bench: Bench) -> str:
    """Until the output changes."""
    while True:
        scan = bench.wait()
        assert scan is not None
        if scan.output is not scan.was:
            return scan.why


def _key(bench: Bench) -> str:
    bench.inputs = READY & ~Input.KEY_AUTO
    scan = bench.wait()
    assert scan is not None
    return scan.why


def _relay(bench: Bench) -> str:
    bench.actual = Word.WITHHOLD
    return _silent(bench)


@pytest.mark.parametrize(
    ("act", "why", "fault", "output"),
    [
        (lambda bench: bench.send(Word.MACHINE, Phase.ARMED).why, "lowered", Fault.NONE, Word.MACHINE),
        (lambda bench: bench.send(Word.WITHHOLD, Phase.ARMED).why, "withheld", Fault.NONE, Word.WITHHOLD),
        (lambda bench: bench.send(Word.WITHHOLD, Phase.WITHDRAW).why, "withheld", Fault.NONE, Word.WITHHOLD),
        (lambda bench: bench.send(BOTH, Phase.LATCH).why, "abstained", Fault.NONE, Word.WITHHOLD),
        (lambda bench: bench.send(Word.ABSTAIN).why, "abstained", Fault.NONE, Word.WITHHOLD),
        (lambda bench: bench.send(BOTH, Phase.ARMED).why, "", Fault.NONE, BOTH),
        (_silent, "hold time over", Fault.WATCHDOG, Word.WITHHOLD),
        (_key, "key", Fault.NONE, Word.WITHHOLD),
        (_relay, "relay feedback", Fault.RELAY_FEEDBACK, Word.WITHHOLD),
    ],
)
def test_each_change_of_the_output_says_why(
    act: Callable[[Bench], str], why: str, fault: Fault, output: Word
) -> None:
    bench = Bench().armed()
    assert act(bench) == why
    assert (bench.rule.output, bench.rule.fault) == (output, fault)


def test_a_rise_says_that_it_was_a_press_and_one_without_a_press_that_there_was_none() -> None:
    bench = Bench().connect().request().press()
    scan = bench.send(Word.MACHINE, Phase.ARMED)
    assert (scan.why, scan.was, scan.output) == ("press", Word.WITHHOLD, Word.MACHINE)
    scan = bench.send(BOTH, Phase.ARMED)
    assert (scan.why, scan.was, scan.output) == ("raise without press", Word.MACHINE, Word.WITHHOLD)
    scan = Bench().connect().send(Word.MACHINE, Phase.ARMED)
    assert scan.why == "", "nothing was given, so nothing changed"


def test_the_same_word_again_leaves_a_rise_open_for_the_step_up() -> None:
    bench = Bench().armed(Word.MACHINE)
    bench.request(3, Word.MACHINE).press(word=Word.MACHINE)
    bench.request(3, Word.MACHINE)
    assert bench.counted == 2
    assert bench.send(BOTH, Phase.ARMED).output is BOTH


@pytest.mark.parametrize(("early", "counts"), [(False, True), (True, False)])
def test_a_press_that_begins_in_the_scan_of_the_request_counts_and_one_a_scan_before_doesnt(
    early: bool, counts: bool
) -> None:
    bench = Bench().connect()
    bench.inputs |= Input.RESET_BUTTON
    if early:
        bench.wait()
    bench.send(phase=Phase.ARM_REQUEST, ms=10)
    bench.request(3)
    bench.inputs &= ~Input.RESET_BUTTON
    bench.request(1)
    assert bench.counted == counts


def test_a_press_of_5_s_is_shown_as_an_edge_and_a_longer_one_is_not() -> None:
    for length_ms, edges in ((5_000, 1), (5_010, 0)):
        rule = PlcRule(lambda: 1)
        for now_ms in range(0, 6_000, 10):
            rule.scan(now_ms, None, Input.RESET_BUTTON if 100 <= now_ms < 100 + length_ms else Input(0))
        assert (rule.press_ms, rule.edges, rule.accepted) == (length_ms, edges, 0)


def test_counters_of_block_b_go_round_and_what_is_too_long_for_it_is_shown_as_its_most() -> None:
    bench = Bench().armed()
    rule = bench.rule
    block = rule.block()
    assert (block.parts, block.recipe, block.inputs2, block.actual, block.plc_state) == (
        0, 0, 1, BOTH, PlcState.ARMED,
    )  # fmt: skip
    assert (rule.block(parts=0x1_0005).parts, rule.block(recipe=7).recipe) == (5, 7)
    rule.press_ms, rule.admission.expiry_ms = 30_000, bench.now_ms + 70_000
    assert (rule.block().press_ms, rule.block().remaining_ms) == (25_500, 0xFFFF)
    rule.admission.expiry_ms = bench.now_ms - 5
    assert rule.block().remaining_ms == 0
    rule.edges, rule.accepted = 0xFFFF, 0xFF
    bench.inputs |= Input.RESET_BUTTON
    bench.request(4, BOTH)
    bench.inputs &= ~Input.RESET_BUTTON
    bench.request(2, BOTH)
    assert (rule.edges, rule.accepted) == (0, 0)
    assert PlcRule(lambda: 1).block().remaining_ms == 0


def test_block_b_shows_the_session_as_it_is() -> None:
    bench = Bench()
    assert (bench.rule.state, bench.rule.block().echo, bench.rule.block().connection) == (PlcState.OFF, 0, 0)
    bench.connect()
    block = bench.rule.block()
    assert (block.plc_state, block.echo, block.connection) == (
        PlcState.IDLE,
        bench.number,
        bench.rule.connection,
    )
    assert block.counter == bench.now_ms // 10 & 0xFFFF
    assert 0 < block.remaining_ms <= HOLD_MS
    bench.request()
    assert bench.rule.state is PlcState.ARMING
    bench.wait(1_010)
    assert bench.rule.state is PlcState.OFF, "the offer of the session itself has lapsed by then"


def test_a_session_without_frames_ends_and_its_counts_are_kept() -> None:
    bench = Bench().armed()
    assert bench.send(BOTH, Phase.ARMED, connection=4711).refused == "connection"
    assert bench.send(BOTH, Phase.ARMED, age=-3).refused == "stamp"
    assert bench.send(BOTH, Phase.ARMED, step=9).refused == "number"
    _silent(bench)
    bench.number += 1
    assert bench.send(Word.MACHINE).refused == "word", "step 1 asks for nothing"
    assert bench.send(Word.ABSTAIN).refused == ""
    assert bench.rule.admission.counts == {"connection": 1, "stamp": 1, "number": 1, "word": 1}


def test_a_debounced_edge_takes_20_ms_and_its_time_is_that_of_the_first_scan() -> None:
    button = Button()
    levels = [(0, False), (5, True), (24, True), (25, True), (100, False), (119, False), (120, False)]
    found = [button.scan(now_ms, level) for now_ms, level in levels]
    assert found == [None] * 6 + [Press(5, 95)]
    assert [
        button.scan(now_ms, level) for now_ms, level in ((130, True), (140, False), (200, True), (219, False))
    ] == [None] * 4
    assert button.scan(260, False) is None, "it never lasted"


def _at(bench: Bench, now_ms: int) -> None:
    """One scan at exactly this time."""
    bench.now_ms = now_ms - 10
    bench.wait()


@pytest.mark.parametrize(
    ("length_ms", "counts", "is_edge"),
    [(99, False, True), (100, True, True), (5_000, True, True), (5_001, False, False)],
)
def test_a_press_counts_from_100_ms_to_5_s_and_no_millisecond_more_or_less(
    length_ms: int, counts: bool, is_edge: bool
) -> None:
    bench = Bench().connect().request()
    began_ms = bench.now_ms + 10
    bench.inputs |= Input.RESET_BUTTON
    bench.request(length_ms // 50)
    bench.inputs &= ~Input.RESET_BUTTON
    _at(bench, began_ms + length_ms)
    bench.request(1)
    assert (bench.rule.press_ms, bench.counted, bench.rule.edges) == (length_ms, counts, is_edge)


@pytest.mark.parametrize(("after_ms", "output"), [(2_000, Word.MACHINE), (2_001, Word.WITHHOLD)])
def test_a_rise_is_open_for_2_s_and_no_millisecond_more(after_ms: int, output: Word) -> None:
    bench = Bench().connect().request()
    bench.inputs |= Input.RESET_BUTTON
    bench.request(6)
    bench.inputs &= ~Input.RESET_BUTTON
    while not bench.counted:
        bench.wait()
    counted_ms = bench.now_ms
    bench.request(39)
    bench.now_ms = counted_ms + after_ms - 10
    assert bench.send(Word.MACHINE, Phase.ARMED).output is output


def test_an_offer_lasts_1_s_after_the_last_request_and_no_millisecond_more() -> None:
    bench = Bench().connect()
    bench.send(phase=Phase.ARM_REQUEST, ms=10)
    asked_ms = bench.now_ms
    for _ in range(19):
        bench.send()
    for after_ms, state in ((1_000, PlcState.ARMING), (1_001, PlcState.IDLE)):
        _at(bench, asked_ms + after_ms)
        assert bench.rule.state is state


def test_a_relay_that_differs_from_the_first_scan_on_is_a_fault_after_35_ms() -> None:
    rule = PlcRule(lambda: 1)
    for now_ms, fault in ((0, Fault.NONE), (35, Fault.NONE), (36, Fault.RELAY_FEEDBACK)):
        rule.scan(now_ms, None, READY, Word.MACHINE)
        assert rule.fault is fault


def test_a_plc_that_has_just_started_gives_and_shows_nothing() -> None:
    rule = PlcRule(lambda: 1)
    block = rule.block()
    assert (block.actual, block.inputs, block.press_ms, block.plc_state, block.fault) == (
        Word.WITHHOLD, Input(0), 0, PlcState.OFF, Fault.NONE,
    )  # fmt: skip
    assert rule.admission.hold_limit_ms == 310
    scan = rule.scan(0, None, READY)
    assert (scan.output, scan.was, scan.why, scan.refused) == (Word.WITHHOLD, Word.WITHHOLD, "", "")


# ---------------------------------------------------------------- which frames are admitted


def admission(*draws: int) -> Admission:
    numbers = iter(draws or (5,))
    return Admission(lambda: next(numbers), unit=1, hold_limit_ms=310)


def words(
    number: int, word: Word = Word.WITHHOLD, phase: Phase = Phase.IDLE, *, hold_ms: int = 310, connection: int = 0,
    stamp: int = 0,
) -> list[int]:  # fmt: skip
    return BlockA(hold_ms, connection, number, stamp, State.HOLD, phase, 0, word).encode(1)


@pytest.mark.parametrize(
    ("gaps_ms", "offered"),
    [
        ([53] * 19, True),  # 20 frames in 1 007 ms
        ([52] * 19, False),  # in 988 ms
        ([60] * 18, False),  # 19 frames
        ([50] * 20, True),  # in 1 000 ms
        ([*[50] * 19, 49], False),  # in 999 ms
        ([*[40] * 18, 310, 310], True),
        ([*[40] * 18, 311, 310], False),
    ],
)
def test_an_offer_takes_20_frames_and_1_s_without_a_gap_longer_than_their_hold_time(
    gaps_ms: list[int], offered: bool
) -> None:
    plc, now_ms = admission(), 10_000
    plc.admit(now_ms, words(0))
    for number, gap_ms in enumerate(gaps_ms, 1):
        now_ms += gap_ms
        assert plc.admit(now_ms, words(number)) == (None, "")
    assert (plc.connection == 5) is offered
    assert not plc.is_lapsed(now_ms + 310)
    assert plc.is_lapsed(now_ms + 311) is offered


def offering(plc: Admission, number: int = 1) -> int:
    """A run of 21 frames from `number` on, 50 ms apart; the time of the last."""
    for at in range(21):
        plc.admit(10_000 + 50 * at, words(number + at))
    assert plc.connection
    return 11_000


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"word": Word.MACHINE}, "word"),
        ({"word": Word.MACHINE_AND_AI}, "word"),
        ({"word": Word.ABSTAIN}, ""),
        ({"phase": Phase.ARM_REQUEST}, ""),
    ],
)
def test_a_frame_of_step_1_that_asks_for_anything_ends_the_run(given: dict[str, Any], why: str) -> None:
    plc = admission()
    for at in range(30):
        gives = given if at == 10 else {}
        assert plc.admit(10_000 + 60 * at, words(at, **gives))[1] == (why if gives else "")
        assert plc.connection == 0
    assert plc.admit(10_000 + 60 * 30, words(30))[1] == ""
    assert plc.connection == 5, "20 frames after it"
    assert plc.counts == ({why: 1} if why else {})


def test_the_hold_time_of_an_offer_runs_from_arrival_and_that_of_a_session_from_the_stamp() -> None:
    plc = admission()
    now_ms = offering(plc)
    assert plc.expiry_ms == now_ms + 310
    block, why = plc.admit(now_ms + 5, words(22, connection=5, stamp=1_080, hold_ms=200))
    assert (block is not None, why, plc.expiry_ms) == (True, "", 10_800 + 200)
    plc.admit(now_ms + 6, words(23, connection=5, stamp=1_080, hold_ms=100))
    assert plc.expiry_ms == 11_000, "never less"
    plc.admit(now_ms + 7, words(24, connection=5, stamp=1_090, hold_ms=2_550))
    assert plc.expiry_ms == 10_900 + 310, "never more than the PLC's own limit"
    assert plc.admit(now_ms + 8, words(25)) == (None, "connection"), "a session was confirmed"


@pytest.mark.parametrize(("age", "why"), [(0x7FFF, ""), (0x8000, "stamp"), (0, ""), (-1, "stamp")])
def test_a_stamp_of_the_future_is_refused(age: int, why: str) -> None:
    plc = admission()
    now_ms = offering(plc)
    stamp = now_ms // 10 - age & 0xFFFF
    assert plc.admit(now_ms, words(22, connection=5, stamp=stamp))[1] == why


@pytest.mark.parametrize(
    ("step", "is_taken", "why"), [(0, False, ""), (1, True, ""), (8, True, ""), (9, False, "number"), (0xFFFF, False, "number")]
)  # fmt: skip
def test_a_number_lies_1_to_8_after_the_last(step: int, is_taken: bool, why: str) -> None:
    plc = admission()
    now_ms = offering(plc, 65_510)
    number = 65_510 + 20 + step & 0xFFFF
    block, found = plc.admit(now_ms, words(number, connection=5, stamp=now_ms // 10))
    assert (block is not None, found) == (is_taken, why)
    assert plc.last_number == (number if is_taken else 65_530)


def test_what_stands_unchanged_in_the_registers_is_judged_once() -> None:
    plc = admission()
    wrong = [0] * 8
    assert [plc.admit(ms, wrong)[1] for ms in (1, 2, 3)] == ["crc", "", ""]
    assert plc.counts == {"crc": 1}
    assert plc.admit(4, [0] * 7)[1] == "format", "a block of another length"


@pytest.mark.parametrize(
    ("reasons", "fault"),
    [
        ("ccc", Fault.CRC_RUN), ("cc", Fault.WATCHDOG), ("ncncnc", Fault.SEQUENCE_GAP), ("cncncn", Fault.CRC_RUN),
        ("cciii", Fault.WRONG_CONNECTION), ("ssss", Fault.WATCHDOG), ("sssnnn", Fault.WATCHDOG), ("", Fault.WATCHDOG),
    ],
)  # fmt: skip
def test_a_lapse_is_named_after_what_came_most_often_and_of_equals_first(reasons: str, fault: Fault) -> None:
    plc = admission()
    now_ms = offering(plc)
    plc.admit(now_ms, words(22, connection=5, stamp=1_100))
    for place, reason in enumerate(reasons):
        told = words(
            300 + place if reason == "n" else 23, connection=6 if reason == "i" else 5, stamp=1_200 if reason == "s" else 1_100,
            hold_ms=10 * place,
        )  # fmt: skip
        if reason == "c":
            told[7] ^= 1
        why = {"c": "crc", "n": "number", "i": "connection", "s": "stamp"}[reason]
        assert plc.admit(now_ms, told)[1] == why
    assert plc.fault is fault
    plc.admit(now_ms, words(24, connection=5, stamp=1_100))
    assert plc.fault is Fault.WATCHDOG, "a good frame forgets it"


def test_an_id_is_a_word_other_than_0_and_the_last_and_the_end_keeps_the_numbers() -> None:
    plc = admission(0x1_0000, 0x1_0005, 5, 0, 7)
    offering(plc)
    assert plc.connection == 5
    plc.end()
    assert (plc.connection, plc.last_number, plc.is_lapsed(10**9)) == (0, 21, False)
    offering(plc, 100)
    assert plc.connection == 7


@pytest.mark.parametrize(("step", "offered"), [(8, True), (9, False)])
def test_frames_of_a_run_may_lie_8_numbers_apart_and_no_more(step: int, offered: bool) -> None:
    plc = admission()
    for at in range(30):
        plc.admit(10_000 + 60 * at, words(step * at))
    assert (plc.connection == 5) is offered


def test_what_came_before_the_end_counts_for_no_offer_even_right_after_power_up() -> None:
    plc = admission()
    plc.admit(50, words(0))
    plc.end()
    for at in range(20):
        assert plc.connection == 0
        plc.admit(100 + 53 * at, words(1 + at))
    assert plc.connection == 5
