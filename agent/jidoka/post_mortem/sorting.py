"""Which parts have to be looked at again: from the likely onset of a change to the moment the output was off."""

from __future__ import annotations

from typing import Any, NamedTuple

from jidoka.post_mortem.gather import Account

#: causes of no model that tell of parts all the same → which
UNRELEASED: dict[str, str] = {
    "moved without permissive": "What was made since the permissive went, until the machine stood",
    "running in changeover": "What was made in changeover or cleaning without a permissive, if anything",
    "running input": "What was made while the input `running` was off: not judged",
}


class Parts(NamedTuple):
    """first to last, both included; 0 = none. safe_first: the earliest part that the onset's interval allows.

    why: how this was found, as a sentence. judged: how many of them the model judged. open: where the parts have no
    numbers here, which ones they are.
    """

    first: int
    last: int
    safe_first: int
    judged: int
    why: str
    open: str = ""

    def as_json(self) -> dict[str, Any]:
        return self._asdict()


def parts(told: Account) -> Parts:
    """From the evidence of the cause and the verdicts of its model until the output read back as off."""
    evidence = told.evidence
    rows = [row for row in told.rows.get(told.model, []) if row.part]
    first = _whole(evidence.get("onset_part"))
    last = max([_whole(evidence.get("last_part")), *(row.part for row in rows)])
    if first:
        safe = _whole(evidence.get("onset_low_part")) or first
        count = len({row.part for row in rows if row.part >= safe})
        why = (
            f"The change began at about part {first} (between {safe} and "
            f"{_whole(evidence.get('onset_high_part')) or first}); part {last} was the last one before the output was off."
        )
        return Parts(first, last, min(safe, first), count, why)
    suspect = sorted({row.part for row in rows if row.verdict or row.reasons})
    if suspect and told.model:
        why = "The cause names no onset; these are the first and the last part in the minute before whose verdict was doubted."
        return Parts(suspect[0], suspect[-1], suspect[0], len(suspect), why)
    if told.model and last:
        end = "the cause was gone" if told.trip.is_observed else "the machine stood"
        why = (
            f"The cause names no onset, and no verdict before it was doubted. Part {last} was the last one that the model "
            f"judged: what passed after it until {end} wasn't inspected."
        )
        return Parts(0, 0, 0, 0, why, f"What passed after part {last}, until {end}: not inspected")
    if told.trip.cause in UNRELEASED:
        count = _whole(evidence.get("part_count"))
        by_then = f" By then the PLC had counted {count} parts." if count else ""
        return Parts(0, 0, 0, 0, f"Nobody has released these parts.{by_then}", UNRELEASED[told.trip.cause])
    return Parts(
        0,
        0,
        0,
        0,
        "This cause says nothing about earlier verdicts: no parts have to be sorted because of it.",
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
