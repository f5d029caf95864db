"""The monitor is away, comes back, hangs, refuses, talks nonsense: the C program never notices, its log tells."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka_tap import wire
from jidoka_tap.version import VERSION

from tests.processes import wait_until
from tests.tap.c import library
from tests.tap.c.library import BAD_ARGUMENT, BUSY, NOT_CONNECTED, OK, Tap
from tests.tap.listener import Listener

Meet = Callable[..., tuple[Listener, Tap]]
Listen = Callable[..., Listener]
Open = Callable[..., Tap]
TENSORS = [(wire.OUTPUT, 0, np.ones((1, 2), np.float32)), (wire.INPUT, 0, np.zeros((1, 4), np.uint8))]
LARGE = [(wire.OUTPUT, 0, np.zeros(15_000, np.float32))]


def says(tap: Tap, text: str) -> None:
    wait_until(lambda: any(text in line for line in tap.log), f"the log says {text!r}")


def test_hello_says_who_it_is(meet: Meet) -> None:
    listener, _ = meet(
        inputs=['a "quoted"\\name\n', "größe"], outputs=[], sha256="AB" * 32, gate=library.GATE_REJECT
    )
    (hello,) = listener.hellos
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")
    assert hello == {
        "model": "m", "pid": os.getpid(), "boot": boot, "inputs": ['a "quoted"\\name\n', "größe"], "outputs": [],
        "runtime": "pytest", "tap": VERSION, "sha256": "ab" * 32, "dropped": 0, "gate": True,
    }  # fmt: skip


def test_a_model_may_be_known_by_its_file_alone(meet: Meet) -> None:
    listener, _ = meet(model="", sha256="0" * 64)
    assert listener.hellos[0]["model"] == ""


@pytest.mark.parametrize(
    "how",
    [
        {"model": ""}, {"sha256": "12"}, {"sha256": "x" * 64}, {"inputs": [b"\xff"]}, {"outputs": [b"\xc3"]},
        {"outputs": [b"\xed\xa0\x80"]}, {"outputs": [b"\xf4\x90\x80\x80"]}, {"outputs": [b"\xc0\xaf"]},
        {"outputs": ["x" * 1001]}, {"outputs": ["x" * 1000] * 61}, {"gate": 3}, {"gate": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_opened_is_a_bad_argument(how: dict[str, Any], built: Path, path: Path) -> None:
    tap = Tap(library.load(built / "libjidoka_tap.so"), path, **how)
    assert (tap.status, tap.tap.value) == (BAD_ARGUMENT, None)


def test_without_a_monitor_records_are_dropped_and_counted(open_tap: Open, path: Path) -> None:
    tap = open_tap()
    assert {tap.record(TENSORS) for _ in range(5)} == {NOT_CONNECTED}
    assert (tap.counts.records, tap.counts.sent, tap.counts.dropped) == (5, 0, 5)
    says(tap, f"no monitor at {path}")


@pytest.mark.parametrize("name", ["x" * 200, "folder-that-is-missing/tap.sock"])
def test_a_socket_path_that_cannot_be_one_is_said_in_the_log(
    name: str, open_tap: Open, tmp_path: Path
) -> None:
    says(open_tap(path=tmp_path / name), "no monitor at")


def test_the_environment_names_the_socket(
    open_tap: Open, path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JIDOKA_TAP_SOCKET", str(path))
    listener = listen()
    listener.wait_for_connection(open_tap(path=None))


def test_the_tap_beats_by_itself_and_says_its_counts(meet: Meet) -> None:
    listener, tap = meet()
    tap.record(TENSORS)
    tap.record([(wire.OUTPUT, 9, TENSORS[0][2])])
    tap.record([(wire.OUTPUT, 0, np.zeros(1, complex))])
    listener.wait(
        lambda: len(listener.beats) >= 3 and listener.beats[-1] == (2, 1, 1), "beats tell the counts"
    )


def test_inputs_go_with_every_nth_record_and_the_program_may_ask(meet: Meet) -> None:
    listener, tap = meet({"terms": {"every": 3, "wanted": {"outputs": ["embedding"], "inputs": None}}})
    wanted = []
    for _ in range(6):
        wanted.append(
            [tap.library.jdk_tap_wants(tap.tap, *which) for which in ((0, 0), (1, 0), (1, 1), (1, 2))]
        )
        tap.record([*TENSORS, (wire.OUTPUT, 1, np.ones(3, np.float32))])
    assert [each[0] for each in wanted] == [1, 0, 0, 1, 0, 0]
    assert {tuple(each[1:]) for each in wanted} == {(0, 1, 0)}
    records = listener.wait_for_records(6)
    assert [[(each.role, each.index) for each in record.tensors] for record in records] == [
        [(wire.INPUT, 0), (wire.OUTPUT, 1)],
        [(wire.OUTPUT, 1)],
        [(wire.OUTPUT, 1)],
    ] * 2


def test_the_tap_comes_back_after_the_monitor_and_tells_what_was_lost(meet: Meet, listen: Listen) -> None:
    listener, tap = meet({"arena": (2, 65_536)})
    tap.record(TENSORS)
    listener.close()
    wait_until(lambda: not tap.counts.is_connected, "the loss is noticed")
    assert tap.record(TENSORS) == NOT_CONNECTED
    again = listen(arena=(2, 131_072))
    again.wait_for_connection(tap)
    assert again.hellos[0]["dropped"] == 1
    says(tap, "1 records were not sent")
    big = np.random.default_rng(1).random(15_500, np.float32)
    tap.record([(wire.OUTPUT, 0, big)])
    assert np.array_equal(again.wait_for_records(1)[0].tensors[0].array, big)


def test_a_monitor_that_does_not_read_makes_records_be_dropped_and_the_log_sums_up(meet: Meet) -> None:
    listener, tap = meet()
    statuses = [tap.record(LARGE) for _ in range(200)]
    assert statuses[0] == OK
    assert statuses[-1] == BUSY
    assert tap.counts.dropped == statuses.count(BUSY)
    listener.wait(lambda: any("too busy" in line for line in tap.log), "the log sums up")
    assert tap.record(LARGE) == OK


def test_a_refusal_is_said_in_plain_words_and_tried_again_late(listen: Listen, open_tap: Open) -> None:
    listener = listen(refusal={"reason": "unknown \\ model", "more": [{"deep": 1}], "remedy": "Say “m2”."})
    tap = open_tap()
    listener.wait(lambda: any("refuses" in line for line in tap.log), "the log tells the refusal")
    assert "the monitor refuses the records: unknown \\ model. Say “m2”." in tap.log
    assert not tap.counts.is_connected
    listener.refusal = None
    listener.wait_for_connection(tap)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\0", b"x" * 65_536, wire.encode(wire.WELCOME, 0, b"[]"), wire.encode(wire.WELCOME, 0, b'{"every": -1}'),
        wire.encode(wire.WELCOME, 0, b"{}").replace(b"JDR1\x01", b"JDR1\x02"), wire.encode(wire.WELCOME, 0, b"{}")[:-1],
    ],
)  # fmt: skip
def test_a_monitor_that_talks_nonsense_is_left(nonsense: bytes, open_tap: Open, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(str(path))
        server.listen(1)
        tap = open_tap()
        with server.accept()[0] as peer:
            peer.recv(65_536)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 300_000)
            peer.send(nonsense)
            says(tap, "isn't understood")
            assert peer.recv(10) == b""


def test_surplus_descriptors_are_closed(meet: Meet) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    listener, tap = meet({"arena": (2, 65_536), "surplus": 3})
    tap.record([(wire.OUTPUT, 0, np.ones(16_000, np.float32))])
    listener.wait_for_records(1)
    tap.close()
    listener.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_closing_says_goodbye(meet: Meet) -> None:
    listener, tap = meet()
    tap.close()
    listener.wait(lambda: len(listener.goodbyes) == 1 and listener.ended == 1, "the goodbye has come")


def test_a_tap_without_a_thread_lives_by_being_polled(listen: Listen, open_tap: Open) -> None:
    listener = listen()
    tap = open_tap(has_no_thread=True)
    due_ns = []

    def polled() -> bool:
        due_ns.append(tap.library.jdk_tap_poll(tap.tap))
        return bool(tap.counts.is_connected)

    listener.wait(polled, "the tap is connected")
    assert tap.record(TENSORS) == OK
    listener.wait_for_records(1)
    listener.wait(lambda: polled() and len(listener.beats) >= 2, "it beats")
    assert max(due_ns) <= 100_000_000
    assert "connected to the monitor" in tap.log[-1]


def test_the_notes_of_the_monitor_are_said_in_one_line_each(meet: Meet) -> None:
    _, tap = meet({"terms": {"notes": ["two\nlines", "x" * 5000]}})
    says(tap, "the monitor says: two lines")
    assert all(len(line) < 640 for line in tap.log)


def test_each_status_has_a_sentence(built: Path) -> None:
    loaded = library.load(built / "libjidoka_tap.so")
    texts = [loaded.jdk_status_text(status) for status in range(10)]
    assert len(set(texts)) == 10
    assert loaded.jdk_status_text(10) == loaded.jdk_status_text(-1) == b"unknown status"
