"""What `jidoka plc watch` shows can be read without colours: in a pipe, with NO_COLOR, by who sees no green."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from jidoka.commissioning.picture import picture
from jidoka.commissioning.view import View
from jidoka_bridge.registers import Input, Input2
from rich.console import Console

ON = View("line", True, "MACHINE_AND_AI", "NORMAL", "NONE", ("KEY_AUTO", "RUNNING"), 400, 7, 1, 2, 9.5)


def shown(view: View, width: int = 100) -> str:
    file = io.StringIO()
    Console(file=file, width=width, highlight=False).print(picture(view, 455, [9.5]))
    assert "\x1b" not in file.getvalue()
    return file.getvalue()


@pytest.mark.parametrize(
    ("actual", "m", "a"),
    [
        ("WITHHOLD", "off", "off"),
        ("MACHINE", "on", "off"),
        ("MACHINE_AND_AI", "on", "on"),
        ("", "off", "off"),
    ],
)
def test_both_bits_are_written_as_on_or_off(actual: str, m: str, a: str) -> None:
    text = shown(replace(ON, actual=actual))
    assert f"M {m}  machine may run" in text
    assert f"A {a}  model may be used" in text


@pytest.mark.parametrize("width", [46, 80, 100, 160])
@pytest.mark.parametrize("source", ["line", "steward"])
def test_each_input_has_a_box_that_is_crossed_only_where_it_is_on(source: str, width: int) -> None:
    flags = (*Input, *Input2) if source == "line" else tuple(Input)
    names = tuple(flag.name or "" for flag in flags)
    for on in ((), ("KEY_AUTO", "RUNNING"), names):
        text = shown(replace(ON, source=source, inputs=on), width)
        for name in names:
            mark = "x" if name in on else " "
            assert f"[{mark}] {name.lower().replace('_', ' ')}" in text, name
