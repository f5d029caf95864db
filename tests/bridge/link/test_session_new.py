"""A session and its parts as they are new, and once they have forgotten: nothing heard, nothing asked, nothing given."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import pytest
from jidoka_bridge.link import frames
from jidoka_bridge.link.arming import Arming, Ask, OfferWatch
from jidoka_bridge.link.asides import Asides
from jidoka_bridge.link.blocks import BlockB, BlockD
from jidoka_bridge.link.exchange import Exchange, Sent
from jidoka_bridge.link.freshness import EchoHabit, Freshness
from jidoka_bridge.link.mbap import TcpAssembler
from jidoka_bridge.link.numbers import Numbers
from jidoka_bridge.link.part_count import PartCount
from jidoka_bridge.link.session import Session
from jidoka_bridge.link.standing import Beat, Standing
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

MS = 1_000_000
LINK = Link("port", reply_timeout_ms=37, scan_ms=12, hold_ms=310, beat_ms=61)
OFFER = {"is_late": False, "_beats": 0, "_since_ns": 0}
ENDED = {
    "connection_id": 0, "phase": Phase.IDLE, "level": Word.WITHHOLD, "is_recorded": False, "_is_withdrawing": False,
    "_withheld_beats": 0, "_withheld_since_ns": None, "_rise_until_ns": 0, "_reference": None, "_request_number": None,
    "_is_request_echoed": False,
}  # fmt: skip
HABIT = {"_is_behind": False, "_current": 0, "_behind": 0}
DOWN = {"is_up": False, "good_run": 0, "lost_run": 0, "last_sent_ns": 0, "_last_good_ns": None}
UNKNOWN = {"is_known": False, "skew": "", "_words": [], "_failures": Counter(), "_head_due_ns": 0,
           "block_c": None, "approved_digest": None, "_approved_due_ns": 0, "_c_due_ns": 0, "_is_approval_open": True,
           "_has_head": False, "_d_due_ns": 0, "_is_refused": False}  # fmt: skip
LINE = {
    "_sent": None, "has_second": False, "_word": Word.WITHHOLD, "_beats_since_aside": 2, "_is_paused": False,
    "_mismatches": 0, "_misfits": 0,
}  # fmt: skip


def is_exactly(part: object, values: Mapping[str, Any]) -> bool:
    """These fields have these values, of the same kind: None and False aren't the same."""
    found = {name: getattr(part, name) for name in values}
    return found == values and all(type(found[name]) is type(values[name]) for name in values)


def test_a_new_part_has_heard_nothing() -> None:
    of_asides: dict[str, Any] = {
        "record": BlockD(0),
        "block_c": None,
        "_link": LINK,
        "_recorded_ns": 0,
        "_c_due_ns": 0,
        "_was_to_approve": False,
        "_is_approving": False,
    }
    of_session: dict[str, Any] = {"link": LINK, "block": None, "asked_ns": 0, "foreign": False, "_foreign_until_ns": 0, "counts": Counter()}  # fmt: skip
    parts: list[tuple[object, dict[str, Any]]] = [
        (Arming(5), {**ENDED, "presses": 0, "unasked_presses": 0, "_margin_ns": 5}),
        (OfferWatch(), OFFER),
        (EchoHabit(), HABIT),
        (Freshness(12), {"_slack_ns": 32 * MS, "_last": None, "_seen": None}),
        (Standing(LINK), {**DOWN, "_link": LINK, "history": deque()}),
        (Asides(LINK, Exchange(LINK)), {**UNKNOWN, **of_asides}),
        (
            Numbers(7, 9),
            {
                "_next": 7,
                "_echoed": 6,
                "_since": 0,
                "_settling": 9,
                "_is_known": False,
                "_answers": 0,
            },
        ),
        (Numbers(0, 9), {"_next": 1, "_echoed": 0}),
        (PartCount(), {"total": 0, "_last": None}),
        (Session(LINK, 7), {**LINE, **of_session}),
    ]
    for part, values in parts:
        assert is_exactly(part, values), part


def test_what_is_remembered_has_an_end() -> None:
    assert Standing(LINK).history.maxlen == 64


def test_the_times_of_a_session_follow_from_its_link() -> None:
    session = Session(LINK, 7)
    assert session._arming._margin_ns == (37 + 2 * 12) * MS
    assert session._numbers._settling == 2 * (310 + 61) // 61
    assert (session._numbers._next, session._fresh._slack_ns) == (7, 32 * MS)
    assert session._standing._link is session._asides._link is session._exchange._link is LINK
    assert session._asides._exchange is session._exchange


def spoiled(part: object, values: Mapping[str, Any]) -> None:
    for name in values:
        setattr(part, name, "something")


def test_parts_that_forget_are_as_new() -> None:
    for part, values, forget in (
        (arming := Arming(5), ENDED, arming.end),
        (habit := EchoHabit(), HABIT, habit.forget),
        (standing := Standing(LINK), DOWN, standing.forget),
        (asides := Asides(LINK, Exchange(LINK)), UNKNOWN, asides.forget),
    ):
        spoiled(part, values)
        forget()
        assert is_exactly(part, values), part


