"""Programs killed, stopped, cut off from port and disk: what tools/kill_guard.py is made of."""
