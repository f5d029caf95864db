"""A trip as a picture: states, verdicts, the statistic against its limit, and what people did, over one axis of time."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator

from jidoka.post_mortem.gather import Account, Line
from jidoka.steward.ledger.story import VERDICTS

WIDTH, LEFT, RIGHT = 1000, 110, 10
LANE, GAP = 26, 8
CURVE = 90
#: what is shown of the time after the trip
MOST_AFTER_S = 60.0
COLOURS: dict[str, str] = {
    "RUN": "#2e8b57", "ADVISE": "#c7a600", "FALLBACK": "#d9822b", "HOLD": "#b3262e", "LOCKOUT": "#5e0d13",
    "OVERRIDE": "#8a3fa0", "START_UP": "#8794a1",
}  # fmt: skip
VERDICT_COLOURS = ("#2e8b57", "#d9822b", "#b3262e")


class Axis:
    """Seconds from the trip to places on the picture."""

    def __init__(self, told: Account) -> None:
        first = [-5.0]
        first += [
            (row.record_ns - told.trip.monotonic_ns) / 1e9 for rows in told.rows.values() for row in rows
        ]
        first += [(line.wall_ns - told.trip.wall_ns) / 1e9 for line in told.before]
        last = [5.0] + [(line.wall_ns - told.trip.wall_ns) / 1e9 for line in told.since]
        self.first_s = max(-60.0, min(first))
        self.last_s = min(MOST_AFTER_S, max(last) * 1.03)

    def x(self, s: float) -> float:
        share = (s - self.first_s) / (self.last_s - self.first_s)
        return LEFT + min(1.0, max(0.0, share)) * (WIDTH - LEFT - RIGHT)

    def shows(self, s: float) -> bool:
        return self.first_s <= s <= self.last_s


def picture(told: Account) -> str:
    """An SVG element."""
    axis = Axis(told)
    parts: list[str] = []
    y = 4.0
    parts += _label(y, "state")
    parts += _states(told, axis, y)
    y += LANE + GAP
    for model, rows in told.rows.items():
        parts += _label(y, model[:16])
        for row in rows:
            x = axis.x((row.record_ns - told.trip.monotonic_ns) / 1e9)
            colour = VERDICT_COLOURS[min(row.verdict, 2)]
            title = f"part {row.part}, record {row.number}: {VERDICTS[min(row.verdict, 2)]}"
            parts.append(
                f"<rect x={x:.1f} y={y} width=2 height={LANE} fill='{colour}'><title>{title}</title></rect>"
            )
        y += LANE + GAP
        curve = list(_curve(told, model, axis, y))
        if curve:
            parts += [*_label(y, "ln statistic"), *curve]
            y += CURVE + GAP
    people = [line for line in (*told.before, *told.since) if line.is_person]
    parts += _label(y, "people")
    parts += [each for line in people for each in _mark(line, told, axis, y)]
    y += LANE + GAP
    parts += list(_ticks(axis, y))
    parts += list(_moments(told, axis, y))
    height = y + 22
    return (
        f"<svg viewBox='0 0 {WIDTH} {height:.0f}' width='100%' role=img aria-label='the trip over time'>"
        f"{''.join(parts)}</svg>"
    )


def _label(y: float, text: str) -> list[str]:
    return [f"<text x=4 y={y + 17:.1f} class=label>{html.escape(text)}</text>"]


def _states(told: Account, axis: Axis, y: float) -> list[str]:
    """One bar a state, from transition to transition."""
    changes = [(axis.first_s, told.was or str(told.trip.body["from"]))]
    for line in sorted((*told.before, *told.since), key=lambda each: each.wall_ns):
        if line.kind == "transition" and line.body.get("to"):
            at_s = (line.wall_ns - told.trip.wall_ns) / 1e9
            if at_s < axis.first_s or not changes:
                changes = [(axis.first_s, str(line.body["to"]))]
            else:
                changes.append((at_s, str(line.body["to"])))
    if len(changes) > 1 and changes[1][0] > axis.first_s:
        first = next((line for line in told.before if line.kind == "transition"), None)
        if first is not None:
            changes[0] = (axis.first_s, str(first.body["from"]))
    bars = []
    for n, (at_s, state) in enumerate(changes):
        end_s = changes[n + 1][0] if n + 1 < len(changes) else axis.last_s
        x, wide = axis.x(at_s), max(0.0, axis.x(end_s) - axis.x(at_s))
        text = f"<text x={x + 4:.1f} y={y + 17:.1f} class=on>{state}</text>" if wide > 60 else ""
        colour = COLOURS.get(state, "#8794a1")
        bars.append(
            f"<rect x={x:.1f} y={y} width={wide:.1f} height={LANE} fill='{colour}'><title>{state}</title></rect>{text}"
        )
    return bars


def _curve(told: Account, model: str, axis: Axis, y: float) -> Iterator[str]:
    """The detector's statistic of each record, and the limit that it was held against."""
    points = [
        ((row.record_ns - told.trip.monotonic_ns) / 1e9, row.score1)
        for row in told.rows[model]
        if math.isfinite(row.score1)
    ]
    if len(points) < 2:
        return
    limit = told.evidence.get("limit")
    line = math.log(limit) if told.model == model and isinstance(limit, int | float) and limit > 0 else None
    values = [value for _, value in points] + ([] if line is None else [line])
    low, high = min(values), max(values)
    scale = (CURVE - 6) / ((high - low) or 1.0)

    def place(value: float) -> float:
        return y + CURVE - 3 - (value - low) * scale

    path = " ".join(f"{axis.x(s):.1f},{place(value):.1f}" for s, value in points)
    yield f"<polyline points='{path}' class=curve />"
    if line is not None:
        yield f"<line x1={LEFT} x2={WIDTH - RIGHT} y1={place(line):.1f} y2={place(line):.1f} class=limit />"
        yield f"<text x={WIDTH - RIGHT} y={place(line) - 3:.1f} class=small text-anchor=end>limit</text>"


def _mark(line: Line, told: Account, axis: Axis, y: float) -> Iterator[str]:
    s = (line.wall_ns - told.trip.wall_ns) / 1e9
    if axis.shows(s):
        x = axis.x(s)
        yield (
            f"<path d='M{x:.1f} {y + 3} l7 18 h-14 z' class=person><title>{s:+.1f} s: {html.escape(line.text)}</title></path>"
        )


def _ticks(axis: Axis, y: float) -> Iterator[str]:
    span = axis.last_s - axis.first_s
    step = next(each for each in (1, 2, 5, 10, 20, 60) if span / each <= 14)
    for n in range(math.ceil(axis.first_s / step), math.floor(axis.last_s / step) + 1):
        x = axis.x(n * step)
        yield f"<text x={x:.1f} y={y + 14:.1f} class=small text-anchor=middle>{n * step:+d} s</text>"


def _moments(told: Account, axis: Axis, y: float) -> Iterator[str]:
    """Two lines through everything: the likely onset and the trip."""
    onset_ns = told.steps.get("likely onset")
    marks = [(0.0, "trip", "trip")]
    if onset_ns is not None:
        marks.append(((onset_ns - told.trip.monotonic_ns) / 1e9, "onset", "likely onset"))
    for s, kind, text in marks:
        if axis.shows(s):
            x = axis.x(s)
            yield f"<line x1={x:.1f} x2={x:.1f} y1=0 y2={y:.1f} class={kind}><title>{text}</title></line>"
