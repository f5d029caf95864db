"""What the firmware takes of a small controller: flash, static RAM, worst stack. Ends with 1 over a limit.

python tools/firmware/size.py FOLDER    FOLDER: build folder with jidoka-plc.elf, jidoka-plc.map and cortex_m/*.ci

Flash is counted of what a product has: core and port. The rig's machine (panel, conveyor, what it tells) is linked in
for tests and is shown apart. The stack is the longest chain of calls by the compiler's own frame sizes, with the
longest interrupt and the processor's exception frame on top.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

FLASH_BYTES = 6 * 1024
RAM_BYTES = 1024
STACK_BYTES = 256
EXCEPTION_FRAME_BYTES = 32
#: where a chain begins: reset never returns; an interrupt comes on top of it
RESET, INTERRUPTS = "reset", ("board_agent_interrupt", "lost", "fault")
RIG_OBJECTS = ("machine.o", "rig.o")
#: written by cc's -fcallgraph-info=su
NODE = re.compile(
    r'node: \{ title: "(?P<title>[^"]+)" label: "(?P<name>\w[^\\"]*)\\n[^"]*?(?P<bytes>\d+) bytes \((?P<kind>[^)]+)\)'
)
EDGE = re.compile(r'edge: \{ sourcename: "(?P<source>[^"]+)" targetname: "(?P<target>[^"]+)"')
PLACED = re.compile(
    r"^ \.(?:text|rodata|vectors)\S*\s+0x[0-9a-f]+\s+(?P<bytes>0x[0-9a-f]+)\s+(?P<object>\S+)$", re.MULTILINE
)


def sections(image: Path) -> dict[str, int]:
    """Bytes of each section of the image."""
    text = subprocess.run(
        ["arm-none-eabi-size", "-A", str(image)], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    rows = [line.split() for line in text.splitlines()]
    return {row[0]: int(row[1]) for row in rows if len(row) == 3 and row[1].isdigit()}


def rig_bytes(map_file: Path) -> int:
    """Flash that the rig's machine takes, by the linker's map."""
    text = re.sub(r"^( \.\S+)\n\s+", r"\1 ", map_file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text[text.index("Linker script and memory map") :]
    return sum(int(m["bytes"], 16) for m in PLACED.finditer(text) if m["object"].endswith(RIG_OBJECTS))


def call_graph(folder: Path) -> tuple[dict[str, int], dict[str, set[str]]]:
    """(bytes of each function's frame, whom it calls). Raises SystemExit for a frame whose size isn't constant."""
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.ci")):
        text = path.read_text(encoding="utf-8")
        for node in NODE.finditer(text):
            if node["kind"] != "static":
                raise SystemExit(f"{node['title']}: its frame is {node['kind']}, not static")
            frames[node["title"]] = int(node["bytes"])
        for edge in EDGE.finditer(text):
            calls.setdefault(edge["source"], set()).add(edge["target"])
    if RESET not in frames:
        raise SystemExit(f"{folder}: no call graph there; build it with make cortex-m")
    return frames, calls


def deepest(
    frames: dict[str, int], calls: dict[str, set[str]], start: str, above: tuple[str, ...] = ()
) -> tuple[int, tuple[str, ...]]:
    """(bytes, chain) of the longest chain from here. Raises SystemExit for recursion and calls nobody can follow."""
    if start in above:
        raise SystemExit(f"{' > '.join((*above, start))}: recursion")
    if start == "__indirect_call":
        raise SystemExit(f"{above[-1]}: calls through a pointer")
    best: tuple[int, tuple[str, ...]] = (0, ())
    for target in calls.get(start, ()):
        best = max(best, deepest(frames, calls, target, (*above, start)))
    return frames[start] + best[0], (start, *best[1])


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    size = sections(options.folder / "jidoka-plc.elf")
    frames, calls = call_graph(options.folder / "cortex_m")
    thread, chain = deepest(frames, calls, RESET)
    interrupt, _ = max(deepest(frames, calls, name) for name in INTERRUPTS)
    rig = rig_bytes(options.folder / "jidoka-plc.map")
    rows = (
        ("flash, core and port", size[".text"] - rig, FLASH_BYTES),
        ("flash, the rig's machine", rig, None),
        ("static RAM, ring included", size[".bss"] + size[".noinit"], RAM_BYTES),
        ("stack, longest chain and interrupt", thread + interrupt + EXCEPTION_FRAME_BYTES, STACK_BYTES),
    )
    for name, value, limit in rows:
        held = "" if limit is None else f"at most {limit}: {'holds' if value <= limit else 'FALLS SHORT'}"
        print(f"{name:36} {value:6} B  {held}")
    print("longest chain:", " > ".join(f"{name.split(':')[-1]} {frames[name]}" for name in chain))
    return 1 if any(limit is not None and value > limit for _, value, limit in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
