"""What the demonstration's screen shows, drawn from the facts with Rich."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from rich import box
from rich.align import Align
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jidoka.demo.facts import PASS, REJECT, Facts
from jidoka.demo.site import SEED
from jidoka.demo.stage import Teller
from jidoka.host.renderer import Camera, Line

PICTURE_PX = 32
SPARK_POINTS = 12
STORY_ROWS = 8
STORY_COLUMNS = 116
BARS = " ▁▂▃▄▅▆▇█"
STATE_STYLE = {
    "RUN": "bold black on green3",
    "ADVISE": "bold black on yellow3",
    "FALLBACK": "bold black on dark_orange",
    "HOLD": "bold white on red3",
    "LOCKOUT": "bold white on dark_red",
    "OVERRIDE": "bold white on purple",
    "START-UP": "bold black on grey70",
}
PART_STYLE = {PASS: ("●", "green3"), REJECT: ("✗", "red1")}


def draw(facts: Facts, teller: Teller, story: list[str]) -> RenderableType:
    """The whole screen of the camera station."""
    title = "a model, a PLC, an operator, a subscriber"
    return compose(
        facts, teller, story, title, picture=_camera(facts), measures=_measures(facts), line=_conveyor(facts)
    )


def compose(
    facts: Facts, teller: Teller, story: list[str], title: str, *, picture: RenderableType, measures: RenderableType, line: RenderableType
) -> RenderableType:  # fmt: skip
    """A screen: picture, measures and the line in it, and beside them what every story has."""
    layout = Layout()
    layout.split_column(
        Layout(_head(facts, teller, title), size=3),
        Layout(name="middle", size=PICTURE_PX // 2 + 4),
        Layout(_story(story, facts.watch_along), name="story", minimum_size=6),
        Layout(_foot(teller), size=3),
    )
    layout["middle"].split_row(
        Layout(picture, size=PICTURE_PX + 4),
        Layout(name="data", ratio=5),
        Layout(name="interlock", ratio=6),
    )
    layout["data"].split_column(Layout(measures), Layout(line, size=6))
    layout["interlock"].split_column(Layout(_interlock(facts), size=11), Layout(_alarm(facts)))
    return layout


def _head(facts: Facts, teller: Teller, title: str) -> RenderableType:
    row = Table.grid(expand=True)
    row.add_column()
    row.add_column(justify="right")
    seconds = (
        (teller.told[-1].at_s if teller.told else 0.0) if teller.stage is None else _elapsed_s(facts, teller)
    )
    row.add_row(
        Text.assemble(("  自働化 Jidoka ", "bold cyan"), (title, "dim")),
        Text(f"{len(teller.told)}/{len(teller.stages)} stages   {seconds:5.1f} s  ", "cyan"),
    )
    return Panel(row, box=box.HEAVY, border_style="cyan")


def _elapsed_s(facts: Facts, teller: Teller) -> float:
    return max(0.0, (facts.now_ns - teller.start_ns) / 1e9)


def _camera(facts: Facts) -> RenderableType:
    if not facts.parts:
        return Panel(Align.center(Text("\n\nno part yet", "dim")), title="camera", border_style="grey50")
    part = facts.parts[-1]
    return Panel(
        _picture(part.index, facts.gain), title=f"camera · part {part.number}", border_style="grey50",
        subtitle=f"{part.shown} {part.confidence:.2f}", padding=(0, 1),
    )  # fmt: skip


@lru_cache(maxsize=8)
def _picture(index: int, gain: float) -> Text:
    """The part as the camera sees it, two pixels a character."""
    line = Line(SEED)
    line.parts_made = index
    image, _ = line.part(Camera(gain=gain))
    step = image.shape[0] // PICTURE_PX
    small = image.reshape(PICTURE_PX, step, PICTURE_PX, step).mean(axis=(1, 3)).astype(np.uint8)
    text = Text()
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for top, bottom in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append("▀", f"rgb({top},{top},{top}) on rgb({bottom},{bottom},{bottom})")
        text.append("\n")
    text.rstrip()
    return text


def _measures(facts: Facts) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim", width=10, no_wrap=True)
    table.add_column(width=SPARK_POINTS, no_wrap=True)
    table.add_column(width=12, no_wrap=True, justify="right")
    table.add_row("brightness", spark(facts.brightness, "yellow1"), last(facts.brightness, "{:.1f} grey"))
    table.add_row("confidence", spark(facts.confidence, "green3", 0.5, 1.0), last(facts.confidence, "{:.3f}"))
    limit = facts.log_limit or 1.0
    drift = Text(last(facts.log_statistic, "{:.1f}") + f" of {limit:.1f}" if facts.log_limit else "–")
    if facts.drift:
        drift = Text(f"over {limit:.1f}", "bold red1")
    table.add_row("drift", spark(facts.log_statistic, "red1", 0.0, limit), drift)
    light = Text.assemble(("light      ", "dim"), (f"{facts.gain:.0%}", "yellow1" if facts.gain < 1 else ""))
    note = Text(
        "drift: log of the evidence that the pictures have changed; over the limit it is an alarm", "dim"
    )
    return Panel(Group(table, light, Text(), note), title="what the monitor measures", border_style="grey50")


def spark(values: Iterable[float], style: str, low: float | None = None, high: float | None = None) -> Text:
    """The last values as a row of bars."""
    seen = list(values)[-SPARK_POINTS:]
    if not seen:
        return Text("…", "dim")
    bottom = min(seen) * 0.9 if low is None else low
    top = max(seen) * 1.02 if high is None else high
    span = max(top - bottom, 1e-9)
    scaled = (min(8, max(0, round(8 * (value - bottom) / span))) for value in seen)
    return Text("".join(BARS[level] for level in scaled), style)


def last(values: Iterable[float], form: str) -> str:
    """The last value, formatted."""
    seen = list(values)
    return form.format(seen[-1]) if seen else "–"


def _conveyor(facts: Facts) -> RenderableType:
    belt = Text()
    for part in list(facts.parts)[-34:]:
        mark, style = PART_STYLE.get(part.result, ("○", "grey62"))
        belt.append(mark, style)
    if not facts.parts:
        belt.append("empty", "dim")
    runs = ("▶ runs", "green3") if facts.is_conveyor_on else ("■ stands", "red1")
    line = Text.assemble(
        runs, f" {facts.parts_made} made {facts.inspected} inspected {facts.rejected} bad",
    )  # fmt: skip
    legend = Text.assemble(
        ("●", "green3"), " pass ", ("✗", "red1"), " reject ", ("○", "grey62"), " not inspected"
    )
    return Panel(Group(belt, line, legend), title="conveyor", border_style="grey50")


def _interlock(facts: Facts) -> RenderableType:
    word = f"{facts.state}{' · proving' if facts.is_proving else ''}"
    lamps = Text.assemble(
        (" M ", _lamp(facts.output in {"MACHINE", "MACHINE_AND_AI"})), " the machine may run\n",
        (" A ", _lamp(facts.output == "MACHINE_AND_AI")), " the model's outputs may be used",
    )  # fmt: skip
    lacks = Text(
        "\n".join(f"reset lacks: {text}" for text in facts.missing[:2]) or "", "yellow1", overflow="ellipsis"
    )
    offer = {
        "run": "ready: press and release the button → RUN",
        "proving": "ready: press and release the button → proving run",
        "fallback": "ready: press and release the button → FALLBACK",
    }.get(facts.offer, "")
    body = Group(
        Align.center(Text(f"   {word}   ", STATE_STYLE.get(facts.state, "bold"))),
        Text(),
        lamps,
        Text(offer, "bold green3") if offer else lacks,
    )
    return Panel(body, title="interlock", border_style="grey50", padding=(1, 1, 0, 1))


def _lamp(is_on: bool) -> str:
    return "bold black on green3" if is_on else "grey50 on grey15"


def _alarm(facts: Facts) -> RenderableType:
    shown = [alarm for alarm in facts.alarms if alarm["state"] != "A"]
    if not shown:
        return Panel(Text("no alarm", "dim"), title="alarms", border_style="grey50")
    alarm = shown[0]
    is_unacknowledged = alarm["state"] in {"B", "D"}
    style = "bold white on red3" if is_unacknowledged else "red1"
    text = Text.assemble(
        (f" {alarm['priority'].upper()} ", style), " ", (alarm["text"], "bold" if is_unacknowledged else ""), "\n",
        ("→ ", "cyan"), (alarm["remedy"], "cyan"), "\n",
        (alarm.get("letter meaning", alarm["state"]), "dim"), (f"   +{len(shown) - 1} more" if len(shown) > 1 else "", "dim"),
    )  # fmt: skip
    return Panel(text, title="alarm", border_style="red1" if is_unacknowledged else "grey50")


def _story(story: list[str], watch_along: str) -> RenderableType:
    """The last lines that fit, whole."""
    shown: list[Text] = []
    rows = 0
    for line in reversed(story):
        text = Text.from_markup(line)
        rows += math.ceil(len(text.plain) / STORY_COLUMNS)
        if rows > STORY_ROWS:
            break
        shown.insert(0, text)
    return Panel(
        Group(*shown),
        title="the story",
        border_style="grey50",
        subtitle=f"[dim]{watch_along}[/dim]",
        subtitle_align="left",
    )


def _foot(teller: Teller) -> RenderableType:
    stage = teller.stage
    if stage is not None and teller.is_waiting_for_a_key:
        hint = Text.assemble(
            (f" {stage.key} ", "bold black on cyan"), f" {stage.hint}", ("     q  end", "dim")
        )
    else:
        hint = Text("…", "dim")
    return Panel(Columns([hint]), box=box.HEAVY, border_style="cyan")
