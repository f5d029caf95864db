"""`python -m jidoka_bridge --plan PLAN`: run the guard."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jidoka_bridge import errors
from jidoka_bridge.guard.process import run

#: the numbers of jidoka.exit_codes, which the guard may not import
EXIT_CODES: tuple[tuple[type[errors.PlainError], int], ...] = (
    (errors.ConfigurationError, 3),
    (errors.LinkError, 7),
    (errors.RefusedError, 10),
    (errors.NotRunningError, 11),
)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka_bridge",
        description="The guard: trip causes, the interlock, and the serial link to the PLC.",
        epilog="Example: python -m jidoka_bridge --plan /etc/jidoka/plan.json",
    )
    parser.add_argument("--plan", type=Path, required=True, metavar="PLAN", help="made by: jidoka plan")
    try:
        return run(parser.parse_args().plan)
    except errors.PlainError as error:
        sys.stderr.write(f"guard: error: {error}\n")
        return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"guard: error: {place}can't start: {error.strerror or error}.\n")
        sys.stderr.write("  Check the path and that this user may use it.\n")
        return 3


if __name__ == "__main__":
    sys.exit(main())
