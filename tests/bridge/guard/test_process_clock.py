"""The wall clock of a running guard is set: people are told, no deadline runs by it. Only this one process sees the step."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bridge.guard.guard_world import World, outputs
from tests.bridge.guard.test_process import to_run
from tests.processes import programs

pytestmark = pytest.mark.process

#: CLOCK_REALTIME as the file says, in ns on top; every other clock as it is
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    static const volatile long long *offset_ns;
    if (real == NULL) {
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
        offset_ns = mmap(NULL, 8, PROT_READ, MAP_SHARED, open(getenv("CLOCK_OFFSET"), O_RDONLY), 0);
    }
    const int result = real(id, at);
    if (id == CLOCK_REALTIME) {
        const long long ns = at->tv_sec * 1000000000LL + at->tv_nsec + *offset_ns;
        at->tv_sec = ns / 1000000000LL;
        at->tv_nsec = ns % 1000000000LL;
    }
    return result;
}
"""


def test_a_step_of_the_wall_clock_while_running_is_an_advice_and_withholds_nothing(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (tmp_path / "shim.c").write_text(SHIM)
    shim, offset = tmp_path / "shim.so", tmp_path / "offset"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-o", str(shim), str(tmp_path / "shim.c"), "-ldl"], check=True, timeout=60
    )
    offset.write_bytes(struct.pack("q", 0))
    with programs(tmp_path) as start:
        world = World(tmp_path, start)
        world.make_latch_file()
        plc = world.start_plc()
        start(
            sys.executable, "-m", "jidoka_bridge", "--plan", str(world.plan_file),
            environment={"LD_PRELOAD": str(shim), "CLOCK_OFFSET": str(offset)},
        )  # fmt: skip
        to_run(world)
        changes = len(outputs(plc))
        with offset.open("r+b") as file:  # the same pages: the guard has them mapped
            file.write(struct.pack("q", -3_600 * 10**9))
        world.until(lambda: bool(world.happened("clock step")), "the step is seen")
        step = world.happened("clock step")[0]
        assert -3_601_000 < step["evidence"]["step_ms"] < -3_599_000
        assert (step["from"], step["to"]) == ("RUN", "ADVISE")
        world.until(lambda: world.causes["clock step"]["active"], "people are told")
        beats = world.counters.get("21", 0)
        world.until(lambda: world.counters.get("21", 0) > beats + 20, "a second of good beats goes by")
        assert len(outputs(plc)) == changes, "no bit changed"
