"""cppcheck's MISRA C:2012 addon over the firmware's core: ends with 1 at a finding, or if a bad file passes.

python tools/firmware/misra.py [--folder FOLDER]

The addon runs on dumps: through cppcheck's own --addon option it would leave out rules. Without the paid rule texts
findings carry numbers only. A file with seeded violations is checked in the same run and must be flagged for each.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware_bridge" / "firmware" / "core"
ADDONS = (Path("/usr/lib/x86_64-linux-gnu/cppcheck/addons"), Path("/usr/lib/aarch64-linux-gnu/cppcheck/addons"),
          Path("/usr/share/cppcheck/addons"))  # fmt: skip
FOUND = re.compile(r"^\[(?P<file>[^:]+):(?P<line>\d+)\].*\[misra-c2012-(?P<rule>[\d.]+)\]", re.MULTILINE)
#: what the seeded file violates: 15.1 goto, 17.7 result thrown away, 10.4 mixed types, 21.3 malloc, 14.4 no boolean,
#: 16.4 switch without default, 17.2 recursion
SEEDED = {"15.1", "17.7", "10.4", "21.3", "14.4", "16.4", "17.2"}
BAD = """\
#include <stdint.h>
#include <stdlib.h>

int32_t bad(uint32_t value);

int32_t bad(uint32_t value) {
    int32_t sum = 0;
    bad(value);
    void *memory = malloc(8U);
    if (value) {
        goto out;
    }
    switch (value) {
    case 1U:
        sum = 1;
        break;
    }
    sum = (memory != 0) ? (sum + value) : 0;
out:
    return sum;
}
"""


def addon() -> Path:
    """Where cppcheck keeps the addon. Raises SystemExit where it isn't installed."""
    for folder in ADDONS:
        if (folder / "misra.py").is_file():
            return folder / "misra.py"
    raise SystemExit("cppcheck's MISRA addon isn't installed: apt install cppcheck")


def findings(sources: list[Path], folder: Path) -> list[tuple[str, int, str]]:
    """(file, line, rule) of each violation. Raises SystemExit if the tools themselves fail."""
    for source in sources:
        shutil.copy(source, folder)
    names = sorted(path.name for path in folder.glob("*.c"))
    dumped = _run(["cppcheck", "--dump", "--std=c11", "--quiet", *names], folder)
    dumps = [f"{name}.dump" for name in names]
    if dumped.returncode or any(not (folder / dump).is_file() for dump in dumps):
        raise SystemExit(f"cppcheck --dump failed:\n{dumped.stdout}{dumped.stderr}")
    done = _run([sys.executable, str(addon()), *dumps], folder)
    text = done.stdout + done.stderr
    if "Checking" not in text:
        raise SystemExit(f"misra.py failed:\n{text}")
    return sorted((m["file"], int(m["line"]), m["rule"]) for m in FOUND.finditer(text))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=CORE, help="another folder of C files")
    options = parser.parse_args()
    sources = [path for path in sorted(options.folder.iterdir()) if path.suffix in (".c", ".h")]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        found = findings(sources, Path(one))
        (Path(other) / "bad.c").write_text(BAD, encoding="utf-8")
        flagged = {rule for _, _, rule in findings([], Path(other))}
    for file, line, rule in found:
        print(f"{file}:{line}: MISRA C:2012 rule {rule}")
    print(f"{len(sources)} files, {len(found)} findings")
    missed = SEEDED - flagged
    print(f"seeded file: {len(SEEDED - missed)} of {len(SEEDED)} violations flagged")
    if missed:
        print(f"not flagged: {', '.join(sorted(missed))}")
    return 1 if found or missed else 0


if __name__ == "__main__":
    sys.exit(main())
