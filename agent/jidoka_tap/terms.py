"""What the monitor's WELCOME asks for, checked: which tensors, how often, in what memory, and the reasons' texts."""

from typing import Any, Dict, FrozenSet, NamedTuple, Optional, Tuple

from jidoka_tap import wire

Roi = Tuple[int, int, int, int]  # x, y, width, height in pixels
MOST_ARENA_BYTES = 1 << 30
MOST_SLOTS = 64
MOST_NOTES = 20
MOST_NOTE_CHARACTERS = 500


class Terms(NamedTuple):
    """every: inputs go with each n-th record, 0 = never; outputs, inputs: names that are wanted, None = all;
    slots, slot_bytes: of the arena, 0 = none; reasons: texts of a verdict's bits; notes: for the log; known_answers: digest of
    the plan's set, "" = none."""

    every: int
    roi: Optional[Roi]
    inline_limit_bytes: int
    outputs: Optional[FrozenSet[str]] = None
    inputs: Optional[FrozenSet[str]] = None
    slots: int = 0
    slot_bytes: int = 0
    reasons: Tuple[Tuple[int, str], ...] = ()
    notes: Tuple[str, ...] = ()
    known_answers: str = ""


NO_TERMS = Terms(1, None, wire.INLINE_LIMIT_BYTES)


def terms_of(welcome: Dict[str, Any]) -> Terms:
    """The terms in a WELCOME. Raises wire.WireError for values that make no sense."""
    every = welcome.get("every", 1)
    limit = welcome.get("inline_limit_bytes", wire.INLINE_LIMIT_BYTES)
    roi = welcome.get("roi")
    whole = roi if isinstance(roi, list) else []
    if (
        not all(_is_count(number) for number in [every, limit, *whole])
        or (roi is not None and len(whole) != 4)
        or limit > wire.INLINE_LIMIT_BYTES
    ):
        raise wire.WireError("WELCOME asks for every=%r, roi=%r, inline_limit_bytes=%r" % (every, roi, limit))
    slots, slot_bytes = _arena(welcome.get("arena"))
    wanted = welcome.get("wanted") or {}
    reasons, notes = welcome.get("reasons") or {}, welcome.get("notes") or []
    if not isinstance(wanted, dict) or not isinstance(reasons, dict) or not isinstance(notes, list):
        raise wire.WireError("WELCOME has wanted=%r, reasons=%r, notes=%r" % (wanted, reasons, notes))
    return Terms(
        every,
        (whole[0], whole[1], whole[2], whole[3]) if whole else None,
        limit,
        _names(wanted.get("outputs")),
        _names(wanted.get("inputs")),
        slots,
        slot_bytes,
        tuple(sorted((_bit(bit), str(text)) for bit, text in reasons.items())),
        tuple(str(note)[:MOST_NOTE_CHARACTERS] for note in notes[:MOST_NOTES]),
        str(welcome.get("known_answers") or "")[:64],
    )


def _is_count(number: Any) -> bool:
    return type(number) is int and number >= 0


def _arena(arena: Any) -> Tuple[int, int]:
    if arena is None:
        return 0, 0
    if isinstance(arena, dict):
        slots, slot_bytes = arena.get("slots"), arena.get("slot_bytes")
        if (
            isinstance(slots, int)
            and isinstance(slot_bytes, int)
            and 0 < slots <= MOST_SLOTS
            and 0 < slot_bytes <= MOST_ARENA_BYTES // slots
            and slot_bytes % wire.ARENA_ALIGN == 0
        ):
            return slots, slot_bytes
    raise wire.WireError("WELCOME hands out arena=%r" % (arena,))


def _names(names: Any) -> Optional[FrozenSet[str]]:
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise wire.WireError("WELCOME wants %r" % (names,))
    return frozenset(names)


def _bit(text: str) -> int:
    if not text.isdigit() or int(text) > 31:
        raise wire.WireError("WELCOME has a reason for bit %r" % text)
    return int(text)
