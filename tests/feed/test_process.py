"""`jidoka feed` as a program: what it takes, what it sends, what it says, how it ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jidoka_tap import wire

from tests.feed.bundles import CSV, JSON, LOG, fed_bundle
from tests.processes import Program, programs
from tests.tap.listener import Listener, tensor

pytestmark = pytest.mark.process

FEED = (sys.executable, "-m", "jidoka.feed")
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with programs(tmp_path) as starter:
        yield lambda *arguments: starter(*map(str, arguments))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    listener = Listener(tmp_path / "tap.sock")
    yield listener
    listener.close()


def finish(program: Program, listener: Listener) -> int:
    listener.wait(lambda: program.process.poll() is not None, "the feed ends")
    listener.pump()
    return program.wait()


def summary(program: Program) -> dict[str, Any]:
    (found,) = [json.loads(line) for line in program.text.splitlines() if line.startswith("{")]
    return dict(found)


def line(part: int, *scores: object) -> str:
    return json.dumps({"scores": list(scores) or [1.0, 0, 0, 0], "part": part, "took": 3.5})


def test_lines_on_standard_input_become_records_and_bad_ones_are_counted_and_said(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    lines = [line(n, n, 0.5, None, -1) for n in range(1, 21)]
    lines[4:4] = ["{broken", '{"part": 1}', ""]
    (tmp_path / "lines").write_text("\n".join(lines))
    bundle = fed_bundle(tmp_path / "b")
    command = f"cat {tmp_path / 'lines'} | {' '.join(FEED)} {bundle} --socket {listener.path} --json"
    program = start("/bin/sh", "-c", command)
    assert finish(program, listener) == 0, program.text
    assert [record.part for record in listener.records] == list(range(1, 21))
    for n, record in enumerate(listener.records, 1):
        scores = tensor(record, wire.OUTPUT, 0)
        assert np.array_equal(scores, np.array([[n, 0.5, np.nan, -1]], np.float32), equal_nan=True)
        assert len(record.tensors) == 1
        assert record.latency_ns == 3_500_000
    told = summary(program)
    assert (told["lines"], told["records"], told["refused"], told["tap"]["sent"]) == (22, 20, 2, 20)
    assert told["refused_share"] == pytest.approx(2 / 22, abs=1e-6)
    assert told["refused_because"] == {"not JSON": 1, "no such field": 1}
    assert told["first_refused"][0].startswith("line:5: not JSON")
    assert "feed: refused: line:6: no such field: scores" in program.text
    assert "outputs only (logits), and no gate" in program.text
    assert [goodbye["reason"] for goodbye in listener.goodbyes] == ["the feed ends"]
    assert listener.hellos[0]["model"] == "surface-inspection"


def test_programs_that_connect_to_the_socket_are_heard_side_by_side(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    path = tmp_path / "feed.sock"
    program = start(*FEED, fed_bundle(tmp_path / "b"), "--listen", path, "--socket", listener.path, "--json")
    listener.wait(lambda: len(listener.beats) > 0, "the feed is there")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for client in clients:
            client.connect(str(path))
        first, second, last = (line(n).encode() for n in (1, 2, 3))
        clients[0].sendall(first[:10])
        clients[1].sendall(second + b"\n")
        listener.wait_for_records(1)
        clients[0].sendall(first[10:] + b"\nnonsense\n")
        clients[2].sendall(last)
    listener.wait_for_records(3)
    assert sorted(record.part for record in listener.records) == [1, 2, 3]
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0, program.text
    told = summary(program)
    assert told["first_refused"] == ["connection 1:2: not JSON: Expecting value"]
    assert told["of_the_source"]["connections"] == 3
    assert not path.exists()


def test_a_socket_that_is_left_behind_is_taken_over_and_one_that_is_used_is_not(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    path, bundle = tmp_path / "feed.sock", fed_bundle(tmp_path / "b")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    start(*FEED, bundle, "--listen", path, "--socket", listener.path)
    listener.wait(lambda: len(listener.beats) > 0, "the feed is there")
    other = start(*FEED, bundle, "--listen", path, "--socket", listener.path)
    assert other.wait() == 5
    assert "another program uses it" in other.text
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(line(7).encode() + b"\n")
    listener.wait_for_records(1)


def test_a_log_is_followed_through_its_rotation(start: Start, listener: Listener, tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_text("10:00 part=1 class=ok p=0.99\n")
    program = start(
        *FEED, fed_bundle(tmp_path / "b", LOG), "--follow", log, "--socket", listener.path, "--json"
    )
    listener.wait(lambda: len(listener.beats) > 0, "the feed is there")
    program.wait_for_text("is passed over; lines are numbered from here")
    with log.open("a") as file:
        file.write("10:01 warming up\n10:02 part=2 class=scratch p=0.75\n10:03 part=3 class=rust p=0.75\n")
    listener.wait_for_records(1)
    log.rename(tmp_path / "app.log.1")
    log.write_text("10:04 part=4 class=pit p=nan\n")
    listener.wait_for_records(2)
    program.signal(signal.SIGTERM)
    assert finish(program, listener) == 0, program.text
    assert [record.part for record in listener.records] == [2, 4]
    scores = tensor(listener.records[0], wire.OUTPUT, 0)[0].astype(float)
    assert np.exp(scores[1]) / np.exp(scores).sum() == pytest.approx(0.75)
    assert np.isnan(tensor(listener.records[1], wire.OUTPUT, 0)).all()
    told = summary(program)
    assert told["refused_because"] == {"unknown class": 1}
    assert told["of_the_source"] == {"rotations": 1, "truncations": 0, "lines without the pattern": 1}


def test_a_table_is_played_at_a_rate(start: Start, listener: Listener, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "part,ok,scratch,pit,dent\n" + "".join(f"{n},1,0,0,0\n" for n in range(30))
    )
    program = start(*FEED, fed_bundle(tmp_path / "b", CSV), "--follow", tmp_path / "t.csv", "--from-start",
                    "--rate", 100, "--socket", listener.path)  # fmt: skip
    listener.wait_for_records(30)
    span_s = (listener.records[-1].start_ns - listener.records[0].start_ns) / 1e9
    assert span_s >= 0.25
    program.signal(signal.SIGINT)
    assert finish(program, listener) == 130
    assert "surface-inspection: 30 records  0 lines refused  monitor connected" in program.text


def test_it_goes_on_without_a_monitor_and_says_what_was_not_sent(start: Start, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("".join(line(n) + "\n" for n in range(5)))
    bundle = fed_bundle(tmp_path / "b")
    program = start("/bin/sh", "-c", f"{' '.join(FEED)} {bundle} --socket {tmp_path / 'none'} --json < {tmp_path / 'lines'}")  # fmt: skip
    assert program.wait() == 0, program.text
    told = summary(program)
    assert (told["records"], told["tap"]["sent"], told["tap"]["dropped"]) == (5, 0, 5)


def test_an_endless_line_and_a_flood_of_nonsense_take_no_memory(
    start: Start, listener: Listener, tmp_path: Path
) -> None:
    bundle = fed_bundle(tmp_path / "b")
    made = (
        "import os,sys\n"
        "for _ in range(64): os.write(1, b'x' * (1 << 20))\n"
        "os.write(1, b'\\n' + b'?\\n' * 100000)\n"
        f"os.write(1, {line(9).encode()!r})\n"
    )
    (tmp_path / "flood.py").write_text(made)
    limited = f"ulimit -v 1500000; exec {' '.join(FEED)} {bundle} --socket {listener.path} --json"
    program = start("/bin/sh", "-c", f"{sys.executable} {tmp_path / 'flood.py'} | ({limited})")
    assert finish(program, listener) == 0, program.text
    told = summary(program)
    assert told["refused_because"] == {"not JSON": 100_000, "too long": 1}
    assert [record.part for record in listener.records] == [9]
    assert len(told["first_refused"]) == 5


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "give a BUNDLE"),
        (("@b", "--plan", "x"), 2, "not both"),
        (("@b", "--follow", "x", "--listen", "y"), 2, "--listen and --follow can't go together"),
        (("@b", "--from-start"), 2, "--from-start belongs to --follow"),
        (("@b", "--password-file", "x"), 2, "--password-file belongs to --mqtt"),
        (("@b", "--ca", "x"), 2, "--ca belongs to --mqtt"),
        (("@b", "--mqtt", "mqtts://127.0.0.1:1/t", "--certificate", "x"), 2, "belong together"),
        (("@b", "--mqtt", "mqtts://127.0.0.1:1/t", "--ca", "none"), 8, "none: can't be read"),
        (("--plan", "nothing"), 3, "can't read the plan"),
        (("surface-inspection",), 4, "has no `feed:`"),
        (("@csv", "--mqtt", "mqtt://127.0.0.1:1/t"), 4, "messages have no header line"),
        (("@b", "--listen", "/nowhere/x"), 5, "can't listen there: No such file or directory"),
        (("@b", "--follow", "/"), 5, "isn't a file that can be followed"),
        (("@b", "--mqtt", "mqtt://127.0.0.1"), 5, "Write mqtts://HOST:PORT/TOPIC"),
        (("@b", "--mqtt", "mqtt://127.0.0.1/t", "--password-file", "none"), 5, "can't read the password"),
        (("@b", "--mqtt", "mqtt://u:s3cret@127.0.0.1:1/t"), 8, "no broker can be reached"),
    ],
)
def test_a_mistake_ends_in_a_sentence_and_the_code_of_the_table(
    arguments: tuple[str, ...], code: int, says: str, start: Start, tmp_path: Path
) -> None:
    fed_bundle(tmp_path / "b")
    fed_bundle(tmp_path / "csv", CSV)
    given = [str(tmp_path / each[1:]) if each.startswith("@") else each for each in arguments]
    program = start(*FEED, *given)
    assert program.wait() == code, program.text
    assert says in program.text
    assert "Traceback" not in program.text
    assert "s3cret" not in program.text


def test_a_mapping_that_does_not_fit_the_model_is_named_with_its_place(start: Start, tmp_path: Path) -> None:
    bundle = fed_bundle(tmp_path / "b", JSON.replace("logits: scores", "logit: scores"))
    program = start(*FEED, bundle)
    assert program.wait() == 4
    assert "manifest.yaml:25:39: feed.outputs.logit: 'logit' isn't an output of the model" in program.text
    assert "did you mean 'logits'?" in program.text


def test_the_help_says_that_there_are_no_inputs_and_no_gate(start: Start) -> None:
    program = start(*FEED, "--help")
    assert program.wait() == 0
    assert "Outputs only, and no gate" in " ".join(program.text.split())
