"""The wiring drawing of a site: inputs, relays, the machine's enable, the reject path and the line to the agent."""

from __future__ import annotations

from collections.abc import Iterator

from jidoka_bridge.plan import Plan

from jidoka.handover.drawing import box, coil, contact, line, page, pin, text
from jidoka.handover.signals import BRIDGE_MACHINE, BRIDGE_MODEL, INPUTS, KEY_AROUND, OUTPUTS

WIDTH, ROW, TOP = 1440, 46, 110
RAIL, CONTACT, PLC, PLC_WIDTH = 50, 90, 560, 190
RIGHT = PLC + PLC_WIDTH
ZERO = 1400
PARITY = {"E": "even parity, 1 stop bit", "O": "odd parity, 1 stop bit", "N": "no parity, 2 stop bits"}


def wiring_svg(plan: Plan, drives: frozenset[str], note: str) -> str:
    """The drawing. drives: what the models' applications move themselves (nothing, reject, robot); note: digests."""
    height = TOP + ROW * len(INPUTS) + 362
    name = f"{plan.site} / {plan.line} / {plan.device}"
    body = [
        text(30, 40, f"Wiring of the permissive: {name}", "head"),
        text(30, 62, note, "small"),
        *_inputs(),
        *_plc(height),
        *_outputs(),
        *_enable(TOP + 190),
        *_reject(TOP + 380, drives),
        *_link(plan, TOP + ROW * len(INPUTS) + 40),
        *_legend(TOP + ROW * len(INPUTS) + 200),
    ]
    return page(WIDTH, height, f"Wiring of the permissive, {name}", body)


def _inputs() -> Iterator[str]:
    yield line(RAIL, TOP - 14, RAIL, TOP + ROW * (len(INPUTS) - 1) + 22, "rail")
    yield text(RAIL, TOP - 22, "+24 V", "mark", "middle")
    for number, each in enumerate(INPUTS):
        y = TOP + 8 + ROW * number
        yield line(RAIL, y, CONTACT, y)
        if each.device == "plant":
            yield box(CONTACT, y - 12, 50, 24) + text(CONTACT + 25, y + 4, "plant", "small", "middle")
        else:
            yield contact(CONTACT, y, each.device, is_break=each.is_break)
        yield line(CONTACT + 50, y, PLC, y)
        yield text(CONTACT + 64, y - 6, each.text, "small")


def _plc(height: int) -> Iterator[str]:
    bottom = TOP + ROW * len(INPUTS) + 120
    del height
    yield box(PLC, TOP - 34, PLC_WIDTH, bottom - TOP + 34)
    yield text(PLC + PLC_WIDTH / 2, TOP - 14, "PLC: JIDOKA_GUARD", "mark", "middle")
    for number, each in enumerate(INPUTS):
        y = TOP + 8 + ROW * number
        yield pin(PLC, y) + text(PLC + 12, y + 4, f"I{number}  {each.name}")


def _outputs() -> Iterator[str]:
    yield line(ZERO, TOP - 14, ZERO, TOP + 120, "zero") + text(ZERO, TOP - 22, "0 V", "mark", "middle")
    for number, each in enumerate(OUTPUTS):
        y = TOP + 20 + 70 * number
        yield pin(RIGHT, y) + text(
            RIGHT - 12, y + 4, f"Q{number}  {'M' if number == 0 else 'A'}", anchor="end"
        )
        yield line(RIGHT, y, 1290, y) + coil(1290, y, each.device) + line(1326, y, ZERO, y)
        yield text(RIGHT + 16, y - 8, f"{each.name}: {each.text}", "small")
        yield text(
            RIGHT + 16,
            y + 17,
            f"{each.device}: relay with forcibly guided contacts; a break contact reads back",
            "small",
        )


def _enable(y: float) -> Iterator[str]:
    x = RIGHT + 60
    yield text(x - 30, y, "The machine's enable (M)", "mark")
    yield text(x + 180, y, "K0: safety relay, as it was; E-stop, guards, curtains stay hard-wired", "small")
    y += 48
    yield (
        line(x - 30, y, x, y, "safety")
        + contact(x, y, "K0", "safety")
        + line(x + 50, y, x + 150, y, "safety")
    )
    yield from _beside(
        x + 110,
        y,
        "K1",
        (f"{KEY_AROUND}, closed in OVERRIDE", f"{BRIDGE_MACHINE}: bridge, only while in observe"),
    )
    yield line(x + 240, y, x + 290, y)
    yield box(x + 290, y - 16, 150, 32) + text(x + 365, y + 4, "machine's enable", anchor="middle")
    yield line(x + 440, y, ZERO - 40, y)
    yield text(x + 290, y - 24, "dropped: the machine stops as after its own stop", "small")


def _beside(x: float, y: float, relay: str, ways: tuple[str, ...]) -> Iterator[str]:
    """A relay's contact from x to x + 130 and below it the ways around it: the key's contact, or a bridge that is taken out."""
    yield line(x, y, x + 40, y) + contact(x + 40, y, relay) + line(x + 90, y, x + 130, y)
    for number, words in enumerate(ways, 1):
        way = y + 42 * number
        yield line(x, way - 42, x, way) + line(x + 130, way - 42, x + 130, way)
        if words.startswith(KEY_AROUND):
            yield (
                line(x, way, x + 40, way) + contact(x + 40, way, KEY_AROUND) + line(x + 90, way, x + 130, way)
            )
        else:
            yield line(x, way, x + 130, way, "bridge")
        yield text(x + 140, way + 4, words, "small")


