"""A site's times as people read them at a terminal. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from jidoka.commissioning.reaction import Reaction
from jidoka.commissioning.ways import WAYS

MOST_LEVERS = 6
NO_COST = "what a stop costs in mm and parts isn't known: set plc.line_speed and plc.part_rate"


def reaction_lines(reaction: Reaction) -> list[str]:
    """Terms, stops with their cost, the other way of a beat, levers, warnings."""
    return [
        *_terms(reaction),
        "",
        *_stops(reaction),
        "",
        *_exchanges(reaction),
        "",
        *_levers(reaction),
        *(f"\nAttention: {each}." for each in reaction.warnings),
    ]


def _terms(reaction: Reaction) -> Iterator[str]:
    name, text = WAYS[reaction.line.way]
    yield f"Times of the link, {name}: {text}"
    for each in reaction.terms:
        yield f"  {each.name:<24}{each.value_ms:>8.1f} ms  {each.source:<9} {each.sum}"


def _stops(reaction: Reaction) -> Iterator[str]:
    yield "Until the output is off, at worst"
    for each in reaction.outcomes:
        cost = "" if each.mm is None else f"{each.mm:>9.1f} mm"
        cost += "" if each.parts is None else f"{each.parts:>7.2f} parts, {whole_parts(each.parts)} at most"
        found = "not measured" if each.measured_ms is None else f"{each.measured_ms:.4g} ms ({each.found})"
        yield f"  {each.name:<14}{math.ceil(each.ms):>6} ms{cost}   {found}"
        yield f"  {'':<14}{each.text}"
    if reaction.outcomes[0].mm is None or reaction.outcomes[0].parts is None:
        yield f"  {NO_COST}"


def whole_parts(parts: float) -> int:
    """How many parts can pass in that time: one more than fit, as one may just have begun."""
    return math.floor(parts) + 1


def _exchanges(reaction: Reaction) -> Iterator[str]:
    yield "By the way of a beat       beat      W   withdrawal   silent agent"
    for name, times in reaction.alternatives.items():
        mark = "as planned" if name == WAYS[reaction.line.way][0] else ""
        yield (
            f"  {name:<20}{times.beat_ms:>7.0f}{times.hold_ms:>7.0f}{math.ceil(times.withdraw_ms):>13}"
            f"{math.ceil(times.silent_ms):>15} ms  {mark}"
        ).rstrip()  # fmt: skip


def _levers(reaction: Reaction) -> Iterator[str]:
    if not reaction.levers:
        yield "Nothing that could be set shortens it."
        return
    yield "What would shorten it, each tried by itself          silent agent      withdrawal"
    for each in reaction.levers[:MOST_LEVERS]:
        yield (
            f"  {each.text:<50}{0 - each.silent_saved_ms:>+6.0f} → {math.ceil(each.silent_ms):>4}"
            f"{0 - each.withdraw_saved_ms:>+9.0f} → {math.ceil(each.withdraw_ms):>4} ms"
        )
    left = len(reaction.levers) - MOST_LEVERS
    if left > 0:
        yield f"  and {left} that save less (all: --json)"
