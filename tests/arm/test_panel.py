"""What the arm hears of the PLC: parts, and an output that lapses unless it is renewed."""

from __future__ import annotations

from pathlib import Path

from jidoka.arm.cell import Mover
from jidoka.arm.panel import MOST_WAITING, STALE_NS, Panel

from tests.host.panel import Panel as Plc


def test_the_arm_moves_as_the_output_says_and_on_brakes_until_it_was_heard(tmp_path: Path) -> None:
    plc = Plc(tmp_path / "panel")
    panel = Panel(plc.path)
    panel.read(0)
    assert panel.mover(0) is Mover.BRAKES
    for word, mover in (
        ("MACHINE", Mover.PROGRAM), ("MACHINE_AND_AI", Mover.POLICY), ("ABSTAIN", Mover.BRAKES),
        ("MACHINE", Mover.PROGRAM), ("SOMETHING_NEW", Mover.BRAKES),
    ):  # fmt: skip
        plc.say(f"output {word}\n")
        panel.read(1)
        assert panel.mover(1) is mover
    panel.close()
    plc.close()


def test_an_output_that_is_not_renewed_lapses(tmp_path: Path) -> None:
    plc = Plc(tmp_path / "panel")
    panel = Panel(plc.path)
    panel.read(0)
    plc.say("output MACHINE_AND_AI\n")
    panel.read(10)
    assert panel.mover(10 + STALE_NS) is Mover.POLICY
    assert panel.mover(11 + STALE_NS) is Mover.BRAKES
    plc.close()
    panel.read(12 + STALE_NS)
    assert panel.mover(12 + STALE_NS) is Mover.BRAKES
    panel.close()


def test_parts_that_came_too_fast_are_passed_over_oldest_first(tmp_path: Path) -> None:
    plc = Plc(tmp_path / "panel")
    panel = Panel(plc.path)
    panel.read(0)
    plc.say("output MACHINE\n" + "".join(f"part {n}\n" for n in range(1, 11)))
    panel.read(1)
    assert list(panel.parts) == list(range(11 - MOST_WAITING, 11))
    panel.close()
    plc.close()
