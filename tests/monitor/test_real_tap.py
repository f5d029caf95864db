"""The real tap and the real monitor together: verdicts, large tensors, and what is said where they don't fit."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from jidoka.monitor import baseline as files
from jidoka_bridge import plan as plans
from jidoka_tap import OpenTap, Rejected, open_tap

from tests.monitor import line
from tests.processes import programs, wait_for_listener, wait_until

pytestmark = pytest.mark.process

LARGE = {
    "name": "map",
    "dtype": "float32",
    "shape": ["batch", 300_000],
    "unit": "nat",
    "role": "other",
    "monitored": True,
}
RNG = np.random.default_rng(4)
Connect = Callable[..., OpenTap]


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Opens taps at a monitor whose model has an output of 1.2 MB."""
    plan = line.plan(tmp_path)
    section = {
        **line.SECTION,
        "outputs": [*line.SECTION["outputs"], LARGE],
        "arena_slots": 3,
        "largest_record_bytes": 1_300_000,
    }
    plan = dataclasses.replace(plan, sections={**plan.sections, "models": {line.MODEL: section}})
    files.save(files.path_of(plan, line.MODEL, 0, 0), line.baseline())
    (tmp_path / "plan.json").write_bytes(plans.dump(plan))
    opened: list[OpenTap] = []

    def connected(
        outputs: tuple[str, ...] = ("logits", "map"), model: str = line.MODEL, **more: object
    ) -> OpenTap:
        tap = open_tap(model, outputs, ("image",), str(plan.tap_socket), gate=True, deadline_s=10.0, **more)  # type: ignore[arg-type]
        opened.append(tap)
        return tap

    with programs(tmp_path) as start:
        start(sys.executable, "-m", "jidoka.monitor", "--plan", str(tmp_path / "plan.json"))
        wait_for_listener(plan.tap_socket, 60.0)
        yield connected
        for tap in opened:
            tap.close()


def part(number: int, fault: float = 0.0) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    (_, _, logits), (_, _, image) = line.tensors(RNG)
    large = RNG.standard_normal((1, 300_000), np.float32)
    large[0, number] += np.float32(fault)
    return {"logits": logits, "map": large}, {"image": image}


def test_large_tensors_go_through_the_arena_and_a_fault_in_one_comes_back_as_a_rejection(
    connect: Connect,
) -> None:
    tap = connect()
    wait_until(lambda: tap.counts.is_connected, "the tap is connected")
    for number in range(1, 30):  # ten times as many as there are slots
        verdict = tap.record_outputs(*part(number), part=number)
        assert verdict is not None
        assert (verdict.part, verdict.level, verdict.is_silent) == (number, "pass", False), verdict
    counts = tap.counts
    assert (counts.sent, counts.dropped, counts.tensors_not_sent, counts.arena_full) == (29, 0, 0, 0)
    with pytest.raises(Rejected) as rejected:
        tap.record_outputs(*part(31, float("nan")), part=31)
    assert rejected.value.verdict.reasons == ("the output holds NaN or infinity",)
    assert rejected.value.verdict.level == "reject"


def test_a_gate_without_an_interlock_is_told_so_in_the_applications_log(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tap = connect()
    wait_until(lambda: tap.counts.is_connected, "the tap is connected")
    wait_until(lambda: "nothing stops the machine" in caplog.text, "the note is in the log")


def test_a_model_with_other_outputs_is_refused_in_plain_words(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    tap = connect(("scores", "boxes"))
    wait_until(lambda: "'scores', 'boxes'" in caplog.text, "the log names what the application has")
    assert "monitors 'logits', 'map'" in caplog.text
    assert not tap.counts.is_connected


def test_a_model_is_found_by_the_digest_of_its_file(connect: Connect) -> None:
    tap = connect(model="", sha256=line.SHA256)
    wait_until(lambda: tap.counts.is_connected, "the tap is connected")
    verdict = tap.record_outputs(*part(1), part=1)
    assert verdict is not None
    assert verdict.level == "pass"
