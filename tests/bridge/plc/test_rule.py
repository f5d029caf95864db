"""The PLC's rule, frame by frame: what raises, what lowers, what counts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka_bridge.link.blocks import RANK, BlockA, checksum
from jidoka_bridge.plc.press import Button, Press
from jidoka_bridge.plc.rule import PlcRule, Scan
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.bridge.link.null_modem import READY

HOLD_MS = 310


class Bench:
    """A PLC in the hands of whoever writes its registers. Its clock starts shortly before the stamp's wrap."""

    def __init__(self) -> None:
        draw = random.Random(7)
        self.rule = PlcRule(lambda: draw.randint(1, 0xFFFF), hold_limit_ms=HOLD_MS)
        self.now_ms = 654_000
        self.number = 65_530
        self.inputs = READY
        self.actual: Word | None = None
        self.words: list[int] | None = None
        self.rises = 0
        self.counted = 0

    def wait(self, ms: int = 10) -> Scan | None:
        scan = None
        for _ in range(ms // 10):
            self.now_ms += 10
            scan = self.rule.scan(self.now_ms, self.words, self.inputs, self.actual)
            self.rises += RANK[scan.output] > RANK[scan.was]
            self.counted += scan.is_accepted
        return scan

    def send(self, word: Word = Word.WITHHOLD, phase: Phase = Phase.IDLE, *, step: int = 1, age: int = 0,
             hold_ms: int = HOLD_MS, connection: int | None = None, ms: int = 50,
             damage: Callable[[list[int]], list[int]] = list) -> Scan:  # fmt: skip
        """One frame, the scan that takes it, and the time until the next."""
        self.number = self.number + step & 0xFFFF
        stamp = (self.now_ms // 10 - age) & 0xFFFF
        own = self.rule.connection if connection is None else connection
        block = BlockA(hold_ms, own, self.number, stamp, State.HOLD, phase, 0, word)
        self.words = damage(block.encode(1))
        scan = self.wait()
        assert scan is not None
        self.wait(ms - 10)
        return scan

    def connect(self) -> Bench:
        while not self.rule.connection:
            self.send()
        self.send()
        return self

    def request(self, times: int = 3, word: Word = Word.WITHHOLD) -> Bench:
        for _ in range(times):
            self.send(word, Phase.ARM_REQUEST)
        return self

    def press(self, times: int = 6, word: Word = Word.WITHHOLD) -> Bench:
        self.inputs |= Input.RESET_BUTTON
        self.request(times, word)
        self.inputs &= ~Input.RESET_BUTTON
        return self.request(1, word)

    def armed(self, word: Word = Word.MACHINE_AND_AI) -> Bench:
        self.connect().request().press()
        self.send(word, Phase.ARMED)
        assert self.rule.output is word
        return self


# ---------------------------------------------------------------- rising


def test_a_counted_press_opens_one_rise_to_the_first_higher_word() -> None:
    bench = Bench().connect().request().press()
    assert bench.counted == 1
    assert bench.send(Word.MACHINE, Phase.ARMED).output is Word.MACHINE
    scan = bench.send(Word.MACHINE_AND_AI, Phase.ARMED)
    assert (scan.output, bench.rule.fault) == (Word.WITHHOLD, Fault.RAISE_WITHOUT_PRESS)
    assert bench.rule.state is PlcState.TRIPPED


def test_a_raise_without_a_press_latches_and_a_counted_press_clears_it() -> None:
    bench = Bench().connect().request()
    bench.send(Word.MACHINE, Phase.ARMED)
    assert (bench.rule.fault, bench.rule.connection) == (Fault.RAISE_WITHOUT_PRESS, 0)
    bench.connect().request()
    assert (bench.rule.state, bench.rule.fault) == (PlcState.ARMING, Fault.RAISE_WITHOUT_PRESS)
    bench.press()
    assert bench.rule.fault is Fault.NONE


def test_a_rise_closes_after_2_s() -> None:
    bench = Bench().connect().request().press()
    bench.request(41)
    bench.send(Word.MACHINE, Phase.ARMED)
    assert bench.rule.output is Word.WITHHOLD


def test_withhold_while_a_rise_is_open_changes_nothing_only_in_request_or_armed() -> None:
    for phase, stays in (
        (Phase.ARM_REQUEST, True),
        (Phase.ARMED, True),
        (Phase.IDLE, False),
        (Phase.WITHDRAW, False),
    ):
        bench = Bench().connect().request().press()
        bench.send(Word.WITHHOLD, phase)
        assert bench.rule.is_armed is stays


def test_a_drop_closes_a_rise() -> None:
    bench = Bench().armed(Word.MACHINE)
    bench.request(3, Word.MACHINE).press(word=Word.MACHINE)
    assert bench.counted == 2
    bench.send(Word.WITHHOLD, Phase.ARMED)
    assert (bench.rule.output, bench.rule.is_armed) == (Word.WITHHOLD, False)


def test_machine_stays_on_during_the_request_for_the_step_up() -> None:
    bench = Bench().armed(Word.MACHINE)
    bench.request(3, Word.MACHINE).press(word=Word.MACHINE)
    assert bench.rule.output is Word.MACHINE
    assert bench.send(Word.MACHINE_AND_AI, Phase.ARMED).output is Word.MACHINE_AND_AI


# ---------------------------------------------------------------- lowering


def test_the_word_is_followed_down_at_once() -> None:
    bench = Bench().armed()
    assert bench.send(Word.MACHINE, Phase.ARMED).output is Word.MACHINE
    assert bench.send(Word.WITHHOLD, Phase.ARMED).output is Word.WITHHOLD
    assert (bench.rule.fault, bench.rule.connection) == (Fault.NONE, 0)


def test_abstain_drops_and_disarms_without_a_fault() -> None:
    bench = Bench().armed()
    scan = bench.send(Word.ABSTAIN)
    assert (scan.output, scan.why, bench.rule.is_armed, bench.rule.fault) == (
        Word.WITHHOLD,
        "abstained",
        False,
        0,
    )


def test_a_word_outside_the_table_is_withhold() -> None:
    bench = Bench().armed()
    bench.send(Word.MACHINE_AND_AI, Phase.ARMED)
    assert bench.words is not None
    words = [*bench.words[:2], bench.words[2] + 1 & 0xFFFF, *bench.words[3:5], 0xFFFF]
    crc = checksum(words, 1, 0xA0)
    bench.words = [*words, crc >> 16, crc & 0xFFFF]
    bench.wait()
    assert bench.rule.output is Word.WITHHOLD


def test_a_hold_time_of_0_drops_now() -> None:
    bench = Bench().armed()
    assert bench.send(Word.MACHINE_AND_AI, Phase.ARMED, hold_ms=0).output is Word.WITHHOLD


@pytest.mark.parametrize("inputs", [READY & ~Input.KEY_AUTO, READY | Input.OVERRIDE_KEY])
def test_the_key_takes_the_permissive_back_and_bars_arming(inputs: Input) -> None:
    bench = Bench().armed()
    bench.inputs = inputs
    bench.wait()
    assert bench.rule.output is Word.WITHHOLD
    bench.connect().request()
    assert bench.rule.state is PlcState.IDLE
    bench.press()
    assert bench.counted == 1


def test_a_relay_that_does_not_follow_drops_latches_and_bars_arming() -> None:
    bench = Bench().armed()
    bench.actual = Word.WITHHOLD
    bench.send(Word.MACHINE_AND_AI, Phase.ARMED)
    assert (bench.rule.output, bench.rule.fault) == (Word.WITHHOLD, Fault.RELAY_FEEDBACK)
    bench.actual = Word.MACHINE
    bench.wait(50)
    for _ in range(40):
        bench.send()
    assert bench.rule.connection == 0  # a welded contact ends each session
    bench.actual = None
    bench.connect().request().press()
    assert (bench.rule.fault, bench.rule.is_armed) == (Fault.NONE, True)


def test_a_digest_that_is_not_the_approved_one_bars_arming() -> None:
    bench = Bench().connect()
    bench.send(phase=Phase.ARM_REQUEST, ms=10)
    assert bench.rule.state is PlcState.ARMING
    bench.number += 1
    words = BlockA(
        HOLD_MS, bench.rule.connection, bench.number & 0xFFFF, bench.now_ms // 10, State.HOLD, Phase.ARM_REQUEST, 0,
        Word.WITHHOLD,
    ).encode(1)  # fmt: skip
    bench.rule.scan(bench.now_ms + 10, words, READY, may_arm=False)
    assert bench.rule.state is PlcState.IDLE


# ---------------------------------------------------------------- time


def test_what_is_not_renewed_lapses_and_latches() -> None:
    bench = Bench().armed()
    began_ms = bench.now_ms
    while bench.rule.output is not Word.WITHHOLD:
        bench.wait()
    assert bench.now_ms - began_ms <= HOLD_MS + 2 * 10
    assert bench.rule.fault is Fault.WATCHDOG


def test_the_hold_time_runs_from_the_stamp() -> None:
    bench = Bench().armed()
    bench.wait(100)
    stamp_ms = bench.now_ms - 100
    bench.send(Word.MACHINE_AND_AI, Phase.ARMED, age=10, ms=10)
    while bench.rule.output is not Word.WITHHOLD:
        bench.wait()
    assert bench.now_ms - stamp_ms <= HOLD_MS + 2 * 10


def test_the_plc_uses_its_own_limit_where_that_is_shorter() -> None:
    bench = Bench().armed()
    bench.send(Word.MACHINE_AND_AI, Phase.ARMED, hold_ms=2_550, ms=10)
    assert bench.rule.block().remaining_ms <= HOLD_MS


def test_a_stamp_from_the_future_is_refused() -> None:
    bench = Bench().armed()
    assert bench.send(Word.MACHINE_AND_AI, Phase.ARMED, age=-3).refused == "stamp"


# ---------------------------------------------------------------- which frames count


@pytest.mark.parametrize("step", [9, 100, 0x8000, 0xFFFF])
def test_a_number_out_of_its_window_is_refused(step: int) -> None:
    bench = Bench().armed()
    assert bench.send(Word.WITHHOLD, step=step).refused == "number"
    assert bench.rule.output is Word.MACHINE_AND_AI


@pytest.mark.parametrize("step", [1, 8])
def test_a_number_at_the_edge_of_its_window_is_taken(step: int) -> None:
    bench = Bench().armed()
    assert bench.send(Word.MACHINE, Phase.ARMED, step=step).output is Word.MACHINE


def test_the_same_number_again_does_nothing_and_is_not_counted() -> None:
    bench = Bench().armed()
    scan = bench.send(Word.WITHHOLD, step=0)
    assert (scan.output, scan.refused) == (Word.MACHINE_AND_AI, "")


def other_crc(words: list[int]) -> list[int]:
    return [*words[:-1], words[-1] ^ 1]


def other_format(words: list[int]) -> list[int]:
    words = [words[0] ^ 0x100, *words[1:-2]]
    crc = checksum(words, 1, 0xA0)
    return [*words, crc >> 16, crc & 0xFFFF]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"connection": 4711}, Fault.WRONG_CONNECTION),
        ({"step": 9}, Fault.SEQUENCE_GAP),
        ({"damage": other_crc}, Fault.CRC_RUN),
        ({"damage": other_format}, Fault.FORMAT),
    ],
)
def test_the_fault_names_what_came_until_the_hold_time_was_over(wrong: dict[str, Any], fault: Fault) -> None:
    bench = Bench().armed()
    while bench.rule.output is not Word.WITHHOLD:
        assert bench.send(Word.MACHINE_AND_AI, Phase.ARMED, ms=10, **wrong).refused
    assert bench.rule.fault is fault


