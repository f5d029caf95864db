"""Both halves of the link against each other in simulated time."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka_bridge.link.blocks import RANK, BlockA, BlockD
from jidoka_bridge.link.frames import sealed
from jidoka_bridge.link.freshness import BEHIND_BEATS, SURE_BEATS, EchoHabit
from jidoka_bridge.link.session import Ask, Session
from jidoka_bridge.link.skew import UNKNOWN
from jidoka_bridge.plan import Link
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.registers import Input, Phase, PlcState, State, Word

from tests.bridge.link.null_modem import HOLD, MS, READY, REQUEST, RUN, NullModem

FALLBACK = Ask(Word.MACHINE, State.FALLBACK)
STEP_UP = Ask(Word.MACHINE, State.FALLBACK, arm=True)
ABSTAIN = Ask(Word.ABSTAIN, State.OVERRIDE)
LOCKOUT = Ask(Word.WITHHOLD, State.LOCKOUT)


def sent(modem: NullModem) -> BlockA:
    """Block A as it last arrived at the PLC."""
    words = modem.registers.block("A")
    assert words is not None
    return BlockA.decode(words, modem.link.unit)


# ---------------------------------------------------------------- arming


def test_a_press_wholly_after_the_arm_request_arms_and_the_word_follows() -> None:
    modem = NullModem()
    modem.run(2_500, REQUEST)
    assert (modem.session.phase, modem.rule.state) == (Phase.ARM_REQUEST, PlcState.ARMING)
    assert modem.session.presses == 0
    modem.press()
    assert (modem.session.presses, modem.rule.output) == (1, Word.WITHHOLD)
    modem.run(140, RUN)
    assert (modem.session.phase, modem.rule.state) == (Phase.ARMED, PlcState.ARMED)
    assert modem.rule.output is Word.MACHINE_AND_AI
    modem.run(10_000, RUN)
    assert modem.session.block is not None
    assert modem.session.block.actual is Word.MACHINE_AND_AI
    assert [word for _, word in modem.rises] == [Word.MACHINE_AND_AI]


def test_a_press_that_began_before_the_arm_request_does_not_count() -> None:
    modem = NullModem()
    modem.run(2_500, HOLD)
    modem.inputs |= Input.RESET_BUTTON
    modem.run(300, HOLD)
    modem.run(1_000, REQUEST)
    assert modem.rule.state is PlcState.ARMING
    modem.inputs &= ~Input.RESET_BUTTON
    modem.run(500, RUN)
    assert (modem.session.presses, modem.rule.output) == (0, Word.WITHHOLD)


@pytest.mark.parametrize("ms", [70, 5_200])
def test_a_press_too_short_or_too_long_does_not_count(ms: int) -> None:
    modem = NullModem()
    modem.run(2_500, REQUEST)
    modem.press(ms)
    modem.run(500, RUN)
    assert (modem.session.presses, modem.rule.output) == (0, Word.WITHHOLD)


def test_the_arm_request_waits_for_1_s_and_20_beats_of_withhold_and_for_block_d() -> None:
    modem = NullModem()
    modem.session.record = BlockD(0, 1234, 0xABCDEF, 77)
    began_ms = modem.now_ms
    beats = 0
    while modem.session.phase is Phase.IDLE:
        modem.run(70, REQUEST)
        beats += 1
    assert beats > 20
    assert modem.now_ms - began_ms > 1_000
    words = modem.registers.block("D")
    assert words is not None
    assert BlockD.decode(words, 1) == BlockD(modem.session.connection_id, 1234, 0xABCDEF, 77)


def test_no_arm_request_is_made_unless_asked() -> None:
    modem = NullModem()
    modem.run(5_000, HOLD)
    assert (modem.session.phase, modem.rule.state) == (Phase.IDLE, PlcState.IDLE)
    assert modem.session.connection_id == modem.rule.connection != 0


def test_a_word_that_is_asked_for_without_a_press_is_never_sent() -> None:
    modem = NullModem()
    for ask in (RUN, dataclasses.replace(RUN, arm=True), FALLBACK):
        for _ in range(60):
            modem.run(70, ask)
            assert sent(modem).word is Word.WITHHOLD
    assert modem.rule.output is Word.WITHHOLD
    assert not modem.rule.fault


def test_the_rise_is_over_after_2_s() -> None:
    modem = NullModem()
    modem.run(2_500, REQUEST)
    modem.press()
    modem.run(2_000, REQUEST)
    modem.run(1_000, RUN)
    assert (modem.session.presses, modem.rule.output, modem.rule.fault) == (1, Word.WITHHOLD, 0)


def test_the_step_from_fallback_to_the_model_needs_a_press_of_its_own() -> None:
    modem = NullModem()
    modem.arm(FALLBACK)
    assert modem.rule.output is Word.MACHINE
    modem.run(500, RUN)
    assert (sent(modem).word, modem.rule.output) == (Word.MACHINE, Word.MACHINE)
    modem.run(500, STEP_UP)
    assert (modem.session.phase, sent(modem).word) == (Phase.ARM_REQUEST, Word.MACHINE)
    modem.press(ask=STEP_UP)
    modem.run(200, RUN)
    assert modem.rule.output is Word.MACHINE_AND_AI
    assert len(modem.rises) == len(modem.counted) == 2


def test_the_way_down_to_fallback_needs_no_press_and_the_way_back_does() -> None:
    modem = NullModem()
    modem.arm()
    modem.run(140, FALLBACK)
    assert modem.rule.output is Word.MACHINE
    modem.run(1_000, RUN)
    assert (modem.rule.output, modem.rule.fault) == (Word.MACHINE, 0)


def test_accepted_presses_count_across_the_wrap_of_the_register() -> None:
    modem = NullModem()
    modem.rule.accepted = 255
    modem.arm()
    assert (modem.session.presses, modem.rule.accepted) == (1, 0)


# ---------------------------------------------------------------- lowering


@pytest.mark.parametrize("ask", [HOLD, ABSTAIN, LOCKOUT, REQUEST])
def test_one_frame_is_enough_to_drop_and_then_arming_begins_anew(ask: Ask) -> None:
    modem = NullModem()
    modem.arm()
    old = modem.session.connection_id
    modem.run(70, ask)
    assert (modem.rule.output, modem.rule.fault, modem.rule.connection) == (Word.WITHHOLD, 0, 0)
    modem.run(70, ask)
    assert modem.session.connection_id == 0
    modem.run(5_000, RUN)
    assert modem.rule.output is Word.WITHHOLD
    modem.arm()
    assert modem.rule.output is Word.MACHINE_AND_AI
    assert modem.session.connection_id not in (0, old)


def test_a_withdrawal_is_repeated_until_the_plc_has_heard_it() -> None:
    modem = NullModem()
    modem.arm()
    modem.lose_request = True
    modem.run(140, HOLD)
    assert modem.rule.output is Word.MACHINE_AND_AI
    modem.lose_request = False
    modem.run(70, HOLD)
    assert modem.rule.output is Word.WITHHOLD
    assert not modem.rule.fault


def test_a_raise_that_never_arrived_is_withdrawn_like_any_other() -> None:
    modem = NullModem()
    modem.run(2_500, REQUEST)
    modem.press()
    modem.lose_request = True
    modem.run(70, RUN)
    modem.lose_request = False
    modem.run(70, REQUEST)
    assert (sent(modem).phase, modem.rule.is_armed) == (Phase.WITHDRAW, False)
    modem.run(1_000, RUN)
    assert modem.rule.output is Word.WITHHOLD


def test_a_press_that_the_plc_counts_without_our_request_opens_nothing() -> None:
    modem = NullModem()
    modem.run(2_500, HOLD)
    modem.rule.accepted = 1
    modem.run(70, HOLD)
    modem.run(140, RUN)
    assert (modem.session.presses, sent(modem).word) == (0, Word.WITHHOLD)


def test_abstain_is_sent_as_asked_and_lockout_shows_its_phase() -> None:
    modem = NullModem()
    modem.run(500, ABSTAIN)
    assert (sent(modem).word, sent(modem).phase) == (Word.ABSTAIN, Phase.IDLE)
    modem.run(500, LOCKOUT)
    assert (sent(modem).word, sent(modem).phase, modem.session.phase) == (
        Word.WITHHOLD,
        Phase.LATCH,
        Phase.LATCH,
    )
    assert modem.session.is_up


# ---------------------------------------------------------------- silence, loss and delay


def test_a_silent_agent_lapses_within_the_hold_time_and_two_scans_and_stays_off() -> None:
    modem = NullModem()
    modem.arm()
    last_ms = modem.now_ms
    while modem.rule.output is not Word.WITHHOLD:
        modem.wait(10)
    assert modem.now_ms - last_ms <= modem.link.hold_ms + 2 * 10
    assert modem.rule.fault.name == "WATCHDOG"
    assert modem.rule.state is PlcState.TRIPPED
    modem.run(5_000, RUN)
    assert modem.rule.output is Word.WITHHOLD


def test_a_delayed_frame_renews_nothing() -> None:
    modem = NullModem()
    modem.arm()
    stamped_ms = modem.now_ms
    frame = modem.session.request(modem.now_ms * MS, RUN)
    modem.wait(250)
    modem.exchange(frame)
    while modem.rule.output is not Word.WITHHOLD:
        modem.wait(10)
    assert modem.now_ms - stamped_ms <= modem.link.hold_ms + 2 * 10


def test_lost_beats_are_borne_up_to_the_number_planned_for() -> None:
    modem = NullModem()
    modem.arm()
    for lost in (1, 2):
        modem.lose_reply = True
        modem.run(70 * lost, RUN)
        modem.lose_reply = False
        modem.run(210, RUN)
        assert (modem.session.is_up, modem.rule.output) == (True, Word.MACHINE_AND_AI)
    modem.lose_reply = True
    modem.run(210, RUN)
    assert not modem.session.is_up
    modem.lose_reply = False
    modem.run(3_000, RUN)
    assert modem.session.is_up
    assert modem.rule.output is Word.WITHHOLD


def test_a_guard_that_wakes_up_too_late_withholds_first() -> None:
    modem = NullModem()
    modem.arm()
    frame = modem.session.request((modem.now_ms + 400) * MS, RUN)
    (request,) = modem.parser.feed(frame)
    modem.registers.write(request)
    assert sent(modem).word is Word.WITHHOLD
    assert not modem.session.is_up


def test_a_plc_that_restarted_is_armed_anew_by_a_person_only() -> None:
    modem = NullModem()
    modem.arm()
    modem.rule = PlcRule(lambda: 4711)
    modem.run(5_000, RUN)
    assert (modem.session.connection_id, modem.rule.output) == (4711, Word.WITHHOLD)
    modem.arm()
    assert modem.rule.output is Word.MACHINE_AND_AI


def test_a_port_that_was_lost_begins_a_new_session() -> None:
    modem = NullModem()
    modem.arm()
    modem.session.reset()
    assert (modem.session.phase, modem.session.connection_id, modem.session.is_up) == (Phase.IDLE, 0, False)
    modem.run(5_000, RUN)
    assert modem.rule.output is Word.WITHHOLD
    assert modem.session.is_up
    assert not modem.session.foreign
    modem.arm()
    assert modem.rule.output is Word.MACHINE_AND_AI


# ---------------------------------------------------------------- replies that are none


def test_the_link_is_up_after_three_good_beats() -> None:
    modem = NullModem()
    ups = []
    for _ in range(4):
        modem.run(70)
        ups.append(modem.session.is_up)
    assert ups == [False, False, True, True]


def test_answers_that_lag_a_beat_behind_are_refused_until_a_pause_has_cleared_the_line() -> None:
    modem = NullModem()
    modem.run(3_500)
    queue = [modem.exchange(modem.session.request(modem.now_ms * MS, HOLD))]
    modem.session.timeout(modem.now_ms * MS)
    taken: list[int] = []
    block = modem.session.block
    for _ in range(40):
        modem.wait(50)
        began_ms = modem.now_ms
        frame = modem.session.request(began_ms * MS, HOLD)
        if frame:
            queue.append(modem.exchange(frame))
        beat = modem.session.feed(modem.now_ms * MS, queue.pop(0)) if queue else None
        if beat is None:
            beat = modem.session.timeout(modem.now_ms * MS)
        if beat.good and beat.block is not block:  # else block D went over in its place
            block = beat.block
            assert block is not None
            taken.append(began_ms // 10 - block.counter & 0xFFFF)
    assert modem.session.counts["resync pause"] == 1
    assert len(taken) > 30
    assert all(age == 0 or age >= 0x8000 for age in taken)  # none is older than its request


def test_a_repeated_answer_is_refused_because_the_counter_stands_still() -> None:
    modem = NullModem()
    modem.run(3_500, REQUEST)  # until block C was read
    reply = modem.exchange(modem.session.request(modem.now_ms * MS, REQUEST))
    assert modem.session.feed(modem.now_ms * MS, reply).good  # type: ignore[union-attr]
    modem.session.request(modem.now_ms * MS, REQUEST)
    beat = modem.session.feed(modem.now_ms * MS, reply)
    assert beat is not None
    assert (beat.good, beat.why) == (False, "counter stands still")


def test_a_plc_in_stop_is_not_healthy_although_its_stack_answers() -> None:
    modem = NullModem()
    modem.arm()
    modem._scan = lambda: None  # type: ignore[method-assign]
    modem.run(280, RUN)
    assert not modem.session.is_up
    assert modem.session.counts == {"number": 1, "counter stands still": 3}, "not healthy after two beats"


def test_a_plc_that_is_always_a_number_behind_is_known_after_a_while_and_armed_as_any_other() -> None:
    modem = NullModem()

    def served_before_the_program(frame: bytes) -> bytes:
        requests = modem.parser.feed(frame)
        modem.wait(20)
        exceptions = [modem.registers.write(request) for request in requests]
        return b"".join(modem.registers.reply(r, e) for r, e in zip(requests, exceptions, strict=True))

    modem.exchange = served_before_the_program  # type: ignore[method-assign]
    modem.run(1_500)
    refused = modem.session.counts["number"]
    assert 0 < refused <= 13
    modem.arm()
    assert modem.rule.output is Word.MACHINE_AND_AI
    assert modem.session.counts["number"] == refused


def test_where_two_answers_come_to_each_beat_the_first_is_somebody_elses_and_no_plc_that_is_behind() -> None:
    habit = EchoHabit()
    for _ in range(3 * BEHIND_BEATS):
        assert not habit.allows(1)
        habit.interrupted()
    session = Session(Link("port"), 7)
    for _ in range(BEHIND_BEATS - 1):
        session._habit.allows(1)
    session.feed(5, b"the second answer")
    assert not session._habit.allows(1)
    session.feed(6, b"")
    assert session._habit._behind == 1


def test_a_plc_that_begins_to_show_the_current_number_is_held_to_it() -> None:
    habit = EchoHabit()
    assert [habit.allows(1) for _ in range(BEHIND_BEATS)] == [False] * (BEHIND_BEATS - 1) + [True]
    assert all(habit.allows(lag) for lag in (0, 1, 0, 1))
    assert all(habit.allows(0) for _ in range(SURE_BEATS))
    assert not habit.allows(1)


def test_answers_that_are_late_now_and_then_do_not_make_a_plc_one_that_is_behind() -> None:
    habit = EchoHabit()
    for _ in range(3):
        assert not any(habit.allows(1) for _ in range(BEHIND_BEATS - 1))
        habit.interrupted()


@pytest.mark.parametrize(("age", "why"), [(0, ""), (1, "number"), (2, "number"), (0xFFFF, "number")])
def test_an_echo_of_the_beat_before_is_refused_of_a_plc_that_shows_the_current_one(
    age: int, why: str
) -> None:
    modem = NullModem()
    modem.run(700, REQUEST)
    modem.exchange(modem.session.request(modem.now_ms * MS, REQUEST))
    block = modem.rule.block()
    words = dataclasses.replace(block, echo=(block.echo - age) & 0xFFFF).encode(1)
    reply = sealed(bytes((1, 0x17, 32)) + b"".join(word.to_bytes(2, "big") for word in words))
    beat = modem.session.feed(modem.now_ms * MS, reply)
    assert beat is not None
    assert (beat.good, beat.why) == (not why, why)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6])
def test_an_exception_is_a_lost_beat_that_says_its_code(code: int) -> None:
    modem = NullModem()
    modem.session.request(modem.now_ms * MS, HOLD)
    beat = modem.session.feed(modem.now_ms * MS, sealed(bytes((1, 0x97, code))))
    assert beat is not None
    assert (beat.good, beat.why) == (False, f"exception {code}")


def test_three_answers_to_other_requests_make_a_pause() -> None:
    modem = NullModem()
    modem.run(700, REQUEST)
    frames = []
    for _ in range(4):
        frame = modem.session.request(modem.now_ms * MS, REQUEST)
        frames.append(frame)
        if frame:
            modem.session._sent = dataclasses.replace(modem.session._sent, number=9)  # type: ignore[type-var]
            modem.session.feed(modem.now_ms * MS, modem.exchange(frame))
        modem.wait(50)
    assert [bool(frame) for frame in frames] == [True, True, True, False]
    assert modem.session.feed(modem.now_ms * MS, b"late") is None
    assert modem.session.timeout(modem.now_ms * MS).why == "resync pause"
    assert modem.run(210).good


def test_a_word_that_goes_down_waits_for_no_pause_and_for_no_other_block() -> None:
    modem = NullModem(Link("null modem", lost_beats=9))
    modem.arm()
    modem.session._mismatches = 3
    modem.session._asides._recorded_ns -= 3_600_000 * MS
    modem.run(70, HOLD)
    assert modem.rule.output is Word.WITHHOLD
    assert modem.session.counts["resync pause"] == 0


def test_block_d_is_written_again_after_an_hour_and_costs_one_beat() -> None:
    modem = NullModem()
    modem.arm()
    modem.session.record = BlockD(0, 99)
    modem.session._asides._recorded_ns -= 3_600_000 * MS
    modem.run(1_000, RUN)
    words = modem.registers.block("D")
    assert words is not None
    assert BlockD.decode(words, 1).ledger_size == 99
    assert (modem.rule.output, modem.session.counts) == (Word.MACHINE_AND_AI, {})


def test_somebody_elses_session_is_seen_and_our_own_old_one_is_not() -> None:
    modem = NullModem(first_number=100)
    modem.arm()
    other = Session(modem.link, 30_000)
    mine, modem.session = modem.session, other
    modem.run(2_700, REQUEST)
    assert not other.foreign  # what the first one left behind has lapsed by then
    assert other.connection_id != 0
    modem.session = mine
    modem.run(140, HOLD)
    assert mine.foreign


def test_parts_are_counted_over_the_wrap_and_over_a_restart_of_the_plc() -> None:
    modem = NullModem()
    for parts, total in ((65_530, 65_530), (65_540, 65_540), (70_000, 70_000), (3, 70_003)):
        modem.parts = parts
        modem.run(140)
        assert modem.session.part_count == total


def test_block_c_is_read_in_pieces_beside_the_beats() -> None:
    modem = NullModem()
    modem.run(5_000)
    assert modem.session.block_c is not None
    assert modem.session.block_c.hold_limit_ms == 1_000
    assert modem.session.counts == {}


def test_a_plc_that_does_not_serve_block_c_is_not_armed() -> None:
    modem = NullModem()
    modem.registers._read = lambda address, count: (  # type: ignore[method-assign]
        None if address >= 200 else modem.registers._words["B"]
    )
    modem.run(1_000)
    assert (modem.session.block_c, modem.session.is_up) == (None, False)
    assert modem.session.counts == {"exception 2": 3}
    assert modem.session.skew == UNKNOWN
    modem.arm()
    assert (modem.session.phase, modem.rule.state, modem.rule.output) == (
        Phase.IDLE,
        PlcState.IDLE,
        Word.WITHHOLD,
    )
    del modem.registers._read  # type: ignore[method-assign]
    modem.arm()
    assert modem.rule.output is Word.MACHINE_AND_AI


def test_a_number_of_0_is_not_where_a_session_starts() -> None:
    session = Session(Link("port"), 0)
    frame = session.request(0, HOLD)
    assert int.from_bytes(frame[15:17], "big") == 1


# ---------------------------------------------------------------- whatever happens

ACTS = st.sampled_from(["hold", "request", "run", "fallback", "step up", "abstain", "lockout", "down", "up",
                        "lose request", "lose reply", "lose nothing", "wait", "reset", "key off", "key on"])  # fmt: skip
ASKS = {"hold": HOLD, "request": REQUEST, "run": RUN, "fallback": FALLBACK, "step up": STEP_UP,
        "abstain": ABSTAIN, "lockout": LOCKOUT}  # fmt: skip


@given(st.lists(st.tuples(ACTS, st.integers(1, 5)), max_size=25), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_output_rises_at_most_once_per_counted_press_and_never_above_what_is_asked(
    acts: list[tuple[str, int]], is_armed: bool
) -> None:
    modem = NullModem()
    ask = HOLD
    modem.run(2_500, REQUEST)
    if is_armed:
        modem.press()
    for act, beats in acts:
        ask = ASKS.get(act, ask)
        if act in ("down", "up"):
            modem.inputs = (
                modem.inputs | Input.RESET_BUTTON if act == "down" else modem.inputs & ~Input.RESET_BUTTON
            )
        elif act.startswith("lose"):
            modem.lose_request, modem.lose_reply = act == "lose request", act == "lose reply"
        elif act.startswith("key"):
            modem.inputs = READY if act == "key on" else READY & ~Input.KEY_AUTO
        elif act == "reset":
            modem.session.reset()
        if act == "wait":
            modem.wait(70 * beats)
        else:
            modem.run(70 * beats, ask)
        if not (modem.lose_request or modem.lose_reply):
            assert RANK[sent(modem).word] <= RANK[ask.word]
            if act != "wait":
                assert RANK[modem.rule.output] <= RANK[ask.word]
    assert len(modem.rises) <= len(modem.counted)
    modem.wait(modem.link.hold_ms + 20)
    assert modem.rule.output is Word.WITHHOLD


@given(st.lists(st.binary(max_size=60), max_size=30))
@settings(max_examples=60, deadline=None)
def test_garbage_from_the_line_never_crashes_the_session_and_never_arms_it(chunks: list[bytes]) -> None:
    session = Session(Link("port"), 1)
    now_ns = 0
    for chunk in chunks:
        now_ns += 70 * MS
        session.request(now_ns, RUN)
        if session.feed(now_ns, chunk) is None:
            session.timeout(now_ns)
    assert (session.is_up, session.phase, session.presses) == (False, Phase.IDLE, 0)


# ---------------------------------------------------------------- block C, torn or lost


def test_a_torn_block_c_is_counted_and_read_again() -> None:
    modem = NullModem()
    made = modem.registers._read_c
    modem.registers._read_c = lambda: [*list(made())[:-1], 0]
    modem.run(2_500)
    assert (modem.session.block_c, modem.session.counts["block C crc"]) == (None, 1)
    modem.registers._read_c = made
    modem.run(4_000)
    assert modem.session.block_c is not None


def test_block_c_is_left_alone_for_10_s_after_three_failures() -> None:
    modem = NullModem()
    modem.run(500)
    modem.registers._read = lambda address, count: (  # type: ignore[method-assign]
        None if address >= 200 else modem.registers._words["B"]
    )
    modem.run(5_000)
    assert modem.session.counts == {"exception 2": 3}
    assert modem.session.is_up


def test_the_record_that_block_d_tells_can_be_read_back() -> None:
    session = Session(Link("port"), 1)
    session.record = BlockD(0, 5)
    assert session.record.ledger_size == 5


def test_a_request_while_an_answer_is_awaited_gives_that_answer_up() -> None:
    session = Session(Link("port"), 1)
    session.request(0, HOLD)
    session.request(70 * MS, HOLD)
    assert session.counts == {"no answer": 1}


def test_a_link_that_is_up_goes_down_when_the_program_behind_it_is_found_not_to_fit() -> None:
    modem = NullModem()
    modem.run(300)
    assert modem.session.is_up
    made = modem.registers._read_c
    modem.registers._read_c = lambda: [0x4302, *list(made())[1:]]
    modem.session._asides.recheck()
    modem.run(140)
    assert not modem.session.is_up
    assert modem.session.skew
