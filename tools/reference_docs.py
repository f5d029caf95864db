"""Writes docs/reference.md from the tables that the programs run by; --check fails if it is stale.

python tools/reference_docs.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from jidoka.cli.main import COMMANDS
from jidoka.exit_codes import EXIT_CODES
from jidoka.monitor import verdicts
from jidoka_bridge import messages, metrics, refusals, roles
from jidoka_bridge.guard import interlock
from jidoka_tap import wire

TARGET = Path(__file__).resolve().parents[1] / "docs" / "reference.md"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def document() -> str:
    """The whole page."""
    record_wire = [(str(number), name) for number, name in wire.KINDS.items()]
    parts = [
        "# Reference",
        "Made by `python tools/reference_docs.py` from the tables in the code; change those, not this page.",
        "## Commands",
        table(("command", "what it does"), [(f"`jidoka {row.name}`", row.summary) for row in COMMANDS]),
        "## Exit codes",
        "Every command ends with one of these.",
        table(("code", "name", "meaning"), [(str(row.code), row.name, row.meaning) for row in EXIT_CODES]),
        "## Who may do what",
        f"Roles: {', '.join(roles.ROLES)}. What isn't listed, nobody may do by a message: a reset is a button at the machine.",
        table(
            ("act", "entitled"),
            [(act, ", ".join(r for r in roles.ROLES if r in who)) for act, who in roles.ENTITLED.items()],
        ),
        "Reasons that an acknowledgement may carry: "
        + ", ".join(f"“{reason}”" for reason in roles.ACKNOWLEDGE_REASONS)
        + ".",
        "## The interlock",
        (
            "What each kind of event does in each state, as the guard runs it (`jidoka_bridge/guard/interlock.py`). A state's name: "
            "go there. `.` unchanged, `noted` unchanged and told, `-` can't occur, `R!` refused; `x/y` in FALLBACK: y during a "
            "proving run."
        ),
        table(
            ("kind of event", *(state.name for state in interlock.STATES), "what people read"),
            [(row.event, *row.cells, row.text) for row in interlock.TABLE],
        ),
        "## Alarms",
        "States, events, delays, shelves and the agent's own alarms: [alarms.md](alarms.md).",
        "## Local messages",
        (
            f"One SEQPACKET datagram is one message: {messages.HEADER.size}-byte header `{messages.HEADER.format}` "
            f"(magic `{messages.MAGIC.decode()}`, version {messages.VERSION}, kind, flags, length, number, CLOCK_MONOTONIC ns), "
            "then the body. Module: `jidoka_bridge/messages.py`."
        ),
        table(
            ("number", "kind", "from", "to", "body", "meaning"),
            [
                (str(int(row.kind)), row.kind.name, row.sender, row.receiver, row.body, row.meaning)
                for row in messages.KINDS
            ],
        ),
        "## Record wire",
        (
            f"Between the tap and the monitor: {wire.HEADER.size}-byte header `{wire.HEADER.format}` (magic `{wire.MAGIC.decode()}`, "
            f"version {wire.VERSION}, kind, flags, length, CLOCK_MONOTONIC ns). Tensors travel inline up to "
            f"{wire.INLINE_LIMIT_BYTES} bytes a record, larger ones in the arena that the monitor hands out; what finds no room is named and counted as not sent. Module: `jidoka_tap/wire.py`."
        ),
        table(("number", "kind"), record_wire),
        "## Refusals",
        (
            "Why the monitor refuses what an application sends; values of the metrics' label `reason`. "
            "Module: `jidoka_bridge/refusals.py`."
        ),
        table(("reason", "meaning"), list(refusals.REFUSALS.items())),
        "## Verdicts",
        (
            "What the monitor finds in a record, and what that makes of it; a record with none of these passes, and a part is as "
            "bad as its worst record. The bit is that of a decision row and of a gate's reasons. Module: "
            "`jidoka/monitor/verdicts.py`."
        ),
        table(
            ("bit", "verdict", "what people read"),
            [
                (str(int(row.reason).bit_length() - 1), row.verdict.name.lower(), row.text)
                for row in verdicts.REASONS
            ],
        ),
        "## Metrics",
        "Served by the steward on `/metrics` (loopback by default). Module: `jidoka_bridge/metrics.py`.",
        table(
            ("name", "kind", "labels", "program", "meaning"),
            [
                (f"`jidoka_{m.name}`", m.kind, ", ".join(m.labels) or "–", m.program, m.help)
                for m in metrics.METRICS
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is stale")
    text = document()
    if not parser.parse_args().check:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text:
        print(
            f"{TARGET.name} is stale: run python tools/reference_docs.py and commit what it writes",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
