"""What the guard watches by itself: leases of models, parts without records, records of the steward, pauses."""

from __future__ import annotations

from dataclasses import dataclass

from jidoka_bridge.messages import Lease, MessageError
from jidoka_bridge.plan import Plan

MS_NS = 1_000_000
AHEAD_NS = 1_000 * MS_NS


@dataclass
class ModelWatch:
    """What was last heard of one model; times are CLOCK_MONOTONIC ns, 0 = never.

    part_ns: when the first part after the last record was counted while running; owed_ns: for how long the machine
    ran since then; was_fresh: data came at least once.
    """

    id: str
    longest_interval_ns: int
    received_ns: int = 0
    beat_ns: int = 0
    record_ns: int = 0
    part_ns: int = 0
    owed_ns: int = 0
    was_fresh: bool = False


class DataWatch:
    """Leases against their time, and the PLC's part count against the models' records."""

    def __init__(self, plan: Plan) -> None:
        self.models = [ModelWatch(model.id, model.longest_interval_ms * MS_NS) for model in plan.models]
        self._limit_ns = plan.times.no_data_ms * MS_NS
        self._parts = -1
        self._ran_until_ns = 0

    def take(self, now_ns: int, lease: Lease) -> None:
        """Keep a lease. Raises MessageError for a model outside the plan and for times of the future.

        The guard looks at its clock before it reads what came: a time that is a little ahead counts as now.
        """
        if lease.model >= len(self.models):
            raise MessageError(f"lease of model {lease.model}: the plan has {len(self.models)}")
        watch = self.models[lease.model]
        if max(lease.beat_ns, lease.record_ns) > now_ns + AHEAD_NS:
            raise MessageError(f"lease of {watch.id}: its times are of the future")
        watch.received_ns = now_ns
        watch.beat_ns = min(lease.beat_ns, now_ns)
        if lease.record_ns > watch.record_ns:  # 0 from a tap that came anew is no record
            watch.record_ns, watch.part_ns, watch.owed_ns = lease.record_ns, 0, 0

    def take_parts(self, now_ns: int, part_count: int, running: bool) -> None:
        """Keep the PLC's part count. A standing machine owes no records; one that stops after each part owes all."""
        came = self._parts >= 0 and part_count > self._parts
        self._parts = part_count
        ran_ns = now_ns - self._ran_until_ns if self._ran_until_ns else 0
        self._ran_until_ns = now_ns if running else 0
        for watch in self.models:
            if not running and self.is_silent(watch, now_ns):
                watch.part_ns = watch.owed_ns = 0  # it was told; after the stop the time begins anew
            elif watch.part_ns:
                watch.owed_ns += ran_ns
            elif came and (running or ran_ns):
                watch.part_ns = now_ns

    def forget_parts(self) -> None:
        """A reset: what was owed before the stop isn't owed after it."""
        for watch in self.models:
            watch.part_ns = watch.owed_ns = 0

    def is_fresh(self, watch: ModelWatch, now_ns: int) -> bool:
        """True while the tap's beat and the monitor's lease are younger than the plan's no_data_ms."""
        oldest = min(watch.received_ns, watch.beat_ns)
        fresh = oldest > 0 and now_ns - oldest <= self._limit_ns
        watch.was_fresh = watch.was_fresh or fresh
        return fresh

    def is_silent(self, watch: ModelWatch, now_ns: int) -> bool:
        """True when parts went by while running and no record came within the model's longest interval."""
        ran_ns = now_ns - self._ran_until_ns if self._ran_until_ns else 0
        return watch.part_ns > 0 and watch.owed_ns + ran_ns > watch.longest_interval_ns


class RecordWatch:
    """Whether the steward records: RECORDED comes, and the ring of unrecorded transitions isn't full."""

    def __init__(self, plan: Plan) -> None:
        self._limit_ns = plan.times.no_record_ms * MS_NS
        self._heard_ns = 0

    def take(self, now_ns: int) -> None:
        self._heard_ns = now_ns

    @property
    def was_heard(self) -> bool:
        return self._heard_ns > 0

    def is_fresh(self, now_ns: int) -> bool:
        return self._heard_ns > 0 and now_ns - self._heard_ns <= self._limit_ns


class PauseWatch:
    """Pauses of this process or of the whole computer, from wake-ups that came too late (contract C8)."""

    def __init__(self, limit_ns: int) -> None:
        self._limit_ns = limit_ns
        self._last_ns = 0
        self._last_boot_ns = 0

    def gap_ns(self, now_ns: int, boot_ns: int) -> int:
        """Time since the last call if it is longer than the permissive lasts, else 0.

        boot_ns: CLOCK_BOOTTIME, which runs on while the computer sleeps and CLOCK_MONOTONIC stands.
        """
        passed = max(now_ns - self._last_ns, boot_ns - self._last_boot_ns)
        first = not self._last_ns
        self._last_ns, self._last_boot_ns = now_ns, boot_ns
        return 0 if first or passed <= self._limit_ns else passed
