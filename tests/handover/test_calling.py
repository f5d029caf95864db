"""The calling part runs: the agent's own half of the link arms it through nothing but its holding registers and wires."""

from __future__ import annotations

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockC, BlockD
from jidoka_bridge.link.session import Ask, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.handover.calling_run import DAY_MS, WRAP, Site

HOLD = Ask(Word.WITHHOLD, State.HOLD, 17)
REQUEST = Ask(Word.WITHHOLD, State.HOLD, 17, arm=True)
RUN = Ask(Word.MACHINE_AND_AI, State.RUN)
BEAT_MS = 70


class Line:
    """The agent's session and the PLC's calling part, a beat at a time."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = Session(Link("memory"), 500)
        for name in ("KeyAuto", "SafetyChain", "MachineReady", "FallbackHealthy"):
            site.wires[name] = True

    def beat(self, ask: Ask) -> None:
        began_ms = self.site.now_ms
        now_ns = began_ms * 1_000_000
        frame = self.session.request(now_ns, ask)
        if frame:
            self.session.feed(now_ns + 12_000_000, self.site.answer(frame))
        while self.site.now_ms < began_ms + BEAT_MS:
            self.site.scan()

    def until(self, claim: object, ask: Ask, beats: int = 80) -> None:
        assert callable(claim)
        for _ in range(beats):
            if claim():
                return
            self.beat(ask)
        raise AssertionError(f"not within {beats} beats: {self.session.counts}, {self.session.block}")

    def press(self) -> None:
        for level in (True, False):
            self.site.wires["ResetButton"] = level
            for _ in range(3):
                self.beat(REQUEST)

    def arm(self) -> None:
        self.until(lambda: self.session.phase == Phase.ARM_REQUEST and self.is_arming, REQUEST)
        self.press()
        self.until(lambda: self.site["ModelMayBeUsed"], RUN)

    @property
    def is_arming(self) -> bool:
        return self.session.block is not None and self.session.block.plc_state == PlcState.ARMING


@pytest.fixture(params=["IEC", "Siemens"])
def line(request: pytest.FixtureRequest) -> Line:
    """Begins just before the clock of its family wraps, or its timer is begun anew."""
    if request.param == "IEC":
        return Line(Site(is_siemens=False, now_ms=WRAP - 3_000))
    return Line(siemens_before_its_restart())


def siemens_before_its_restart() -> Site:
    site = Site(is_siemens=True, now_ms=0)
    site.scan()
    site.scan(DAY_MS - 3_000)
    return site


def test_it_is_armed_through_its_registers_and_goes_on_over_the_clocks_wrap(line: Line) -> None:
    line.arm()
    assert (line.site["MachineMayRun"], line.site["ModelMayBeUsed"]) == (True, True)
    for _ in range(60):
        line.beat(RUN)
    assert line.site["ModelMayBeUsed"]
    assert line.session.block is not None
    assert (line.session.block.actual, line.session.block.fault) == (Word.MACHINE_AND_AI, Fault.NONE)
    assert (line.site["State"], line.site["PlcState"], line.site["Fault"]) == (State.RUN, PlcState.ARMED, 0)


def test_what_the_plc_is_to_remember_comes_to_the_block(line: Line) -> None:
    line.session.record = BlockD(0, 77, 0x1122334455667788, 0xCAFEBABE)
    line.arm()
    block = line.site["Guard"].inside
    assert (block["HeadSize"], block["Digest"]) == (77, 0xCAFEBABE)
    assert block["HeadRoot"] == [0x1122, 0x3344, 0x5566, 0x7788]


def test_silence_ends_it_within_the_hold_limit_and_a_hold_at_once(line: Line) -> None:
    line.arm()
    began_ms = line.site.now_ms
    while line.site["MachineMayRun"]:
        line.site.scan()
        assert line.site.now_ms - began_ms <= 320
    assert line.site.now_ms - began_ms > 150
    again = line.site.now_ms + 1_000
    while line.site.now_ms < again:
        line.site.scan()
    assert line.site["Fault"] == Fault.WATCHDOG
    line.arm()
    line.beat(HOLD)
    assert not line.site["MachineMayRun"]
    assert (line.site["State"], line.site["Reason"]) == (State.HOLD, 17)


def test_parts_wires_and_block_c_come_through(line: Line) -> None:
    for name, bit in (("Running", Input.RUNNING), ("Changeover", Input.CHANGEOVER), ("Drill", Input.DRILL)):
        line.site.wires[name] = True
        line.beat(HOLD)
        assert line.session.block is not None
        assert line.session.block.inputs & (Input.RUNNING | Input.CHANGEOVER | Input.DRILL) == bit
        line.site.wires[name] = False
    before = line.session.part_count
    for level in (True, False) * 5:
        line.site.wires["PartSensor"] = level
        line.beat(HOLD)
    line.beat(HOLD)
    assert line.session.part_count - before == 5
    line.until(lambda: line.session.block_c is not None, HOLD, 120)
    first = registers.C.address
    block = BlockC.decode(line.site.registers[first : first + registers.C.words], 1)
    assert block.part_count == 5
    assert block.map_digest == int.from_bytes(registers.MAP_DIGEST, "big")


def test_a_relay_that_does_not_follow_is_a_fault(line: Line) -> None:
    line.arm()
    for _ in range(20):
        line.site.wires["MachineReleased"] = True  # bridged: it reads as off
        line.site.scan()
        if not line.site["MachineMayRun"]:
            break
    assert line.site["Fault"] == Fault.RELAY_FEEDBACK


@pytest.mark.parametrize("name", ["MachineReleased", "ModelReleased"])
def test_a_broken_wire_of_a_read_back_is_a_fault_and_nothing_can_be_armed(line: Line, name: str) -> None:
    line.beat(REQUEST)
    for _ in range(200):
        line.site.wires[name] = False
        line.site.scan()
    assert line.site["Fault"] == Fault.RELAY_FEEDBACK
    for level in (True, False):
        for _ in range(3):
            line.site.wires |= {"ResetButton": level, name: False}
            line.beat(REQUEST)
    assert not line.site["MachineMayRun"]
    assert line.session.block is not None
    assert line.session.block.plc_state != PlcState.ARMING


def test_a_panel_shows_what_the_agent_wrote_for_a_second_after_it_fell_silent_and_then_that_it_is(
    line: Line,
) -> None:
    assert (line.site["State"], line.site["Reason"]) == (0, 0), "it was never heard"
    line.beat(HOLD)
    line.beat(HOLD)
    spoke_ms = line.site.now_ms - BEAT_MS
    while line.site.now_ms < spoke_ms + 1_000:
        assert (line.site["State"], line.site["Reason"]) == (State.HOLD, 17)
        line.site.scan()
    while line.site.now_ms < spoke_ms + 1_030:
        line.site.scan()
    assert (line.site["State"], line.site["Reason"]) == (0, 0)
    line.beat(HOLD)
    assert (line.site["State"], line.site["Reason"]) == (State.HOLD, 17)


def test_the_siemens_clock_is_never_slow_and_gains_a_millisecond_a_day_at_most() -> None:
    site = Site(is_siemens=True, now_ms=0.0)
    site.scan(0)
    for days in range(3):
        site.scan((days + 1) * DAY_MS - 1_500 - site.now_ms)
        for _ in range(300):
            site.scan(10.4)  # no whole milliseconds
            ahead_ms = site["NowMs"] - int(site.now_ms)
            assert 0 <= ahead_ms <= days + 1, site.now_ms
    assert site["Timer"].ET < 2 * DAY_MS, "it was begun anew before its end"


def test_a_siemens_timer_that_was_begun_anew_by_something_else_ends_what_was_held() -> None:
    line = Line(siemens_before_its_restart())
    line.arm()
    line.site["Timer"](IN=False, PT=1)
    line.site.scan()
    assert not line.site["MachineMayRun"]
    assert line.site["Fault"] == Fault.WATCHDOG