def _reject(y: float, drives: frozenset[str]) -> Iterator[str]:
    x = RIGHT + 60
    yield text(x - 30, y, "The reject path (A): good = the model's good AND A", "mark")
    y += 52
    yield box(x - 30, y - 16, 130, 32) + text(x + 35, y + 4, "model says good", anchor="middle")
    yield line(x + 100, y, x + 110, y) + line(x + 240, y, x + 290, y)
    yield from _beside(x + 110, y, "K2", (f"{BRIDGE_MODEL}: bridge, only while in observe",))
    yield box(x + 290, y - 16, 150, 32) + text(x + 365, y + 4, "gate to GOOD", anchor="middle")
    yield text(x + 290, y - 24, "without current the gate rests at REJECT", "small")
    driver = {"reject": "the application drives this gate itself: wire its output through K2",
              "robot": "the application drives the robot itself: K2 in its enable input"}  # fmt: skip
    own = [words for name, words in driver.items() if name in drives]
    by_program = [
        "the PLC sorts the parts: AND with ModelMayBeUsed in its program does the same;",
        f"{BRIDGE_MODEL} is wired to an input of its own, Observing: +24 V over the bridge",
    ]
    for number, words in enumerate(own[:1] or by_program):
        yield text(x - 30, y + 72 + 16 * number, words, "small")


def _link(plan: Plan, y: float) -> Iterator[str]:
    link = plan.link
    assert link is not None
    is_serial = link.transport == "rtu"
    pins = ("COM  A (−)", "B (+)", "0 V") if is_serial else ("Ethernet",)
    for number, name in enumerate(pins):
        yield text(RIGHT - 12, y + 4 + 30 * number, name, anchor="end") + pin(RIGHT, y + 30 * number)
    yield from _pair(y) if is_serial else _ethernet(y)
    yield box(1130, y - 34, 270, 124, "box agent") + text(1265, y - 12, "Jidoka agent", "mark", "middle")
    yield "".join(pin(1130, y + 30 * number) for number in range(len(pins)))
    rows = (
        (
            "isolated RS-485 adapter",
            f"{link.baud} baud, {PARITY[link.parity]}",
            f"PLC = station {link.unit}, point to point",
        )
        if is_serial
        else (
            "a network card of its own",
            f"PLC = {link.port}, unit {link.unit}",
            "no other client of its Modbus server",
        )
    )
    for number, words in enumerate(rows):
        yield text(1144, y + 14 + 22 * number, words, "small")


def _ethernet(y: float) -> Iterator[str]:
    yield line(RIGHT, y, 1130, y, "twisted") + text(
        RIGHT + 20, y - 8, "Ethernet, Modbus TCP, point to point", "small"
    )


def _pair(y: float) -> Iterator[str]:
    for step in range(2):
        yield line(RIGHT, y + 30 * step, 1130, y + 30 * step, "twisted")
    yield line(RIGHT, y + 60, 1130, y + 60)
    yield f'<ellipse class="wire" cx="{RIGHT + 60}" cy="{y + 15}" rx="10" ry="32"/>'
    yield text(RIGHT + 80, y + 19, "twisted, shielded, earthed at one end", "small")
    for x in (RIGHT + 20, 1100):
        yield box(x - 6, y + 6, 12, 18) + text(x + 10, y - 6, "120 Ω", "small", "middle")
        yield line(x, y, x, y + 6) + line(x, y + 24, x, y + 30)
    rows = (
        "120 Ω at both ends, unless the device has its own; bias at one end only",
        "makers differ in what they call A and B: go by the sign (Siemens: B is +)",
    )
    for number, words in enumerate(rows):
        yield text(RIGHT + 20, y + 110 + 16 * number, words, "small")


def _legend(y: float) -> Iterator[str]:
    yield box(30, y, WIDTH - 60, 138, "hint")
    rows = (
        "This is no safety function. E-stop, guards and light curtains stay hard-wired beside it; nothing here may bridge them.",
        "A broken wire never gives a permissive. Running, PartSensor and Changeover tell the agent what it may judge: test each at commissioning.",
        ("K1 and K2 drop when the agent withdraws, falls silent, the cable is cut, or the PLC stops; they close only after "
        "reset was pressed and released at S2."),
        (
            f"With the key the plant drives alone: {KEY_AROUND}, a second contact of S1, leads around K1. Never switch K1's coil for "
            "it (fault: relay feedback). K2 stays off."
        ),
        (
            f"{BRIDGE_MACHINE} and {BRIDGE_MODEL}: terminals to bridge. In observe nothing is ever granted; with the bridges the machine "
            "works as before. They come out for the tests, and for good with enforce."
        ),
        "Devices: S1 key switch (AUTO / 0 / OVERRIDE), S2 reset, S3 changeover, S4 drill (key), B1 part sensor, K0 safety relay, K1 and K2 new relays.",
    )  # fmt: skip
    for number, words in enumerate(rows):
        yield text(44, y + 22 + 21 * number, words)
