"""The firmware's core: scan for scan as the reference model, and safe where its own memory is hit."""

from __future__ import annotations

import ctypes

import pytest
from jidoka_bridge import registers
from jidoka_bridge.link.blocks import BlockA, BlockB, BlockC, BlockD, checksum
from jidoka_bridge.registers import Fault, Input, Phase, PlcState, State, Word

from tests.firmware.agreement import SETTINGS, DifferenceError, agree
from tests.firmware.c_core import VITALS, CCore, load
from tests.firmware.scans import Inputs, Outcome, PythonCore, Settings
from tests.firmware.sequences import READY, WRAP_MS

LIBRARY = load()
HELD = READY | Input.OVERRIDE_KEY | Input.RESET_BUTTON
HOUR_MS = 3_600_000


class Bench:
    """A core and a guard in its right mind, one beat each 50 ms; time begins shortly before the counter wraps."""

    def __init__(self, settings: Settings = Settings(), start_ms: int = WRAP_MS - 2_000) -> None:  # noqa: B008
        self.core = CCore(settings, LIBRARY)
        self.now_ms = start_ms
        self.number = 65_530
        self.levels = READY
        self.done = self.scan(None)

    def scan(
        self, words: tuple[int, ...] | None, block_d: tuple[int, ...] | None = None, **more: int
    ) -> Outcome:
        self.now_ms += 10
        self.words = words
        actual = more.pop("actual", self.core.vital("output") or int(Word.WITHHOLD))
        if actual not in list(Word):
            actual = int(Word.WITHHOLD)
        self.done = self.core.scan(
            Inputs(self.now_ms, words, block_d, int(more.pop("levels", self.levels)), actual=actual, **more)
        )
        return self.done

    def frame(self, phase: Phase, word: Word = Word.WITHHOLD, hold_ms: int = 310) -> tuple[int, ...]:
        self.number = self.number + 1 & 0xFFFF
        block = self.block
        return tuple(
            BlockA(hold_ms, block.connection, self.number, block.counter, State.RUN, phase, 0, word).encode(1)
        )

    def beats(self, ms: int, phase: Phase, word: Word = Word.WITHHOLD) -> None:
        for turn in range(ms // 10):
            self.scan(self.frame(phase, word) if turn % 5 == 0 else self.words)

    @property
    def block(self) -> BlockB:
        return BlockB.decode(self.done.block_b, 1)

    @property
    def memory(self) -> BlockC:
        return BlockC.decode(self.core.block_c(), 1)

    def arm(self) -> None:
        self.beats(1_600, Phase.IDLE)
        assert self.block.connection
        self.beats(200, Phase.ARM_REQUEST)
        self.levels |= Input.RESET_BUTTON
        self.beats(300, Phase.ARM_REQUEST)
        self.levels &= ~Input.RESET_BUTTON
        self.beats(100, Phase.ARM_REQUEST)
        self.beats(200, Phase.ARMED, Word.MACHINE_AND_AI)
        assert self.done.output == Word.MACHINE_AND_AI


@pytest.mark.parametrize("turn", range(len(SETTINGS)))
def test_the_core_is_the_reference_model_scan_for_scan(turn: int) -> None:
    settings = SETTINGS[turn]
    seen = agree(PythonCore(settings), CCore(settings, LIBRARY), 100 + turn, 4_000, settings)
    assert seen["accepted presses"] > 3
    seen = agree(PythonCore(settings), CCore(settings, LIBRARY), 200 + turn, 500, settings, start_ms=0)
    assert seen["scans"] == 500


def test_a_core_that_differs_is_found() -> None:
    with pytest.raises(DifferenceError, match=r"seed 1, scan \d+"):
        agree(PythonCore(Settings()), CCore(Settings(hold_limit_ms=300), LIBRARY), 1, 6_000, Settings())


@pytest.mark.parametrize("name", VITALS)
def test_a_safety_variable_that_was_hit_drops_the_output_in_the_next_scan(name: str) -> None:
    for bit in (0, 5, 15, 31):
        bench = Bench()
        bench.arm()
        bench.core.hit(name, bench.core.vital(name) ^ 1 << bit)
        words = bench.frame(Phase.ARMED, Word.MACHINE_AND_AI)
        done = bench.scan(words, actual=int(Word.MACHINE_AND_AI))
        assert done.output == Word.WITHHOLD
        assert bench.core.why == "memory"
        assert bench.block.fault is Fault.WATCHDOG
        assert bench.block.connection == 0
        for _ in range(20):  # and nothing comes back without an arming of its own
            assert bench.scan(bench.frame(Phase.ARMED, Word.MACHINE_AND_AI)).output == Word.WITHHOLD
        bench.beats(400, Phase.IDLE)
        bench.arm()
        assert bench.block.fault is Fault.NONE


def test_a_complement_that_was_hit_drops_the_output_too() -> None:
    bench = Bench()
    bench.arm()
    bench.core.plc.complement[6] ^= 1
    assert bench.scan(bench.words).output == Word.WITHHOLD
    assert bench.core.why == "memory"


def test_an_expiry_further_ahead_than_the_limit_is_over_even_where_both_copies_say_so() -> None:
    bench = Bench()
    bench.arm()
    bench.core.hit("expiry_ms", (bench.now_ms + 60_000) & 0xFFFF_FFFF, both=True)
    assert bench.scan(bench.words).output == Word.WITHHOLD
    assert bench.core.why == "hold time over"


def test_an_output_that_is_no_word_gives_nothing_even_where_both_copies_say_so() -> None:
    for value in (0, 0xFFFF_FFFF, Word.ABSTAIN, 0xA5A4):
        bench = Bench()
        bench.arm()
        bench.core.hit("output", value, both=True)
        assert bench.scan(bench.words, actual=int(Word.WITHHOLD)).output == Word.WITHHOLD


def test_the_hold_time_ends_within_a_scan_of_what_the_last_frame_asked_for() -> None:
    bench = Bench()
    bench.arm()
    stamp_ms = (bench.now_ms // 10) * 10
    words = bench.frame(Phase.ARMED, Word.MACHINE_AND_AI, hold_ms=200)
    bench.scan(words)
    while bench.done.output == Word.MACHINE_AND_AI:
        bench.scan(words)
    # the frame's own end, or that of an earlier one that asked for more
    assert 200 < bench.now_ms - stamp_ms <= 320
    assert bench.core.why == "hold time over"
    assert bench.block.plc_state is PlcState.TRIPPED


def test_a_record_is_taken_only_growing_and_anew_only_by_key_and_button() -> None:
    bench = Bench()

    def tell(size: int, root: int, levels: Input = READY, digest: int = 5) -> bool:
        block = BlockD(bench.block.connection, size, root, digest)
        bench.scan(None, tuple(block.encode(1)), levels=int(levels))
        return not bench.core.out.is_record_refused

    assert tell(100, 0xAA)
    assert tell(100, 0xAA)
    assert not tell(100, 0xAB)
    assert not tell(90, 0xBB)
    assert bench.memory.ring_epoch == 0
    assert tell(90, 0xBB, HELD)
    assert (bench.memory.ring_epoch, bench.memory.approved_digest) == (1, 5)
    assert tell(1_000_000, 1 << 63 | 7)
    before = bench.memory.refused_crc
    bench.scan(None, (*BlockD(0, 1, 1, 1).encode(1)[:11], 0))
    assert bench.memory.refused_crc == before + 1
    words = BlockD(0, 2_000_000, 1, 1).encode(1)
    words[0] ^= 1  # another format under a right CRC is no block D either
    crc = checksum(words[:10], 1, registers.D.direction)
    bench.scan(None, (*words[:10], crc >> 16, crc & 0xFFFF))
    assert bench.memory.refused_crc == before + 2


def test_the_ring_advances_by_its_own_hours_and_keeps_24() -> None:
    bench = Bench(start_ms=0)
    for hour in range(1, 27):
        bench.scan(None, tuple(BlockD(0, hour, hour, 0).encode(1)))
        bench.now_ms = hour * HOUR_MS
        bench.scan(None)
    memory = bench.memory
    assert memory.ring_next == 2
    assert memory.ring[1] == (26, 26)
    assert memory.ring[2] == (3, 3)
    assert memory.longest_scan_ms == 0xFFFF


def test_plan_and_model_that_were_not_approved_bar_arming_and_so_does_a_hit_approval() -> None:
    bench = Bench()
    bench.scan(None, tuple(BlockD(0, 1, 1, 5).encode(1)), levels=int(HELD))
    bench.beats(1_600, Phase.IDLE)
    bench.scan(bench.words, tuple(BlockD(bench.block.connection, 2, 2, 5).encode(1)))
    bench.beats(200, Phase.ARM_REQUEST)
    assert bench.block.plc_state is PlcState.ARMING
    bench.scan(bench.words, tuple(BlockD(bench.block.connection, 3, 3, 6).encode(1)))
    bench.beats(200, Phase.ARM_REQUEST)
    assert bench.block.plc_state is PlcState.IDLE
    bench.scan(bench.words, tuple(BlockD(bench.block.connection, 4, 4, 5).encode(1)))
    bench.beats(200, Phase.ARM_REQUEST)
    assert bench.block.plc_state is PlcState.ARMING
    bench.core.record.approved_check ^= 1
    bench.beats(200, Phase.ARM_REQUEST)
    assert bench.block.plc_state is PlcState.IDLE


def test_a_record_knows_whether_it_is_whole() -> None:
    bench = Bench()
    record = bench.core.record
    assert LIBRARY.jidoka_record_is_whole(record)
    bench.scan(None, levels=int(READY | Input.OVERRIDE_KEY), parts=3)
    bench.scan(None, tuple(BlockD(0, 9, 9, 9).encode(1)))
    assert LIBRARY.jidoka_record_is_whole(record)
    whole = bytes(record)
    for place in range(0, ctypes.sizeof(record) - 2, 7):
        hit = bytearray(whole)
        hit[place] ^= 0x10
        assert not LIBRARY.jidoka_record_is_whole(type(record).from_buffer(hit)), place
    LIBRARY.jidoka_record_clear(record)
    assert LIBRARY.jidoka_record_is_whole(record)
    assert record.part_count == 0


def test_a_button_held_for_weeks_is_no_press() -> None:
    bench = Bench(start_ms=0)
    bench.levels |= Input.RESET_BUTTON
    bench.scan(None)
    bench.scan(None)
    for _ in range(5):
        bench.now_ms += 20 * 86_400_000
        bench.scan(None)
    bench.levels &= ~Input.RESET_BUTTON
    for _ in range(4):
        bench.scan(None)
        assert bench.done.press_ms in (-1, 25_500)
    assert not bench.done.is_accepted


def test_all_that_is_counted_stops_at_the_top() -> None:
    bench = Bench()
    for name in ("counts", "refused_run"):
        for place in range(5):
            getattr(bench.core.plc, name)[place] = 0xFFFF
    bench.scan((0,) * 8)
    assert bench.memory.refused_crc == 0xFFFF
    assert bench.core.refused == "crc"


def test_a_word_goes_down_at_any_time_and_up_only_once_after_a_press() -> None:
    bench = Bench()
    bench.arm()
    assert LIBRARY.jidoka_plc_state(bench.core.plc) == PlcState.ARMED
    bench.beats(100, Phase.ARMED, Word.MACHINE)
    assert bench.done.output == Word.MACHINE
    bench.scan(bench.frame(Phase.ARMED, Word.MACHINE_AND_AI))
    assert bench.done.output == Word.WITHHOLD
    assert bench.core.why == "raise without press"
    assert LIBRARY.jidoka_plc_fault(bench.core.plc) == Fault.RAISE_WITHOUT_PRESS


@pytest.mark.parametrize(
    ("phase", "word", "hold_ms", "why"),
    [
        (Phase.WITHDRAW, Word.WITHHOLD, 310, "withheld"),
        (Phase.LATCH, Word.WITHHOLD, 310, "withheld"),
        (Phase.LATCH, Word.MACHINE, 310, "abstained"),
        (Phase.ARMED, Word.MACHINE_AND_AI, 0, "abstained"),
        (Phase.ARMED, Word.ABSTAIN, 310, "abstained"),
        (Phase.ARMED, Word.WITHHOLD, 310, "withheld"),
        (Phase.ARM_REQUEST, Word.WITHHOLD, 310, "withheld"),
        (Phase.IDLE, Word.WITHHOLD, 310, "withheld"),
    ],
)
def test_whatever_gives_back_ends_the_session_without_a_fault(
    phase: Phase, word: Word, hold_ms: int, why: str
) -> None:
    bench = Bench()
    bench.arm()
    assert bench.scan(bench.frame(phase, word, hold_ms)).output == Word.WITHHOLD
    assert (bench.core.why, bench.block.fault, bench.block.connection) == (why, Fault.NONE, 0)


def test_a_press_may_be_waited_for_with_withhold_for_two_seconds_and_no_longer() -> None:
    for phase, ends_at_once in ((Phase.ARM_REQUEST, False), (Phase.ARMED, False), (Phase.IDLE, True)):
        bench = Bench()
        bench.beats(1_600, Phase.IDLE)
        bench.beats(200, Phase.ARM_REQUEST)
        bench.levels |= Input.RESET_BUTTON
        bench.beats(300, Phase.ARM_REQUEST)
        bench.levels &= ~Input.RESET_BUTTON
        bench.beats(50, Phase.ARM_REQUEST)
        assert bench.block.plc_state is PlcState.ARMED
        bench.beats(1_000, phase)
        assert (bench.block.plc_state is PlcState.ARMED) is not ends_at_once
        bench.beats(1_500, phase)
        assert bench.block.plc_state is not PlcState.ARMED


def test_no_id_is_drawn_from_zero_or_the_last_one() -> None:
    bench = Bench()
    bench.arm()
    last = bench.block.connection
    bench.scan(bench.frame(Phase.WITHDRAW))
    for turn in range(400):
        bench.scan(bench.frame(Phase.IDLE), random=(0, last)[turn // 5 % 2])
    assert bench.block.connection == 0
    bench.scan(bench.frame(Phase.IDLE), random=4_712)
    assert bench.block.connection == 4_712


def test_no_request_stands_without_the_key_or_while_the_relays_read_otherwise() -> None:
    bench = Bench()
    bench.beats(1_600, Phase.IDLE)
    for levels, actual in (
        (READY & ~Input.KEY_AUTO, Word.WITHHOLD),
        (READY | Input.OVERRIDE_KEY, Word.WITHHOLD),
        (READY, Word.MACHINE),
    ):
        bench.scan(bench.frame(Phase.ARM_REQUEST), levels=int(levels), actual=int(actual))
        assert bench.block.plc_state is not PlcState.ARMING
        bench.beats(1_600, Phase.IDLE)


def test_what_is_left_of_the_hold_time_is_never_shown_above_the_limit() -> None:
    bench = Bench()
    bench.arm()
    bench.core.hit("expiry_ms", (bench.now_ms + 60_000) & 0xFFFF_FFFF, both=True)
    words = (ctypes.c_uint16 * 16)()
    LIBRARY.jidoka_plc_block_b(bench.core.plc, bench.core.record, bench.core.config, bench.core.inputs, words)
    assert BlockB.decode(tuple(words), 1).remaining_ms == 0


def test_a_place_in_the_ring_that_is_none_makes_the_record_no_record() -> None:
    bench = Bench()
    bench.core.record.next_place = 24
    bench.scan(None, parts=1)  # which seals it
    assert not LIBRARY.jidoka_record_is_whole(bench.core.record)


def test_the_most_frequent_flaw_names_the_fault_and_of_equals_the_first() -> None:
    for flaws, fault in (
        ("ccc", Fault.CRC_RUN), ("fffcc", Fault.FORMAT), ("cfcffc", Fault.CRC_RUN), ("fccff", Fault.FORMAT),
        ("fcfccf", Fault.FORMAT), ("cc", Fault.WATCHDOG), ("sss", Fault.WATCHDOG), ("", Fault.WATCHDOG),
    ):  # fmt: skip
        bench = Bench()
        bench.arm()
        for flaw in flaws:
            words = list(bench.frame(Phase.ARMED, Word.MACHINE_AND_AI))
            words[0] ^= 0x100 * (flaw == "f")
            words[3] = (words[3] + 50 * (flaw == "s")) & 0xFFFF
            crc = checksum(words[:6], 1, registers.A.direction) ^ (flaw == "c")
            bench.scan((*words[:6], crc >> 16, crc & 0xFFFF))
        while bench.done.output == Word.MACHINE_AND_AI:
            bench.scan(bench.words)
        assert bench.block.fault is fault, flaws


def test_an_id_is_offered_only_after_twenty_beats_and_one_second() -> None:
    bench = Bench()
    for turn in range(101):
        assert bench.block.connection == 0, turn
        bench.scan(bench.frame(Phase.IDLE))
    assert bench.block.connection


def test_a_second_press_opens_a_second_rise_and_withholding_in_it_still_drops_what_is_given() -> None:
    for word, output in ((Word.MACHINE_AND_AI, Word.MACHINE_AND_AI), (Word.WITHHOLD, Word.WITHHOLD)):
        bench = Bench()
        bench.arm()
        bench.beats(2_500, Phase.ARMED, Word.MACHINE)
        bench.beats(100, Phase.ARM_REQUEST, Word.MACHINE)  # FALLBACK asks for the step up
        bench.levels |= Input.RESET_BUTTON
        bench.beats(300, Phase.ARM_REQUEST, Word.MACHINE)
        bench.levels &= ~Input.RESET_BUTTON
        bench.beats(50, Phase.ARM_REQUEST, Word.MACHINE)
        assert bench.done.output == Word.MACHINE
        bench.scan(bench.frame(Phase.ARMED, word))
        assert bench.done.output == output


def test_an_offer_that_was_not_heard_stands_and_no_other_is_drawn() -> None:
    bench = Bench()
    offers = set()
    for turn in range(200):
        bench.number = bench.number + 1 & 0xFFFF
        deaf = BlockA(310, 0, bench.number, 0, State.HOLD, Phase.IDLE, 0, Word.WITHHOLD)
        bench.scan(tuple(deaf.encode(1)), random=100 + turn)
        offers.add(bench.block.connection)
    assert len(offers) == 2
    bench.scan(bench.frame(Phase.IDLE))  # heard at last
    assert bench.block.connection == max(offers)
