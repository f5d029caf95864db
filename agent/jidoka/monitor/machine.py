"""What the guard says of the machine: whether it runs, which recipe, and whether a proving run is on. Pure."""

from __future__ import annotations

from jidoka_bridge.messages import PlcStatus
from jidoka_bridge.plan import Model

#: a PLC status older than this says nothing about the machine any more
FRESH_NS = 2_000_000_000


class Machine:
    """The PLC's last status, as far as it still counts."""

    def __init__(self) -> None:
        self.status: PlcStatus | None = None
        self.status_ns = 0
        self.proving_run = 0

    def take(self, status: PlcStatus, now_ns: int) -> bool:
        """A status from the guard; True if a proving run begins with it (an old one goes on after a restart)."""
        is_first = self.status is None
        self.status = status
        self.status_ns = now_ns
        is_new_run = status.proving_run != self.proving_run and (
            not is_first or bool(status.flags & PlcStatus.PROVING)
        )
        self.proving_run = status.proving_run
        return is_new_run

    def gone(self) -> None:
        """Without the guard nobody knows whether the machine runs."""
        self.status = None

    def is_running(self, model: Model, now_ns: int) -> bool:
        """True if records of this model feed its detectors: the PLC says running, or there is no PLC."""
        if model.mode == "none":
            return True
        status = self.status
        return status is not None and self._is_fresh(now_ns) and bool(status.flags & PlcStatus.RUNNING)

    @property
    def is_proving(self) -> bool:
        return self.status is not None and bool(self.status.flags & PlcStatus.PROVING)

    def recipe(self, now_ns: int) -> int:
        """The PLC's recipe; 0 = not known."""
        return self.status.recipe if self.status is not None and self._is_fresh(now_ns) else 0

    def _is_fresh(self, now_ns: int) -> bool:
        return now_ns - self.status_ns < FRESH_NS
