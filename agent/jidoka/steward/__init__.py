"""The steward: ledger, outbox, alarms for people, MQTT, metrics. It decides nothing about the machine."""
