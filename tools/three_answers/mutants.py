"""Is every wrong change of the block noticed? Each mutant runs the same scans as the reference did, and small calls.

What isn't noticed must stand in justified.yaml by its name, with the reason why it changes nothing that anybody sees.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ruamel.yaml import YAML

from tools.structured_text.blocks import Compiled, load
from tools.structured_text.mutate import mutants
from tools.three_answers.structured import BLOCK
from tools.three_answers.trace import REPLAY, Episode, first_wrong, record

JUSTIFIED = Path(__file__).with_name("justified.yaml")
SEEDS = range(5_000, 5_040)
#: contacts of machine and model -> word that they read back as
CONTACTS = {(0, 0): 0x5A5A, (1, 0): 0x6996, (1, 1): 0xA5A5, (0, 1): 0x3C3C}


def justified() -> dict[str, str]:
    """Name -> reason."""
    if not JUSTIFIED.exists():
        return {}
    return dict(YAML(typ="safe").load(JUSTIFIED) or {})


def run(is_listed: bool = False) -> Counter[str]:
    """All mutants, about a minute; with fewer scans some survive. `survived` counts those that aren't justified."""
    text = BLOCK.read_text(encoding="utf-8")
    program = load(text)
    every = mutants(program, text)
    block = Compiled(program, "-O1", REPLAY, every)
    episodes = list(record(SEEDS))
    own = noticed(block, episodes)
    assert own == "", f"the block itself: {own}"
    reasons = justified()
    seen = Counter(mutants=len(every), survived=0)
    for number, mutant in enumerate(every, 1):
        block.switch(number)
        why = noticed(block, episodes)
        is_known = mutant.name in reasons
        what = "noticed" if why else "justified" if is_known else "survived"
        seen[what] += 1
        if is_listed or what == "survived":
            print(f"{why or what.upper():22} {mutant.name}", flush=True)
        if why and is_known:
            print(f"noticed, but justified as if it couldn't be: {mutant.name}")
            seen["survived"] += 1
    for name in sorted(set(reasons) - {mutant.name for mutant in every}):
        print(f"justified, but no mutant: {name}")
        seen["survived"] += 1
    return seen


def noticed(program: Compiled, episodes: list[Episode]) -> str:
    """By what the program is found to be another one; "" if by nothing."""
    for (machine, model), word in CONTACTS.items():
        if program.call("JIDOKA_ACTUAL", machine, model) != word:
            return "contacts"
    block = program.new()
    site = [block[name] for name in ("Station", "HoldLimitMs", "RelayMs", "HasFc23", "RefreshC")]
    if site != [1, 310, 35, True, True] or program.call("scan", block.words) or block["BlockC"][6] != 1:
        return "site's values"
    block.give({"HasFc23": False})
    if program.call("scan", block.words) or block["BlockC"][6] != 0:
        return "no FC23"
    block.give({"Acknowledges": 256 + 5, "AcknowledgeReason": 256 + 3})
    if program.call("scan", block.words) or block["BlockB"][11] != 0x0503:
        return "acknowledgements above 255"
    wrong = first_wrong(program, episodes)
    return f"episode {wrong[0]}, scan {wrong[1]}" if wrong else ""
