"""How often something may happen: so many at once, then one in so long. Pure.

The generic cell rate algorithm (ITU-T I.371): one time a name, from which on it would have its full allowance again.
"""

from __future__ import annotations


class Allowance:
    """most: at once; every_ns: what one of them costs in time."""

    def __init__(self, most: int, every_ns: int) -> None:
        self._slack_ns = (most - 1) * every_ns
        self._every_ns = every_ns
        self._full_ns: dict[str, int] = {}

    def take(self, name: str, now_ns: int) -> int:
        """0: it may, and counts; else the ns until it may again. now_ns: monotonic."""
        full_ns = max(self._full_ns.get(name, now_ns), now_ns)
        if (wait_ns := full_ns - self._slack_ns - now_ns) > 0:
            return wait_ns
        self._full_ns[name] = full_ns + self._every_ns
        return 0
