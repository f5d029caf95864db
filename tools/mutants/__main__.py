"""Mutates a module of what stops machines, and tells which mutants no test noticed.

`make mutants MODULE=frames`, or python -m tools.mutants NAME [--report DIRECTORY] [--list]. Each function of the sources
is changed in every way that mutmut knows, one at a time, and the module's tests run on it, in a scratch copy of the
project; then the tables, constants and defaults, by the project's own `tables`. Every mutant that isn't noticed must
stand in justified.yaml with its reason, one that no test reached or that broke the runner too; and the share that is
noticed must reach what modules.py asks for.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.mutants import report
from tools.mutants.modules import BESIDE_C, MODULES, Module
from tools.mutants.report import Mutant

ROOT = Path(__file__).resolve().parents[2]
#: what the tests of any module need; packages lie at the top of the scratch copy, as their names say
FOLDERS = ("tests", "models", "configs", "tools", "docs")
PACKAGES = ("agent/jidoka", "agent/jidoka_tap", "firmware_bridge/jidoka_bridge")
FIRMWARE = ROOT / "firmware_bridge" / "firmware"
LIMIT_S = 45 * 60


def scratch(module: Module, folder: Path) -> None:
    """A copy of what the tests need, and the one setting that mutmut doesn't do without."""
    skip = shutil.ignore_patterns("__pycache__", ".hypothesis", "*.nbi", "*.nbc")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / Path(name).name, ignore=skip)
    (folder / "firmware_bridge").mkdir()
    shutil.copy(ROOT / "firmware_bridge" / "registers.yaml", folder / "firmware_bridge")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "setup.cfg").write_text(f"[mutmut]\nsource_paths={module.sources[0]}\n")


def _run(folder: Path, *command: str) -> str:
    """Output of one program in the scratch copy. Exits where it can't run."""
    environment = {
        **os.environ,
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / ".hypothesis"),
        "JIDOKA_FIRMWARE_LIBRARY": str(FIRMWARE / "build" / "libjidoka_plc.so"),
    }
    environment.pop("PYTHONPATH", None)  # the mutated packages come first by themselves
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=False, timeout=LIMIT_S
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")
    return done.stdout


def mutants_of(folder: Path, half: str, name: str, processes: int) -> list[Mutant]:
    """By `tools.mutants.functions` or `tools.mutants.forks`, in the scratch copy."""
    output = _run(folder, sys.executable, "-m", f"tools.mutants.{half}", name, "--processes", str(processes))
    told = [json.loads(line) for line in output.splitlines()]
    return [Mutant(each["place"], each["line"], each["status"]) for each in told]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("module", nargs="?", choices=MODULES)
    parser.add_argument("--report", type=Path, help="write NAME.md and README.md into this folder")
    parser.add_argument(
        "--only", choices=("functions", "tables"), help="one half of it (no report is written)"
    )
    parser.add_argument("--processes", type=int, default=2, help="at once (default: 2)")
    parser.add_argument("--list", action="store_true", help="what can be mutated")
    options = parser.parse_args()
    if options.list or options.module is None:
        print("\n".join(MODULES))
        return 0
    module = MODULES[options.module]
    justified = report.justified()
    started_s = time.monotonic()
    functions: list[Mutant] = []
    tables: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="jidoka-mutants-") as name:
        folder = Path(name)
        scratch(module, folder)
        if BESIDE_C in module.tests:
            _run(FIRMWARE, "make", "-s", "host", f"PYTHON={sys.executable}")
        print(f"mutating {', '.join(module.sources)}", flush=True)
        if options.only != "functions":
            tables = report.judged(mutants_of(folder, "forks", options.module, options.processes), justified)
        if options.only != "tables":
            functions = report.judged(
                mutants_of(folder, "functions", options.module, options.processes), justified
            )
    took_s = time.monotonic() - started_s
    text = report.page(options.module, module, functions, tables, took_s)
    print(text)
    if options.report is not None and options.only is None:
        options.report.mkdir(parents=True, exist_ok=True)
        (options.report / f"{options.module}.md").write_text(text)
        (options.report / "README.md").write_text(report.index(options.report))
    is_enough = report.is_enough([*functions, *tables], module)
    if not is_enough:
        print(f"not enough: test what lives, or say in {report.JUSTIFIED.name} why it may")
    return 0 if is_enough else 1


if __name__ == "__main__":
    sys.exit(main())
