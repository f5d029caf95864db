"""A gate gives outputs only after the verdict of that very record, within its deadline, whatever the monitor does."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from jidoka_tap import OpenTap, Rejected, open_tap, watch, wire
from jidoka_tap.verdict import LEVELS, texts_of

from tests.processes import Program, programs, wait_until
from tests.tap.conftest import open_session
from tests.tap.listener import Judgement, Listener, refuse_nan

Listen = Callable[..., Listener]
Feed = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]
GOOD = {"command": np.zeros(6, np.float32)}
BAD = {"command": np.array([0, np.nan, 0, 0, 0, 0], np.float32)}
#: far more than a verdict, or one of the short deadlines here, takes on a busy machine
PATIENT_S = 20.0


def gate(path: Path, listener: Listener | None = None, **how: Any) -> OpenTap:
    tap = open_tap("m", ["command"], socket=str(path), gate=True, **{"deadline_s": PATIENT_S, **how})
    if listener is not None:
        listener.wait_for_connection(tap.tap)
    return tap


def of_part(record: wire.Record) -> Judgement:
    """The verdict is what the record says itself: its part's number modulo 3."""
    return 0b1000 if record.part % 3 else 0, record.part % 3, record.part % 3


def test_outputs_come_with_the_verdict_of_their_own_record(path: Path, listen: Listen) -> None:
    listener = listen(judge=lambda record: (0b1001, wire.SUSPECT, wire.REJECT))
    with gate(path, listener) as tap, listener.pumping():
        verdict = tap.record_outputs(GOOD, part=7)
    assert verdict is not None
    assert verdict.record == listener.records[0].number == listener.wanting[0]
    assert (verdict.part, verdict.level, verdict.part_level) == (7, "suspect", "reject")
    assert verdict.reasons == ("NaN among the outputs", "it looks unlike the reference")
    assert not verdict.is_silent


