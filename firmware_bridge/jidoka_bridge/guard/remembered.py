"""What the latch file holds: from the guard's records to its content and back."""

from __future__ import annotations

from typing import Any

from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.latch import Latch

#: content of a new device's file: nothing latched, and a start that is not a restart
NEW: dict[str, Any] = {
    "clean": True,
    "lockout": False,
    "run": 0,
    "failed_runs": 0,
    "override_used_s": 0,
    "transition": 0,
    "causes": {},
    "first_out": None,
}


def checked(latch: Latch | None, fault: str) -> tuple[Latch | None, str]:
    """The latch as it came, or None and why, if a slot with a right CRC holds what this version can't use."""
    if latch is None:
        return None, fault
    content = latch.content
    lacking = sorted(NEW.keys() - content.keys())
    if lacking:
        return None, f"the latch file lacks {', '.join(lacking)}"
    try:
        for key in ("run", "failed_runs", "override_used_s", "transition"):
            if int(content[key]) < 0:
                raise ValueError(key)
        for name, (_, revision, acknowledged, person, _) in content["causes"].items():
            if not isinstance(person, dict | None) or min(int(revision), int(acknowledged)) < 0:
                raise ValueError(name)
        if not isinstance(content["first_out"], str | None):
            raise TypeError("first_out")
    except (AttributeError, TypeError, ValueError, ArithmeticError) as error:
        return None, f"the latch file can't be used: {error}"
    return latch, fault


def causes_content(causes: Causes) -> dict[str, list[Any]]:
    """Latched, revision, acknowledged revision, person, role that must acknowledge: of each cause that ever was on."""
    return {
        cause.id: [cause.latched, cause.revision, cause.acknowledged_revision, cause.person, cause.needs_role]
        for cause in causes
        if cause.revision
    }


def restore_causes(causes: Causes, content: dict[str, Any]) -> None:
    """Bring back what was latched and acknowledged. Raises KeyError, TypeError or ValueError for other content."""
    for name, (latched, revision, acknowledged, person, needs_role) in content["causes"].items():
        if name not in causes.by_id and not latched:
            continue
        cause = causes.by_id.get(name) or causes.add_foreign(name)
        cause.latched, cause.revision, cause.acknowledged_revision = (
            bool(latched),
            int(revision),
            int(acknowledged),
        )
        cause.person, cause.needs_role = person, str(needs_role)
