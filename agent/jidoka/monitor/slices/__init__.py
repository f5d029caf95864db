"""Slices: the same rates by shift, recipe and position, and whether one differs from the rest. It never says `fair`."""

from jidoka.monitor.slices.disparity import Disparity, Finding
from jidoka.monitor.slices.keys import SliceKeys
from jidoka.monitor.slices.rates import MEASURES, Slices

__all__ = ["MEASURES", "Disparity", "Finding", "SliceKeys", "Slices"]
