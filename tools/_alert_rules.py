"""The alert rules for Prometheus and the panels for Grafana: one table each; `tools/prometheus_files.py` writes the files.

Each rule carries a story that makes it fire and one that doesn't, as promtool writes series; so it is proven by
`promtool test rules`, not read.
"""

from __future__ import annotations

from typing import NamedTuple

CRITICAL, WARNING, INFO = "critical", "warning", "info"


class Rule(NamedTuple):
    """An alert. held_for: how long it must hold; series → values as promtool writes them (one a minute), in `fires` so that
    it fires after `after`, in `quiet` so that it doesn't. {{name}} of summary and remedy are labels."""

    name: str
    expr: str
    held_for: str
    severity: str
    summary: str
    remedy: str
    fires: dict[str, str]
    quiet: dict[str, str]
    after: str = "30m"
    labels: str = ""


RULES: tuple[Rule, ...] = (
    Rule("JidokaDown", 'up{job="jidoka"} == 0', "2m", CRITICAL,
         "Nothing is heard of the device at {{instance}}.", "See whether it runs: jidoka status there; by its rules the machine is held meanwhile.",
         {"up": "0x60"}, {"up": "1x60"}),
    Rule("JidokaNotRecording", "jidoka_recording == 0", "1m", CRITICAL,
         "{{instance}} can't record what happens.", "Look at the disk of its ledger: jidoka status",
         {"jidoka_recording": "0x60"}, {"jidoka_recording": "1x60"}),
    Rule("JidokaProgramAway", 'jidoka_program_up{program=~"guard|monitor"} == 0', "1m", CRITICAL,
         "The {{program}} of {{instance}} isn't running.", "Find out why it ended: jidoka status",
         {'jidoka_program_up{program="guard"}': "0x60"}, {'jidoka_program_up{program="guard"}': "1x60", 'jidoka_program_up{program="host"}': "0x60"},
         labels='program="guard"'),
    Rule("JidokaBrokerAway", "jidoka_mqtt_connected == 0", "10m", WARNING,
         "{{instance}} has no connection to its broker.", "jidoka status says why; nothing is lost meanwhile, it waits on the device.",
         {"jidoka_mqtt_connected": "0x60"}, {"jidoka_mqtt_connected": "1x5 0x8 1x47"}),
    Rule("JidokaNothingCommitted",
         "jidoka_outbox_backlog > 0 and on (instance) jidoka_mqtt_connected == 1 and delta(jidoka_outbox_backlog[30m]) >= 0", "15m", WARNING,
         "{{instance}}: what waits in the lane {{lane}} doesn't get less.", "See whether the AIMS runs and acknowledges; the broker's access list must let it write the topic ack.",
         {'jidoka_outbox_backlog{lane="evidence"}': "100+3x60", "jidoka_mqtt_connected": "1x60"},
         {'jidoka_outbox_backlog{lane="evidence"}': "0x60", "jidoka_mqtt_connected": "1x60"}, "55m", 'lane="evidence"'),
    Rule("JidokaBacklogOld", "jidoka_outbox_oldest_seconds > 3600", "5m", WARNING,
         "{{instance}}: something in the lane {{lane}} waits for more than an hour.", "See whether broker and AIMS can be reached; nothing is lost meanwhile.",
         {'jidoka_outbox_oldest_seconds{lane="alarm"}': "7200x60"}, {'jidoka_outbox_oldest_seconds{lane="alarm"}': "2x60"}, labels='lane="alarm"'),
    Rule("JidokaLedgerNearlyFull", "jidoka_ledger_limit_bytes > 0 and jidoka_ledger_disk_bytes > 0.8 * jidoka_ledger_limit_bytes", "5m", WARNING,
         "{{instance}}: the ledger has nearly reached its limit.", "Let the AIMS take what waits, or give the ledger more room.",
         {"jidoka_ledger_limit_bytes": "1000x60", "jidoka_ledger_disk_bytes": "900x60"}, {"jidoka_ledger_limit_bytes": "0x60", "jidoka_ledger_disk_bytes": "900x60"}),
    Rule("JidokaHistoryRemoved", "increase(jidoka_ledger_removed_total[1h]) > 0", "0m", INFO,
         "{{instance}}: history went from the ledger for want of room.", "Let the AIMS take what waits, or give the ledger more room.",
         {"jidoka_ledger_removed_total": "0+1x60"}, {"jidoka_ledger_removed_total": "5x60"}),
    Rule("JidokaRecordsLost", "rate(jidoka_records_lost_total[10m]) > 0.01 * rate(jidoka_records_total[10m])", "5m", WARNING,
         "{{instance}}: more than 1 % of the records of {{model}} never came.", "Find what the application or the device is busy with.",
         {'jidoka_records_total{model="m"}': "0+600x60", 'jidoka_records_lost_total{model="m"}': "0+10x60"},
         {'jidoka_records_total{model="m"}': "0+600x60", 'jidoka_records_lost_total{model="m"}': "0+1x60"}, labels='model="m"'),
    Rule("JidokaTapDrops", "rate(jidoka_records_dropped_total[10m]) > 0", "10m", WARNING,
         "{{instance}}: the tap of {{model}} drops records.", "The monitor can't keep up, or isn't there: jidoka status",
         {'jidoka_records_dropped_total{model="m"}': "0+5x60"}, {'jidoka_records_dropped_total{model="m"}': "7x60"}, labels='model="m"'),
    Rule("JidokaRecordsRefused", "sum by (instance, model) (rate(jidoka_refusals_total[10m])) > 0", "10m", WARNING,
         "{{instance}}: records or connections of {{model}} are refused.", "The metric's label `reason` says why; the monitor's log says whose.",
         {'jidoka_refusals_total{model="m",reason="garbage"}': "0+1x60"}, {'jidoka_refusals_total{model="m",reason="garbage"}': "3x60"}, labels='model="m"'),
    Rule("JidokaManyRejected",
         "rate(jidoka_verdicts_reject_total[15m]) > 0.2 * (rate(jidoka_verdicts_pass_total[15m]) + rate(jidoka_verdicts_suspect_total[15m]) "
         "+ rate(jidoka_verdicts_reject_total[15m]))", "5m", WARNING,
         "{{instance}}: more than a fifth of the records of {{model}} are rejected.", "Look at what the verdicts reject: jidoka status",
         {'jidoka_verdicts_reject_total{model="m"}': "0+300x60", 'jidoka_verdicts_pass_total{model="m"}': "0+300x60", 'jidoka_verdicts_suspect_total{model="m"}': "0x60"},
         {'jidoka_verdicts_reject_total{model="m"}': "0+1x60", 'jidoka_verdicts_pass_total{model="m"}': "0+600x60", 'jidoka_verdicts_suspect_total{model="m"}': "0x60"},
         labels='model="m"'),
    Rule("JidokaDriftNear", "jidoka_drift_log_statistic > 0.8 * jidoka_drift_log_limit", "5m", INFO,
         "{{instance}}: the drift statistic of {{model}} nears its limit.", "Look at lens, light and material before the machine stops.",
         {'jidoka_drift_log_statistic{model="m"}': "9x60", 'jidoka_drift_log_limit{model="m"}': "10x60"},
         {'jidoka_drift_log_statistic{model="m"}': "2x60", 'jidoka_drift_log_limit{model="m"}': "10x60"}, labels='model="m"'),
    Rule("JidokaConditionOn", "jidoka_conditions_on > 0", "1m", WARNING,
         "{{instance}}: a condition of {{model}} is on.", "jidoka status says which; the alarm says what to do.",
         {'jidoka_conditions_on{model="m"}': "1x60"}, {'jidoka_conditions_on{model="m"}': "0x60"}, labels='model="m"'),
    Rule("JidokaNotJudged", "jidoka_conditions_unknown > 0", "30m", WARNING,
         "{{instance}}: conditions of {{model}} can't be judged.", "There are too few records, or no baseline: jidoka status",
         {'jidoka_conditions_unknown{model="m"}': "2x90"}, {'jidoka_conditions_unknown{model="m"}': "0x90"}, "60m", 'model="m"'),
    Rule("JidokaJudgesSlowly", "jidoka_judge_seconds > 0.05", "5m", WARNING,
         "{{instance}}: a verdict on {{model}} takes more than 50 ms.", "Find what else the device's processor does.",
         {'jidoka_judge_seconds{model="m"}': "0.2x60"}, {'jidoka_judge_seconds{model="m"}': "0.001x60"}, labels='model="m"'),
    Rule("JidokaBeatsLost", "rate(jidoka_beats_lost_total[10m]) > 0.01 * rate(jidoka_beats_total[10m])", "5m", WARNING,
         "{{instance}}: more than 1 % of the beats to the PLC are lost.", "Check cable, termination and shielding: jidoka plc probe",
         {"jidoka_beats_total": "0+840x60", "jidoka_beats_lost_total": "0+20x60"}, {"jidoka_beats_total": "0+840x60", "jidoka_beats_lost_total": "0+1x60"}),
    Rule("JidokaGuardLate", "max_over_time(jidoka_loop_delay_max_seconds[5m]) > 0.02", "5m", WARNING,
         "{{instance}}: the guard's loop is later than 20 ms.", "Let the guard have real-time priority, or set `jitter` to what the device can.",
         {"jidoka_loop_delay_max_seconds": "0.05x60"}, {"jidoka_loop_delay_max_seconds": "0.002x60"}),
    Rule("JidokaTripsOften", "increase(jidoka_trips_total[8h]) > 5", "0m", WARNING,
         "{{instance}} tripped more than five times in a shift.", "Mend what trips: jidoka ledger show",
         {"jidoka_trips_total": "0+1x60"}, {"jidoka_trips_total": "2x60"}),
    Rule("JidokaHeldLong", "max_over_time(jidoka_permissive_machine[30m]) == 0", "0m", INFO,
         "{{instance}} had no permissive for half an hour.", "jidoka status says what is missing.",
         {"jidoka_permissive_machine": "0x60"}, {"jidoka_permissive_machine": "0x20 1x20 0x20"}, "45m"),
    Rule("JidokaAlarmWaits", "jidoka_alarms_unacknowledged > 0", "30m", WARNING,
         "{{instance}}: an alarm is unacknowledged for half an hour.", "Somebody at the machine: jidoka alarm list",
         {"jidoka_alarms_unacknowledged": "1x90"}, {"jidoka_alarms_unacknowledged": "1x20 0x70"}, "60m"),
    Rule("JidokaAlarmFlood", "jidoka_alarm_flood == 1", "0m", WARNING,
         "{{instance}}: more alarms come than a person can follow.", "jidoka alarm list shows the first cause first.",
         {"jidoka_alarm_flood": "1x60"}, {"jidoka_alarm_flood": "0x60"}),
    Rule("JidokaAlarmsWithheld", "jidoka_alarms_shelved + jidoka_alarms_out > 3", "1h", INFO,
         "{{instance}}: more than three alarms are shelved, suppressed or out of service for an hour.", "Look at why: jidoka alarm list",
         {"jidoka_alarms_shelved": "4x90", "jidoka_alarms_out": "0x90"}, {"jidoka_alarms_shelved": "1x90", "jidoka_alarms_out": "0x90"}, "80m"),
    Rule("JidokaAlarmChatters", "jidoka_alarms_chattering > 0", "30m", INFO,
         "{{instance}}: an alarm chatters.", "Mend or set its sensor: jidoka alarm list",
         {"jidoka_alarms_chattering": "1x60"}, {"jidoka_alarms_chattering": "0x60"}, "45m"),
    Rule("JidokaCommandRefused", "sum by (instance) (increase(jidoka_commands_refused_total[15m])) > 0", "0m", WARNING,
         "{{instance}} refused commands from elsewhere.", "Find who sends them: jidoka ledger show --kind command",
         {'jidoka_commands_refused_total{kind="expiry"}': "0+1x60"}, {'jidoka_commands_refused_total{kind="expiry"}': "3x60"}),
    Rule("JidokaCommandForged", 'sum by (instance, kind) (increase(jidoka_commands_refused_total{kind=~"never|signature|key|flood"}[15m])) > 0', "0m", CRITICAL,
         "{{instance}}: somebody sends commands that nobody may give ({{kind}}).", "Find who writes to its command topics, and let the broker's access list keep them away.",
         {'jidoka_commands_refused_total{kind="signature"}': "0+1x60"}, {'jidoka_commands_refused_total{kind="expiry"}': "0+1x60"}, labels='kind="signature"'),
    Rule("JidokaClockUnsure", "jidoka_clock_sure == 0", "30m", WARNING,
         "Nobody keeps the clock of {{instance}} right.", "Set up time synchronisation there, or `clock: assumed` where the site answers for it.",
         {"jidoka_clock_sure": "0x60"}, {"jidoka_clock_sure": "1x60"}, "45m"),
)  # fmt: skip


