"""The monitor is away, comes back, hangs, refuses, talks nonsense: the application never notices, the log tells."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pytest
from jidoka_tap import watch, wire
from jidoka_tap.terms import NO_TERMS, terms_of

from tests.processes import programs, wait_until
from tests.tap.conftest import open_session
from tests.tap.listener import Listener

Listen = Callable[..., Listener]
Feed = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


def test_without_a_monitor_the_model_runs_and_what_was_not_sent_is_counted(
    session: ort.InferenceSession, feed: Feed, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = watch(session, "m", socket=str(path))
    for _ in range(5):
        own.run(None, feed)
    assert own.tap.counts[:3] == (5, 0, 5)
    wait_until(lambda: "no monitor at" in caplog.text, "the log says that nobody is there")
    assert str(path) in caplog.text


@pytest.mark.parametrize("name", ["x" * 200, "folder-that-is-missing/tap.sock"])
def test_a_socket_path_that_cannot_be_one_is_said_in_the_log(
    name: str, session: ort.InferenceSession, feed: Feed, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = watch(session, "m", socket=str(tmp_path / name))
    own.run(None, feed)
    wait_until(lambda: "no monitor at" in caplog.text, "the log names the reason")


def test_the_environment_names_the_socket(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIDOKA_TAP_SOCKET", str(path))
    listener = listen()
    own = watch(session, "m")
    listener.wait_for_connection(own.tap)
    own.run(None, feed)
    listener.wait_for_records(1)


def test_the_tap_beats_by_itself_while_the_model_is_idle(
    session: ort.InferenceSession, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(path))
    listener.wait(lambda: len(listener.beats) >= 5, "five beats without a record")
    assert set(listener.beats) == {(0, 0, 0)}
    assert own.tap.counts.records == 0


def test_a_monitor_that_restarts_gets_records_again_and_the_log_says_what_was_lost(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    first = listen()
    own = watch(session, "m", socket=str(path))
    first.wait_for_connection(own.tap)
    own.run(None, feed, part=1)
    first.wait_for_records(1)
    last = first.records[-1].number
    first.close()
    wait_until(lambda: not own.tap.counts.is_connected, "the loss is noticed")
    for _ in range(4):
        own.run(None, feed)
    second = listen()
    second.wait_for_connection(own.tap)
    own.run(None, feed, part=6)
    (record,) = second.wait_for_records(1)
    assert record.number == last + 5
    assert second.hellos[0]["dropped"] == 4
    wait_until(lambda: "4 records were not sent" in caplog.text, "the log sums up the absence")
    assert "the monitor was away for" in caplog.text


def test_a_monitor_that_hangs_up_at_once_is_not_asked_in_a_tight_loop(
    session: ort.InferenceSession, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(path))
    for meetings in (1, 2):
        listener.wait(lambda meetings=meetings: len(listener.hellos) == meetings, "it comes back")
        listener.hang_up()
        wait_until(lambda: own.tap.link.sock is None, "the end is noticed")
        assert own.tap.link.next_try_ns > 0


def test_a_monitor_that_takes_nothing_makes_nobody_wait_and_gets_records_again_later(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    calls = 0
    while own.tap.counts.dropped < 20:  # nobody pumps: the queue in the kernel fills up
        own.run(None, feed)
        calls += 1
        assert calls < 5000
    sent = own.tap.counts.sent
    assert sent + own.tap.counts.dropped == calls
    listener.wait_for_records(sent)
    own.run(None, feed)
    records = listener.wait_for_records(sent + 1)
    assert records[-1].number - records[0].number + 1 == calls + 1
    listener.wait(lambda: "too busy for" in caplog.text, "the log sums up the losses")
    assert f"{own.tap.counts.dropped} records were not sent" in caplog.text


@pytest.mark.process
def test_a_monitor_process_that_is_stopped_blocks_nothing_and_its_end_is_noticed(
    session: ort.InferenceSession, feed: Feed, path: Path
) -> None:
    with programs(ROOT) as start:
        monitor = start(sys.executable, "-m", "tests.tap.listener", str(path))
        wait_until(path.exists, "the monitor listens")
        own = watch(session, "m", socket=str(path))
        wait_until(lambda: own.tap.counts.is_connected, "the tap is connected")
        monitor.signal(signal.SIGSTOP)
        while own.tap.counts.dropped < 5:
            own.run(None, feed)
        assert own.tap.counts.is_connected  # it is there, and silent
        sent = own.tap.counts.sent
        monitor.signal(signal.SIGCONT)
        monitor.wait_for_text(f'"records": {sent}')
        monitor.signal(signal.SIGKILL)
        wait_until(lambda: not own.tap.counts.is_connected, "the end is noticed")
        own.run(None, feed)


def test_a_refusal_is_said_with_reason_and_remedy_and_the_model_runs_on(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(refusal={"reason": "two writers", "remedy": "Another application writes m."})
    own = watch(session, "m", socket=str(path))
    listener.wait(lambda: listener.ended == 1, "the tap gives up for now")
    own.run(None, feed)
    assert own.tap.counts[:3] == (1, 0, 1)
    wait_until(lambda: "two writers. Another application writes m." in caplog.text, "the log has the refusal")
    listener.refusal = None
    listener.wait_for_connection(own.tap)


@pytest.mark.parametrize(
    "datagram",
    [
        b"nonsense",
        wire.encode(wire.WELCOME, 0, b"[]"),
        wire.encode(wire.WELCOME, 0, b"{"),
        wire.encode(wire.WELCOME, 0, b"{}").replace(b"JDR1\x01", b"JDR1\x09"),
        wire.encode_json(wire.WELCOME, 0, {"every": "often"}),
        wire.encode_json(wire.WELCOME, 0, {"roi": [1, 2, 3]}),
    ],
)
def test_nonsense_from_the_monitor_ends_the_connection_with_a_line_in_the_log(
    datagram: bytes, feed: Feed, path: Path, listen: Listen,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    listener = listen()
    own = watch(open_session(), "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    listener.peers[0].send(datagram)
    listener.wait(lambda: listener.ended == 1, "the tap leaves")
    own.run(None, feed)
    wait_until(lambda: "isn't understood" in caplog.text, "the log says why")


def test_a_verdict_that_nobody_asked_for_does_no_harm(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    for n in range(200):
        listener.peers[0].send(wire.encode(wire.VERDICT, 0, wire.VERDICT_BODY.pack(n, 0, 0, 0, 0)))
        own.run(None, feed)
    assert len(listener.wait_for_records(200)) == 200


def test_new_terms_on_the_same_connection_hold_from_then_on(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen()
    own = watch(session, "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    listener.peers[0].send(wire.encode_json(wire.WELCOME, 0, {"every": 0}))

    def last_has_no_input() -> bool:
        own.run(None, feed)
        listener.pump()
        return bool(listener.records) and not any(t.role == wire.INPUT for t in listener.records[-1].tensors)

    wait_until(last_has_no_input, "inputs are no longer sent")


@pytest.mark.parametrize(
    "welcome",
    [{"every": -1}, {"every": True}, {"every": 1.5}, {"roi": "all"}, {"roi": [0, 0, 1, -1]},
     {"inline_limit_bytes": wire.INLINE_LIMIT_BYTES + 1}, {"inline_limit_bytes": None}],
)  # fmt: skip
def test_terms_that_make_no_sense_are_refused(welcome: dict[str, Any]) -> None:
    with pytest.raises(wire.WireError, match=r"every=|roi="):
        terms_of(json.loads(json.dumps(welcome)))


def test_terms_have_defaults_for_what_a_monitor_leaves_out() -> None:
    assert terms_of({}) == NO_TERMS
    assert terms_of({"every": 7, "roi": [1, 2, 3, 4], "inline_limit_bytes": 9})[:3] == (7, (1, 2, 3, 4), 9)
