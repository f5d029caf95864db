"""Which lines and branches of the firmware's core the tests never took: ends with 1 if there is one.

python tools/firmware/coverage.py FOLDER    FOLDER: where the instrumented core left its counts (.gcda)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def reports(folder: Path) -> list[dict[str, Any]]:
    """gcov's report of each source file. Raises SystemExit if nothing was counted."""
    counts = sorted(folder.resolve().glob("*.gcda"))
    if not counts:
        raise SystemExit(f"{folder}: no counts there; the tests didn't run the instrumented core")
    command = ["gcov", "--json-format", "--stdout", "--branch-probabilities", *map(str, counts)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
    return [file for line in done.stdout.splitlines() if line for file in json.loads(line)["files"]]


def missed(file: dict[str, Any]) -> tuple[list[str], int, int]:
    """What was never taken in one file, and how many lines and branches it has."""
    found, lines, branches = [], 0, 0
    for line in file["lines"]:
        lines += 1
        branches += len(line["branches"])
        if line["count"] == 0:
            found.append(f"{file['file']}:{line['line_number']}: never run")
        never = sum(branch["count"] == 0 for branch in line["branches"])
        if line["count"] and never:
            found.append(
                f"{file['file']}:{line['line_number']}: {never} of {len(line['branches'])} branches never taken"
            )
    return found, lines, branches


def merged(files: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry a source file: a header's functions stand in each object that includes it, and run in any of them."""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        if not Path(file["file"]).name.endswith((".c", ".h")) or not file["lines"]:
            continue
        lines = found.setdefault(file["file"], {"file": file["file"], "lines": {}})["lines"]
        for line in file["lines"]:
            known = lines.setdefault(line["line_number"], line)
            if known is not line:
                known["count"] += line["count"]
                for mine, other in zip(known["branches"], line["branches"], strict=False):
                    mine["count"] += other["count"]
    return [{**file, "lines": list(file["lines"].values())} for file in found.values()]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    told: list[str] = []
    lines = branches = 0
    for file in merged(reports(options.folder)):
        found, more_lines, more_branches = missed(file)
        told += found
        lines, branches = lines + more_lines, branches + more_branches
    print("\n".join(told))
    print(f"core: {lines} lines, {branches} branches; {len(told)} places not wholly covered")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
