"""The gate of the C library: a verdict within the deadline, or what stands for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from jidoka_tap import wire

from tests.processes import wait_until
from tests.tap.c.library import (
    BAD_ARGUMENT,
    BUSY,
    GATE_PASS,
    GATE_REJECT,
    GONE,
    NO_GATE,
    NOT_CONNECTED,
    OK,
    REJECTED,
    SILENT_PASS,
    SILENT_REJECT,
    TIMEOUT,
    Tap,
)  # fmt: skip
from tests.tap.listener import Listener, refuse_nan

Meet = Callable[..., tuple[Listener, Tap]]
GOOD = [(wire.OUTPUT, 0, np.ones(2, np.float32))]
BAD = [(wire.OUTPUT, 0, np.full(2, np.nan, np.float32))]
JUDGED = {"judge": refuse_nan}
SILENT = {GATE_REJECT: (SILENT_REJECT, wire.REJECT), GATE_PASS: (SILENT_PASS, wire.PASS)}


def test_a_verdict_of_pass_lets_the_outputs_through_and_one_of_reject_tells_why(meet: Meet) -> None:
    listener, tap = meet(JUDGED, gate=GATE_REJECT)
    with listener.pumping():
        status, verdict = tap.wait(GOOD, part=7)
        assert (status, verdict.level, verdict.part, verdict.silence) == (OK, wire.PASS, 7, OK)
        status, verdict = tap.wait(BAD, part=8)
    assert (status, verdict.level, verdict.part_level, verdict.part) == (
        REJECTED,
        wire.REJECT,
        wire.REJECT,
        8,
    )
    assert verdict.number == listener.records[1].number
    assert tap.reasons(verdict.reasons) == "NaN among the outputs"
    assert (tap.counts.rejected, tap.counts.unjudged) == (1, 0)


def test_suspect_may_be_used_and_an_unknown_level_is_a_reject(meet: Meet) -> None:
    levels = iter([wire.SUSPECT, 3])
    listener, tap = meet(
        {"judge": lambda _record: (0b1001_0000_1000, next(levels), wire.REJECT)}, gate=GATE_PASS
    )
    with listener.pumping():
        assert tap.wait(GOOD)[0] == OK
        status, verdict = tap.wait(GOOD)
    assert (status, verdict.level) == (REJECTED, wire.REJECT)
    assert tap.reasons(verdict.reasons) == "it looks unlike the reference; reason 8; reason 11"


def test_texts_of_reasons_are_cut_where_the_room_ends(meet: Meet) -> None:
    _, tap = meet(gate=GATE_PASS)
    import ctypes

    text = ctypes.create_string_buffer(b"\xaa" * 20, 20)
    tap.library.jdk_tap_reasons(tap.tap, 0b1001, text, 10)
    assert text.raw == b"NaN among\0" + b"\xaa" * 10


@pytest.mark.parametrize("gate", SILENT)
def test_a_monitor_that_says_nothing_is_waited_for_until_the_deadline_only(gate: int, meet: Meet) -> None:
    _, tap = meet(gate=gate)
    before = time.monotonic()
    status, verdict = tap.wait(GOOD, 0.05)
    assert time.monotonic() - before >= 0.05
    assert ((status, verdict.level), verdict.silence) == (SILENT[gate], TIMEOUT)
    assert tap.counts.unjudged == 1


@pytest.mark.parametrize("gate", SILENT)
def test_without_a_monitor_silence_comes_at_once(gate: int, open_tap: Callable[..., Tap]) -> None:
    tap = open_tap(gate=gate)
    status, verdict = tap.wait(GOOD, 60.0)
    assert ((status, verdict.level), verdict.silence, verdict.number) == (SILENT[gate], NOT_CONNECTED, 0)


def test_a_record_that_cannot_be_sent_is_silence_at_once(meet: Meet) -> None:
    _, tap = meet(gate=GATE_REJECT)
    large = [(wire.OUTPUT, 0, np.zeros(15_000, np.float32))]
    while tap.record(large) == OK:
        pass
    status, verdict = tap.wait(large, 60.0)
    assert (status, verdict.silence) == (SILENT_REJECT, BUSY)


def test_a_monitor_that_goes_away_ends_the_wait(meet: Meet) -> None:
    listener, tap = meet(gate=GATE_REJECT)
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(tap.wait(GOOD, 60.0)))
    thread.start()
    listener.wait_for_records(1)
    listener.close()
    thread.join(20.0)
    assert [(status, verdict.silence) for status, verdict in got] == [(SILENT_REJECT, GONE)]


def test_a_verdict_that_comes_too_late_is_not_that_of_the_next_call(meet: Meet) -> None:
    listener, tap = meet(gate=GATE_REJECT)
    assert tap.wait(GOOD, 0.0)[1].silence == TIMEOUT
    (late,) = listener.wait_for_records(1)
    listener.say(listener.peers[0], late.number, 0, (1, wire.REJECT, wire.REJECT))
    listener.judge = refuse_nan
    with listener.pumping():
        assert tap.wait(GOOD)[0] == OK


def test_threads_get_the_verdicts_of_their_own_records(meet: Meet) -> None:
    listener, tap = meet(JUDGED, gate=GATE_REJECT)
    wrong: list[Any] = []

    def work(part: int) -> None:
        for n in range(50):
            is_bad = (n + part) % 3 == 0
            status, verdict = tap.wait(BAD if is_bad else GOOD, part=part)
            if (status, verdict.part) != (REJECTED if is_bad else OK, part):
                wrong.append((part, n, status, verdict.silence))

    threads = [threading.Thread(target=work, args=(part,)) for part in range(1, 5)]
    with listener.pumping():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60.0)
    assert wrong == []
    assert tap.counts.sent == 200


def test_a_gate_in_a_program_without_a_thread_reads_its_verdict_itself(meet: Meet) -> None:
    listener, tap = meet(JUDGED, gate=GATE_REJECT)  # the listener's address is what is needed
    tap.close()
    own = Tap(tap.library, listener.path, gate=GATE_REJECT, has_no_thread=True)
    listener.wait(
        lambda: bool(own.library.jdk_tap_poll(own.tap)) and bool(own.counts.is_connected), "connected"
    )
    with listener.pumping():
        assert own.wait(BAD)[0] == REJECTED
    own.close()


def test_a_tap_that_was_not_opened_as_a_gate_lets_nothing_through(meet: Meet) -> None:
    _, tap = meet(gate=NO_GATE)
    status, verdict = tap.wait(GOOD)
    assert (status, verdict.level, verdict.silence) == (BAD_ARGUMENT, wire.REJECT, BAD_ARGUMENT)
    assert tap.counts.records == 0


def test_a_gated_record_with_a_bad_argument_lets_nothing_through(meet: Meet) -> None:
    _, tap = meet(gate=GATE_PASS)
    status, verdict = tap.wait([(wire.OUTPUT, 9, GOOD[0][2])])
    assert (status, verdict.level) == (BAD_ARGUMENT, wire.REJECT)


def test_new_terms_are_heard_between_gated_calls(meet: Meet) -> None:
    listener, tap = meet({**JUDGED, "terms": {"every": 1}}, gate=GATE_REJECT, inputs=["image"])
    listener.terms = {"every": 0}
    listener.welcome(listener.peers[0])
    wait_until(lambda: tap.library.jdk_tap_wants(tap.tap, 0, 0) == 0, "the new terms hold")
    with listener.pumping():
        assert tap.wait(GOOD)[0] == OK
