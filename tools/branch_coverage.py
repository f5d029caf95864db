"""Branch coverage of what stops machines: interlock, alarms, safety layer, framing, the PLC's rule, the C core.

python -m tools.branch_coverage [GROUP ...] [--json FILE]

Only the tests that mirror the code are run, without those that start programs: what is covered is covered by a test that
says so. Prints what was never taken. Ends with 1 below 100 % of lines and branches, of the groups that are held to it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tools.bench._rows import AT_LEAST, Row, write

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware_bridge" / "firmware"
GUARD, LINK, PLC = (f"firmware_bridge/jidoka_bridge/{each}" for each in ("guard", "link", "plc"))
C_CORE = "C core"
ALL = 100.0
#: the guard's process and its files and sockets; those run in tests of real programs, which aren't counted here
SHELL = (
    "beating", "black_box", "guarded", "line", "line_faults", "outside", "peers", "process", "realtime", "replay", "trace",
)  # fmt: skip


class Group(NamedTuple):
    """sources: folders or files; but: names of files in them that don't belong; tests: that run."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    but: tuple[str, ...] = ()


GROUPS: dict[str, Group] = {
    "interlock": Group((GUARD,), ("tests/bridge/guard",), SHELL),
    "alarms": Group(("agent/jidoka/alarms",), ("tests/alarms",)),
    "safety layer": Group(
        tuple(
            f"{LINK}/{name}.py"
            for name in (
                "arming", "asides", "blocks", "exchange", "freshness", "numbers", "part_count", "session", "skew", "standing",
                "times",
            )
        ),
        ("tests/bridge/link",),
    ),
    "framing": Group((f"{LINK}/frames.py", f"{LINK}/mbap.py"), ("tests/bridge/link",)),
    "PLC's rule": Group(
        tuple(f"{PLC}/{name}.py" for name in ("rule", "admission", "press", "record")),
        ("tests/bridge/plc", "tests/firmware/test_core.py"),
    ),
}  # fmt: skip


class Covered(NamedTuple):
    """lines, branches: of a group; missed: what was never taken, file:line."""

    lines: int
    branches: int
    missed: list[str]

    @property
    def percent(self) -> float:
        return ALL * (1 - len(self.missed) / max(1, self.lines + self.branches))


def _coverage(folder: Path, *arguments: str) -> str:
    """One call of coverage with its data in `folder`; what it printed if it failed, else ""."""
    environment = {**os.environ, "COVERAGE_FILE": str(folder / "data"), "COVERAGE_RCFILE": str(folder / "rc")}
    done = subprocess.run(
        [sys.executable, "-m", "coverage", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    return f"{done.stdout[-3000:]}{done.stderr[-3000:]}" if done.returncode else ""


def measured(groups: dict[str, Group]) -> tuple[dict[str, Any], str]:
    """coverage's report of each file, by its path in the project; and what failed. Exits where there is no report."""
    sources = sorted({each if not each.endswith(".py") else str(Path(each).parent) for group in groups.values() for each in group.sources})  # fmt: skip
    tests = sorted({test for group in groups.values() for test in group.tests})
    with tempfile.TemporaryDirectory(prefix="jidoka-coverage-") as name:
        folder = Path(name)
        (folder / "rc").write_text(
            "[run]\nbranch = true\nsource =\n"
            + "".join(f"    {ROOT / each}\n" for each in sources)
            + "[report]\nexclude_also =\n    if TYPE_CHECKING:\n"
        )
        options = ("-m", "not process", "-p", "no:cacheprovider", "--hypothesis-profile", "ci")
        failed = _coverage(folder, "run", "-m", "pytest", *options, *tests)
        why = _coverage(folder, "json", "-o", str(folder / "report.json"))
        if why:
            sys.exit(f"no report was made:\n{failed}{why}")
        files: dict[str, Any] = json.loads((folder / "report.json").read_text())["files"]
    return files, failed


def covered(group: Group, files: dict[str, Any]) -> Covered:
    """One group of the report."""
    lines = branches = 0
    missed = []
    for path, file in sorted(files.items()):
        is_own = any(path == each or path.startswith(f"{each}/") for each in group.sources)
        if not is_own or Path(path).stem in group.but:
            continue
        lines += file["summary"]["num_statements"]
        branches += file["summary"]["num_branches"]
        missed += [f"{path}:{line}: never run" for line in file["missing_lines"]]
        missed += [
            f"{path}:{line}: never on to {f'line {to}' if to > 0 else 'the end'}"
            for line, to in file["missing_branches"]
        ]
    return Covered(lines, branches, missed)


def c_core() -> Covered:
    """By gcov; the firmware's own check says what is missed."""
    done = subprocess.run(
        ["make", "-s", "-C", str(FIRMWARE), "coverage", f"PYTHON={sys.executable}"], capture_output=True, text=True, check=False
    )  # fmt: skip
    *_, last = done.stdout.strip().splitlines() or [""]
    found = re.fullmatch(r"core: (\d+) lines, (\d+) branches; (\d+) places not wholly covered", last)
    if found is None:
        sys.exit(f"make coverage failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    missed = [line for line in done.stdout.splitlines() if "never" in line]
    return Covered(int(found[1]), int(found[2]), missed)


def rows(names: list[str]) -> Iterator[Row]:
    """A row a group, and one that says whether the tests passed; prints what was missed."""
    groups = {name: group for name, group in GROUPS.items() if name in names}
    files, failed = measured(groups) if groups else ({}, "")
    if failed:
        print(failed)
        yield Row("runs of tests that failed", 1, "runs", 0)
    results = {name: covered(group, files) for name, group in groups.items()}
    if C_CORE in names:
        results[C_CORE] = c_core()
    for name, result in results.items():
        print("\n".join(result.missed), end="\n" * bool(result.missed))
        peer = f"{result.lines} lines, {result.branches} branches, {len(result.missed)} never taken"
        yield Row(f"{name}: lines and branches taken", result.percent, "%", ALL, AT_LEAST, peer)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of: {', '.join((*GROUPS, C_CORE))}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    options = parser.parse_args()
    unknown = set(options.groups) - {*GROUPS, C_CORE}
    if unknown:
        parser.error(f"there is no group {', '.join(sorted(unknown))}")
    found = list(rows(options.groups or [*GROUPS, C_CORE]))
    for row in found:
        print(f"{row.name:42} {row.value:7.2f} {row.unit:4} {row.peer}")
    if options.json:
        write(options.json, found, is_quick=False)
    return 0 if all(row.holds for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
