"""SVG by hand: the few strokes that a wiring drawing needs, each a function that returns markup."""

from __future__ import annotations

from html import escape

STYLE = """
text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1d2733 }
.small { font-size: 11px; fill: #4a5764 } .mark { font-weight: 700 } .head { font-size: 18px; font-weight: 700 }
.wire { stroke: #1d2733; stroke-width: 1.6; fill: none } .rail { stroke: #b03a2e; stroke-width: 3 }
.zero { stroke: #2e5fb0; stroke-width: 3 } .box { fill: #f4f7fa; stroke: #1d2733; stroke-width: 1.6 }
.bridge { stroke: #1d2733; stroke-width: 1.6; stroke-dasharray: 6 4 }
.agent { fill: #eef6ee } .safety { stroke: #c77700; stroke-width: 2.4; fill: none } .pin { fill: #fff; stroke: #1d2733 }
.hint { fill: #fff8e6; stroke: #c77700 } .twisted { stroke: #5b3fa0; stroke-width: 2; fill: none }
"""


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text. anchor: start, middle or end."""
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}"{attribute} text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "wire") -> str:
    """A straight stroke."""
    return f'<line class="{kind}" x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}"/>'


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """A rectangle."""
    return f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4"/>'


def pin(x: float, y: float) -> str:
    """A terminal."""
    return f'<circle class="pin" cx="{x:g}" cy="{y:g}" r="4"/>'


def contact(x: float, y: float, mark: str, kind: str = "wire", *, is_break: bool = False) -> str:
    """A make contact of 50 px from left to right, with its device's mark above; is_break: one that rests closed."""
    strokes = [line(x, y, x + 14, y, kind), line(x + 36, y, x + 50, y, kind)]
    # IEC 60617: a make contact's arm stops short of the other end, a break contact's rests against a stop there
    if is_break:
        strokes += [line(x + 14, y, x + 39, y - 9, kind), line(x + 36, y, x + 36, y - 13, kind)]
    else:
        strokes.append(line(x + 14, y, x + 34, y - 11, kind))
    group = f'<g class="{"break" if is_break else "make"}">{"".join(strokes)}</g>'
    return group + text(x + 22, y - 15, mark, "mark", "middle")


def coil(x: float, y: float, mark: str) -> str:
    """A relay's coil of 36 px from left to right."""
    return box(x, y - 13, 36, 26) + text(x + 18, y + 5, mark, "mark", "middle")


def page(width: int, height: int, title: str, body: list[str]) -> str:
    """The whole drawing."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title><style>{STYLE}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )
