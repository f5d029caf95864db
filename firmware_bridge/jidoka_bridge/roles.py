"""Who may do what (contract C11): one list of roles and one table of acts. The guard decides by it."""

from __future__ import annotations

ROLES: tuple[str, ...] = ("viewer", "operator", "maintenance", "engineer", "quality", "auditor", "vendor")

#: act -> roles that are entitled to it. An auditor may change nothing.
ENTITLED: dict[str, frozenset[str]] = {
    "acknowledge": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "hold": frozenset({"operator", "maintenance", "engineer", "quality"}),
    "unlock": frozenset({"engineer"}),
    "sign baseline": frozenset({"engineer", "quality"}),
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


def is_entitled(role: str, act: str) -> bool:
    """True if `role` may do `act`; an unknown role or act may nothing."""
    return role in ENTITLED.get(act, frozenset())
