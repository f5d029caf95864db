"""A line that was out and is back: nobody else is suspected, and what stands is not asked anew within a session."""

from __future__ import annotations

import pytest
from jidoka_bridge.link.arming import Ask
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Phase, State, Word

from tests.bridge.link.null_modem import HOLD, NullModem

FALLBACK = Ask(Word.MACHINE, State.FALLBACK)
STEP_UP = Ask(Word.MACHINE, State.FALLBACK, arm=True)


@pytest.mark.parametrize("out_s", [2, 34, 38, 120])
@pytest.mark.parametrize("direction", ["lose_request", "lose_reply"])
def test_however_long_the_line_was_out_its_own_old_number_is_nobody_elses(out_s: int, direction: str) -> None:
    modem = NullModem(Link("null"))
    modem.arm(FALLBACK)
    setattr(modem, direction, True)
    modem.run(out_s * 1000, HOLD)
    setattr(modem, direction, False)
    for _ in range(60):
        modem.run(70, HOLD)
        assert not modem.session.foreign
    assert modem.session.is_up


def test_somebody_else_is_still_found_once_the_line_has_been_back_for_a_while() -> None:
    modem = NullModem(Link("null"))
    modem.run(3_000, HOLD)
    modem.lose_request = True
    modem.run(2_000, HOLD)
    modem.lose_request = False
    modem.run(3_000, HOLD)
    assert modem.session.is_up
    modem.rule.admission.last_number = (modem.rule.admission.last_number or 0) + 0x4000 & 0xFFFF
    accept = modem.rule.admission
    for _ in range(20):
        accept.last_number = 0x5A5A
        modem.run(70, HOLD)
    assert modem.session.foreign


@pytest.mark.parametrize("lost_beats", [3, 5])
def test_torn_blocks_within_a_session_dont_bar_the_step_up(lost_beats: int) -> None:
    modem = NullModem(Link("null", lost_beats=lost_beats, hold_ms=(lost_beats + 2) * 70 + 40))
    modem.arm(FALLBACK)
    assert modem.rule.output is Word.MACHINE
    torn(modem, 3)
    modem.run(3_000, STEP_UP)
    assert modem.session.phase is Phase.ARM_REQUEST
    before = modem.session.presses
    modem.press(300, STEP_UP)
    assert modem.session.presses == before + 1


def torn(modem: NullModem, beats: int) -> None:
    """So many blocks B come damaged."""
    write = modem.registers.set

    def damaged(name: str, words: list[int]) -> None:
        write(name, [*words[:9], words[9] ^ 1, *words[10:]] if name == "B" else words)

    modem.registers.set = damaged  # type: ignore[method-assign]
    modem.run(70 * beats, FALLBACK)
    modem.registers.set = write  # type: ignore[method-assign]


def test_a_link_that_was_lost_over_blocks_of_another_map_is_asked_which_it_is_and_one_that_fell_silent_is_not() -> (
    None
):
    modem = NullModem(Link("null"))
    modem.arm(FALLBACK)
    torn(modem, 3)
    assert (modem.session.is_up, modem.session._asides.is_known) == (False, False)
    modem = NullModem(Link("null"))
    modem.arm(FALLBACK)
    modem.lose_reply = True
    modem.run(210, FALLBACK)
    assert (modem.session.is_up, modem.session._asides.is_known) == (False, True)


def test_what_goes_beside_the_beats_costs_a_line_that_bears_one_lost_beat_no_session() -> None:
    modem = NullModem(Link("null", lost_beats=1, hold_ms=230))
    modem.run(3_000, HOLD)
    connection = modem.session.connection_id
    assert connection != 0
    modem.session._asides._c_due_ns = modem.session._asides._recorded_ns = 0
    modem.run(3_500, HOLD)
    assert modem.session._asides._c_due_ns > 0, "block C was read whole"
    assert modem.session.connection_id == modem.rule.connection == connection
