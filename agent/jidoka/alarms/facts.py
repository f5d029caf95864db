"""Names that the configuration must know: facts that a rule of suppression may name, and the agent's own alarms."""

from __future__ import annotations

#: what the PLC says, beside other rows of the register
FACTS: tuple[str, ...] = ("changeover", "not running", "override")

NOT_RECORDING = "not recording"
GUARD_AWAY = "guard away"
MONITOR_SILENT = "monitor silent"
CHATTERING = "chattering"
NEARLY_FULL = "ledger nearly full"
CERTIFICATE_ENDS = "certificate ends"
CERTIFICATE_ENDS_SOON = "certificate ends soon"
REFUSED_COMMAND = "refused command"
BUDGET_REFUTED = "false-alarm budget refuted"
ERROR_RATE_REFUTED = "agreed error rate refuted"
SLICES_DIFFER = "slices differ"
OWN_ALARMS: tuple[str, ...] = (
    NOT_RECORDING, GUARD_AWAY, MONITOR_SILENT, CHATTERING, NEARLY_FULL, REFUSED_COMMAND, CERTIFICATE_ENDS,
    CERTIFICATE_ENDS_SOON, BUDGET_REFUTED, ERROR_RATE_REFUTED, SLICES_DIFFER,
)  # fmt: skip
