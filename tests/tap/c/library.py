"""The C library for tests: built by its Makefile, called through ctypes as a C program calls it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
)
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_tap import wire

SOURCES = Path(__file__).resolve().parents[3] / "agent" / "jidoka_tap" / "c"
HERE = Path(__file__).resolve().parent
COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]

#: jdk_status
OK, REJECTED, SILENT_REJECT, SILENT_PASS, NOT_CONNECTED, BUSY, TIMEOUT, GONE, BAD_ARGUMENT, NO_RESOURCES = (
    range(10)
)
#: jdk_gate
NO_GATE, GATE_REJECT, GATE_PASS = range(3)

Log = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_char_p)


class Options(Structure):
    _fields_ = [
        ("size", c_size_t), ("model", c_char_p), ("sha256", c_char_p), ("socket", c_char_p), ("runtime", c_char_p),
        ("inputs", POINTER(c_char_p)), ("inputs_count", c_size_t), ("outputs", POINTER(c_char_p)),
        ("outputs_count", c_size_t), ("gate", c_int), ("has_no_thread", c_int), ("log", Log), ("log_context", c_void_p),
    ]  # fmt: skip


class Tensor(Structure):
    _fields_ = [
        ("role", c_uint8), ("dtype", c_uint8), ("index", c_uint16), ("rank", c_uint32), ("shape", POINTER(c_int64)),
        ("data", c_void_p),
    ]  # fmt: skip


class Record(Structure):
    _fields_ = [
        ("part", c_uint64), ("position", c_uint16), ("recipe", c_uint16), ("start_ns", c_uint64),
        ("end_ns", c_uint64), ("tensors", POINTER(Tensor)), ("tensors_count", c_size_t),
    ]  # fmt: skip


class Verdict(Structure):
    _fields_ = [
        ("number", c_uint64), ("part", c_uint64), ("reasons", c_uint32), ("level", c_uint16), ("part_level", c_uint16),
        ("silence", c_int),
    ]  # fmt: skip


class Counts(Structure):
    _fields_ = [
        *((name, c_uint64) for name in ("records", "sent", "dropped", "tensors_not_sent", "arena_full", "unjudged",
                                        "rejected")),
        ("is_connected", c_int),
    ]  # fmt: skip


def make(folder: Path, *targets: str, compiler: str = "gcc", extra: str = "", flags: str = "-O1 -g") -> None:
    """Run the library's Makefile into a folder of the test's."""
    command = [
        "make",
        "-s",
        "-C",
        str(SOURCES),
        f"OUT={folder}",
        f"CC={compiler}",
        f"CFLAGS={flags}",
        f"EXTRA={extra}",
    ]
    done = subprocess.run([*command, *targets], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def compile_program(library: Path, source: Path, *flags: str) -> Path:
    """A test's own program, linked with the static library in the folder `library`."""
    program = library / source.stem
    command = [
        "gcc",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-g",
        "-D_GNU_SOURCE",
        "-pthread",
        f"-I{SOURCES}",
        *flags,
    ]
    command += [str(source), str(library / "libjidoka_tap.a"), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return program


def load(path: Path) -> Any:
    """The shared library."""
    library = ctypes.CDLL(str(path))
    library.jdk_tap_open.argtypes = [POINTER(Options), POINTER(c_void_p)]
    library.jdk_tap_close.argtypes = [c_void_p]
    library.jdk_tap_record.argtypes = [c_void_p, POINTER(Record)]
    library.jdk_tap_record_and_wait.argtypes = [c_void_p, POINTER(Record), c_uint64, POINTER(Verdict)]
    library.jdk_tap_wants.argtypes = [c_void_p, c_int, c_size_t]
    library.jdk_tap_poll.argtypes, library.jdk_tap_poll.restype = [c_void_p], c_uint64
    library.jdk_tap_wait_connected.argtypes = [c_void_p, c_uint64]
    library.jdk_tap_counts.argtypes = [c_void_p, POINTER(Counts)]
    library.jdk_tap_reasons.argtypes = [c_void_p, c_uint32, c_char_p, c_size_t]
    library.jdk_status_text.restype = c_char_p
    return library


def names(texts: Sequence[str | bytes]) -> Any:
    return (c_char_p * max(1, len(texts)))(
        *(text if isinstance(text, bytes) else text.encode() for text in texts)
    )


def tensor(role: int, index: int, array: np.ndarray, *, has_data: bool = True) -> Tensor:
    """A tensor of the array, which must live as long as it; an element type that the wire doesn't know is 99."""
    shape = (c_int64 * max(1, array.ndim))(*array.shape)
    number = wire.DTYPE_NUMBERS.get(array.dtype, 99)
    made = Tensor(role, number, index, array.ndim, shape, array.ctypes.data if has_data else None)
    made.kept = shape
    return made


class Tap:
    """A tap of the C library, as its header says; log: what it said so far."""

    def __init__(
        self,
        library: Any,
        path: Path | None,
        *,
        model: str = "m",
        sha256: str = "",
        inputs: Sequence[str | bytes] = ("image",),
        outputs: Sequence[str | bytes] = ("logits", "embedding"),
        gate: int = NO_GATE,
        has_no_thread: bool = False,
    ) -> None:
        self.library = library
        self.log: list[str] = []
        self._log = Log(lambda _context, _level, text: self.log.append(text.decode()))
        socket = str(path).encode() if path is not None else None
        options = Options(
            ctypes.sizeof(Options), model.encode(), sha256.encode(), socket, b"pytest", names(inputs), len(inputs),
            names(outputs), len(outputs), gate, has_no_thread, self._log, None,
        )  # fmt: skip
        self.tap = c_void_p()
        self.status = library.jdk_tap_open(options, self.tap)

    @property
    def counts(self) -> Counts:
        counts = Counts()
        self.library.jdk_tap_counts(self.tap, counts)
        return counts

    def made(
        self,
        tensors: Sequence[tuple[int, int, np.ndarray] | Tensor],
        *,
        part: int = 0,
        position: int = 0,
        recipe: int = 0,
        times: tuple[int, int] = (0, 0),
    ) -> Record:
        each = [one if isinstance(one, Tensor) else tensor(*one) for one in tensors]
        record = Record(part, position, recipe, *times, (Tensor * max(1, len(each)))(*each), len(each))
        record.kept = each
        return record

    def record(self, tensors: Sequence[tuple[int, int, np.ndarray] | Tensor], **how: Any) -> int:
        status: int = self.library.jdk_tap_record(self.tap, self.made(tensors, **how))
        return status

    def wait(self, tensors: Sequence[Any], timeout_s: float = 10.0, **how: Any) -> tuple[int, Verdict]:
        verdict = Verdict()
        record = self.made(tensors, **how)
        return self.library.jdk_tap_record_and_wait(self.tap, record, int(timeout_s * 1e9), verdict), verdict

    def reasons(self, bits: int) -> str:
        text = ctypes.create_string_buffer(400)
        self.library.jdk_tap_reasons(self.tap, bits, text, len(text))
        return text.value.decode()

    def close(self) -> None:
        if self.tap:
            self.library.jdk_tap_close(self.tap)
        self.tap = c_void_p()
