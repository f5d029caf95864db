"""`python -m jidoka.monitor --plan PLAN`: the monitor as a program."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import secrets
import signal
import sys
import time
from pathlib import Path

from jidoka_bridge import plan as plans
from jidoka_bridge.errors import PlainError
from jidoka_bridge.notify import die_with_parent, notify

from jidoka.exit_codes import code_of

LOG = logging.getLogger("monitor")

#: what numba loads where it is installed, for things that no kernel and no setting here has: 20 MiB for nothing
NOT_NEEDED = ("scipy", "coverage", "cffi", "yaml")


def main(arguments: list[str] | None = None) -> int:
    """Run the monitor; returns a code of jidoka.exit_codes."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka.monitor",
        description="Judges every record of the watched models and tells guard and steward.",
        epilog="Example: python -m jidoka.monitor --plan /var/lib/jidoka/plan.json",
    )
    parser.add_argument("--plan", required=True, type=Path, help="the plan that `jidoka plan` compiled")
    path = parser.parse_args(arguments).plan
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s: %(message)s")
    die_with_parent()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    # one thread: the kernels are small, and the cores are the application's
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        run(plans.load(path))
    except PlainError as error:
        print(f"monitor: error: {error}", file=sys.stderr)  # noqa: T201 — the last words of a program
        return code_of(error)
    return 0


def run(plan: plans.Plan) -> None:
    """Warm the kernels, load the baselines, listen, and judge until SIGTERM. Raises PlainError."""
    notify("STATUS=compiling kernels")
    sys.modules.update(dict.fromkeys(NOT_NEEDED))  # type: ignore[arg-type]
    # imported here: numba alone takes a second, and the supervisor should know what it waits for
    begun_ns = time.monotonic_ns()
    from jidoka.monitor.kernels.warm import warm  # noqa: PLC0415
    from jidoka.monitor.needed import needed_by  # noqa: PLC0415

    cached = warm(needed=needed_by(plan))
    from jidoka.monitor.baseline import load_all  # noqa: PLC0415
    from jidoka.monitor.core import Monitor  # noqa: PLC0415
    from jidoka.monitor.process import Process  # noqa: PLC0415
    from jidoka.monitor.saved import restore_all  # noqa: PLC0415

    LOG.info("kernels ready in %.1f s, %d from the cache", (time.monotonic_ns() - begun_ns) * 1e-9, cached)
    notify("STATUS=loading baselines")
    baselines = {model.id: load_all(plan, model.id) for model in plan.models}
    monitor = Monitor(plan, baselines, secrets.randbits(64), time.monotonic_ns())
    for text in restore_all(monitor, time.monotonic_ns()):
        LOG.warning("%s", text)
    process = Process(plan, monitor)
    give_back()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.stop)
    for name, state in monitor.models.items():
        LOG.info("%s: %d baselines", name, len(state.streams))
        for key, faults in (state.gates.refused if state.gates is not None else {}).items():
            LOG.warning("%s, recipe %d, position %d: NO %s", name, *key, "; ".join(faults))
    notify("READY=1", "STATUS=judging records")
    process.run()


def give_back() -> None:
    """Give memory that arming used and nothing uses any more back to the system, where the C library can (glibc)."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _end_at_once(*_: object) -> None:
    """A planned stop while nothing is connected yet."""
    notify("STOPPING=1")
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
