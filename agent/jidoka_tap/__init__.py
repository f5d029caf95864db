"""The tap: copies what a model says to the monitor, from inside the application, without ever being in its way."""

from jidoka_tap.known_answers import show_known_answers
from jidoka_tap.opening import OpenTap, open_tap
from jidoka_tap.session import WatchedSession, watch
from jidoka_tap.verdict import Rejected, Verdict
from jidoka_tap.version import VERSION as __version__  # noqa: N811 - the name that tools look for

__all__ = [
    "OpenTap", "Rejected", "Verdict", "WatchedSession", "__version__", "open_tap", "show_known_answers", "watch",
]  # fmt: skip
