"""What is mutated, and which tests have to notice."""

from __future__ import annotations

from typing import NamedTuple

GUARD, LINK, PLC = (f"jidoka_bridge/{each}" for each in ("guard", "link", "plc"))


class Module(NamedTuple):
    """One run. sources: relative to the packages' folders; tests: that run; least_share: of the mutants that must be
    noticed, whatever is justified."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]
    least_share: float = 0.95


MODULES: dict[str, Module] = {
    "frames": Module((f"{LINK}/frames.py",), ("tests/bridge/link",)),
    "blocks": Module((f"{LINK}/blocks.py",), ("tests/bridge/link/test_blocks.py", "tests/bridge/link/test_session.py")),
    "session": Module(
        (f"{LINK}/session.py", f"{LINK}/arming.py", f"{LINK}/asides.py", f"{LINK}/freshness.py"), ("tests/bridge/link",)
    ),
    "guard_condition": Module((f"{GUARD}/guard_condition.py",), ("tests/bridge/guard/test_guard_condition.py", "tests/bridge/guard/test_core.py")),
    "interlock": Module((f"{GUARD}/interlock.py",), ("tests/bridge/guard/test_interlock.py", "tests/bridge/guard/test_core.py")),
    "interlock_rows": Module(
        tuple(f"{GUARD}/{name}.py" for name in ("trips", "motion", "button", "approved", "known_answers", "clock", "panel", "unjudged", "changes")),
        tuple(f"tests/bridge/guard/test_{name}.py" for name in ("trips", "motion", "approved", "acknowledging")),
    ),
    "rule": Module((f"{PLC}/rule.py", f"{PLC}/admission.py", f"{PLC}/press.py"), ("tests/bridge/plc/test_rule.py",)),
    "latch": Module((f"{GUARD}/latch.py",), ("tests/bridge/guard/test_latch.py",)),
    "alarms": Module(("jidoka/alarms",), ("tests/alarms",)),
}  # fmt: skip