def test_a_session_whose_port_was_lost_is_as_new_but_for_what_it_counts() -> None:
    session = Session(LINK, 7)
    parts = (
        (session, {**LINE, "foreign": False}), (session._arming, ENDED), (session._habit, HABIT),
        (session._standing, DOWN), (session._asides, UNKNOWN), (session._fresh, {"_last": None}),
    )  # fmt: skip
    for part, values in parts:
        spoiled(part, values)
    session._offer.is_late = True
    session.counts["number"] = 3
    session._exchange.change()
    session.reset()
    for part, values in parts:
        assert is_exactly(part, values), part
    assert is_exactly(session._offer, OFFER)
    assert (session.counts, session.function) == ({"number": 3}, "23")
    assert (session._numbers._answers, session._numbers._next) == (0, 7 + 256)


def test_withdrawing_asks_for_nothing_and_is_told_only_where_there_is_a_session() -> None:
    arming = Arming(5)
    spoiled(arming, {"level": 0, "_rise_until_ns": 0})
    arming.withdraw()
    assert is_exactly(arming, {"level": Word.WITHHOLD, "_rise_until_ns": 0, "_is_withdrawing": False})
    arming.connection_id = 1
    arming.withdraw()
    assert is_exactly(arming, {"level": Word.WITHHOLD, "_rise_until_ns": 0, "_is_withdrawing": True})


def test_a_wish_gives_no_reason_and_asks_for_no_arming_unless_it_says_so() -> None:
    assert Ask(Word.WITHHOLD, State.HOLD) == Ask(Word.WITHHOLD, State.HOLD, reason=0, arm=False)


def test_what_was_sent_is_no_beat_and_whole_unless_it_says_so() -> None:
    assembler = frames.Assembler(frames.read_holding(1, 0, 1))
    assert Sent("C", 1, 2, assembler) == Sent("C", 1, 2, assembler, number=0, is_half=False)


def test_somebody_who_was_not_seen_stays_so() -> None:
    session = Session(LINK, 7)
    session._foreign_until_ns = 50
    session.request(5, Ask(Word.WITHHOLD, State.HOLD))
    assert session.foreign is False


def test_a_session_that_ended_is_asked_about_before_the_next_one() -> None:
    asides = Asides(LINK, Exchange(LINK))
    spoiled(asides, {"is_known": 0, "_head_due_ns": 0})
    asides.recheck()
    assert is_exactly(asides, {"is_known": False, "_head_due_ns": 0})


@pytest.mark.parametrize(("now_ns", "may"), [(6 * 10**9 - 1, False), (6 * 10**9, True)])
def test_an_arm_request_waits_for_a_second_of_withhold(now_ns: int, may: bool) -> None:
    arming = Arming(5)
    arming.connection_id, arming.is_recorded = 7, True
    arming._withheld_since_ns, arming._withheld_beats = 5 * 10**9, 20
    assert arming._may_request(now_ns) is may
    arming._withheld_beats = 19
    assert not arming._may_request(now_ns)


def test_presses_count_within_a_session_only_and_those_that_nobody_asked_for_apart() -> None:
    arming = Arming(5)
    for connection, accepted, unasked in ((0, 3, 0), (1, 4, 0), (1, 6, 2), (1, 9, 5)):
        block = BlockB(
            connection, 0, 0, Word.WITHHOLD, PlcState.IDLE, Fault.NONE, Input(0), accepted=accepted
        )
        arming.seen(block, 10, 5)
        assert (arming.presses, arming.unasked_presses) == (0, unasked)
    assert (arming.connection_id, arming._withheld_beats, arming._withheld_since_ns) == (1, 4, 10)


def test_a_word_after_a_lockout_needs_a_press_like_any_other() -> None:
    arming = Arming(5)
    for ask in (Ask(Word.WITHHOLD, State.LOCKOUT), Ask(Word.WITHHOLD, State.HOLD)):
        arming._rise_until_ns = 99
        arming.shape(10, ask, True)
        assert arming.shape(11, Ask(Word.MACHINE, State.RUN), True) == (Phase.IDLE, Word.WITHHOLD)


def test_the_transport_and_the_echo_are_those_of_the_link() -> None:
    request = frames.read_holding(1, 0, 1)
    for link, made, why in (
        (Link("h", transport="modbus-tcp"), TcpAssembler, "no answer"),
        (Link("port"), frames.Assembler, "no answer"),
        (Link("port", echo=True), frames.Assembler, "no echo"),
    ):
        assembler = Exchange(link).aside(1, "C", request).assembler
        assert (type(assembler), assembler.why) == (made, why)


def test_a_part_counter_that_moves_by_half_its_range_has_begun_anew() -> None:
    for moved, total in ((0x7FFF, 10 + 0x7FFF), (0x8000, 10 + 10 + 0x8000)):
        count = PartCount()
        count.seen(10)
        count.seen(10 + moved)
        assert count.total == total


def test_a_beat_carried_blocks_of_its_own_unless_it_says_so() -> None:
    assert Beat(True, "", 1, 2, None).is_own
