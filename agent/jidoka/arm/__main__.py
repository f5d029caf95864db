"""`python -m jidoka.arm`: the arm in software, moved by a policy that is watched as any application would be."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from jidoka_bridge.errors import PlainError

from jidoka.arm.options import BUNDLE, Options, from_plan
from jidoka.exit_codes import code_of


def main(arguments: list[str] | None = None) -> int:
    """Run the arm; returns a code of jidoka.exit_codes."""
    parser = argparse.ArgumentParser(
        prog="python -m jidoka.arm",
        description="A two-joint arm in software, moved by a policy, by its own program, or not at all, as the PLC's output says.",
        epilog="Example: python -m jidoka.arm --fast --count 20 --json",
    )
    parser.add_argument("bundle", nargs="?", help=f"folder or name of the policy's bundle ({BUNDLE})")
    parser.add_argument(
        "--plan", type=Path, help="take everything from the `host:` section of a compiled plan, gate included"
    )
    parser.add_argument(
        "--panel",
        type=Path,
        help="one cycle for each `part N` of the PLC's panel, moved by whom `output WORD` allows",
    )
    parser.add_argument(
        "--knobs", type=Path, help='JSON file with what is wrong with the arm, such as {"payload_kg": 0.5}'
    )
    parser.add_argument("--pace", type=float, metavar="X", help="simulated seconds a second (1)")
    parser.add_argument("--fast", action="store_true", help="as fast as it goes")
    parser.add_argument("--count", type=int, metavar="N", help="end after N cycles")
    parser.add_argument("--seed", type=int, metavar="N", help="start of the random numbers (1)")
    parser.add_argument("--gate", action="store_true", help="use no command before the monitor's verdict")
    parser.add_argument("--socket", dest="tap_socket", type=Path, help="the monitor's tap socket")
    parser.add_argument("--model", metavar="ID", help="the model's id in the configuration")
    parser.add_argument("--results", action="store_true", help="print a JSON object a cycle")
    parser.add_argument(
        "--json", dest="as_json", action="store_true", help="print nothing but a JSON object at the end"
    )
    given = vars(parser.parse_args(arguments))
    _check(parser, given)
    chosen = {
        name: given[name]
        for name in ("panel", "knobs", "pace", "count", "seed", "tap_socket", "model")
        if given[name] is not None
    }
    if given["fast"]:
        chosen["pace"] = 0.0
    if given["gate"]:
        chosen["is_gated"] = True
    if given["results"] or given["as_json"]:
        chosen["tells"] = "results" if given["results"] else "summary"
    try:
        options = from_plan(given["plan"]) if given["plan"] else Options(given["bundle"] or BUNDLE)
        # onnxruntime takes half a second to import, and --help needs none of it
        from jidoka.arm.process import run  # noqa: PLC0415

        return run(replace(options, **chosen))
    except PlainError as error:
        print(f"arm: error: {error}", file=sys.stderr)  # noqa: T201 — the last words of a program
        return code_of(error)


def _check(parser: argparse.ArgumentParser, given: dict[str, object]) -> None:
    pace, count, seed = given["pace"], given["count"], given["seed"]
    if given["plan"] and given["bundle"]:
        parser.error("give a BUNDLE or --plan, not both")
    if pace is not None and (given["fast"] or not 0.01 <= float(str(pace)) <= 1000):
        parser.error("--pace is 0.01 to 1000, and doesn't go with --fast")
    if (isinstance(count, int) and count < 1) or (isinstance(seed, int) and not 0 <= seed < 2**32):
        parser.error("--count is at least 1, --seed 0 to 4294967295")


if __name__ == "__main__":
    sys.exit(main())
