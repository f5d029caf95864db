"""Does the program in the PLC fit this one? Register map and firmware version, both named where they don't.

With another register map no block's CRC-32 fits (the map digest is in it), so the head of block C, where the PLC says
of itself which map it has, is read without one: it bars arming or not, and nothing else is believed of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from jidoka_bridge import registers

#: words of block C before its counters
HEAD_WORDS = 16
#: firmware below this one isn't armed, whatever its map; major << 8 | minor
OLDEST_FIRMWARE = 0x0100
UNKNOWN = "the PLC doesn't serve block C, so its firmware and register map aren't known"
_FIELDS = {field.name: field for field in registers.C.fields}


def found_in(head: Sequence[int]) -> str:
    """What of the head of block C doesn't fit this program, as a sentence; "" if it fits."""
    version = head[_FIELDS["version"].word]
    place = _FIELDS["map_digest"].word
    digest = (head[place] << 16 | head[place + 1]).to_bytes(4, "big")
    if head[0] != _FIELDS["format"].fixed:
        return f"the PLC has another register map: its block C begins with {head[0]:#06x}, this program knows {_FIELDS['format'].fixed:#06x}"
    if digest != registers.MAP_DIGEST:
        return (
            f"the PLC has another register map: {digest.hex()} (firmware {shown(version)}), "
            f"this program's is {registers.MAP_DIGEST.hex()}"
        )
    if version < OLDEST_FIRMWARE:
        return f"the PLC's firmware is {shown(version)}, this program needs {shown(OLDEST_FIRMWARE)} or newer"
    return ""


def shown(version: int) -> str:
    """A firmware version as people write it."""
    return f"{version >> 8}.{version & 0xFF}"
