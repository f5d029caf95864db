"""What others say, cut down to what can be recorded: a text or an evidence must spoil neither a trip nor its record."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

MAX_TEXT = 200
MAX_NAME = 64
MAX_EVIDENCE_BYTES = 8_000
#: of a list of sentences: with the rest of its message it fits a datagram
MAX_LIST_BYTES = 24_000
#: bytes of a character outside the basic plane in JSON, as two escapes
LONGEST_CHARACTER = 12
MAX_INT = 2**63
#: evidence that the guard counts with: times, whole numbers
TIMES = ("onset_ns", "judged_ns")


def text(body: Mapping[str, Any], key: str, limit: int = MAX_TEXT) -> str:
    """A text of a message, cut to `limit`; anything else than a text is none."""
    value = body.get(key)
    return value[:limit] if isinstance(value, str) else ""


def sentences(given: Sequence[str]) -> list[str]:
    """As many as a message takes; the last one then says how many more there are."""
    if sum(map(len, given)) * LONGEST_CHARACTER <= MAX_LIST_BYTES:
        return list(given)
    left = MAX_LIST_BYTES
    for number, each in enumerate(given):
        left -= len(json.dumps(each)) + 1
        if left < 0:
            return [*given[:number], f"and {len(given) - number} more"]
    return list(given)


def evidence(given: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence without what no record can hold; `dropped` names what was left out."""
    kept = {key[:MAX_NAME]: value for key, value in given.items() if _is_plain(value)}
    for key in TIMES:
        if type(kept.get(key, 0)) is not int or kept.get(key, 0) < 0:
            del kept[key]
    dropped = [key[:MAX_NAME] for key in given if key[:MAX_NAME] not in kept]
    if dropped:
        kept["dropped"] = dropped[:10]
    length = len(json.dumps(kept))
    return kept if length <= MAX_EVIDENCE_BYTES else {"dropped": f"all of it: {length} bytes"}


def _is_plain(value: object) -> bool:
    """Finite numbers of at most 64 bits, texts, and lists and objects of such."""
    if isinstance(value, dict | list):
        return all(_is_plain(each) for each in (value.values() if isinstance(value, dict) else value))
    if isinstance(value, int):
        return -MAX_INT <= value < MAX_INT
    return math.isfinite(value) if isinstance(value, float) else True
