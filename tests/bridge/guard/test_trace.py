"""A guard's trace: a real run against the PLC simulator, played again bit for bit, in another process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from jidoka_bridge.errors import InputError, LinkError
from jidoka_bridge.guard import trace
from jidoka_bridge.guard.latch import Latch, LatchError
from jidoka_bridge.guard.realtime import Held
from jidoka_bridge.guard.replay import replay
from jidoka_bridge.guard.trace import BLOCK, END, MAGIC, Failed, TraceWriter, packed, unpacked
from jidoka_bridge.messages import Judgement

from tests.bridge.guard.guard_rig import DRIFT, plan
from tests.bridge.guard.guard_world import World, outputs
from tests.bridge.guard.test_process import to_run
from tests.processes import programs


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A trace of arming, a proving run, RUN, a trip, an acknowledgement and a planned stop; and the transitions seen."""
    folder = tmp_path_factory.mktemp("trace")
    file = folder / "guard.trace"
    with programs(folder) as start:
        world = World(folder, start)
        world.make_latch_file()
        plc = world.start_plc()
        guard = start(
            sys.executable, "-m", "jidoka_bridge", "--plan", str(world.plan_file), "--trace", str(file)
        )
        to_run(world)
        world.says[DRIFT] = Judgement.ON
        world.until(lambda: bool(world.happened("withdrawn")), "the output dropped")
        assert world.acknowledge("R-1")["ok"]
        guard.signal(signal.SIGTERM)
        world.until(lambda: guard.process.poll() is not None, "the guard ended")
        assert guard.wait() == 0, guard.text
        assert outputs(plc)[-1]["word"] == "WITHHOLD"
    return file, world.transitions


@pytest.mark.process
def test_a_run_over_a_line_is_played_again_bit_for_bit_by_another_process(
    recorded: tuple[Path, list[dict[str, Any]]],
) -> None:
    file, seen = recorded
    done = subprocess.run(
        [sys.executable, "-m", "jidoka_bridge", "--replay", str(file)],
        capture_output=True, text=True, check=False, timeout=30, env={"PYTHONHASHSEED": "7"},
    )  # fmt: skip
    *events, outcome = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done
    assert outcome["same"]
    assert outcome["frames"] > 20
    keys = ("event", "from", "to", "word", "ns")
    told = [[each[key] for key in keys] for each in seen]
    assert told == [[each[key] for key in keys] for each in events][: len(told)]
    assert {"hold cause on", "withdrawn", "acknowledge", "planned stop"} <= {each["event"] for each in events}


@pytest.mark.process
def test_the_command_tells_what_the_interlock_did_and_that_it_was_the_same(
    recorded: tuple[Path, list[dict[str, Any]]],
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jidoka.cli", "guard", "replay", str(recorded[0])],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "RUN → HOLD" in done.stdout
    assert done.stdout.rstrip().endswith("the same, bit for bit")


@pytest.mark.process
@pytest.mark.parametrize("fault", ["a byte that the PLC sent", "a moment", "what was written", "an order"])
def test_a_trace_that_was_touched_is_not_the_same(
    recorded: tuple[Path, list[dict[str, Any]]], tmp_path: Path, fault: str
) -> None:
    whole, _ = trace.read(recorded[0])
    lines = list(trace.read(recorded[0])[1])
    middle = len(lines) // 2
    if fault == "a byte that the PLC sent":
        at = next(
            n for n in range(middle, len(lines)) if lines[n][:2] == ["line", "read"] and lines[n][3]["hex"]
        )
        sent = lines[at][3]["hex"]
        lines[at][3] = {"hex": f"{int(sent[:2], 16) ^ 1:02x}{sent[2:]}"}
    elif fault == "a moment":
        at = next(n for n in range(middle, len(lines)) if lines[n][1] == "wait")
        lines[at + 1][3] += 60_000_000
    elif fault == "what was written":
        at = next(n for n in range(middle, len(lines)) if lines[n][:2] == ["line", "write"])
        sent = lines[at][2][0]["hex"]
        lines[at][2] = [{"hex": f"{sent[:-1]}{int(sent[-1], 16) ^ 1:x}"}]
    else:
        at = next(n for n in range(middle, len(lines)) if lines[n][1] == "wait")
        lines[at], lines[at + 1] = lines[at + 1], lines[at]
    touched = tmp_path / "touched.trace"
    raw = "\n".join(json.dumps(each) for each in [{"plan": json.loads(whole.canonical())}, *lines]).encode()
    stored = zlib.compress(raw)
    touched.write_bytes(MAGIC + BLOCK.pack(len(stored), len(raw), zlib.crc32(stored)) + stored)
    outcome = replay(touched)
    assert outcome.differs
    assert at <= outcome.calls


@pytest.mark.process
def test_a_trace_that_was_cut_is_the_same_up_to_the_cut(
    recorded: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    data = recorded[0].read_bytes()
    cut = tmp_path / "cut.trace"
    cut.write_bytes(data[: len(data) * 2 // 3])
    outcome = replay(cut)
    assert not outcome.differs
    assert 0 < outcome.calls < replay(recorded[0]).calls


@pytest.mark.parametrize(
    "value",
    [
        None, True, 7, 1.25, "text", b"\x00\xff", [b"a", ["b", 1]], {"a": {"b": b"c"}},
        Latch(3, b"b" * 16, {"causes": {"R-1": [True, 2, 1, None, ""]}}, torn=True), Held(True, False, ()),
    ],
)  # fmt: skip
def test_a_value_of_the_outside_survives_the_trace(value: Any) -> None:
    assert packed(unpacked(json.loads(json.dumps(packed(value))))) == packed(value)


def test_an_error_of_the_outside_survives_the_trace() -> None:
    for error in (LinkError("gone", "plug it in"), LatchError("no slot")):
        again = unpacked(json.loads(json.dumps(packed(Failed(error)))))
        assert type(again.error) is type(error)
        assert str(again.error) == str(error)


def test_a_trace_ends_at_its_limit_and_the_one_before_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "guard.trace"
    for limit in (1 << 20, 2_000):
        writer = TraceWriter(file, plan(), limit)
        for number in range(2_000):
            writer.add(number * trace.BLOCK_NS, "system", "monotonic_ns", (), number)
        writer.close()
    assert file.stat().st_size < 2_200
    lines = list(trace.read(file)[1])
    assert lines == list(trace.read(file.with_name("guard.trace.1"))[1])[: len(lines)]
    assert END not in lines
    assert 0 < len(lines) < 2_000


@pytest.mark.parametrize("data", [b"", b"JDKGUARD1", b"JDKGUARD2" + bytes(40), b"{}", MAGIC + b"\xff" * 40])
def test_what_is_no_trace_is_told_plainly(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "no.trace"
    file.write_bytes(data)
    with pytest.raises(InputError, match=r"no\.trace"):
        replay(file)
    done = subprocess.run(
        [sys.executable, "-m", "jidoka_bridge", "--replay", str(file)],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
