"""A press of the reset button over the whole chain, in simulated time: guard, link, wire, and the PLC's own rule."""

from __future__ import annotations

import pytest
from jidoka_bridge.messages import Kind
from jidoka_bridge.registers import Input

from tests.bridge.guard.shell_world import Plant, play, reach_run, started, wait
from tests.bridge.guard.simulated_line import MS, NEVER, Wire


@pytest.mark.parametrize("later_ms", range(0, 70, 10))
def test_a_press_that_began_while_nothing_was_on_offer_gives_nothing_whenever_it_ends(later_ms: int) -> None:
    """The offer is away for less than the PLC's second, so that the PLC counts the press."""
    plant = Plant()
    process = started(plant)
    guard, plc = process.guard, plant.plc
    reach_run(plant, process)
    plant.ask(Kind.HOLD)
    play(plant, process, 500)
    plant.ask(Kind.ACKNOWLEDGE, cause="local hold", revision=guard.causes["local hold"].revision)
    wait(plant, process, lambda: plant.books.mode["offer"] == "run" and plant.books.mode["ready"], "ready")
    play(plant, process, 1_000)
    plant._lease_ns = NEVER
    wait(plant, process, lambda: guard.offer.target == "none", "nothing on offer")
    play(plant, process, 100)
    plc.inputs |= Input.RESET_BUTTON
    play(plant, process, 200)
    plant._lease_ns = plant.now_ns
    wait(plant, process, lambda: guard.offer.target == "run", "on offer again")
    presses, release_ns, scan = plc.presses, plant.now_ns + (200 + later_ms) * MS, plc.scan

    def scanned(now_ns: int, wire: Wire) -> None:
        if now_ns >= release_ns:
            plc.inputs &= ~Input.RESET_BUTTON
        scan(now_ns, wire)

    plc.scan = scanned  # type: ignore[method-assign]
    play(plant, process, 900)
    assert plc.presses == presses + 1
    assert (guard.interlock.state.name, plc.output.name) == ("HOLD", "WITHHOLD")
    assert plant.books.transitions[-1][2] == "reset refused"
