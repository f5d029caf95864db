"""Bringing a device to its machine: times of this site, what answers on the line, drills, and what was measured."""
