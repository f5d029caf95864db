"""`python -m jidoka_bridge --plan PLAN`: run the guard."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from jidoka_bridge import errors
from jidoka_bridge.guard.process import run
from jidoka_bridge.guard.replay import replay

#: the numbers of jidoka.exit_codes, which the guard may not import
EXIT_CODES: tuple[tuple[type[errors.PlainError], int], ...] = (
    (errors.ConfigurationError, 3),
    (errors.InputError, 5),
    (errors.LinkError, 7),
    (errors.RefusedError, 10),
    (errors.NotRunningError, 11),
)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka_bridge",
        description="The guard: trip causes, the interlock, and the serial link to the PLC.",
        epilog="Example: python -m jidoka_bridge --plan /var/lib/jidoka/plan.json",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--plan", type=Path, metavar="PLAN", help="made by: jidoka plan")
    what.add_argument(
        "--replay", type=Path, metavar="TRACE", help="run the guard from a trace instead, and compare"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", default=os.environ.get("JIDOKA_GUARD_TRACE") or None,
        help="write down everything that comes in and goes out, at most 64 MiB; also from JIDOKA_GUARD_TRACE",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        return _replay(options.replay) if options.replay else run(options.plan, options.trace)
    except errors.PlainError as error:
        sys.stderr.write(f"guard: error: {error}\n")
        return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"guard: error: {place}can't start: {error.strerror or error}.\n")
        sys.stderr.write("  Check the path and that this user may use it.\n")
        return 3


def _replay(trace_file: Path) -> int:
    """One JSON line an event of the interlock, then the outcome; 0 if every call was the same."""
    outcome = replay(trace_file)
    for event in outcome.transitions:
        sys.stdout.write(json.dumps(event) + "\n")
    told = {"calls": outcome.calls, "frames": outcome.frames, "same": not outcome.differs}
    sys.stdout.write(json.dumps({**told, "differs": outcome.differs}) + "\n")
    return 1 if outcome.differs else 0


if __name__ == "__main__":
    sys.exit(main())
