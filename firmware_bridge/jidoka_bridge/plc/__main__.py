"""A PLC in software: `PlcRule`, a conveyor and a panel behind pseudo-terminals. `python -m jidoka_bridge.plc`.

It stands where a real PLC would: the agent speaks Modbus RTU or TCP to it and can't tell the difference. Each change of
its output is a JSON line on stdout with CLOCK_MONOTONIC nanoseconds.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import secrets
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from jidoka_bridge.errors import ConfigurationError, PlainError
from jidoka_bridge.link.blocks import BlockD, BlockError
from jidoka_bridge.notify import die_with_parent, notify
from jidoka_bridge.plc.conveyor import Conveyor, Panel
from jidoka_bridge.plc.line import SerialLine, TcpLine
from jidoka_bridge.plc.pseudo_terminal import PseudoTerminal
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule, Scan
from jidoka_bridge.plc.server import Registers
from jidoka_bridge.registers import Flag, Input

MS = 1_000_000
#: the panel shows the output at least so often, so that who opens it later, or misses a line, knows it soon
SHOW_NS = 500 * MS


class Plc:
    """One PLC: what is read since the last scan goes in, one scan runs, what it answers goes out."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.rule = PlcRule(lambda: 1 + secrets.randbelow(0xFFFF), options.unit, options.hold_ms)
        self.record = PlcRecord()
        self.panel = Panel(recipe=options.recipe)
        self.conveyor = Conveyor(options.rate)
        self.has_fc23 = not options.no_fc23
        self.registers = Registers(self._block_c, self.has_fc23)
        self.scan_ns = options.scan_ms * MS
        self.link = (
            TcpLine(options.tcp, options.unit) if options.tcp else SerialLine(options.link, options.unit)
        )
        self.board = PseudoTerminal(options.panel)
        self._line = b""
        self._last_scan_ms = time.monotonic_ns() // MS
        self._shown: dict[str, object] = {}
        self._show_ns = 0

    def _block_c(self) -> Sequence[int]:
        block = self.record.block(self.rule.admission, self.conveyor.parts)
        if not self.has_fc23:
            block = dataclasses.replace(block, flags=block.flags & ~Flag.FC23)
        return block.encode(self.rule.admission.unit)

    def listen(self, until_ns: int) -> None:
        """Gather what comes over both lines until the scan is due."""
        self._commands(self.board.left_over())
        while (left_ns := until_ns - time.monotonic_ns()) > 0:
            poller = select.poll()
            self.link.register(poller)
            if self.board.is_connected:  # else it would report its end again and again
                poller.register(self.board.fd, select.POLLIN)
            for descriptor, _ in poller.poll(max(1, left_ns // MS)):
                if descriptor == self.board.fd:
                    self._commands(self.board.read())
                else:
                    self.link.readable(descriptor, time.monotonic_ns())

    def _commands(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-64:]
        for line in lines:
            if not self.panel.command(line.decode("ascii", "replace")):
                self.tell("refused", text=line.decode("ascii", "replace")[:64])

    def scan(self, now_ns: int) -> None:
        """One scan: frames in, rule, machine, blocks out, replies."""
        now_ms = now_ns // MS
        requests = self.link.take(now_ns)
        exceptions = [self.registers.write(request) for _, request in requests]
        self._take_record()
        running = Input.RUNNING if self.conveyor.is_running else Input(0)
        inputs = self.panel.inputs | running
        done = self.rule.scan(now_ms, self.registers.block("A"), inputs, may_arm=self.record.may_arm)
        made = self.conveyor.scan(now_ms, done.output, self.panel, done.is_accepted)
        is_key_on = bool(inputs & Input.OVERRIDE_KEY)
        self.record.scan(now_ms, now_ms - self._last_scan_ms, is_key_on, made, self.rule.connection != 0)
        self.record.resets += done.is_accepted
        self._last_scan_ms = now_ms
        block = self.rule.block(self.conveyor.parts, self.panel.recipe, self.panel.inputs2)
        self.registers.set("B", block.encode(self.rule.admission.unit))
        for (mark, request), exception in zip(requests, exceptions, strict=True):
            self.link.answer(mark, self.registers.reply(request, exception))
        if done.output != done.was or now_ns >= self._show_ns:
            self._show_ns = now_ns + SHOW_NS
            self.board.write(f"output {done.output.name}\n".encode())
        for number in range(self.conveyor.parts - made + 1, self.conveyor.parts + 1):
            self.board.write(f"part {number}\n".encode())
        self._report(done)

    def _take_record(self) -> None:
        words = self.registers.block("D")
        if words is None or not self.registers.is_written["D"]:
            return
        self.registers.is_written["D"] = False
        try:
            block = BlockD.decode(words, self.rule.admission.unit)
        except BlockError:
            self.rule.admission.counts["crc"] += 1
            return
        held = Input.OVERRIDE_KEY | Input.RESET_BUTTON
        if block.connection == self.rule.connection:
            refused = self.record.take(block, self.panel.inputs & held == held)
            if refused:
                self.tell("record refused", why=refused)

    def _report(self, done: Scan) -> None:
        if done.output != done.was:
            self.tell("output", word=done.output.name, was=done.was.name, why=done.why)
        if done.press is not None:
            self.tell("press", length_ms=done.press.length_ms, accepted=done.is_accepted)
        inputs = self.panel.inputs
        self._tell_change("fault", fault=self.rule.fault.name)
        self._tell_change("state", state=self.rule.state.name)
        self._tell_change(
            "key", override=bool(inputs & Input.OVERRIDE_KEY), auto=bool(inputs & Input.KEY_AUTO)
        )
        if self._shown.get("conveyor") != self.conveyor.is_running:
            self._shown["conveyor"] = self.conveyor.is_running
            self.tell("conveyor", running=self.conveyor.is_running, parts=self.conveyor.parts)

    def _tell_change(self, event: str, **values: object) -> None:
        if self._shown.get(event) != values:
            self._shown[event] = values
            self.tell(event, **values)

    def tell(self, event: str, **values: object) -> None:
        """One JSON line on stdout."""
        line = json.dumps({"ns": time.monotonic_ns(), "event": event, **values})
        try:
            os.write(1, line.encode() + b"\n")
        except OSError:
            return  # nobody reads: a PLC goes on

    def close(self) -> None:
        self.link.close()
        self.board.close()


def arguments(has_choice: bool = False) -> argparse.ArgumentParser:
    """The command line. has_choice: of the line and of what the server knows, which firmware hasn't."""
    parser = argparse.ArgumentParser(
        prog="jidoka plc sim",
        description="A PLC in software: Modbus RTU on a pseudo-terminal, with a conveyor and a panel.",
        epilog="Panel lines: press, release, start, stop, key on|off, auto on|off, ready on|off, safety on|off, "
        "changeover on|off, drill on|off, fallback on|off, recipe N. The panel answers `part N` for each part, "
        "and `output WORD` at each change of the output and twice a second.",
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--link", type=Path, metavar="PATH", help="where the agent's line appears")
    if has_choice:
        way.add_argument("--tcp", metavar="ADDRESS:PORT", help="Modbus TCP there in place of a line")
        parser.add_argument("--no-fc23", action="store_true", help="refuse function code 23, as many PLCs do")
    parser.add_argument(
        "--panel", type=Path, required=True, metavar="PATH", help="where keys and buttons appear"
    )
    parser.add_argument("--rate", type=float, default=10.0, metavar="HZ", help="parts a second (default: 10)")
    parser.add_argument(
        "--scan-ms", type=int, default=10, metavar="MS", help="length of a scan (default: 10)"
    )
    parser.add_argument(
        "--unit", type=int, default=1, metavar="N", help="Modbus station, 1 to 247 (default: 1)"
    )
    parser.add_argument("--hold-ms", type=int, default=500, metavar="MS",
                        help="the PLC's own limit of the hold time (default: 500)")  # fmt: skip
    parser.add_argument(
        "--recipe", type=int, default=0, metavar="N", help="recipe shown; 0 = unknown (default)"
    )
    return parser


#: option -> (lowest, highest)
LIMITS = {
    "rate": (0.01, 1000),
    "scan_ms": (1, 1000),
    "unit": (1, 247),
    "hold_ms": (10, 2550),
    "recipe": (0, 0xFFFF),
}


def main(given: Sequence[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT. Returns the exit code: 0, or 3 for options that can't be used."""
    die_with_parent()
    options = arguments(has_choice=True).parse_args(given)
    try:
        for name, (lowest, highest) in LIMITS.items():
            if not lowest <= getattr(options, name) <= highest:
                option = "--" + name.replace("_", "-")
                raise ConfigurationError(
                    f"{option} is {getattr(options, name)}", f"Give {lowest} to {highest}."
                )
        plc = Plc(options)
    except PlainError as error:
        sys.stderr.write(f"plc: error: {error}\n")
        return 3
    stopped: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda given, _: stopped.append(given))
    plc.tell(
        "ready", link=plc.link.name, panel=str(options.panel), unit=options.unit, scan_ms=options.scan_ms
    )
    notify("READY=1")
    due_ns = time.monotonic_ns()
    while not stopped:
        # a scan that came late is not made up for: the next one keeps its distance
        due_ns = max(due_ns + plc.scan_ns, time.monotonic_ns())
        plc.listen(due_ns)
        plc.scan(time.monotonic_ns())
    notify("STOPPING=1")
    plc.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
