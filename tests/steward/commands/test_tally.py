"""Refusals in a flood: some have an entry of their own, and none is missing from the counts."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st
from jidoka.steward.commands.kinds import REFUSAL_KINDS
from jidoka.steward.commands.tally import BURST, REFILL_NS, Tally


def digest(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


@given(st.lists(st.tuples(st.sampled_from(REFUSAL_KINDS), st.integers(0, REFILL_NS)), max_size=400))
def test_every_refusal_has_an_entry_or_is_counted(refusals: list[tuple[str, int]]) -> None:
    tally, now_ns, own, counted = Tally(), 0, 0, 0
    for kind, step_ns in refusals:
        now_ns += step_ns
        if tally.has_entry(now_ns, kind):
            own += 1
        else:
            tally.count(kind, digest(now_ns))
        if now_ns % 3 == 0 and (body := tally.take()):
            counted += sum(body["counts"].values())
    if body := tally.take():
        counted += sum(body["counts"].values())
    assert own + counted == len(refusals)


def test_a_kind_that_comes_without_end_has_a_burst_of_entries_and_then_one_a_second_and_no_other_kind_pays() -> (
    None
):
    tally = Tally()
    in_100_s = sum(tally.has_entry(at_ms * 1_000_000, "signature") for at_ms in range(0, 100_000, 10))
    assert in_100_s == BURST + 99
    assert tally.has_entry(100 * REFILL_NS, "expiry")


def test_the_counts_are_bound_to_their_messages() -> None:
    tally = Tally()
    assert tally.take() is None
    for number in range(3):
        tally.count("signature", digest(number))
    tally.turned_away({"hold": 2, "other": 1})
    body = tally.take()
    assert body is not None
    assert (body["counts"], body["names"]) == ({"flood": 3, "signature": 3}, {"hold": 2, "other": 1})
    joined = b"".join(bytes.fromhex(digest(number)) for number in range(3))
    assert body["sha256"] == hashlib.sha256(joined).hexdigest()
    assert body["refused"] == "6 more commands were refused: flood 3, signature 3"
    assert tally.take() is None, "told once"
