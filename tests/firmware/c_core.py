"""The firmware's core through ctypes: the same calls as the reference model's."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, c_bool, c_size_t, c_uint8, c_uint16, c_uint32
from pathlib import Path

from jidoka_bridge import registers

from tests.firmware.builds import library
from tests.firmware.scans import LONGEST_SHOWN_MS, Inputs, Outcome, Settings

VITAL_WORDS = 16
COUNTED = 5
HEAD_WORDS = 6
WINDOW_BYTES = 128
#: why the output changed, by number
WHYS = ("", "hold time over", "key", "relay feedback", "withheld", "abstained", "raise without press", "press",
        "lowered", "memory")  # fmt: skip
#: why block A was refused, by number
REFUSALS = ("crc", "format", "connection", "number", "stamp", "word", "")
#: names of the safety variables by place, and the bits of the flags among them (core/internal.h)
VITALS = ("output", "flags", "fault", "connection", "last_id", "number", "expiry_ms", "rise_at_ms", "request_since_ms",
          "request_at_ms", "accepted", "changed_ms", "began_ms", "now_ms", "ticks", "digest")  # fmt: skip


class Config(Structure):
    """struct jidoka_plc_config."""

    _fields_ = (("hold_limit_ms", c_uint32), ("relay_ms", c_uint32), ("unit", c_uint8))


class PlcInputs(Structure):
    """struct jidoka_plc_inputs."""

    _fields_ = (
        ("now_ms", c_uint32), ("block_a", POINTER(c_uint16)), ("block_d", POINTER(c_uint16)), ("parts", c_uint32),
        ("actual", c_uint16), ("recipe", c_uint16), ("person", c_uint16), ("random", c_uint16),
        ("inputs", c_uint8), ("inputs2", c_uint8), ("acknowledges", c_uint8), ("acknowledge_reason", c_uint8),
    )  # fmt: skip


class PlcOutputs(Structure):
    """struct jidoka_plc_outputs."""

    _fields_ = (
        ("press_ms", c_uint32), ("output", c_uint16), ("was", c_uint16), ("why", c_uint8), ("refused", c_uint8),
        ("is_pressed", c_bool), ("is_accepted", c_bool), ("is_record_refused", c_bool),
    )  # fmt: skip


class Record(Structure):
    """struct jidoka_record."""

    _fields_ = (
        ("seal", c_uint32), ("approved", c_uint32), ("approved_check", c_uint32), ("part_count", c_uint32),
        ("parts_without_session", c_uint32), ("key_seconds", c_uint32), ("key_rest_ms", c_uint16),
        ("key_times", c_uint16), ("resets", c_uint16), ("epoch", c_uint16), ("next_place", c_uint16),
        ("head", c_uint16 * HEAD_WORDS), ("ring", c_uint16 * 144),
    )  # fmt: skip


class Plc(Structure):
    """struct jidoka_plc."""

    _fields_ = (
        ("vital", c_uint32 * VITAL_WORDS), ("complement", c_uint32 * VITAL_WORDS), ("run_since_ms", c_uint32),
        ("run_at_ms", c_uint32), ("differs_since_ms", c_uint32), ("hour_ms", c_uint32),
        ("last_a", c_uint16 * registers.A.words), ("counts", c_uint16 * COUNTED), ("refused_run", c_uint16 * COUNTED),
        ("run", c_uint16), ("edges", c_uint16), ("press_ms", c_uint16), ("longest_scan_ms", c_uint16),
        ("refused_order", c_uint8 * COUNTED), ("refused_kinds", c_uint8), ("has_last_a", c_bool),
        ("is_key_on", c_bool), ("is_unsealed", c_bool),
    )  # fmt: skip


class Modbus(Structure):
    """struct jidoka_modbus."""

    _fields_ = (
        ("c_crc", c_uint32), ("a", c_uint16 * registers.A.words), ("d", c_uint16 * registers.D.words),
        ("b", c_uint16 * registers.B.words), ("c_head", c_uint16 * 24), ("used", c_uint16), ("address", c_uint16),
        ("count", c_uint16), ("sent", c_uint16), ("crc", c_uint16), ("function", c_uint8), ("exception", c_uint8),
        ("has_request", c_bool), ("is_answering", c_bool), ("has_a", c_bool), ("has_d", c_bool), ("window", c_uint8 * WINDOW_BYTES),
    )  # fmt: skip


STRUCTS = (Config, PlcInputs, PlcOutputs, Record, Plc, Modbus)
WORDS = {size: c_uint16 * size for size in (8, 12, 16, 170)}


def load(path: Path | None = None) -> ctypes.CDLL:
    """The library, with every function's types. Raises AssertionError where a struct is another one there."""
    found = ctypes.CDLL(str(path or library()))
    found.jidoka_host_size.restype = c_size_t
    for number, struct in enumerate(STRUCTS):
        assert found.jidoka_host_size(number) == ctypes.sizeof(struct), struct.__doc__
    config, inputs, outputs, record, plc, modbus = (POINTER(struct) for struct in STRUCTS)
    words = POINTER(c_uint16)
    found.jidoka_plc_init.argtypes = (plc,)
    found.jidoka_plc_scan.argtypes = (plc, record, config, inputs, outputs)
    found.jidoka_plc_block_b.argtypes = (plc, record, config, inputs, words)
    found.jidoka_host_block_c.argtypes = (plc, record, config, words)
    found.jidoka_plc_state.argtypes = found.jidoka_plc_fault.argtypes = (plc,)
    found.jidoka_record_clear.argtypes = (record,)
    found.jidoka_record_is_whole.argtypes = (record,)
    found.jidoka_record_is_whole.restype = c_bool
    found.jidoka_modbus_init.argtypes = (modbus,)
    found.jidoka_modbus_feed.argtypes = (modbus, c_uint8, ctypes.c_char_p, c_size_t)
    found.jidoka_modbus_feed.restype = c_size_t
    found.jidoka_modbus_silence.argtypes = (modbus,)
    found.jidoka_modbus_inputs.argtypes = (modbus, inputs)
    found.jidoka_modbus_answer.argtypes = (modbus, plc, record, config, inputs)
    found.jidoka_modbus_next.argtypes = (modbus, record, c_uint8, POINTER(c_uint8))
    found.jidoka_modbus_next.restype = c_bool
    return found


