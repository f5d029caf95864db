"""Which ways through the block were taken: each arm of each IF, CASE and FOR, a missing ELSE counted as one."""

from __future__ import annotations

from tools.structured_text.to_c import Arm
from tools.three_answers.structured import BLOCK, compiled

#: what no run of scans reaches, by the text of its line: a function for the caller, and inputs that never change here
ELSEWHERE = ("JIDOKA_ACTUAL", "IF MachineContact", "ELSIF MachineContact", "ELSIF ModelContact", "IF HasFc23")


def arms() -> int:
    """How many ways there are, but those that have tests of their own."""
    return sum(not _is_elsewhere(arm) for arm, _ in compiled().hits())


def missed() -> list[Arm]:
    """Ways that weren't taken since this process started."""
    return [arm for arm, times in compiled().hits() if not times and not _is_elsewhere(arm)]


def _is_elsewhere(arm: Arm) -> bool:
    lines = BLOCK.read_text(encoding="utf-8").splitlines()
    return lines[arm.line - 1].strip().startswith(ELSEWHERE)
