"""Writes docs/figures.md from what the benches measured, docs/figures/*.json; --check fails if it is stale.

python tools/figures_docs.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "docs" / "figures"
TARGET = ROOT / "docs" / "figures.md"
HEAD = """\
# Figures

Made by `python tools/figures_docs.py` from `docs/figures/*.json`, which `make bench` writes; don't edit.

A ratio is held against a peer that was measured in the same run, because absolute times say more about the machine
than about the program. A figure without a reach is shown for information. A reach that isn't kept stays on this page.
"""
#: file -> heading; another file is headed by its name
TITLES = {
    "alarm_load": "Alarms: what a month asks of people",
    "chain": "The whole chain",
    "tap": "The tap",
    "kernels": "The monitor's kernels",
    "arm": "A control model: the arm",
    "embedding": "Embeddings: cost of one, and how soon a change is found",
    "false_alarms": "False alarms: is the budget kept",
    "delay": "Delay: how soon a change is found, and which parts to sort again",
    "real_data": "Real data: found, missed, false alarms, refused",
    "estimates": "Gates, estimates, labels and slices",
    "reaction": "Reaction: from a verdict, and from the guard's death, to the coil",
    "kill_guard": "Programs killed: withheld in time, nothing lost, nothing risen by itself",
    "public_models": "Public control policies, on their outputs alone",
    "yolox": "A public detector with injected faults",
    "firmware": "The firmware in an emulated board",
    "three_answers_agree": "Three answers: Python, C and Structured Text say the same",
    "three_answers_button": "Three answers: presses of the button",
    "three_answers_hostile": "Three answers: a hostile guard",
    "three_answers_mutants": "Three answers: mutants of the Structured Text block",
    "branch_coverage": "Branch coverage of what stops machines",
    "explore": "Exploring the interlock to closure",
    "explore_faults": "Exploring the interlock: seeded faults",
    "faults": "Faults on the link",
    "link": "The link: cost, lateness, memory",
    "hostile_commands": "Hostile commands through a broker",
    "steward": "The steward: processor time",
    "outbox": "The outbox: nothing lost, alarms first",
    "outbox_kills": "The outbox: programs killed, files torn",
}
#: file -> what made it, where that is no bench of its name
SOURCES_OF = {
    "branch_coverage": "python -m tools.branch_coverage",
    "explore_faults": "tools/explore.py --faults",
    "hostile_commands": "tools/hostile_commands.py",
    "outbox_kills": "tools/kill_outbox.py",
    "firmware": "tools/firmware/emulated.py",
    **{
        f"three_answers_{each}": f"python -m tools.three_answers {each}"
        for each in ("agree", "button", "hostile", "mutants")
    },
}


def shown(value: float) -> str:
    """Three digits, and no exponent where a person would write none."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def line(row: Mapping[str, Any]) -> str:
    """One figure as a row of the table."""
    reach = "" if row["reach"] is None else f"{row['sense']} {shown(row['reach'])}"
    held = {True: "yes", False: "**no**", None: ""}[row["holds"]]
    cells = (row["name"], f"{shown(row['value'])} {row['unit']}", reach, held, row["peer"])
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def source(name: str) -> str:
    """The program that wrote a file of this name."""
    if name in SOURCES_OF:
        return SOURCES_OF[name]
    is_bench = (ROOT / "tools" / "bench" / f"{name}.py").exists()
    return f"tools/{'bench/' if is_bench else ''}{name}.py"


def section(name: str, document: Mapping[str, Any]) -> str:
    """One bench."""
    how = ", quick" if document["quick"] else ""
    return "\n".join(
        [
            f"\n## {TITLES.get(name, name.replace('_', ' ').capitalize())}\n",
            f"`{source(name)}`{how}; {document['machine']}.\n",
            "| figure | measured | reach | kept | beside |",
            "|---|---|---|---|---|",
            *(line(row) for row in document["rows"]),
            "",
        ]
    )


def document(folder: Path = SOURCES) -> str:
    """The whole page; a bench that nobody has run isn't in it."""
    found = sorted(folder.glob("*.json"))
    parts = [section(path.stem, json.loads(path.read_text(encoding="utf-8"))) for path in found]
    return HEAD + "".join(parts)


def main() -> int:
    """Write or check. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is stale")
    options = parser.parse_args()
    text = document()
    if TARGET.exists() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    if options.check:
        print(f"{TARGET.relative_to(ROOT)} is stale; run: python tools/figures_docs.py", file=sys.stderr)
        return 1
    TARGET.write_text(text, encoding="utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
