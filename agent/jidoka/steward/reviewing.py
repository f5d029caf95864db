"""Once an hour: is what was promised kept? `jidoka performance` reads the ledger, as a program of its own, and alarms follow.

A program of its own because the steward computes no statistics, and nobody waits for this one: it gives way to everything, and
one that takes too long is ended. What a person reads on the screen and what alarms are the same figures.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from jidoka_bridge import plan as plans
from jidoka_bridge.plan import Plan

from jidoka.alarms.facts import BUDGET_REFUTED, ERROR_RATE_REFUTED, SLICES_DIFFER
from jidoka.steward.own_alarms import promises

log = logging.getLogger("steward")

SECOND_NS = 1_000_000_000
#: the first one after a start, the next ones after each, and how long one may take
FIRST_NS, AGAIN_NS, LONGEST_NS = 120 * SECOND_NS, 3600 * SECOND_NS, 600 * SECOND_NS
LEAST_PRIORITY = 19


def findings_of(report: Mapping[str, Any]) -> frozenset[str]:
    """The alarms that `jidoka performance --json` asks for. Raises LookupError or TypeError for what isn't one."""
    found = [f"{BUDGET_REFUTED}:{each['risk']}" for each in report["budgets"] if each["is_refuted"]]
    for name, model in report["models"].items():
        if model["measured"].get("is_broken"):
            found.append(f"{ERROR_RATE_REFUTED}:{name}")
        if any(each["word"] == "differs" for each in model["slices"]):
            found.append(f"{SLICES_DIFFER}:{name}")
    return frozenset(found)


class Reviewer:
    """Has the ledger reviewed now and then. findings: names of own alarms, of the last review that came to an end; a review
    that fails changes nothing and is logged. Nobody waits for one that was ended: whether it has is asked later."""

    def __init__(self, plan: Plan, now_ns: int) -> None:
        self.findings: frozenset[str] = frozenset()
        self._plan = plan
        self._due_ns = now_ns + FIRST_NS
        self._is_asked = bool(promises(plan))
        self._child: subprocess.Popen[bytes] | None = None
        self._told: IO[bytes] | None = None
        self._is_ended = False

    def turn(self, now_ns: int) -> None:
        """Begin what is due, end what takes too long, read what has ended. Call once a second."""
        if self._child is not None:
            if self._child.poll() is not None:
                self._read(self._child.returncode)
            elif now_ns > self._due_ns - AGAIN_NS + LONGEST_NS and not self._is_ended:
                log.warning("a review of the ledger took too long and was ended")
                self._is_ended = True
                self._child.kill()
        elif self._is_asked and now_ns >= self._due_ns:
            self._due_ns = now_ns + AGAIN_NS
            self._begin()

    def close(self) -> None:
        """End what is under way."""
        if self._child is not None:
            self._child.kill()
            with suppress(subprocess.TimeoutExpired):  # its disk hangs
                self._child.wait(1.0)
        self._forget()

    def _begin(self) -> None:
        try:
            # in memory: the folder of the sockets mostly is, the report always
            self._told = os.fdopen(os.memfd_create("review"), "w+b")
            given = Path(self._plan.run_dir) / "review.json"
            given.parent.mkdir(parents=True, exist_ok=True)
            given.write_bytes(plans.dump(self._plan))
            command = [sys.executable, "-m", "jidoka.cli", "performance", "--json", "--plan", str(given)]
            self._child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=self._told, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            log.warning("the ledger can't be reviewed: %s", error)
            self._forget()
            return
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, self._child.pid, LEAST_PRIORITY)

    def _read(self, code: int) -> None:
        assert self._told is not None
        try:
            if code:
                raise ValueError(f"it ended with {code}: see why with jidoka performance")
            self._told.seek(0)
            self.findings = findings_of(json.load(self._told))
        except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
            log.warning("a review of the ledger came to nothing: %s", error)
        self._forget()

    def _forget(self) -> None:
        told, self._told, self._child, self._is_ended = self._told, None, None, False
        if told is not None:
            told.close()
