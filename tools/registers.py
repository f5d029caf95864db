"""Makes all that is generated from firmware_bridge/registers.yaml: Python, C, Structured Text, the docs page.

`python tools/registers.py` writes it; `--check` writes nothing and exits 1 when a file is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

# run as a file: the makers stand beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tools import _registers_c, _registers_page, _registers_python, _registers_st
from tools._registers_map import Registers, check_block, load, map_digest

__all__ = ["ROOT", "SOURCE", "TARGETS", "check_block", "load", "main", "map_digest"]

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "firmware_bridge" / "registers.yaml"
#: generated file -> what makes its text
TARGETS: dict[Path, Callable[[Registers], str]] = {
    ROOT / "firmware_bridge" / "jidoka_bridge" / "registers.py": _registers_python.text,
    ROOT / "firmware_bridge" / "firmware" / "core" / "registers.h": _registers_c.text,
    ROOT / "firmware_bridge" / "firmware" / "machine" / "register_names.h": _registers_c.names_text,
    _registers_st.BLOCK: _registers_st.text,
    ROOT / "docs" / "registers.md": _registers_page.text,
}


def main(arguments: list[str] | None = None) -> int:
    """Write or check all targets. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    options = parser.parse_args(arguments)
    source = load(SOURCE)
    stale = False
    for path, make in TARGETS.items():
        text = make(source)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if options.check:
            print(f"{path.relative_to(ROOT)} is stale; run: python tools/registers.py", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
