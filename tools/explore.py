"""Explores interlock, causes and link of the program itself, every order of every event, until nothing new comes.

python tools/explore.py [--quick] [--slice NAME] [--json FILE]   all slices, two processes
python tools/explore.py --faults [--quick]                       each seeded fault must be found, in each row of both tables
python tools/explore.py --replay FILE                            the story of one counter-example
python tools/explore.py --list                                   slices and what they show

A counter-example is written into build/explore/ and printed. Ends with 1 if an invariant broke, a slice didn't close,
a state had no way back to RUN, a cell of the tables was neither met nor explained, or a fault wasn't found. See docs/proving.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.exploring import flipping, runs, slices, story  # noqa: E402
from tools.exploring.search import Found  # noqa: E402

KEPT = ROOT / "build" / "explore"


def _replay(path: Path) -> int:
    document = json.loads(path.read_text(encoding="utf-8"))
    a_slice = slices.BY_NAME[document["slice"]]
    fault = next((each for each in slices.FAULTS if each.text == document["fault"]), None)
    found = Found(document["broken"], document["root"], tuple(document["events"]))
    return 0 if story.tell(a_slice, found, fault, print) else 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="reduced plans only")
    parser.add_argument("--slice", action="append", metavar="NAME", help="only these")
    parser.add_argument("--faults", action="store_true", help="look for each seeded fault")
    parser.add_argument("--processes", type=int, default=2, help="how many at a time (2)")
    parser.add_argument(
        "--limit", type=float, default=600, metavar="S", help="seconds for all slices together (600)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="tell a counter-example")
    parser.add_argument("--list", action="store_true", help="slices and what they show")
    options = parser.parse_args()
    if options.replay:
        return _replay(options.replay)
    if options.list:
        for each in slices.ALL:
            print(f"{each.name:28} {'reduced' if each.is_reduced else '':8} {each.text}")
        return 0
    chosen = [each for each in slices.ALL if each.is_reduced or not options.quick]
    if options.slice:
        chosen = [slices.BY_NAME[name] for name in options.slice]
    if options.faults:
        return flipping.faults(options.quick, options.processes, options.json)
    return runs.explore(chosen, options.processes, options.limit, KEPT, options.json)


if __name__ == "__main__":
    sys.exit(main())
