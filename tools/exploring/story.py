"""A way to a broken invariant as a story: what happened, and where interlock, word and output stood after it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.exploring.core_faults import Fault
from tools.exploring.core_slices import Slice
from tools.exploring.search import Found, replay
from tools.exploring.seeding import seeded


def write(path: Path, a_slice: Slice, found: Found, fault: Fault | None = None) -> None:
    """Keep a counter-example."""
    document = {
        "slice": a_slice.name,
        "root": found.root,
        "events": list(found.events),
        "broken": found.text,
        "fault": fault.text if fault else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def line(event: str, world: Any) -> str:
    """One line of a story."""
    return f"  {event:32} -> {world.told_state()}"


def tell(a_slice: Slice, found: Found, fault: Fault | None, say: Callable[[str], None]) -> bool:
    """Go the way again and print it. True if the same invariant breaks at its end."""
    say(f"{a_slice.name}: {a_slice.text}")
    if fault:
        say(f"with the fault: {fault.text}")
    say(f"begins at: {found.root}")
    with seeded(a_slice.scaled), seeded(fault.seed if fault else None):
        broken = replay(a_slice.make(), found, lambda event, world: say(line(event, world)))
    say(broken or "nothing breaks")
    return bool(broken) and broken.partition(":")[0] == found.text.partition(":")[0]
