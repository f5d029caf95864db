"""What the arm's screen shows beside what every story has: the arm, what is measured of it, and its cycles."""

from __future__ import annotations

import math

from rich.align import Align
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jidoka.arm.body import FORE_M, UPPER_M
from jidoka.demo.arm.claims import arm_of
from jidoka.demo.arm.facts import BRAKES, POLICY, PROGRAM, ArmFacts
from jidoka.demo.facts import Facts
from jidoka.demo.panels import compose, last, spark
from jidoka.demo.stage import Teller

COLUMNS, ROWS = 30, 16  # of characters with 2 × 4 dots each
VIEW_M = (-0.06, 0.74, -0.30, 0.46)  # left, right, bottom, top
MOVER_STYLE = {POLICY: ("●", "green3"), PROGRAM: ("○", "grey62")}
MOVER_TEXT = {POLICY: "the policy moves it", PROGRAM: "its own program moves it", BRAKES: "brakes on"}
#: bit of a dot in a braille character, by (column, row)
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))


def draw(facts: Facts, teller: Teller, story: list[str]) -> RenderableType:
    """The whole screen."""
    arm = arm_of(facts)
    return compose(
        facts, teller, story, "a policy, an arm, a PLC, an operator, a subscriber", picture=_arm(arm),
        measures=_measures(arm), line=_cycles(arm),
    )  # fmt: skip


def _arm(facts: ArmFacts) -> RenderableType:
    canvas = Canvas()
    canvas.link(facts.reference, is_dotted=True)
    canvas.link(facts.pose)
    load = f"load {facts.knobs.payload_kg:g} kg" if facts.knobs.payload_kg else "no load"
    return Panel(
        Align.center(canvas.text()), title="arm", border_style="grey50", padding=(0, 1),
        subtitle=f"{MOVER_TEXT.get(facts.mover, facts.mover) if facts.is_conveyor_on else MOVER_TEXT[BRAKES]} · {load}",
    )  # fmt: skip


class Canvas:
    """Lines of braille dots over VIEW_M."""

    def __init__(self) -> None:
        self._cells = [[0] * COLUMNS for _ in range(ROWS)]

    def link(self, q: tuple[float, float], *, is_dotted: bool = False) -> None:
        """Both links of the arm in a pose; dotted: where it should be."""
        elbow = (UPPER_M * math.cos(q[0]), UPPER_M * math.sin(q[0]))
        tip = (elbow[0] + FORE_M * math.cos(q[0] + q[1]), elbow[1] + FORE_M * math.sin(q[0] + q[1]))
        for start, end in (((0.0, 0.0), elbow), (elbow, tip)):
            steps = 12 if is_dotted else 90
            for n in range(steps + 1):
                x, y = (a + (b - a) * n / steps for a, b in zip(start, end, strict=True))
                self._dot(x, y)
                if not is_dotted:
                    self._dot(x, y + 0.012)

    def _dot(self, x: float, y: float) -> None:
        left, right, bottom, top = VIEW_M
        column = int((x - left) / (right - left) * 2 * COLUMNS)
        row = int((top - y) / (top - bottom) * 4 * ROWS)
        if 0 <= column < 2 * COLUMNS and 0 <= row < 4 * ROWS:
            self._cells[row // 4][column // 2] |= DOTS[column % 2][row % 4]

    def text(self) -> Text:
        """The drawing."""
        return Text("\n".join("".join(chr(0x2800 + cell) for cell in row) for row in self._cells), "cyan")


def _measures(facts: ArmFacts) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", width=10, no_wrap=True)
    table.add_column(width=12, no_wrap=True)
    table.add_column(width=12, no_wrap=True, justify="right")
    table.add_row(
        "residual", spark(facts.residual_mrad, "yellow1", 0.0), last(facts.residual_mrad, "{:.1f} mrad")
    )
    table.add_row("chatter", spark(facts.chatter, "green3", 0.0), last(facts.chatter, "{:.2f}"))
    limit = facts.log_limit or 1.0
    drift = Text(last(facts.log_statistic, "{:.1f}") + f" of {limit:.1f}" if facts.log_limit else "–")
    if facts.drift:
        drift = Text(f"over {limit:.1f}", "bold red1")
    table.add_row("drift", spark(facts.log_statistic, "red1", 0.0, limit), drift)
    table.add_row("in truth", spark(facts.error_mrad, "grey62", 0.0), last(facts.error_mrad, "{:.1f} mrad"))
    note = Text(
        "residual: off the target by the arm's own encoders; in truth: what only the simulation knows", "dim"
    )
    return Panel(Group(table, Text(), note), title="what the monitor measures", border_style="grey50")


def _cycles(facts: ArmFacts) -> RenderableType:
    belt = Text()
    for done in list(facts.cycles)[-34:]:
        mark, style = MOVER_STYLE.get(done.mover, ("◐", "yellow1"))
        belt.append("✗" if done.refused else mark, "red1" if done.refused else style)
    if not facts.cycles:
        belt.append("none yet", "dim")
    moves = ("▶ moves", "green3") if facts.is_conveyor_on else ("■ stands", "red1")
    line = Text.assemble(moves, f" {facts.parts_made} cycles, {facts.rejected} refused")
    legend = Text.assemble(
        ("●", "green3"), " policy ", ("○", "grey62"), " itself ", ("✗", "red1"), " refused"
    )
    return Panel(Group(belt, line, legend), title="cycles", border_style="grey50")