class CCore:
    """The C core: the same calls as PythonCore. `out` is all that the last scan said; `plc` and `record` its memory."""

    def __init__(self, settings: Settings, library: ctypes.CDLL | None = None) -> None:
        self.library = library or load()
        self.config = Config(settings.hold_limit_ms, settings.relay_ms, settings.unit)
        self.plc, self.record, self.out = Plc(), Record(), PlcOutputs()
        self.inputs = PlcInputs()
        self._b = WORDS[16]()
        self._c = WORDS[170]()
        self._kept: list[object] = []
        self.library.jidoka_record_clear(self.record)
        self.library.jidoka_plc_init(self.plc)

    def scan(self, inputs: Inputs) -> Outcome:
        given, out = self.inputs, self.out
        given.now_ms = inputs.now_ms & 0xFFFF_FFFF
        block_a = None if inputs.block_a is None else WORDS[8](*inputs.block_a)
        block_d = None if inputs.block_d is None else WORDS[12](*inputs.block_d)
        given.block_a, given.block_d = block_a, block_d
        for name in ("parts", "actual", "recipe", "person", "random", "inputs", "inputs2", "acknowledges",
                     "acknowledge_reason"):  # fmt: skip
            setattr(given, name, getattr(inputs, name))
        self.library.jidoka_plc_scan(self.plc, self.record, self.config, given, out)
        self.library.jidoka_plc_block_b(self.plc, self.record, self.config, given, self._b)
        press_ms = min(out.press_ms, LONGEST_SHOWN_MS) if out.is_pressed else -1
        return Outcome(out.output, press_ms, out.is_accepted, tuple(self._b))

    def block_c(self) -> tuple[int, ...]:
        self.library.jidoka_host_block_c(self.plc, self.record, self.config, self._c)
        return tuple(self._c)

    @property
    def why(self) -> str:
        return WHYS[self.out.why]

    @property
    def refused(self) -> str:
        return REFUSALS[self.out.refused]

    def vital(self, name: str) -> int:
        """A safety variable."""
        return int(self.plc.vital[VITALS.index(name)])

    def hit(self, name: str, value: int, both: bool = False) -> None:
        """Write into a safety variable behind the program's back; both: into its complement too."""
        place = VITALS.index(name)
        self.plc.vital[place] = value
        if both:
            self.plc.complement[place] = ~value & 0xFFFF_FFFF


class CServer:
    """The C core's Modbus half before a CCore: bytes in, bytes out, a scan with each request."""

    def __init__(self, core: CCore) -> None:
        self.core = core
        self.library = core.library
        self.modbus = Modbus()
        self.library.jidoka_modbus_init(self.modbus)

    def feed(self, data: bytes) -> int:
        """How many bytes were taken."""
        taken: int = self.library.jidoka_modbus_feed(self.modbus, self.core.config.unit, data, len(data))
        return taken

    def scan(self, inputs: Inputs) -> Outcome:
        """One scan with the blocks as they stand in the registers, and the beginning of an answer."""
        self.library.jidoka_modbus_inputs(self.modbus, self.core.inputs)
        pointers = self.core.inputs.block_a, self.core.inputs.block_d
        words = [
            tuple(pointer[:size]) if pointer else None
            for pointer, size in zip(pointers, (8, 12), strict=True)
        ]
        outcome = self.core.scan(inputs._replace(block_a=words[0], block_d=words[1]))
        self.library.jidoka_modbus_answer(
            self.modbus, self.core.plc, self.core.record, self.core.config, self.core.inputs
        )
        return outcome

    def answer(self, limit: int = 1_000) -> bytes:
        """The answer, at most so many bytes of it."""
        byte, reply = c_uint8(), bytearray()
        while len(reply) < limit and self.library.jidoka_modbus_next(
            self.modbus, self.core.record, self.core.config.unit, byte
        ):
            reply.append(byte.value)
        return bytes(reply)

    def exchange(self, data: bytes, inputs: Inputs) -> bytes:
        """All answers to what is fed, with a scan before each."""
        replies = b""
        while data:
            data = data[self.feed(data) :]
            if self.modbus.has_request:
                self.scan(inputs)
                replies += self.answer()
        return replies
