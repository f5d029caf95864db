"""Records of a program that can't be changed, taken from what it writes: lines, a log, a table, an MQTT topic."""
