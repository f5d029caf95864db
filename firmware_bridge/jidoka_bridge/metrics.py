"""Counters and gauges of every program (contract C7): one table of index, name, kind, unit, labels and help.

Each second a program sends COUNTERS {"program": …, "labels": …, "values": {index: number}} to the steward, which
serves them on /metrics. Indices are frozen; a row is only ever added.
"""

from __future__ import annotations

from typing import NamedTuple

from jidoka_bridge.refusals import REFUSALS


class Metric(NamedTuple):
    """One row. number: the frozen index on the wire; name: without the prefix; kind: counter or gauge; labels: bounded."""

    number: int
    program: str
    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


METRICS: tuple[Metric, ...] = (
    Metric(1, "monitor", "records_total", "counter", ("model",), "Records received from the tap."),
    Metric(2, "monitor", "records_lost_total", "counter", ("model",), "Records that the tap numbered but that never came."),
    Metric(3, "monitor", "records_refused_total", "counter", ("model",), "Records refused: wrong shape, type or size."),
    Metric(4, "monitor", "verdicts_pass_total", "counter", ("model",), "Verdicts: pass."),
    Metric(5, "monitor", "verdicts_suspect_total", "counter", ("model",), "Verdicts: suspect."),
    Metric(6, "monitor", "verdicts_reject_total", "counter", ("model",), "Verdicts: reject."),
    Metric(7, "monitor", "drift_log_statistic", "gauge", ("model",), "Natural log of the mean drift statistic."),
    Metric(8, "monitor", "drift_log_limit", "gauge", ("model",), "Natural log of the threshold A."),
    Metric(9, "monitor", "messages_dropped_total", "counter", (), "Messages that a full or absent peer didn't take."),
    Metric(10, "monitor", "judge_seconds", "gauge", ("model",), "Mean time from receipt to verdict, last second."),
    Metric(11, "monitor", "refusals_total", "counter", ("model", "reason"), "Messages and connections of a model refused."),
    Metric(12, "monitor", "taps_refused_total", "counter", ("reason",), "Connections refused that belong to no model."),
    Metric(20, "guard", "beats_total", "counter", (), "Requests sent to the PLC."),
    Metric(21, "guard", "beats_good_total", "counter", (), "Good beats."),
    Metric(22, "guard", "beats_lost_total", "counter", (), "Beats without a good reply."),
    Metric(23, "guard", "beat_round_trip_seconds", "gauge", (), "Round trip of the last good beat."),
    Metric(24, "guard", "interlock_state", "gauge", (), "Code of the interlock's state."),
    Metric(25, "guard", "permissive_machine", "gauge", (), "1 while M is written."),
    Metric(26, "guard", "permissive_ai", "gauge", (), "1 while A is written."),
    Metric(27, "guard", "trips_total", "counter", (), "Trips since the guard started."),
    Metric(28, "guard", "resets_refused_total", "counter", (), "Presses of reset that were refused."),
    Metric(29, "guard", "loop_delay_max_seconds", "gauge", (), "Longest delay of the guard's loop in the last second."),
    Metric(30, "guard", "realtime_scheduling", "gauge", (), "1 if the guard's loop runs under SCHED_FIFO."),
    Metric(31, "guard", "memory_locked_bytes", "gauge", (), "Memory of the guard that is locked; 0 where it may not be."),
    Metric(40, "steward", "ledger_entries_total", "counter", (), "Entries in the ledger."),
    Metric(41, "steward", "ledger_bytes", "gauge", (), "Size of the ledger file."),
    Metric(42, "steward", "mqtt_connected", "gauge", (), "1 while connected to the broker."),
    Metric(43, "steward", "mqtt_published_total", "counter", (), "Messages that the broker acknowledged."),
    Metric(44, "steward", "outbox_backlog", "gauge", ("lane",), "Messages that wait in a lane."),
    Metric(45, "steward", "alarms_unacknowledged", "gauge", (), "Alarms in B or D."),
    Metric(46, "steward", "alarms_active", "gauge", (), "Alarms in B or C."),
    Metric(47, "steward", "alarms_shelved", "gauge", (), "Alarms that are shelved."),
    Metric(48, "steward", "alarms_out", "gauge", (), "Alarms suppressed by a rule or out of service."),
    Metric(49, "steward", "alarms_30_days", "gauge", (), "Alarms annunciated in the last 30 days."),
    Metric(50, "steward", "alarms_10_minutes", "gauge", (), "Alarms annunciated in the last ten minutes."),
    Metric(51, "steward", "alarm_flood", "gauge", (), "1 while more than ten alarms came in ten minutes, until fewer than five do."),
    Metric(52, "steward", "alarms_chattering", "gauge", (), "Alarms whose delays are lengthened because they chatter."),
    Metric(53, "steward", "alarms_stale", "gauge", (), "Alarms that were called again in the last day because they are a day old."),
    Metric(54, "steward", "recording", "gauge", (), "1 while what happens reaches the ledger's disk."),
    Metric(55, "steward", "program_up", "gauge", ("program",), "1 while the steward hears of this program; the host only where the plan has one."),
    Metric(56, "steward", "commands_done_total", "counter", (), "Commands from elsewhere that were followed."),
    Metric(57, "steward", "commands_refused_total", "counter", ("kind",), "Commands from elsewhere that were refused, by why."),
    Metric(58, "steward", "clock_sure", "gauge", (), "1 while somebody keeps this device's clock right."),
    Metric(59, "steward", "conditions_on", "gauge", ("model",), "Conditions of a model that are on."),
    Metric(75, "steward", "conditions_unknown", "gauge", ("model",), "Conditions of a model that can't be judged."),
    Metric(70, "steward", "outbox_backlog_bytes", "gauge", ("lane",), "Bytes in the ledger of what waits in a lane."),
    Metric(71, "steward", "outbox_oldest_seconds", "gauge", ("lane",), "How long ago the oldest happened that waits in a lane; 0 where none does."),
    Metric(72, "steward", "ledger_limit_bytes", "gauge", (), "Above this history goes; 0 = no limit."),
    Metric(73, "steward", "ledger_disk_bytes", "gauge", (), "Room that the ledger file takes on the disk."),
    Metric(74, "steward", "ledger_removed_total", "counter", (), "Entries of history that went for want of room, since the start."),
    Metric(60, "host", "inferences_total", "counter", ("model",), "Inferences that the host ran."),
    Metric(61, "tap", "records_sent_total", "counter", ("model",), "Records that the tap handed to the kernel."),
    Metric(62, "tap", "records_dropped_total", "counter", ("model",), "Records that the tap dropped."),
)  # fmt: skip

BY_INDEX: dict[int, Metric] = {metric.number: metric for metric in METRICS}

#: labels whose values are one of a fixed table's
LABEL_VALUES: dict[str, frozenset[str]] = {
    "reason": frozenset(REFUSALS),
    "program": frozenset({"monitor", "guard", "host"}),
    "lane": frozenset({"alarm", "evidence", "history"}),
    # of commands from elsewhere: the order of their checks, before and behind them
    "kind": frozenset(
        {"flood", "size", "retained", "unreadable", "key", "never", "signature", "target", "expiry", "number",
         "policy", "arguments"}
    ),
}  # fmt: skip
