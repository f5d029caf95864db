"""Plans as files, for every command that takes or makes one: read or compiled, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from jidoka_bridge import plan as plans
from jidoka_bridge.errors import ConfigurationError
from jidoka_bridge.plan import Plan

from jidoka.whole_file import write_whole

#: each program reads it, as a user of its own
PLAN_MODE = 0o644
#: below state_dir: where `jidoka run` writes it, and who asks a running device looks for it
PLAN_NAME = "plan.json"


def is_compiled(path: Path) -> bool:
    """True if the file is a plan by its name, not a configuration."""
    return path.suffix == ".json"


def read_or_compile(path: Path) -> Plan:
    """The plan in a file, or the plan of a configuration. Raises ConfigurationError."""
    if is_compiled(path):
        return plans.load(path)
    from jidoka.config.compile import compile_plan

    return compile_plan(path)


def write_plan(path: Path, plan: Plan, remedy: str) -> None:
    """A program that starts meanwhile sees the old plan or the new one. Raises ConfigurationError with `remedy`."""
    try:
        write_whole(path, plans.dump(plan), PLAN_MODE)
    except OSError as error:
        raise ConfigurationError(f"{path}: can't write the plan: {error.strerror}", remedy) from None