class Panel(NamedTuple):
    """One panel of the dashboard. queries: (expression, legend); kind: stat or timeseries; width of 24."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 8


#: heading of a row → its panels; $device is chosen at the top
ROWS: dict[str, tuple[Panel, ...]] = {
    "The machine": (
        Panel("Permissive", (("jidoka_permissive_machine{instance=~\"$device\"}", "M {{instance}}"), ("jidoka_permissive_ai{instance=~\"$device\"}", "A {{instance}}")), "bool_on_off"),
        Panel("State of the interlock", (("jidoka_interlock_state{instance=~\"$device\"}", "{{instance}}"),)),
        Panel("Trips and refused resets per hour", (("increase(jidoka_trips_total{instance=~\"$device\"}[1h])", "trips"), ("increase(jidoka_resets_refused_total{instance=~\"$device\"}[1h])", "refused resets"))),
        Panel("Beats to the PLC", (("rate(jidoka_beats_good_total{instance=~\"$device\"}[5m])", "good"), ("rate(jidoka_beats_lost_total{instance=~\"$device\"}[5m])", "lost"), ("rate(jidoka_beats_total{instance=~\"$device\"}[5m])", "sent")), "hertz"),
        Panel("Round trip of a beat", (("jidoka_beat_round_trip_seconds{instance=~\"$device\"}", "{{instance}}"),), "s"),
        Panel("The guard's loop: longest delay", (("jidoka_loop_delay_max_seconds{instance=~\"$device\"}", "{{instance}}"), ("jidoka_realtime_scheduling{instance=~\"$device\"}", "real time (1 = yes)")), "s"),
    ),
    "The models": (
        Panel("Records", (("rate(jidoka_records_total{instance=~\"$device\"}[5m])", "{{model}}"), ("rate(jidoka_inferences_total{instance=~\"$device\"}[5m])", "{{model}} inferences"), ("rate(jidoka_records_sent_total{instance=~\"$device\"}[5m])", "{{model}} sent")), "hertz"),
        Panel("Lost, dropped, refused", (("rate(jidoka_records_lost_total{instance=~\"$device\"}[5m])", "{{model}} lost"), ("rate(jidoka_records_dropped_total{instance=~\"$device\"}[5m])", "{{model}} dropped"), ("rate(jidoka_records_refused_total{instance=~\"$device\"}[5m])", "{{model}} refused")), "hertz"),
        Panel("Verdicts", (("rate(jidoka_verdicts_pass_total{instance=~\"$device\"}[5m])", "{{model}} pass"), ("rate(jidoka_verdicts_suspect_total{instance=~\"$device\"}[5m])", "{{model}} suspect"), ("rate(jidoka_verdicts_reject_total{instance=~\"$device\"}[5m])", "{{model}} reject")), "hertz"),
        Panel("Drift statistic and its limit (natural logarithm)", (("jidoka_drift_log_statistic{instance=~\"$device\"}", "{{model}}"), ("jidoka_drift_log_limit{instance=~\"$device\"}", "{{model}} limit"))),
        Panel("Conditions", (("jidoka_conditions_on{instance=~\"$device\"}", "{{model}} on"), ("jidoka_conditions_unknown{instance=~\"$device\"}", "{{model}} unknown"))),
        Panel("Time to a verdict", (("jidoka_judge_seconds{instance=~\"$device\"}", "{{model}}"),), "s"),
    ),
    "People": (
        Panel("Alarms", (("jidoka_alarms_active{instance=~\"$device\"}", "active"), ("jidoka_alarms_unacknowledged{instance=~\"$device\"}", "unacknowledged"), ("jidoka_alarms_shelved{instance=~\"$device\"}", "shelved"), ("jidoka_alarms_out{instance=~\"$device\"}", "suppressed or out of service"))),
        Panel("Alarm load", (("jidoka_alarms_10_minutes{instance=~\"$device\"}", "in 10 min"), ("jidoka_alarms_30_days{instance=~\"$device\"}", "in 30 days"), ("jidoka_alarms_chattering{instance=~\"$device\"}", "chattering"), ("jidoka_alarms_stale{instance=~\"$device\"}", "stale"), ("jidoka_alarm_flood{instance=~\"$device\"}", "flood"))),
        Panel("Commands from elsewhere, per hour", (("increase(jidoka_commands_done_total{instance=~\"$device\"}[1h])", "done"), ("increase(jidoka_commands_refused_total{instance=~\"$device\"}[1h])", "refused: {{kind}}"))),
    ),
    "The device": (
        Panel("Programs", (("jidoka_program_up{instance=~\"$device\"}", "{{program}}"), ("jidoka_recording{instance=~\"$device\"}", "recording"), ("jidoka_mqtt_connected{instance=~\"$device\"}", "broker"), ("jidoka_clock_sure{instance=~\"$device\"}", "clock")), "bool_on_off"),
        Panel("What waits for the AIMS", (("jidoka_outbox_backlog{instance=~\"$device\"}", "{{lane}}"), ("rate(jidoka_mqtt_published_total{instance=~\"$device\"}[5m])", "published per second"))),
        Panel("What waits: bytes", (("jidoka_outbox_backlog_bytes{instance=~\"$device\"}", "{{lane}}"),), "bytes"),
        Panel("What waits: age of the oldest", (("jidoka_outbox_oldest_seconds{instance=~\"$device\"}", "{{lane}}"),), "s"),
        Panel("Ledger", (("jidoka_ledger_bytes{instance=~\"$device\"}", "size"), ("jidoka_ledger_disk_bytes{instance=~\"$device\"}", "on the disk"), ("jidoka_ledger_limit_bytes{instance=~\"$device\"}", "limit"), ("jidoka_memory_locked_bytes{instance=~\"$device\"}", "locked by the guard")), "bytes"),
        Panel("Entries", (("rate(jidoka_ledger_entries_total{instance=~\"$device\"}[5m])", "entries"), ("rate(jidoka_ledger_removed_total{instance=~\"$device\"}[5m])", "removed"), ("rate(jidoka_messages_dropped_total{instance=~\"$device\"}[5m])", "messages dropped"), ("sum by (reason) (rate(jidoka_taps_refused_total{instance=~\"$device\"}[5m]))", "refused: {{reason}}")), "hertz"),
    ),
}  # fmt: skip
