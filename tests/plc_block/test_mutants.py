"""Wrong changes of the block are noticed; the whole list is a command."""

from __future__ import annotations

from tools.structured_text.blocks import Compiled, load
from tools.structured_text.mutate import mutants
from tools.three_answers.mutants import justified, noticed
from tools.three_answers.structured import BLOCK
from tools.three_answers.trace import REPLAY, record

#: what must be found even by few scans: each a fault that would hurt
GRAVE = (
    "IF IsRiseOpen THEN | always", "IF Connection <> 0 AND IsHoldOver AND NOT IsDrop THEN | never",
    "ELSIF Asked < Given THEN | never", "Permissive := WORD_WITHHOLD; | left out #2", "IsDrop := TRUE; | left out #2",
    "IF StampAgeMs <= FrameHoldMs THEN | always", "FrameHoldMs := JIDOKA_LEAST(One := FrameHoldMs, Other := HoldLimitMs); | left out",
)  # fmt: skip


def test_grave_faults_are_noticed_and_the_block_itself_is_not() -> None:
    text = BLOCK.read_text(encoding="utf-8")
    program = load(text)
    every = mutants(program, text)
    assert len(every) > 1_000
    numbers = {mutant.name.removeprefix("JIDOKA_GUARD: "): number for number, mutant in enumerate(every, 1)}
    block = Compiled(program, "-O0", REPLAY, every)
    episodes = list(record(()))
    assert noticed(block, episodes) == ""
    for name in GRAVE:
        block.switch(numbers[name])
        assert noticed(block, episodes), name


def test_every_justification_names_a_mutant_and_says_why() -> None:
    text = BLOCK.read_text(encoding="utf-8")
    names = {mutant.name for mutant in mutants(load(text), text)}
    assert {name for name, why in justified().items() if name not in names or len(why) < 10} == set()
