"""What the firmware's tests run: built once a session by firmware_bridge/firmware/Makefile into its ignored build folder."""

from __future__ import annotations

import fcntl
import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware_bridge" / "firmware"
BUILD = FIRMWARE / "build"


@functools.cache
def make(target: str, *settings: str) -> str:
    """What `make TARGET` prints; fails with all of it. One at a time on this machine."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = ["make", "-s", "-C", str(FIRMWARE), target, *settings]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def library() -> Path:
    """The core as a shared library; JIDOKA_FIRMWARE_LIBRARY names another build of it (sanitizers, coverage)."""
    given = os.environ.get("JIDOKA_FIRMWARE_LIBRARY", "")
    if given:
        return Path(given)
    make("host")
    return BUILD / "libjidoka_plc.so"


def host_program() -> Path:
    """The core as a program that serves a pseudo-terminal."""
    make("host")
    return BUILD / "jidoka-plc"


def image() -> Path:
    """The Cortex-M image; skips where there is no cross compiler or QEMU."""
    need("arm-none-eabi-gcc", "qemu-system-arm")
    make("cortex-m")
    return BUILD / "jidoka-plc.elf"


def need(*programs: str) -> None:
    """Skip the test where a program isn't installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
