"""Register map of the link, format 1. Made by tools/registers.py from firmware_bridge/registers.yaml; don't edit."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Field(NamedTuple):
    """A field of a block. word: offset from 0; value = register bits × scale; fixed: the only right value."""

    name: str
    word: int
    words: int
    shift: int
    bits: int
    scale: int
    fixed: int | None


class Layout(NamedTuple):
    """A block. address: of its first register; words: with the CRC-32 in the last two; direction: in the CRC."""

    name: str
    address: int
    words: int
    direction: int
    fields: tuple[Field, ...]


class Reason(NamedTuple):
    """A built-in reason. number: on the wire, 0 to 31."""

    number: int
    name: str
    text: str


class Word(enum.IntEnum):
    """Permissive words, at least 8 bits apart."""

    WITHHOLD = 0x5A5A  # neither the machine nor the model's outputs are permitted
    MACHINE = 0x6996  # the machine may run without the model's outputs
    MACHINE_AND_AI = 0xA5A5  # the machine may run and the model's outputs may be used
    ABSTAIN = 0x3C3C  # the agent asks for nothing; the key at the PLC governs alone


class State(enum.IntEnum):
    """States of the interlock."""

    START_UP = 1  # not armed since the guard started
    RUN = 2  # machine and model permitted
    ADVISE = 3  # as RUN, with an advice to people
    FALLBACK = 4  # machine permitted, model's outputs not to be used
    HOLD = 5  # machine stopped until somebody resets it
    LOCKOUT = 6  # machine stopped until an engineer unlocks it
    OVERRIDE = 7  # a person drives with the key


class Phase(enum.IntEnum):
    """Phases of arming."""

    IDLE = 0  # nothing asked for
    ARM_REQUEST = 1  # the agent is ready for a press of the reset button
    ARMED = 2  # a press was accepted; the word is to be followed
    WITHDRAW = 3  # the permissive is given back
    LATCH = 4  # given back, and an engineer is needed


class PlcState(enum.IntEnum):
    """States of the PLC's program."""

    OFF = 0  # no session
    IDLE = 1  # a session stands, nothing asked for
    ARMING = 2  # a press of the reset button would count
    ARMED = 3  # the permissive word is followed
    TRIPPED = 4  # dropped with a latched fault


class Fault(enum.IntEnum):
    """Faults that the PLC latches."""

    NONE = 0  # none
    WATCHDOG = 1  # no accepted frame within the hold time
    FORMAT = 2  # frames of a wrong format until the hold time was over
    CRC_RUN = 3  # damaged frames until the hold time was over
    SEQUENCE_GAP = 4  # frames out of sequence until the hold time was over
    WRONG_CONNECTION = 5  # frames of another connection until the hold time was over
    RELAY_FEEDBACK = 6  # the output doesn't read back as written
    MAP_DIGEST = 7  # the register map isn't the one that was approved
    RAISE_WITHOUT_PRESS = 8  # a higher word came without a press


class Input(enum.IntFlag):
    """Inputs (block B word 6, low byte)."""

    KEY_AUTO = 1  # key switch in AUTO
    OVERRIDE_KEY = 2  # override key on
    RESET_BUTTON = 4  # level of the reset button
    SAFETY_CHAIN = 8  # safety chain closed
    MACHINE_READY = 16  # machine ready
    RUNNING = 32  # machine running
    CHANGEOVER = 64  # changeover or cleaning
    DRILL = 128  # drill


class Input2(enum.IntFlag):
    """More inputs (block B word 13, high byte)."""

    FALLBACK_HEALTHY = 1  # the fallback path is ready


class Flag(enum.IntFlag):
    """Abilities (block C word 6)."""

    FC23 = 1  # function code 23 is answered


MAP_DIGEST = bytes.fromhex("7cc441ea")

