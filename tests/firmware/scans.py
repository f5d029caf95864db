"""One scan's inputs and outcome, whoever computes it: the interface that Python, C and Structured Text share."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple, Protocol

from jidoka_bridge.link.blocks import BlockD, BlockError
from jidoka_bridge.plc.record import PlcRecord
from jidoka_bridge.plc.rule import PlcRule
from jidoka_bridge.registers import Fault, Input, Input2, Word

#: longest press that block B can show
LONGEST_SHOWN_MS = 25_500


class Settings(NamedTuple):
    """Constants of one PLC."""

    unit: int = 1
    hold_limit_ms: int = 310
    relay_ms: int = 35


class Inputs(NamedTuple):
    """What a scan gets. now_ms never wraps here; block_a: None while nobody wrote it; block_d: None unless it was
    written since the last scan; random: the number that a connection id is drawn from.
    """

    now_ms: int
    block_a: tuple[int, ...] | None = None
    block_d: tuple[int, ...] | None = None
    inputs: int = int(Input.KEY_AUTO)
    inputs2: int = 1
    actual: int = int(Word.WITHHOLD)
    parts: int = 0
    recipe: int = 0
    acknowledges: int = 0
    acknowledge_reason: int = 0
    person: int = 0
    random: int = 4711


class Outcome(NamedTuple):
    """What a scan did, as far as anybody outside can see it. press_ms: -1 where none ended in
    it, never above LONGEST_SHOWN_MS."""

    output: int
    press_ms: int
    is_accepted: bool
    block_b: tuple[int, ...]


class Core(Protocol):
    """A PLC's program."""

    def scan(self, inputs: Inputs) -> Outcome: ...

    def block_c(self) -> tuple[int, ...]: ...


class PythonCore:
    """The reference model."""

    def __init__(self, settings: Settings) -> None:
        self.rule = PlcRule(lambda: self._random, settings.unit, settings.hold_limit_ms, settings.relay_ms)
        self.record = PlcRecord()
        self.parts = 0
        self._unit = settings.unit
        self._random = 0
        self._last_ms: int | None = None

    def scan(self, inputs: Inputs) -> Outcome:
        self._random = inputs.random
        if inputs.block_d is not None:
            self._take(inputs.block_d, inputs.inputs)
        levels = Input(inputs.inputs)
        actual = Word(inputs.actual)
        done = self.rule.scan(inputs.now_ms, inputs.block_a, levels, actual, self.record.may_arm)
        passed_ms = 0 if self._last_ms is None else inputs.now_ms - self._last_ms
        self._last_ms = inputs.now_ms
        is_key_on = bool(levels & Input.OVERRIDE_KEY)
        self.record.scan(
            inputs.now_ms, passed_ms, is_key_on, inputs.parts, has_session=self.rule.connection != 0
        )
        self.record.resets += done.is_accepted
        self.parts += inputs.parts
        block = dataclasses.replace(
            self.rule.block(self.parts, inputs.recipe, Input2(inputs.inputs2)),
            acknowledges=inputs.acknowledges, acknowledge_reason=inputs.acknowledge_reason, person=inputs.person,
        )  # fmt: skip
        press_ms = -1 if done.press is None else min(done.press.length_ms, LONGEST_SHOWN_MS)
        return Outcome(int(done.output), press_ms, done.is_accepted, tuple(block.encode(self._unit)))

    def _take(self, words: tuple[int, ...], levels: int) -> None:
        try:
            block = BlockD.decode(words, self._unit)
        except BlockError:
            self.rule.admission.counts["crc"] += 1
            return
        held = Input.OVERRIDE_KEY | Input.RESET_BUTTON
        if block.connection == self.rule.connection:
            self.record.take(block, levels & held == held)

    def block_c(self) -> tuple[int, ...]:
        return tuple(self.record.block(self.rule.admission, self.parts).encode(self._unit))

    @property
    def fault(self) -> Fault:
        return self.rule.fault
