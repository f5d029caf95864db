"""What the latch file holds: from the guard's records to its content and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jidoka_bridge.guard import plain
from jidoka_bridge.guard.causes import Causes
from jidoka_bridge.guard.guard_condition import PROVING
from jidoka_bridge.guard.latch import Latch
from jidoka_bridge.guard.watch import MS_NS
from jidoka_bridge.plan import MODES, Plan
from jidoka_bridge.registers import State

if TYPE_CHECKING:
    from jidoka_bridge.guard.core import Guard

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
#: what a file of an earlier version doesn't have yet, so that an update is no lockout; device: "" = not yet written
LATER: dict[str, Any] = {
    "device": "",
    "key_must_go_off": False,
    "seconds": {},
    "trips": {},
    "windows": {},
    "modes": {},
}
#: no version writes more than this of one cause
MAX_TRIPS = 1_000


def device_of(plan: Plan) -> str:
    """Whose file it is."""
    return f"{plan.site}/{plan.line}/{plan.device}"


def checked(latch: Latch | None, fault: str, plan: Plan) -> tuple[Latch | None, str]:
    """The latch as it came, or None and why, if a slot with a right CRC holds what this device can't use."""
    if latch is None:
        return None, fault
    content = {**LATER, **latch.content}
    lacking = sorted(NEW.keys() - content.keys())
    if lacking:
        return None, f"the latch file lacks {', '.join(lacking)}"
    if content["device"] not in ("", device_of(plan)):
        return None, f"the latch file is that of {plain.text(content, 'device')}, not of {device_of(plan)}"
    try:
        _check(content)
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        return None, f"the latch file can't be used: {error}"
    return latch, fault


def _check(content: dict[str, Any]) -> None:
    """Raises for anything that `restore` couldn't take."""
    for key in ("run", "failed_runs", "override_used_s", "transition"):
        if int(content[key]) < 0:
            raise ValueError(key)
    for name, (_, revision, acknowledged, person, _) in content["causes"].items():
        if not isinstance(person, dict | None) or min(int(revision), int(acknowledged)) < 0:
            raise ValueError(name)
    if not isinstance(content["first_out"], str | None):
        raise TypeError("first_out")
    _check_later(content)


def _check_later(content: dict[str, Any]) -> None:
    """As `_check`, for what came later."""
    for name, (revision, person) in content["seconds"].items():
        if not isinstance(person, dict) or int(revision) < 0:
            raise ValueError(f"second person of {name}")
    for name, ages_ms in content["trips"].items():
        if len(ages_ms) > MAX_TRIPS or any(type(age) is not int or age < 0 for age in ages_ms):
            raise ValueError(f"trips of {name}")
    for name, left_ms in content["windows"].items():
        if type(left_ms) is not int or left_ms < 0:
            raise ValueError(f"window of {name}")
    for name, mode in content["modes"].items():
        if mode not in MODES:
            raise ValueError(f"mode of {name}")


def content_of(guard: Guard) -> dict[str, Any]:
    """What the file shall hold now; the trips' ages come in when it is written."""
    pending = guard.pending
    is_proving_next = pending is not None and pending.target == PROVING
    return {
        "clean": guard.stopping and guard.is_clean_stop,
        "lockout": guard.interlock.state is State.LOCKOUT,
        "run": guard.run.next_number if is_proving_next else guard.run.number,
        "failed_runs": guard.run.failed_in_a_row,
        "override_used_s": guard.override_used_ns // (10_000 * MS_NS) * 10,
        "transition": guard.recorder.ring.last_number,
        "causes": causes_content(guard.causes),
        "first_out": guard.recorder.first_out,
        "raising": pending.target if pending else None,
        "device": device_of(guard.plan),
        "key_must_go_off": guard.key_must_go_off,
        "seconds": {c.id: [c.second_revision, c.second] for c in guard.causes if c.second},
        "trips": {name: list(at_ns) for name, at_ns in guard.trips.at_ns.items()},
        "windows": guard.approved.windows_ms(),
        "modes": guard.approved.modes(),
    }


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
        cause = causes.add_foreign(name)
        cause.latched, cause.revision = bool(latched), int(revision)
        cause.acknowledged_revision = _until(int(revision), int(acknowledged))
        cause.person, cause.needs_role = person, str(needs_role)
        second_revision, cause.second = content["seconds"].get(name, (0, None))
        cause.second_revision = _until(int(revision), int(second_revision))


def _until(revision: int, acknowledged: int) -> int:
    """No version writes an acknowledgement of a revision that is still to come: it must not count when that comes."""
    return acknowledged if acknowledged <= revision else 0