A = Layout(
    "A",
    0,
    8,
    0xA0,
    (
        Field("format", 0, 1, 8, 8, 1, 0x41),
        Field("hold_ms", 0, 1, 0, 8, 10, None),
        Field("connection", 1, 1, 0, 16, 1, None),
        Field("number", 2, 1, 0, 16, 1, None),
        Field("stamp", 3, 1, 0, 16, 1, None),
        Field("state", 4, 1, 12, 4, 1, None),
        Field("phase", 4, 1, 8, 4, 1, None),
        Field("reason", 4, 1, 0, 8, 1, None),
        Field("word", 5, 1, 0, 16, 1, None),
    ),
)
D = Layout(
    "D",
    20,
    12,
    0xA1,
    (
        Field("format", 0, 1, 0, 16, 1, 0x4401),
        Field("connection", 1, 1, 0, 16, 1, None),
        Field("ledger_size", 2, 2, 0, 16, 1, None),
        Field("root_prefix", 4, 4, 0, 16, 1, None),
        Field("digest_prefix", 8, 2, 0, 16, 1, None),
    ),
)
B = Layout(
    "B",
    100,
    16,
    0x0A,
    (
        Field("format", 0, 1, 0, 16, 1, 0x4B01),
        Field("connection", 1, 1, 0, 16, 1, None),
        Field("echo", 2, 1, 0, 16, 1, None),
        Field("counter", 3, 1, 0, 16, 1, None),
        Field("actual", 4, 1, 0, 16, 1, None),
        Field("plc_state", 5, 1, 8, 8, 1, None),
        Field("fault", 5, 1, 0, 8, 1, None),
        Field("press_ms", 6, 1, 8, 8, 100, None),
        Field("inputs", 6, 1, 0, 8, 1, None),
        Field("edges", 7, 1, 0, 16, 1, None),
        Field("remaining_ms", 8, 1, 0, 16, 1, None),
        Field("parts", 9, 1, 0, 16, 1, None),
        Field("recipe", 10, 1, 0, 16, 1, None),
        Field("acknowledges", 11, 1, 8, 8, 1, None),
        Field("acknowledge_reason", 11, 1, 0, 8, 1, None),
        Field("person", 12, 1, 0, 16, 1, None),
        Field("inputs2", 13, 1, 8, 8, 1, None),
        Field("accepted", 13, 1, 0, 8, 1, None),
    ),
)
C = Layout(
    "C",
    200,
    170,
    0x0A,
    (
        Field("format", 0, 1, 0, 16, 1, 0x4301),
        Field("version", 1, 1, 0, 16, 1, None),
        Field("map_digest", 2, 2, 0, 16, 1, None),
        Field("hold_limit_ms", 4, 1, 0, 16, 1, None),
        Field("longest_scan_ms", 5, 1, 0, 16, 1, None),
        Field("flags", 6, 1, 0, 16, 1, None),
        Field("refused_crc", 7, 1, 0, 16, 1, None),
        Field("refused_format", 8, 1, 0, 16, 1, None),
        Field("refused_connection", 9, 1, 0, 16, 1, None),
        Field("refused_number", 10, 1, 0, 16, 1, None),
        Field("refused_stamp", 11, 1, 0, 16, 1, None),
        Field("part_count", 12, 2, 0, 16, 1, None),
        Field("ring_epoch", 14, 1, 0, 16, 1, None),
        Field("ring_next", 15, 1, 0, 16, 1, None),
        Field("key_seconds", 16, 2, 0, 16, 1, None),
        Field("key_times", 18, 1, 0, 16, 1, None),
        Field("resets", 19, 1, 0, 16, 1, None),
        Field("parts_without_session", 20, 2, 0, 16, 1, None),
        Field("approved_digest", 22, 2, 0, 16, 1, None),
        Field("ring", 24, 144, 0, 16, 1, None),
    ),
)

BLOCKS: dict[str, Layout] = {layout.name: layout for layout in (A, D, B, C)}

REASONS: tuple[Reason, ...] = (
    Reason(0, "none", "no reason"),
    Reason(1, "start-up", "the guard has just started"),
    Reason(2, "restart", "the guard was restarted without a planned stop"),
    Reason(3, "self-test failed", "the guard's self-test failed"),
    Reason(4, "no data", "the monitor or the model's application says nothing"),
    Reason(5, "no record", "what happens can't be recorded"),
    Reason(6, "plc link", "the link to the PLC is lost"),
    Reason(7, "latch file", "the latch file can't be written or read"),
    Reason(8, "local hold", "somebody at the machine asked for a stop"),
    Reason(9, "remote hold", "somebody elsewhere asked for a stop"),
    Reason(10, "override", "the override key is on"),
    Reason(11, "override time over", "the override key was on for too long"),
    Reason(12, "proving failed", "the proving run ended without a good judgement"),
    Reason(13, "fallback lost", "the fallback path isn't ready"),
    Reason(14, "plc not ready", "the PLC refuses or has stopped by itself"),
    Reason(15, "read-back less", "the PLC shows less than was asked for"),
    Reason(16, "read-back more", "the PLC shows more than was asked for"),
    Reason(17, "moved without permissive", "parts or movement without a permissive"),
    Reason(18, "other session", "somebody else speaks to the PLC"),
    Reason(19, "digest", "a table, plan or model isn't the approved one"),
    Reason(20, "button stuck", "the reset button is stuck or bounces"),
    Reason(21, "pause", "the guard was paused for longer than the hold time"),
    Reason(22, "clock step", "the clock was set"),
    Reason(23, "planned stop", "the agent was stopped by plan"),
    Reason(24, "parts without records", "parts are counted but no records come"),
    Reason(25, "not judged", "a statistical condition isn't judged yet"),
    Reason(26, "mode", "a model isn't in enforce"),
    Reason(27, "internal", "an error inside the guard"),
    Reason(28, "too many trips", "the same cause tripped too often"),
    Reason(29, "running input", "parts are counted while the input says that the machine stands"),
)

REASON_NUMBERS: dict[str, int] = {reason.name: reason.number for reason in REASONS}
