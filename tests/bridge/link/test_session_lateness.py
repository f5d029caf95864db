"""What comes too late: the offer of a session, where two agents begin at the same time; an answer, after a pause."""

from __future__ import annotations

from jidoka_bridge.link.arming import Ask
from jidoka_bridge.link.session import Session
from jidoka_bridge.registers import Input, Phase, State, Word

from tests.bridge.link.null_modem import HOLD, MS, REQUEST, RUN, NullModem

#: those that are needed, and the pieces of block C between them
BEATS = 75


def beat_of(other: Session, modem: NullModem) -> bool:
    """One beat of a second agent that asks the same PLC through a gateway; True if it was good."""
    reply = modem.exchange(other.request(modem.now_ms * MS, HOLD))
    beat = other.feed(modem.now_ms * MS, reply)
    return beat is not None and beat.good


def test_two_that_begin_together_are_both_up_and_both_know_that_neither_is_offered_a_session() -> None:
    modem = NullModem()
    other = Session(modem.link, 20_000)
    good = [modem.run(70).good and beat_of(other, modem) for _ in range(BEATS + 5)]
    assert all(good)
    for session in (modem.session, other):
        assert (session.is_up, session.is_unoffered, session.connection_id) == (True, True, 0)
    modem.lose_reply = True
    assert not modem.run(70).good
    assert modem.session.is_unoffered, "a lost beat offers nothing"
    modem.lose_reply = False
    modem.run(2_000)
    assert (modem.session.is_unoffered, modem.session.connection_id) == (False, modem.rule.connection)
    assert modem.rule.connection != 0


def test_a_plc_that_hears_one_agent_has_offered_long_before_anything_is_said() -> None:
    modem = NullModem()
    for _ in range(3 * BEATS):
        modem.run(70)
        assert not modem.session.is_unoffered


def test_beats_that_the_plc_may_not_count_are_no_reason_to_miss_an_offer() -> None:
    """In LOCKOUT and under the key the frames aren't those of step 1; a lost beat begins the run anew."""
    for ask in (Ask(Word.WITHHOLD, State.LOCKOUT), Ask(Word.ABSTAIN, State.OVERRIDE)):
        modem = NullModem()
        modem.run(10_000, ask)
        assert modem.session.is_up
        assert (modem.session.is_unoffered, modem.session.connection_id) == (False, 0)
    modem = NullModem()
    other = Session(modem.link, 20_000)
    for number in range(2 * BEATS):
        modem.lose_reply = number % 40 == 39
        modem.run(70)
        modem.lose_reply = False
        beat_of(other, modem)
    assert not modem.session.is_unoffered


def test_an_answer_that_is_read_only_after_the_hold_time_gives_no_reset_and_no_link() -> None:
    """The agent's process was stopped between request and answer, and a press was accepted just before."""
    modem = NullModem()
    session = modem.session
    modem.run(2_500, REQUEST)
    assert session.phase is Phase.ARM_REQUEST
    modem.inputs |= Input.RESET_BUTTON
    modem.run(300, REQUEST)
    modem.inputs &= ~Input.RESET_BUTTON
    reply = b""
    while not modem.counted:
        if reply:
            session.feed(modem.now_ms * MS, reply)
        reply = modem.exchange(session.request(modem.now_ms * MS, REQUEST))
    modem.wait(modem.link.hold_ms + 20)
    beat = session.feed(modem.now_ms * MS, reply)
    assert beat is not None
    assert beat.block is not None
    assert (beat.good, beat.block.accepted) == (True, 1), "it shows the press"
    assert (session.presses, session._arming.unasked_presses, session.is_up) == (0, 1, False)
    modem.run(300, RUN)
    assert modem.rule.output == Word.WITHHOLD
