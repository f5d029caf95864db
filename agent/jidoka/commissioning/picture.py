"""A `View` as a picture in the terminal: two lamps, the hold time as a bar, inputs as boxes, what the PLC remembers."""

from __future__ import annotations

from collections.abc import Sequence

from jidoka_bridge.registers import Input, Input2
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from jidoka.commissioning.view import View

BAR = 40
SPARKS = "▁▂▃▄▅▆▇█"
MEMORY: tuple[tuple[str, str], ...] = (
    ("version", "firmware"), ("map_digest", "register map"), ("hold_limit_ms", "own limit W, ms"),
    ("longest_scan_ms", "longest scan, ms"), ("part_count", "parts"),
    ("parts_without_session", "of them without a session"), ("resets", "resets"), ("key_times", "times under the key"),
    ("key_seconds", "seconds under the key"), ("approved_digest", "approved plan"), ("refused_crc", "blocks refused: CRC"),
    ("refused_format", "format"), ("refused_connection", "connection"), ("refused_number", "number"),
    ("refused_stamp", "stamp"),
)  # fmt: skip


def picture(view: View, hold_ms: int, rtts_ms: Sequence[float]) -> RenderableType:
    """All of it. hold_ms: W of the plan; rtts_ms: the last round trips."""
    head = Text()
    head.append(*_lamp("M", view.machine)).append(" machine may run   ")
    head.append(*_lamp("A", view.model)).append(" model may be used   ")
    head.append("link up" if view.link_up else "NO LINK", "green" if view.link_up else "bold red")
    if view.agent:
        head.append(f"   agent {view.agent.replace('_', '-')}, asks {view.word}")
    if view.text:
        head.append(f"\n{view.text}")
    if view.why:
        head.append(f"\n{view.why}", "yellow")
    rows: list[RenderableType] = [head]
    if view.actual:
        rows += [_plc(view), _hold(view, hold_ms), _inputs(view), _trips(rtts_ms)]
    if view.memory:
        rows.append(_memory(view))
    title = {"steward": "as the running guard sees it", "line": "read from the line, WITHHOLD only"}[
        view.source
    ]
    return Panel(Group(*rows), title=f"PLC, {title}", title_align="left")


def _lamp(name: str, is_on: bool) -> tuple[str, str]:
    """Text and style; the text alone tells on from off, for a pipe and for who sees no colours."""
    return f" {name} {'on' if is_on else 'off'} ", "bold black on green3" if is_on else "white on grey30"


def _plc(view: View) -> RenderableType:
    text = Text(f"PLC {view.plc_state.lower()}")
    if view.fault != "NONE":
        text.append(f"   fault {view.fault.lower().replace('_', ' ')}", "bold red")
    return text.append(f"   parts {view.parts}   recipe {view.recipe}   accepted presses {view.accepted}")


def _hold(view: View, hold_ms: int) -> RenderableType:
    share = min(1.0, view.remaining_ms / hold_ms) if hold_ms else 0.0
    full = round(BAR * share)
    style = "green" if share > 0.5 else "yellow" if share > 0.2 else "red"
    return Text.assemble("hold time  ", ("█" * full, style), ("·" * (BAR - full), "dim"), f"  {view.remaining_ms} of {hold_ms} ms")  # fmt: skip


def _inputs(view: View) -> RenderableType:
    # the steward is told of the first eight only
    flags = (*Input, *Input2) if view.source == "line" else tuple(Input)
    row = Table.grid(padding=(0, 2))
    row.add_row("inputs", Columns([_input(flag.name or "", view) for flag in flags], padding=(0, 2)))
    return row


def _input(name: str, view: View) -> Text:
    """`[x] key auto`: on; `[ ] key auto`: off."""
    is_on = name in view.inputs
    mark = "x" if is_on else " "
    style = "black on green3" if is_on else "dim"
    return Text(f"[{mark}] {name.lower().replace('_', ' ')}", style, no_wrap=True)


def _trips(rtts_ms: Sequence[float]) -> RenderableType:
    if not rtts_ms:
        return Text("round trips  none yet", "dim")
    most = max(rtts_ms)
    line = (
        "".join(SPARKS[min(len(SPARKS) - 1, int(len(SPARKS) * each / most))] for each in rtts_ms)
        if most
        else ""
    )
    return Text(f"round trips  {line}  {min(rtts_ms):.1f} to {most:.1f} ms")


def _memory(view: View) -> RenderableType:
    # "" is a digest that nobody has approved yet
    shown = [
        f"{label} {view.memory[name] if view.memory[name] != '' else 'none'}"
        for name, label in MEMORY
        if name in view.memory
    ]
    return Text("remembers  " + ", ".join(shown), "dim")
