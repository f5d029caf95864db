"""The tap: copies what a model says to the monitor, from inside the application, without ever being in its way."""
