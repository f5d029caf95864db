"""Mutates a module of what stops machines, and tells which mutants no test noticed.

`make mutants MODULE=frames`, or python -m tools.mutants NAME [--report DIRECTORY] [--list]. Each function of the sources
is changed in every way that mutmut knows, one at a time, and the module's tests run on it, in a scratch copy of the
project. Every mutant that isn't noticed must stand in justified.yaml with its reason, one that no test reached or that broke the
runner too; and the share that is noticed must reach what modules.py asks for.
What stands outside functions (tables) isn't mutated here: seeded faults and the tables' own tests are for that.
"""

from __future__ import annotations

import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from tools.mutants.modules import MODULES, Module

ROOT = Path(__file__).resolve().parents[2]
JUSTIFIED = Path(__file__).with_name("justified.yaml")
#: what the tests of any module need; packages lie at the top of the scratch copy, as their names say
FOLDERS = ("tests", "models", "configs", "tools")
PACKAGES = ("agent/jidoka", "agent/jidoka_tap", "firmware_bridge/jidoka_bridge")
NOTICED = ("killed", "timeout", "caught by type check")
#: of functions that ran before a mutant could be switched on; they count for nothing
AT_IMPORT = "at import"
LIMIT_S = 45 * 60


def scratch(module: Module, folder: Path) -> None:
    """A copy of what the tests need, and mutmut's settings for one module."""
    skip = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.nbi", "*.nbc")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / Path(name).name, ignore=skip)
    (folder / "firmware_bridge").mkdir()
    shutil.copy(ROOT / "firmware_bridge" / "registers.yaml", folder / "firmware_bridge")
    shutil.copy(ROOT / "pyproject.toml", folder)
    copied = [*FOLDERS[1:], *(Path(name).name for name in PACKAGES), "firmware_bridge"]
    settings = {
        "source_paths": module.sources,
        "also_copy": copied,
        "pytest_add_cli_args_test_selection": module.tests,
        "pytest_add_cli_args": ("-m", "not process", "-p", "no:cacheprovider"),
    }
    lines = ["[mutmut]"]
    for name, values in settings.items():
        lines += [f"{name}=", *(f"    {value}" for value in values)]
    (folder / "setup.cfg").write_text("\n".join(lines) + "\n")


def mutmut(folder: Path, *arguments: str) -> str:
    """Output of one call of mutmut in the scratch copy. Exits where it can't run."""
    environment = {**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / ".hypothesis")}
    environment.pop("PYTHONPATH", None)  # the mutated packages come first by themselves
    done = subprocess.run(
        [str(Path(sys.executable).with_name("mutmut")), *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"mutmut {' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def function_of(name: str) -> str:
    """module.function or module.Class.method of a mutant."""
    module, _, rest = name.rpartition(".x")
    body = re.sub(r"__mutmut_\d+$", "", rest)
    return f"{module}.{body[1:].replace('ǁ', '.')}" if body.startswith(("_", "ǁ")) else f"{module}.{body}"


def change_of(diff: str) -> str:
    """The first line that a mutant's diff adds (or takes away), for people."""
    lines = [line for line in diff.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    added = [line[1:].strip() for line in lines if line[0] == "+"]
    return (added or [line[1:].strip() for line in lines] or ["?"])[0]


def reason_of(function: str, change: str, justified: list[dict[str, Any]]) -> str:
    """Why this survivor may live; "" if nobody said so."""
    for each in justified:
        if each["function"] == function and each["change"] in ("*", change):
            return str(each["why"])
    return ""


class Survivor(NamedTuple):
    """A mutant that no test noticed. why: it may live; "" = nobody said why."""

    function: str
    change: str
    why: str


def report(
    name: str, module: Module, counts: Mapping[str, int], living: Sequence[Survivor], took_s: float
) -> str:
    """The page about one run. counts: mutants by what became of them."""
    noticed, total = shares(counts)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    sources, tests = (", ".join(f"`{each}`" for each in names) for names in (module.sources, module.tests))
    result = (
        f"{noticed} of {total} mutants are noticed ({noticed / max(1, total):.1%}; at least {module.least_share:.0%} is "
        f"asked for), in {took_s / 60:.1f} min: {told}."
    )
    lines = [
        f"# Mutants of `{name}`",
        f"`make mutants MODULE={name}`: {sources}, noticed by {tests}.",
        result,
    ]
    if living:
        rows = [
            f"| `{each.function}` | `{each.change}` | {each.why or '**nobody said why**'} |"
            for each in living
        ]
        lines.append(
            "\n".join(["| function | the line as mutated | why it may live |", "|---|---|---|", *rows])
        )
    return "\n\n".join(lines) + "\n"


def shares(counts: Mapping[str, int]) -> tuple[int, int]:
    """(noticed, all that could be switched on)."""
    return sum(counts.get(each, 0) for each in NOTICED), sum(counts.values()) - counts.get(AT_IMPORT, 0)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", nargs="?", choices=MODULES)
    parser.add_argument("--report", type=Path, help="write NAME.md into this folder")
    parser.add_argument("--list", action="store_true", help="what can be mutated")
    options = parser.parse_args()
    if options.list or options.module is None:
        print("\n".join(MODULES))
        return 0
    module = MODULES[options.module]
    justified = YAML(typ="safe").load(JUSTIFIED.read_text()) or []
    started_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jidoka-mutants-") as name:
        folder = Path(name)
        scratch(module, folder)
        print(f"mutating {', '.join(module.sources)}; a mutant takes about 0.2 s", flush=True)
        mutmut(folder, "run", "--max-children", "2")
        listed = re.findall(r"^\s+(\S+): (.+)$", mutmut(folder, "results", "--all", "true"), re.MULTILINE)
        statuses = dict(listed)
        living = [each for each, status in statuses.items() if status not in NOTICED]
        changes = {each: change_of(mutmut(folder, "show", each)) for each in living}
    survivors = []
    for each in living:
        function, change = function_of(each), changes[each]
        why = reason_of(function, change, justified)
        if why and reason_of(function, "", justified):
            statuses[each] = AT_IMPORT
        else:
            survivors.append(Survivor(function, change.replace("|", "\\|"), why))
    counts = collections.Counter(statuses.values())
    text = report(options.module, module, counts, survivors, time.monotonic() - started_s)
    print(text)
    if options.report is not None:
        options.report.mkdir(parents=True, exist_ok=True)
        (options.report / f"{options.module}.md").write_text(text)
    unjustified = sum(not each.why for each in survivors)
    noticed, total = shares(counts)
    if unjustified or not total or noticed < module.least_share * total:
        print(f"{unjustified} live unjustified: test them, or say in {JUSTIFIED.name} why they may")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
