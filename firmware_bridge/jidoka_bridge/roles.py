"""Who may do what (contract C11): one list of roles and one table of acts. The guard decides by it."""

from __future__ import annotations

ROLES: tuple[str, ...] = ("viewer", "operator", "maintenance", "engineer", "quality", "auditor", "vendor")

#: act -> roles that are entitled to it. An auditor may change nothing.
ENTITLED: dict[str, frozenset[str]] = {
    "acknowledge": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "hold": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "unlock": frozenset({"engineer"}),
    "announce a window": frozenset({"maintenance", "engineer", "quality"}),
    "take a model out of enforce": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "bring a model into enforce": frozenset({"engineer"}),
    "show the known answers": frozenset({"maintenance", "engineer", "quality"}),
    "sign baseline": frozenset({"engineer", "quality"}),
    "keep a master part": frozenset({"engineer", "quality"}),
    "show a master part": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "shelve": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "out of service": frozenset({"maintenance"}),
    "drill": frozenset({"maintenance", "engineer"}),
    "label": frozenset({"operator", "maintenance", "engineer", "quality"}),
}

#: Reasons that an acknowledgement may carry, as codes in the ledger.
ACKNOWLEDGE_REASONS: tuple[str, ...] = (
    "seen, will look",
    "cause found",
    "cause removed",
    "false alarm",
    "maintenance called",
    "other",
)

#: What stands as the reason of an acknowledgement that is taken back. It is none of the reasons above, so that a guard
#: that doesn't know `undo` refuses it.
TAKEN_BACK = "acknowledged by mistake"

#: Reasons for which an alarm may be shelved, as codes in the ledger.
SHELVE_REASONS: tuple[str, ...] = (
    "known, waits for a part",
    "sensor defective",
    "work in progress",
    "nuisance",
    "other",
)


def is_entitled(role: str, act: str) -> bool:
    """True if `role` may do `act`; an unknown role or act may nothing."""
    return role in ENTITLED.get(act, frozenset())
