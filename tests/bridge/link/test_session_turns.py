"""One turn of a session after the other: what a beat carries, what an exchange in its place gives back, what is counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link import frames
from jidoka_bridge.link.blocks import BlockA, BlockB
from jidoka_bridge.link.exchange import Sent
from jidoka_bridge.link.session import Ask, Beat, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.bridge.link.null_modem import HOLD, MS, REQUEST, NullModem

HOUR_NS = 3_600_000 * MS


def carried(session: Session, now_ns: int, ask: Ask) -> BlockA:
    """Block A of the next beat."""
    frame = session.request(now_ns, ask)
    assert session._sent is not None
    assert session._sent.kind == "A"
    body = frame[-2 - 2 * registers.A.words : -2]
    words = [int.from_bytes(body[at : at + 2], "big") for at in range(0, len(body), 2)]
    return BlockA.decode(words, session.link.unit)


def aside(session: Session, kind: str, at_ns: int, count: int = 16) -> Sent:
    """As if this went over in place of a beat."""
    session._sent = Sent(
        kind, at_ns, at_ns, frames.Assembler(frames.read_holding(session.link.unit, 0, count))
    )
    return session._sent


def answered(session: Session, now_ns: int, words: Sequence[int]) -> Beat:
    head = bytes((session.link.unit, 3, 2 * len(words)))
    beat = session.feed(now_ns, frames.sealed(head + b"".join(word.to_bytes(2, "big") for word in words)))
    assert beat is not None
    return beat


def up(**values: object) -> NullModem:
    modem = NullModem(Link("null modem", lost_beats=3, **values))  # type: ignore[arg-type]
    modem.run(700)
    assert modem.session.is_up
    return modem


def test_the_first_beat_carries_what_is_asked_and_no_stamp() -> None:
    session = Session(Link("port", hold_ms=310), 7)
    block = carried(session, 0, Ask(Word.WITHHOLD, State.HOLD, reason=5))
    assert block == BlockA(310, 0, 7, 0, State.HOLD, Phase.IDLE, 5, Word.WITHHOLD)
    assert carried(session, 70 * MS, HOLD).number == 8


@pytest.mark.parametrize(("is_known", "phase"), [(True, Phase.ARM_REQUEST), (False, Phase.IDLE)])
def test_nothing_is_armed_before_the_plcs_program_is_known(
    is_known: bool, phase: Phase, monkeypatch: pytest.MonkeyPatch
) -> None:
    modem = up()
    session, now_ns = modem.session, modem.now_ms * MS
    session._asides.is_known = is_known
    session._asides._c_due_ns = 2 * now_ns
    session._beats_since_aside = 0
    monkeypatch.setattr(session._arming, "_may_request", lambda _: True)
    assert carried(session, now_ns, REQUEST).phase is phase


def test_the_second_half_is_asked_for_once() -> None:
    session, now_ns = Session(Link("port", function="16+03"), 7), 3 * MS
    session.request(now_ns, HOLD)
    assert session._sent is not None
    assert isinstance(session._sent.assembler, frames.Assembler)
    assert session.feed(now_ns, frames.sealed(session._sent.assembler.request.head)) is None
    assert session.has_second is True
    assert session.feed(now_ns, b"more") is None
    session.second(now_ns + 5)
    assert session.has_second is False
    assert session._sent is not None
    assert (session._sent.asked_ns, session._sent.at_ns) == (now_ns + 5, now_ns)


def test_bytes_that_nobody_asked_for_are_counted_each_time() -> None:
    session = Session(Link("port"), 7)
    for data in (b"a", b"", b"bc"):
        assert session.feed(1, data) is None
    assert session.counts == {"unasked bytes": 2}


def test_a_time_out_without_a_question_says_so() -> None:
    modem = up()
    beat = modem.session.timeout(modem.now_ms * MS)
    assert beat == Beat(False, "nothing asked", modem.now_ms * MS, 0, modem.session.block)
    assert modem.session.has_second is False


def test_three_pieces_of_block_c_without_an_answer_put_it_off_for_10_s() -> None:
    session = Session(Link("port"), 7)
    for tries in (1, 2, 3):
        assert session._asides._c_due_ns == 0
        aside(session, "C", tries)
        assert session.timeout(tries * MS).why == "no answer"
    assert (session._asides._c_due_ns, session._asides._failures["C"]) == (3 * MS + 10_000 * MS, 0)


def test_a_block_c_that_was_read_whole_is_read_again_in_an_hour_and_forgets_what_failed() -> None:
    modem = up()
    modem.session._asides._failures["C"] = 2
    modem.run(1_500)
    asides = modem.session._asides
    assert asides.block_c is not None
    assert (asides._words, asides._failures["C"]) == ([], 0)
    assert asides._c_due_ns > HOUR_NS


@pytest.mark.parametrize("kind", ["C", "head"])
def test_an_exception_to_something_else_than_a_beat_takes_no_link_down(kind: str) -> None:
    modem = up()
    session, now_ns = modem.session, modem.now_ms * MS
    sent = aside(session, kind, now_ns)
    failures = session._asides._failures[kind]
    beat = session.feed(now_ns, frames.sealed(bytes((session.link.unit, 0x83, 2))))
    assert beat is not None
    assert (sent.kind, beat.why, session.is_up) == (kind, "exception 2", True)
    assert session._asides._failures[kind] == failures + 1


@pytest.mark.parametrize(("connection", "function"), [(0, "16+03"), (9, "23")])
def test_the_function_code_never_changes_inside_a_session(connection: int, function: str) -> None:
    modem = up()
    session, now_ns = modem.session, modem.now_ms * MS
    session._arming.connection_id = connection
    session._beats_since_aside = 0
    carried(session, now_ns, HOLD)
    session.feed(now_ns, frames.sealed(bytes((session.link.unit, 0x97, 1))))
    assert (session.function, session._arming.connection_id) == (function, connection)


def test_an_answer_in_place_of_a_beat_is_a_good_one_with_the_block_of_before() -> None:
    modem = up()
    session, now_ns = modem.session, modem.now_ms * MS
    aside(session, "D", now_ns)
    assert answered(session, now_ns + 7, [0] * 16) == Beat(
        True, "", now_ns + 7, 7, session.block, is_own=False
    )
    assert (session._arming.is_recorded, session._asides._recorded_ns) == (True, now_ns + 7)


def test_each_block_c_of_no_use_is_counted() -> None:
    session = Session(Link("port"), 7)
    for times in (1, 2):
        session._asides._words = [0] * (registers.C.words - 16)
        aside(session, "C", times)
        answered(session, times, [0] * 16)
        assert session.counts == {"block C crc": times}


def test_a_link_that_waits_too_long_for_an_answer_beside_the_beats_is_down() -> None:
    modem = up()
    session, at_ns = modem.session, modem.now_ms * MS
    aside(session, "D", at_ns)
    answered(session, at_ns + session._standing.hold_ms * MS + 80 * MS, [0] * 16)
    assert not session.is_up


# ---------------------------------------------------------------- what block B says


def told(session: Session, at_ns: int, connection: int, echo: int, counter: int) -> Beat:
    """One beat that is answered 7 ns later."""
    assert session.request(at_ns, HOLD)
    words = BlockB(connection, echo, counter, Word.WITHHOLD, PlcState.IDLE, Fault.NONE, Input(0)).encode(1)
    head = bytes((1, 0x17, 2 * len(words)))
    beat = session.feed(at_ns + 7, frames.sealed(head + b"".join(word.to_bytes(2, "big") for word in words)))
    assert beat is not None
    return beat


def test_a_good_answer_tells_when_it_was_asked_for_and_how_long_it_took() -> None:
    session = Session(Link("port"), 7)
    session._mismatches = session._misfits = 2
    beat = told(session, MS, 0, 7, 10)
    assert beat == Beat(True, "", MS + 7, 7, session.block)
    assert (session.asked_ns, session._mismatches, session._misfits) == (MS, 0, 0)
    assert (session._standing.last_sent_ns, session._standing._last_good_ns) == (MS, MS + 7)
    assert session._fresh._last == (10, MS + 7)


def test_three_answers_whose_counter_stands_still_make_a_pause() -> None:
    session = Session(Link("port"), 7)
    told(session, MS, 0, 7, 10)
    for number in (8, 9, 10):
        assert told(session, number * 70 * MS, 0, number, 10).why == "counter stands still"
    assert session.request(800 * MS, HOLD) == b""


@pytest.mark.parametrize(("connection", "is_foreign"), [(5, False), (0, False), (1, True), (6, True)])
def test_another_connection_id_than_ours_is_somebody_elses_and_none_is_nobodys(
    connection: int, is_foreign: bool
) -> None:
    session = Session(Link("port"), 7)
    session._arming.connection_id = 5
    session._asides.is_known = True
    told(session, MS, connection, 7, 10)
    assert session.foreign is is_foreign
    assert session._asides.is_known is (connection == 5)
    assert session.connection_id == connection


@pytest.mark.parametrize(
    ("connection", "echo", "is_foreign"),
    [(0, 0, False), (0, 500, True), (9, 0, True), (1, 1, True), (0, 7, False)],
)
def test_a_number_that_was_never_ours_is_somebody_elses_unless_the_plc_has_just_started(
    connection: int, echo: int, is_foreign: bool
) -> None:
    session = Session(Link("port"), 7)
    told(session, MS, 0, 7, 10)
    for _ in range(5):
        session._numbers.take()
    beat = told(session, 1_000 * MS, connection, echo, 110)
    assert (beat.good, beat.why, session.foreign) == (False, "number", is_foreign)
    assert session._mismatches == 1
    told(session, 1_070 * MS, connection, echo, 117)
    assert session._mismatches == 2
    assert session._foreign_until_ns == (11_070 * MS + 7 if is_foreign else 0)


@pytest.mark.parametrize(("heard", "why"), [(b"", "no answer"), (b"\x01", "incomplete answer")])
def test_the_timeout_of_a_session_says_what_its_line_gave(heard: bytes, why: str) -> None:
    modem = up()
    modem.session.request(modem.now_ms * MS, HOLD)
    assert modem.session.feed(modem.now_ms * MS, heard) is None
    beat = modem.session.timeout(modem.now_ms * MS)
    assert (beat.good, beat.why, modem.session.counts[why]) == (False, why, 1)
