"""What a session makes of a PLC that offers nothing, that fits no map, or that somebody else speaks to: to the beat."""

from __future__ import annotations

import pytest
from jidoka_bridge.link import arming, frames
from jidoka_bridge.link import session as session_times
from jidoka_bridge.link.arming import OfferWatch
from jidoka_bridge.link.blocks import BlockB, BlockError, Flaw
from jidoka_bridge.link.session import Session
from jidoka_bridge.plan import Link

from tests.bridge.link.null_modem import HOLD, MS, RUN, NullModem

S = 1_000 * MS


def watched(beats: int, took_ns: int) -> OfferWatch:
    """So many good beats of step 1, all others so long after the first."""
    watch = OfferWatch()
    for beat in range(beats):
        watch.good(7 + (took_ns if beat else 0), True)
    return watch


@pytest.mark.parametrize(
    ("beats", "took_ns", "is_late"),
    [(60, 3 * S, True), (60, 3 * S - 1, False), (59, 3 * S, False), (61, 3 * S, True), (1, 9 * S, False)],
)
def test_an_offer_is_late_after_sixty_beats_and_three_seconds(
    beats: int, took_ns: int, is_late: bool
) -> None:
    assert watched(beats, took_ns).is_late is is_late


def test_a_lost_beat_begins_the_count_anew_and_makes_no_late_offer_an_early_one() -> None:
    watch = watched(59, 3 * S)
    watch.lost()
    for _ in range(59):
        watch.good(10 * S, True)
    watch.good(13 * S - 1, True)
    assert not watch.is_late
    watch.good(13 * S, True)
    assert watch.is_late
    watch.lost()
    watch.good(14 * S, True)
    assert watch.is_late


def test_a_beat_that_is_not_counted_towards_an_offer_ends_the_wait() -> None:
    watch = watched(60, 3 * S)
    watch.good(4 * S, False)
    assert not watch.is_late
    for _ in range(59):
        watch.good(9 * S, True)
    assert not watch.is_late, "the count has begun anew"


@pytest.mark.parametrize(
    ("flaw", "is_asked"), [(Flaw.CRC, True), (Flaw.FORMAT, True), (Flaw.CODE, False), (Flaw.LENGTH, False)]
)
def test_a_plc_whose_blocks_fit_no_map_of_ours_is_asked_after_three_which_one_it_has(
    flaw: Flaw, is_asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> BlockB:
        raise BlockError(flaw, "")

    monkeypatch.setattr(BlockB, "decode", refuse)
    session = Session(Link("port"), 1)
    asked: list[int] = []
    monkeypatch.setattr(session._asides, "recheck", lambda: asked.append(1))
    for beat in range(3):
        assert not asked
        session.request(beat * 70 * MS, HOLD)
        assert session._sent is not None
        assert session._sent.kind == "A"
        assert isinstance(session._sent.assembler, frames.Assembler)
        request = session._sent.assembler.request
        words = request.length - len(request.head) - 2
        found = session.feed(beat * 70 * MS + MS, frames.sealed(request.head + bytes(words)))
        assert found is not None
        assert (found.good, found.why) == (False, f"block {flaw.value}")
    assert bool(asked) is is_asked
    session.request(S, HOLD)
    assert session._sent is not None
    assert (session._sent.kind != "A") is is_asked


def test_somebody_else_is_gone_ten_seconds_after_the_last_sign_of_it() -> None:
    session = Session(Link("port"), 1)
    session._suspect(5, False)
    assert not session.foreign
    session._suspect(5, True)
    session.request(5 + 10 * S - 1, HOLD)
    assert session.foreign
    session.request(5 + 10 * S, HOLD)
    assert not session.foreign
    session._suspect(20 * S, True)
    session.reset()
    assert not session.foreign


def test_a_millisecond_is_a_million_nanoseconds_to_all_that_count_time() -> None:
    assert (arming.MS, arming.ARM_NS, arming.RISE_NS) == (10**6, 10**9, 2 * 10**9)
    assert (session_times.FOREIGN_NS, arming.OFFERED_NS, arming.OFFERED_BEATS) == (10**10, 3 * 10**9, 60)


@pytest.mark.parametrize(("code", "is_up"), [(1, True), (2, False), (3, False), (4, True)])
def test_a_plc_that_says_it_has_not_the_registers_is_no_link_any_more_and_any_other_exception_is_a_lost_beat(
    code: int, is_up: bool
) -> None:
    modem = NullModem(Link("null modem", lost_beats=3, function="23"))
    modem.run(700)
    session, now_ns = modem.session, modem.now_ms * MS
    assert session.is_up
    session.request(now_ns, HOLD)
    assert session._sent is not None
    assert session._sent.kind == "A"
    beat = session.feed(now_ns + MS, frames.sealed(bytes((modem.link.unit, 0x80 | 0x17, code))))
    assert beat is not None
    assert (beat.why, session.is_up) == (f"exception {code}", is_up)


def test_a_beat_whose_answer_never_came_is_lost_when_the_next_one_is_asked_for() -> None:
    modem = NullModem(Link("null modem", lost_beats=3))
    modem.run(700)
    session, now_ns = modem.session, modem.now_ms * MS
    session.request(now_ns, HOLD)
    session.request(now_ns + 70 * MS, HOLD)
    assert (session.counts["no answer"], session.is_up) == (1, True)


def test_after_a_pause_three_more_answers_to_other_requests_are_borne() -> None:
    session = Session(Link("port"), 1)
    session._mismatches = 3
    assert session.request(0, HOLD) == b""
    assert session._mismatches == 0
    assert session.request(70 * MS, HOLD)


def test_a_plc_that_fits_no_map_is_not_asked_while_a_word_is_asked_for() -> None:
    session = Session(Link("port"), 1)
    session._misfits = 3
    session.request(0, RUN)
    assert session._sent is not None
    assert session._sent.kind == "A"
