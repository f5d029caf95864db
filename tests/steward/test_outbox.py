"""Cursors move only over what is confirmed; topics and envelopes are what any receiver can read."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jidoka.steward.ledger.format import KINDS, Entry, Kind, Lane
from jidoka.steward.ledger.writer import Ledger
from jidoka.steward.mqtt import topics
from jidoka.steward.mqtt.envelope import Place, letter_of_entry, live_letter, rfc3339, topic_id
from jidoka.steward.outbox import cursors
from jidoka.steward.outbox.figures import ticket_of
from jidoka.steward.outbox.lane import LaneIndex
from jidoka.steward.outbox.outbox import AIMS, PUBACK, Outbox

PLACE = Place("plant 1", "line/7", "press+#")


def lane_of(count: int) -> LaneIndex:
    lane = LaneIndex()
    for number in range(1, count + 1):
        lane.add(number, 100 * number)
    return lane


@given(st.permutations(range(1, 9)), st.integers(0, 8))
def test_the_cursor_never_passes_what_is_not_confirmed(order: list[int], count: int) -> None:
    lane = lane_of(8)
    for number in order[:count]:
        lane.confirm(number)
    confirmed = set(order[:count])
    assert lane.cursor == next(n for n in range(9) if n + 1 not in confirmed)
    assert lane.backlog == 8 - lane.cursor


def test_what_was_sent_and_not_confirmed_is_sent_again_on_a_new_connection() -> None:
    lane = lane_of(3)
    for number in (1, 2, 3):
        assert lane.next() == (number, 100 * number)
        lane.mark_sent(number)
    assert lane.next() is None
    lane.confirm(1)
    lane.confirm(3)
    lane.go_back()
    assert lane.next() == (2, 200)
    lane.mark_sent(2)
    assert lane.next() == (3, 300)


def test_confirmed_entries_are_not_indexed_and_gaps_are_refused() -> None:
    lane = LaneIndex(cursor=5)
    lane.add(5, 1)
    assert lane.backlog == 0
    lane.add(6, 1)
    with pytest.raises(ValueError, match="lane number 8, expected 7"):
        lane.add(8, 1)


def test_cursors_are_kept_and_a_lost_file_sends_everything_again(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jdl"
    assert set(cursors.load(ledger).values()) == {0}
    cursors.store(ledger, {Lane.ALARM: 7, Lane.EVIDENCE: 9})
    assert cursors.load(ledger) == {Lane.ALARM: 7, Lane.EVIDENCE: 9, Lane.HISTORY: 0}
    for garbage in (b"", b"[1]", b'{"alarm": "x"}', b"\xff"):
        cursors.cursor_path(ledger).write_bytes(garbage)
        assert cursors.load(ledger)[Lane.EVIDENCE] == 0


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_id_is_one_level_of_a_topic_and_comes_back(text: str) -> None:
    level = topic_id(text)
    assert not set(level) & set("/+# \0:$")
    assert unquote(level) == text


def entry(kind: Kind, body: dict[str, object]) -> Entry:
    lane = next(row.lane for row in KINDS if row.kind is kind)
    return Entry(kind, lane, 41, 7, 5, 1_763_885_700_123_456_789, b"b" * 16, json.dumps(body).encode())


def test_an_entry_is_a_cloudevent_whose_data_are_the_stored_bytes() -> None:
    stored = entry(Kind.ALARM, {"id": "surface:drift(all)", "state": "B", "more": [1, 2]})
    letter = letter_of_entry(PLACE, stored, is_historical=True, is_current=True)
    assert letter.topic == "aims/v1/plant%201/line%2F7/press%2B%23/alarms/surface%3Adrift%28all%29"
    assert stored.body in letter.payload
    event = json.loads(letter.payload)
    assert event | {"data": {}} == {
        "specversion": "1.0", "id": "alarm-7", "source": "/plant%201/line%2F7/press%2B%23", "type": "jidoka.alarm.v1",
        "time": "2025-11-23T08:15:00.123456Z", "datacontenttype": "application/json", "lane": "alarm", "seq": 7,
        "boot": (b"b" * 16).hex(), "leaf": 41, "historical": True, "subject": "surface:drift(all)", "data": {},
    }  # fmt: skip
    assert letter.qos == 1
    assert not letter.is_retained
    assert all(name == name.lower() and name.isalnum() for name in event), "CloudEvents attribute names"
    assert ("seq", "7") in letter.properties


def test_only_the_newest_transition_is_retained() -> None:
    stored = entry(Kind.TRANSITION, {"number": 1})
    for is_current in (True, False):
        letter = letter_of_entry(PLACE, stored, is_historical=False, is_current=is_current)
        assert letter.is_retained is is_current


def test_decision_blocks_stay_on_the_device_and_are_told_by_their_digest() -> None:
    silent = {row.kind for row in KINDS} - set(topics.ENTRIES)
    reserved = {Kind.CHECKPOINT, Kind.COSIGNATURE}
    assert silent == {Kind.DECISIONS, Kind.REMOVED} | reserved
    stored = entry(Kind.DECISIONS, {"some": "rows"})
    letter = letter_of_entry(PLACE, stored, is_historical=False, is_current=False)
    event = json.loads(letter.payload)
    assert event["type"] == "jidoka.kept.v1"
    assert event["seq"] == stored.lane_number
    assert event["data"]["sha256"] == hashlib.sha256(stored.body).hexdigest()
    assert b"rows" not in letter.payload


def test_an_entry_that_the_broker_refuses_is_told_by_its_digest_under_the_same_number() -> None:
    stored = entry(Kind.ALARM, {"id": "a", "state": "B"})
    letter = letter_of_entry(
        PLACE, stored, is_historical=False, is_current=False, why_kept="the broker refuses it"
    )
    event = json.loads(letter.payload)
    assert (event["lane"], event["seq"], event["data"]["kind"]) == ("alarm", 7, "alarm")
    assert letter.topic.endswith("/ledger/leaf")
    assert event["data"]["why"] == "the broker refuses it"


def test_live_values_have_no_place_in_the_ledger() -> None:
    letter = live_letter(PLACE, "health", {"model": "a/b"}, boot=b"b" * 16, now_ns=9, wall_ns=0)
    event = json.loads(letter.payload)
    assert "seq" not in event
    assert "leaf" not in event
    assert (letter.qos, letter.is_retained, letter.expiry_s) == (0, False, 60)
    assert letter.topic.endswith("/models/a%2Fb/health")
    assert live_letter(PLACE, "status", {"online": True}, boot=b"b" * 16, now_ns=9, wall_ns=0).is_retained


def test_a_body_keeps_unknown_fields_and_one_that_does_not_fit_is_kept_as_it_came() -> None:
    body = json.loads(topics.body_of(Kind.LOSS, {"what": "x", "count": "3", "new": {"a": 1}}))
    assert body == {"what": "x", "count": 3, "new": {"a": 1}, "text": "", "unit": ""}
    odd = json.loads(topics.body_of(Kind.TRANSITION, {"number": "one", "to": "HOLD"}))
    assert odd["number"] == "one"
    assert "malformed" in odd


def test_times_are_utc_with_microseconds() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000Z"


def test_only_what_the_receiver_committed_is_done_with_and_what_never_was_is_refused() -> None:
    lane = lane_of(8)
    for number in range(1, 9):
        lane.mark_sent(number)
    assert lane.commit(5)
    assert (lane.cursor, lane.backlog, lane.under_way) == (5, 3, 3)
    assert not lane.commit(4)
    with pytest.raises(ValueError, match="up to 9 is acknowledged, the ledger has 8"):
        lane.commit(9)
    assert lane.commit(8)
    assert lane.next() is None


def test_no_more_than_the_window_is_under_way() -> None:
    lane = lane_of(10)
    lane.window = 4
    while (following := lane.next()) is not None:
        lane.mark_sent(following[0])
    assert lane.sent == 4
    lane.commit(2)
    assert lane.next() == (5, 500)


def outbox_of(tmp_path: Path, acknowledge: str, count: int = 5) -> Outbox:
    outbox = Outbox(tmp_path / "ledger.jdl", acknowledge)
    for number in range(1, count + 1):
        outbox.lanes[Lane.ALARM].add(number, 100 * number)
    return outbox


def test_what_went_without_an_acknowledgement_for_three_seconds_is_sent_again_and_then_later_and_later(
    tmp_path: Path,
) -> None:
    outbox = outbox_of(tmp_path, AIMS)
    outbox.go_back(0.0)
    outbox.sent(Lane.ALARM, 1, 100.0)
    assert not outbox.resend(102.9)
    assert outbox.resend(103.0)
    assert outbox.lanes[Lane.ALARM].next() == (1, 100)
    outbox.sent(Lane.ALARM, 1, 103.0)
    assert not outbox.resend(108.9)
    assert outbox.resend(109.0)
    for _ in range(10):
        outbox.sent(Lane.ALARM, 1, 200.0)
        outbox.resend(10_000.0)
    outbox.sent(Lane.ALARM, 1, 10_000.0)
    assert not outbox.resend(10_059.0)
    assert outbox.resend(10_060.0)
    assert outbox.committed({"committed": {"alarm": 1}}, 10_061.0) == ""
    assert not outbox.resend(99_999.0), "nothing is under way"


def test_the_brokers_word_counts_only_where_the_plan_says_so(tmp_path: Path) -> None:
    for acknowledge, cursor in ((AIMS, 0), (PUBACK, 2)):
        outbox = outbox_of(tmp_path, acknowledge)
        outbox.taken(Lane.ALARM, 2)
        outbox.taken(Lane.ALARM, 1)
        assert outbox.lanes[Lane.ALARM].cursor == cursor


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "doesn't say"),
        ({"committed": []}, "doesn't say"),
        ({"committed": {"alarm": 6}}, "the ledger has 5"),
        ({"committed": {"alarm": True}}, "is no number"),
        ({"committed": {"alarm": "3"}}, "is no number"),
        ({"committed": {"alarm": -1}}, "is no number"),
    ],
)
def test_an_acknowledgement_that_can_not_be_true_moves_nothing(
    tmp_path: Path, body: dict[str, object], why: str
) -> None:
    outbox = outbox_of(tmp_path, AIMS)
    assert why in outbox.committed(body, 1.0)
    assert outbox.lanes[Lane.ALARM].cursor == 0


def test_one_lanes_nonsense_keeps_no_other_lane_from_being_acknowledged(tmp_path: Path) -> None:
    outbox = outbox_of(tmp_path, AIMS)
    assert "evidence" in outbox.committed({"committed": {"alarm": 4, "evidence": 7, "unknown": 1}}, 1.0)
    assert outbox.lanes[Lane.ALARM].cursor == 4
    assert outbox.oldest_offset() == 500


def test_what_waits_is_told_as_count_bytes_and_age_of_the_oldest(tmp_path: Path) -> None:
    path, boot = tmp_path / "ledger.jdl", b"b" * 16
    ledger = Ledger(path, boot, lambda *_: None, 1)
    ledger.append(Kind.BOOT, b"{}", 0, 0)
    for second in range(1, 4):
        ledger.append(Kind.ALARM, b'{"id":"a"}', second * 10**9, second * 10**9 + 5)
    assert ledger.close()
    outbox = Outbox(path, AIMS)
    Ledger(path, boot, lambda offset, entry: outbox.add(ticket_of(offset, entry, "")), 1).close()
    size = 58 + len(b'{"id":"a"}')
    assert outbox.backlog(9 * 10**9, 0, boot)["alarm"] == (3, 3 * size, 8.0)
    assert outbox.backlog(0, 11 * 10**9 + 5, b"another boot id.")["alarm"] == (3, 3 * size, 10.0)
    outbox.committed({"committed": {"alarm": 2}}, 1.0)
    assert outbox.backlog(9 * 10**9, 0, boot)["alarm"] == (1, size, 6.0)
    outbox.committed({"committed": {"alarm": 3}}, 1.0)
    assert outbox.backlog(9 * 10**9, 0, boot)["alarm"] == (0, 0, 0.0)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40)), max_size=12))
def test_an_index_of_twelve_bytes_a_message_is_what_a_list_would_be(steps: list[tuple[int, int]]) -> None:
    lane, offsets, cursor = LaneIndex(), [0], 0
    lane.window = 10**6
    for added, done in steps:
        for _ in range(100 * added):
            offsets.append(offsets[-1] + 60 + len(offsets) % 7)
            lane.add(len(offsets) - 1, offsets[-1], 60 + len(offsets) % 5)
        cursor = max(cursor, min(len(offsets) - 1, cursor + 90 * done))
        lane.commit(cursor)
        rest = offsets[cursor + 1 :]
        assert (lane.backlog, lane.last) == (len(rest), len(offsets) - 1)
        assert lane.oldest_offset == (rest[0] if rest else None)
        assert lane.backlog_bytes == sum(60 + (n + 1) % 5 for n in range(cursor + 1, len(offsets)))


def test_a_hundred_thousand_messages_behind_take_hardly_more_than_twelve_bytes_each() -> None:
    lane = LaneIndex()
    tracemalloc.start()
    for number in range(1, 100_001):
        lane.add(number, 400 * number, 400)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 1_600_000
