"""Whatever comes in on any topic that a device listens to: nothing breaks, little is kept, and no cursor is moved by it."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.commands.desk import Desk
from jidoka.steward.commands.inbox import MOST_WAITING, Inbox
from jidoka.steward.commands.kinds import MOST_BYTES
from jidoka.steward.commands.numbers import Numbers
from jidoka.steward.ledger.format import Kind, Lane
from jidoka.steward.ledger.writer import Ticket
from jidoka.steward.mqtt.bulletin import Bulletin
from jidoka.steward.mqtt.inbound import Inbound
from jidoka.steward.outbox.outbox import AIMS, Outbox

from tests.steward.commands.test_desk import DEVICE, PRIVATE, key_of, message

TOPICS = (
    "ack",
    "cmd/hold/request",
    "cmd/%2F%00/request",
    "ledger/cosignature",
    "cmd/hold/reply",
    "ack/x",
    "",
)
ACK = {"type": "jidoka.ack.v1", "data": {"committed": {"alarm": 1}}}


class Place:
    """The receiving side of a device, its outbox with one entry in each lane."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(DEVICE, {"shift": key_of(PRIVATE)}, Numbers(folder / "numbers"))
        self.inbox = Inbox(lambda message: self.desk.hold_of(message, 1.8e9, True))
        self.outbox = Outbox(folder / "ledger", AIMS)
        for lane in (Lane.ALARM, Lane.EVIDENCE, Lane.HISTORY):
            self.outbox.add(Ticket(100, Kind.BOOT, lane, int(lane), 1))
        self.bulletin = Bulletin(["broker"], lambda: None)
        self.inbound = Inbound(DEVICE, self.outbox, self.bulletin, lambda: None, self.inbox)

    @property
    def cursors(self) -> list[int]:
        return [index.cursor for index in self.outbox.lanes.values()]


def test_any_bytes_on_any_topic_break_nothing_and_hold_no_memory(tmp_path: Path) -> None:
    place, sizes = Place(tmp_path), [0]
    mutated = st.tuples(st.sampled_from([message(), json.dumps(ACK).encode()]), st.integers(0), st.binary(max_size=3)).map(
        lambda each: each[0][: each[1] % len(each[0])] + each[2] + each[0][each[1] % len(each[0]) + 1 :]
    )  # fmt: skip
    long = st.tuples(st.binary(min_size=900, max_size=1100), st.sampled_from([1, 7, 1000]))
    payloads = st.one_of(mutated, st.binary(max_size=200), long.map(lambda each: each[0] * each[1]))

    @settings(max_examples=500, deadline=None, database=None)
    @given(st.sampled_from(TOPICS), payloads, st.booleans())
    def receive(topic: str, payload: bytes, is_retained: bool) -> None:
        place.inbound.receive(f"{DEVICE}/{topic}", payload, is_retained=is_retained)
        sizes.append(len(payload))
        for command in place.inbox.take():
            judged = place.desk.judge(command, now_ns=1, wall_s=1.8e9, is_clock_sure=True)
            assert judged.refused or judged.order is not None

    receive()
    assert max(sizes) >= 9 * 10**5
    assert sum(sizes) >= 10**6
    assert place.cursors in ([0, 0, 0], [1, 0, 0]), "at most what an acknowledgement said that is one"
    assert len(place.bulletin.take()) <= 1, "what isn't believed is told now and then"


def test_a_flood_of_a_million_bytes_each_holds_no_more_than_what_waits_may() -> None:
    inbox = Inbox(lambda _: None)
    inbound = Inbound(
        DEVICE, Outbox(Path("/nonexistent/ledger"), AIMS), Bulletin(["b"], lambda: None), lambda: None, inbox
    )
    payload = bytes(10**6)
    for number in range(MOST_WAITING + 200):
        inbound.receive(
            f"{DEVICE}/cmd/hold/request",
            payload if number % 100 == 0 else bytes(MOST_BYTES),
            is_retained=False,
        )
    assert sum(inbox.turned_away().values()) == 200
    kept = []
    while not inbox.is_empty:
        kept += inbox.take()
    assert len(kept) == MOST_WAITING
    assert sum(len(each.message) for each in kept) <= MOST_WAITING * MOST_BYTES


def test_an_acknowledgement_of_a_million_bytes_is_not_even_read(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.inbound.receive(f"{DEVICE}/ack", json.dumps(ACK).encode() + b" " * 10**6, is_retained=False)
    assert place.cursors == [0, 0, 0]
    [news] = place.bulletin.take()
    assert "bytes" in news.text
    place.inbound.receive(f"{DEVICE}/ack", json.dumps(ACK).encode(), is_retained=True)
    assert place.cursors == [1, 0, 0]


def test_topics_of_others_do_nothing(tmp_path: Path) -> None:
    place = Place(tmp_path)
    for topic in (
        f"{DEVICE}2/cmd/hold/request",
        "/cmd/hold/request",
        f"x{DEVICE}/cmd/hold/request",
        f"{DEVICE}/cmd/a/b/request",
    ):
        place.inbound.receive(topic, message(), is_retained=False)
    assert place.inbox.is_empty
