"""`python -m jidoka.steward --plan PLAN`: starts the steward."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from jidoka_bridge.errors import PlainError
from jidoka_bridge.notify import die_with_parent
from jidoka_bridge.plan import load

from jidoka.exit_codes import code_of
from jidoka.steward.process import Steward

#: the thread that sends a long history gives way to the one that records an alarm after so long; Python's own 5 ms add up
SWITCH_S = 0.0005


def main() -> int:
    """Run until told to stop; the exit code is of the table in jidoka.exit_codes."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka.steward",
        description="Records what happens, tells it over MQTT, serves metrics and status.",
        epilog="Example: python -m jidoka.steward --plan /var/lib/jidoka/plan.json",
    )
    parser.add_argument("--plan", type=Path, required=True, help="the compiled plan (jidoka plan)")
    parser.add_argument(
        "--alarm-trace", type=Path, metavar="FILE", default=os.environ.get("JIDOKA_ALARM_TRACE") or None,
        help="write down every input of the alarms, up to 64 MiB, for `jidoka alarm replay` (or JIDOKA_ALARM_TRACE=FILE)",
    )  # fmt: skip
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    sys.setswitchinterval(SWITCH_S)
    die_with_parent()
    try:
        plan = load(arguments.plan)
        Steward(plan, arguments.alarm_trace).run()
    except PlainError as error:
        print(f"steward: error: {error}", file=sys.stderr)  # noqa: T201 — the last words of a program
        return code_of(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
