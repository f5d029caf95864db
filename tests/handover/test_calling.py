"""The calling part runs: the agent's own half of the link arms it through nothing but its holding registers and wires."""

from __future__ import annotations

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockC, BlockD
from jidoka_bridge.link.session import Ask, Session
from jidoka_bridge.plan import Link
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.handover.calling_run import SIEMENS_WRAP, WRAP, Site

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
    """Begins just before the clock of its family wraps."""
    is_siemens = request.param == "Siemens"
    wrap = SIEMENS_WRAP if is_siemens else WRAP
    return Line(Site(is_siemens=is_siemens, now_ms=wrap - 3_000))


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
        line.site.wires["MachineContact"] = False
        line.site.scan()
        if not line.site["MachineMayRun"]:
            break
    assert line.site["Fault"] == Fault.RELAY_FEEDBACK