def test_a_reject_is_raised_before_the_application_gets_outputs(
    feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen(judge=lambda record: (1, wire.REJECT, wire.REJECT))
    own = watch(open_session(), "m", socket=str(path), gate=True, deadline_s=PATIENT_S)
    listener.wait_for_connection(own.tap)
    assert own.verdict is None
    with listener.pumping(), pytest.raises(Rejected, match="m: the record is rejected: NaN among") as caught:
        own.run(None, feed, part=3)
    assert caught.value.verdict == own.verdict
    assert own.verdict.part == 3
    assert own.tap.counts.rejected == 1
    assert listener.hellos[0]["gate"] is True


def test_a_nan_and_only_a_nan_is_refused_by_a_monitor_that_refuses_nan(path: Path, listen: Listen) -> None:
    listener = listen(judge=refuse_nan)
    with gate(path, listener) as tap, listener.pumping():
        for n in range(60):
            if n % 5:
                assert tap.record_outputs(GOOD).level == "pass"
            else:
                with pytest.raises(Rejected, match="NaN among"):
                    tap.record_outputs(BAD)
    assert tap.counts.rejected == 12
    assert tap.counts.unjudged == 0


def test_a_session_that_is_no_gate_asks_for_no_verdict_and_has_none(
    session: ort.InferenceSession, feed: Feed, path: Path, listen: Listen
) -> None:
    listener = listen(judge=refuse_nan)
    own = watch(session, "m", socket=str(path))
    listener.wait_for_connection(own.tap)
    own.run(None, feed)
    listener.wait_for_records(1)
    assert own.verdict is None
    assert listener.wanting == []
    assert listener.hellos[0]["gate"] is False


def test_a_gate_and_a_session_without_one_share_a_model(feed: Feed, path: Path, listen: Listen) -> None:
    listener = listen(judge=refuse_nan)
    free = watch(open_session(), "m", socket=str(path))
    gated = watch(open_session(), "m", socket=str(path), gate=True, deadline_s=PATIENT_S)
    listener.wait_for_connection(free.tap)
    with listener.pumping():
        for _ in range(4):
            gated.run(None, feed)
            free.run(None, feed)
    records = listener.wait_for_records(8)
    assert listener.wanting == [record.number for record in records[::2]]
    assert len(listener.hellos) == 1


@pytest.mark.parametrize("when_silent", ["reject", "pass"])
def test_without_a_monitor_the_gate_does_what_it_was_told_and_at_once(
    when_silent: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with gate(path, when_silent=when_silent) as tap:
        began = time.monotonic()
        for _ in range(3):
            if when_silent == "pass":
                verdict = tap.record_outputs(GOOD)
            else:
                with pytest.raises(Rejected, match="was not judged: no monitor is connected at") as caught:
                    tap.record_outputs(GOOD)
                verdict = caught.value.verdict
            assert verdict is not None
            assert verdict.is_silent
            assert (verdict.level, verdict.record) == (when_silent, 0)
        assert time.monotonic() - began < PATIENT_S
        assert tap.counts.unjudged == 3
        assert tap.counts.rejected == 0
        if when_silent == "pass":
            wait_until(lambda: "passes without a verdict" in caplog.text, "the log says so")
            assert caplog.text.count("passes without a verdict") == 1


@pytest.mark.parametrize("deadline_s", [0.0005, 0.03, 0.3])
def test_a_monitor_that_says_nothing_costs_the_deadline_and_not_more(
    deadline_s: float, path: Path, listen: Listen
) -> None:
    listener = listen()
    with gate(path, listener, deadline_s=deadline_s, when_silent="pass") as tap, listener.pumping():
        waits, sleeps = [], []
        for _ in range(5):
            began = time.monotonic()
            time.sleep(deadline_s)  # what the machine needs for a wait of this length
            sleeps.append(time.monotonic() - began)
            began = time.monotonic()
            verdict = tap.record_outputs(GOOD)
            waits.append(time.monotonic() - began)
            assert verdict is not None
            assert verdict.reasons == (f"no verdict within {deadline_s:g} s",)
    assert min(waits) >= deadline_s
    assert min(waits) < 3 * min(sleeps)


def test_a_late_verdict_of_an_earlier_record_is_thrown_away(path: Path, listen: Listen) -> None:
    listener = listen()
    with gate(path, listener, deadline_s=0.02, when_silent="pass") as tap:
        verdict = tap.record_outputs(GOOD, part=1)
        assert verdict is not None
        assert verdict.is_silent
        first = listener.wait_for_records(1)[0]
        for _ in range(3):
            listener.say(listener.peers[0], first.number, 1, (1, wire.REJECT, wire.REJECT))
        listener.judge = of_part
        with listener.pumping():
            tap._gate._deadline_ns = int(PATIENT_S * 1e9)
            verdict = tap.record_outputs(GOOD, part=3)
    assert verdict is not None
    assert verdict.record == first.number + 1
    assert (verdict.level, verdict.part) == ("pass", 3)


def test_threads_that_gate_on_one_tap_each_get_the_verdict_of_their_own_record(
    path: Path, listen: Listen
) -> None:
    listener = listen(judge=of_part)
    failures: list[Any] = []

    def work(worker: int) -> None:
        for n in range(60):
            part = 1000 * worker + n
            try:
                verdict = tap.record_outputs(GOOD, part=part)
            except Rejected as rejected:
                verdict = rejected.verdict
            expected = (part, LEVELS[part % 3], False)
            if (verdict.part, verdict.level, verdict.is_silent) != expected or tap._gate.verdict != verdict:
                failures.append((verdict, expected))

    with gate(path, listener) as tap, listener.pumping():
        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(1, 5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert tap.counts.unjudged == 0
    assert failures == []
    assert len(listener.records) == 240
    assert tap.tap.answers.waiting == {}


def test_verdicts_in_the_opposite_order_reach_all_threads_that_wait(path: Path, listen: Listen) -> None:
    listener = listen()
    verdicts: dict[int, Any] = {}

    def work(part: int) -> None:
        verdicts[part] = tap.record_outputs(GOOD, part=part)

    with gate(path, listener) as tap:
        threads = [threading.Thread(target=work, args=(3 * n,)) for n in range(1, 5)]
        for thread in threads:
            thread.start()
        for record in reversed(listener.wait_for_records(4)):
            listener.say(listener.peers[0], record.number, record.part, (0, wire.PASS, wire.PASS))
            thread = threads[record.part // 3 - 1]
            # each leaves as soon as its verdict is there, whoever reads the socket
            thread.join(PATIENT_S)
            assert not thread.is_alive()
    assert {part: verdict.part for part, verdict in verdicts.items()} == {3 * n: 3 * n for n in range(1, 5)}


def test_the_end_of_the_connection_ends_the_wait(path: Path, listen: Listen) -> None:
    listener = listen()
    caught: list[Rejected] = []

    def work() -> None:
        try:
            tap.record_outputs(GOOD)
        except Rejected as rejected:
            caught.append(rejected)

    with gate(path, listener) as tap:
        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        listener.wait_for_records(3)
        listener.close()
        for thread in threads:
            thread.join(PATIENT_S / 2)
            assert not thread.is_alive()
        assert [str(each) for each in caught] == [
            "m: the record was not judged: the monitor went away before its verdict"
        ] * 3
        wait_until(lambda: not tap.counts.is_connected, "the tap notices it too")
        again = listen(judge=refuse_nan)
        again.wait_for_connection(tap.tap)
        with again.pumping():
            assert tap.record_outputs(GOOD).level == "pass"


def test_a_refusal_and_new_terms_are_noticed_while_calls_gate(
    path: Path, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    listener = listen(judge=refuse_nan)
    with gate(path, listener) as tap, listener.pumping():
        tap.record_outputs(GOOD)
        listener.peers[0].send(wire.encode_json(wire.WELCOME, 0, {"reasons": {"0": "by new terms"}}))

        def has_new_terms() -> bool:
            try:
                tap.record_outputs(BAD)
            except Rejected as rejected:
                return rejected.verdict.reasons == ("by new terms",)
            raise AssertionError("a NaN passed")

        wait_until(has_new_terms, "the new terms hold")
        refusal = {"reason": "no more", "remedy": "Ask again."}
        listener.peers[0].send(wire.encode_json(wire.REFUSED, 0, refusal))
        wait_until(lambda: not tap.counts.is_connected, "the tap leaves")
        wait_until(lambda: "no more. Ask again." in caplog.text, "the log says why")


def test_a_flood_of_other_messages_does_not_keep_a_gate_beyond_its_deadline(
    path: Path, listen: Listen
) -> None:
    listener = listen()
    with gate(path, listener, deadline_s=0.2, when_silent="pass") as tap:
        is_over = threading.Event()

        def flood() -> None:
            listener.peers[0].setblocking(True)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while not is_over.is_set():
                    listener.say(listener.peers[0], 5, 0, (0, 0, 0))

        thread = threading.Thread(target=flood)
        thread.start()
        began = time.monotonic()
        verdict = tap.record_outputs(GOOD)
        waited_s = time.monotonic() - began
        is_over.set()
        tap.tap.close("the flood is over")  # ends a send that waits
        thread.join()
    assert verdict is not None
    assert verdict.is_silent
    assert waited_s < PATIENT_S / 2


def monitor(start: Callable[..., Program], path: Path) -> Program:
    program = start(
        sys.executable, "-m", "tests.tap.listener", str(path), '{"verdicts": true, "arena": [4, 65536]}'
    )
    wait_until(path.exists, "the monitor listens")
    return program


@pytest.mark.process
def test_a_monitor_process_that_is_stopped_killed_and_started_again(path: Path) -> None:
    with programs(ROOT) as start, gate(path, deadline_s=0.1) as tap:
        first = monitor(start, path)
        wait_until(lambda: tap.counts.is_connected, "the tap is connected")
        tap._gate._deadline_ns = int(PATIENT_S * 1e9)
        assert tap.record_outputs(GOOD).level == "pass"
        tap._gate._deadline_ns = int(0.1 * 1e9)
        first.signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(Rejected, match=r"no verdict within 0\.1 s"):
            tap.record_outputs(GOOD)
        assert time.monotonic() - began < PATIENT_S / 2
        first.signal(signal.SIGKILL)
        wait_until(lambda: not tap.counts.is_connected, "the end is noticed")
        with pytest.raises(Rejected, match="no monitor is connected"):
            tap.record_outputs(GOOD)
        path.unlink()
        monitor(start, path)
        wait_until(lambda: tap.counts.is_connected, "the tap is connected again")
        tap._gate._deadline_ns = int(PATIENT_S * 1e9)
        assert tap.record_outputs(GOOD).level == "pass"
        with pytest.raises(Rejected, match="NaN among"):
            tap.record_outputs(BAD)


@pytest.mark.process
def test_a_monitor_that_is_killed_at_any_moment_never_lets_a_nan_pass_nor_keeps_a_call(path: Path) -> None:
    with programs(ROOT) as start, gate(path, deadline_s=1.0) as tap:
        is_over, longest_s, leaked = threading.Event(), [0.0], []

        def work() -> None:
            while not is_over.is_set():
                began = time.monotonic()
                try:
                    tap.record_outputs(BAD)
                    leaked.append(1)
                except Rejected:
                    pass
                longest_s[0] = max(longest_s[0], time.monotonic() - began)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for _ in range(3):
            program = monitor(start, path)
            wait_until(lambda: tap.counts.is_connected, "the tap is connected")
            if not threads[0].is_alive():
                for thread in threads:
                    thread.start()
            judged = tap.counts.rejected
            wait_until(lambda judged=judged: tap.counts.rejected > judged + 20, "records are judged")
            program.signal(signal.SIGKILL)
            wait_until(lambda: not tap.counts.is_connected, "the end is noticed")
            path.unlink()
        is_over.set()
        for thread in threads:
            thread.join()
        assert leaked == []
        assert longest_s[0] < PATIENT_S / 2
        assert tap.tap.answers.waiting == {}


@pytest.mark.parametrize(
    ("how", "text"),
    [({"when_silent": "ask"}, "'reject' or 'pass'"), ({"deadline_s": 0.0}, "deadline_s"), ({"deadline_s": 1e9}, "deadline_s")],
)  # fmt: skip
def test_a_gate_that_makes_no_sense_is_refused_and_leaves_no_tap_behind(
    how: dict[str, Any], text: str, path: Path
) -> None:
    session = open_session()
    with pytest.raises(ValueError, match=text):
        gate(path, **how)
    with pytest.raises(ValueError, match=text):
        watch(session, "m", socket=str(path), gate=True, **how)
    own = watch(session, "m", socket=str(path))
    assert own.tap.users == 1
    assert own.tap.gates == 0


def test_a_verdict_that_this_program_does_not_know_is_a_reject(path: Path, listen: Listen) -> None:
    listener = listen(judge=lambda record: (0, 7, 9))
    with gate(path, listener) as tap, listener.pumping(), pytest.raises(Rejected) as caught:
        tap.record_outputs(GOOD)
    assert (caught.value.verdict.level, caught.value.verdict.part_level) == ("reject", "reject")


def test_reason_bits_are_named() -> None:
    assert texts_of(0b101, ((0, "a"), (1, "b"))) == ("a", "reason 2")
