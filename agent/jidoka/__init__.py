"""Jidoka: a monitoring agent that stops the machine when its model can't be trusted, and calls a human."""

__version__ = "0.1.0"