def test_an_offer_that_nobody_takes_lapses_without_a_fault() -> None:
    bench = Bench()
    while not bench.rule.connection:
        bench.send()
    old = bench.rule.connection
    bench.wait(400)
    assert (bench.rule.state, bench.rule.fault) == (PlcState.OFF, Fault.NONE)
    bench.connect()
    assert bench.rule.connection not in (0, old)


def test_a_connection_id_is_never_0_nor_the_last_one() -> None:
    bench = Bench()
    ids = iter([5, 5, 0, 7])
    bench.rule = PlcRule(lambda: next(ids), hold_limit_ms=HOLD_MS)
    assert bench.connect().rule.connection == 5
    bench.wait(400)
    assert bench.connect().rule.connection == 7


def test_no_offer_is_made_for_words_other_than_withhold_or_a_broken_run() -> None:
    bench = Bench()
    for word in (Word.ABSTAIN, Word.MACHINE):
        for _ in range(40):
            bench.send(word)
    for _ in range(40):
        bench.send(step=9)
    assert bench.rule.connection == 0


# ---------------------------------------------------------------- the button


@pytest.mark.parametrize(
    ("ms", "counts"), [(80, False), (100, True), (300, True), (5_000, True), (5_030, False)]
)
def test_only_a_press_of_100_ms_to_5_s_counts(ms: int, counts: bool) -> None:
    bench = Bench().connect().request()
    bench.inputs |= Input.RESET_BUTTON
    for _ in range(ms // 10):
        bench.send(phase=Phase.ARM_REQUEST, ms=10)
    bench.inputs &= ~Input.RESET_BUTTON
    bench.request(2)
    assert bench.counted == counts
    assert bench.rule.press_ms == ms


def test_the_offer_ends_1_s_after_the_last_request_and_a_press_that_outlasts_it_does_not_count() -> None:
    bench = Bench().connect().request()
    bench.inputs |= Input.RESET_BUTTON
    for _ in range(22):
        bench.send()
    bench.inputs &= ~Input.RESET_BUTTON
    bench.request(3)
    assert bench.counted == 0


def test_bounces_and_a_button_that_is_down_at_power_up_are_no_press() -> None:
    button = Button()
    presses = [button.scan(10 * n, level) for n, level in enumerate([1, 1, 1, 0, 0, 0, 0])]
    presses += [button.scan(70 + 10 * n, level) for n, level in enumerate([1, 0, 1, 0, 0])]
    assert presses == [None] * 12
    presses = [button.scan(200 + 10 * n, n < 15) for n in range(20)]
    assert [press for press in presses if press] == [Press(200, 150)]


def test_block_b_shows_the_edges_and_the_button_but_a_stuck_one_never_counts() -> None:
    bench = Bench().connect()
    bench.inputs |= Input.RESET_BUTTON
    bench.send()
    assert bench.rule.block().inputs & Input.RESET_BUTTON
    for _ in range(110):
        bench.send()
    bench.inputs &= ~Input.RESET_BUTTON
    bench.send()
    assert bench.rule.block().edges == 0
    bench.inputs |= Input.RESET_BUTTON
    bench.send(ms=200)
    bench.inputs &= ~Input.RESET_BUTTON
    bench.send()
    assert (bench.rule.block().edges, bench.rule.block().accepted) == (1, 0)


# ---------------------------------------------------------------- whatever comes

FRAME = st.tuples(
    st.sampled_from(Word), st.sampled_from(Phase), st.integers(0, 10), st.integers(-2, 40), st.sampled_from([0, 100, 310]),
    st.sampled_from(["own", "own", "own", "none", "other"]), st.sampled_from([10, 50, 100, 400]),
)  # fmt: skip


def play(bench: Bench, frame: tuple[Word, Phase, int, int, int, str, int]) -> None:
    word, phase, step, age, hold_ms, whose, ms = frame
    connection = {"own": None, "none": 0, "other": 4711}[whose]
    bench.send(word, phase, step=step, age=age, hold_ms=hold_ms, connection=connection, ms=ms)


@given(st.booleans(), st.lists(FRAME, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_frames_without_a_counted_press_raises_the_output(
    is_connected: bool, sequence: list[tuple[Word, Phase, int, int, int, str, int]]
) -> None:
    bench = Bench()
    if is_connected:
        bench.connect().request()
    for frame in sequence:
        play(bench, frame)
        assert bench.rule.output is Word.WITHHOLD
    assert bench.rises == bench.counted == 0


@given(st.lists(st.one_of(FRAME, st.sampled_from(["down", "up", "press"])), max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_sequence_raises_the_output_more_often_than_presses_were_counted(sequence: list[object]) -> None:
    bench = Bench().connect().request().press()
    for each in sequence:
        if each == "press":
            bench.press()
        elif isinstance(each, str):
            bit = Input.RESET_BUTTON
            bench.inputs = bench.inputs | bit if each == "down" else bench.inputs & ~bit
        else:
            play(bench, each)  # type: ignore[arg-type]
        assert bench.rises <= bench.counted


@given(st.lists(st.lists(st.integers(0, 0xFFFF), min_size=8, max_size=8), max_size=20))
def test_garbage_in_the_registers_never_crashes_the_rule_and_is_counted(sequence: list[list[int]]) -> None:
    bench = Bench()
    for words in sequence:
        bench.words = words
        bench.wait()
        assert bench.rule.output is Word.WITHHOLD
    assert bench.rule.admission.counts.total() <= len(sequence)
