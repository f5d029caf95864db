"""What a PLC is and remembers (block C), by name: as the steward is told of it, and as people read it."""

from __future__ import annotations

from typing import Any

from jidoka_bridge.link.blocks import BlockC
from jidoka_bridge.registers import Flag

#: shown under names of their own, or of no use to people
LEFT_OUT = frozenset({"ring", "version", "map_digest", "flags"})


def memory_of(block_c: BlockC) -> dict[str, Any]:
    """Plain values: version as MAJOR.MINOR, digests in hex (approved: "" = none yet), abilities by name, every counter."""
    values = {name: value for name, value in vars(block_c).items() if name not in LEFT_OUT}
    return {
        "version": f"{block_c.version >> 8}.{block_c.version & 0xFF}",
        "map_digest": f"{block_c.map_digest:08x}",
        "abilities": [flag.name for flag in Flag if block_c.flags & flag],
        **values,
        "approved_digest": f"{block_c.approved_digest:08x}" if block_c.approved_digest else "",
    }
