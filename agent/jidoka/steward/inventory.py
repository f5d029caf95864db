"""What runs on this device, by digest: recorded when it changes, so that a fleet can be asked who runs what. Pure."""

from __future__ import annotations

import hashlib
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jidoka_bridge.plan import Plan

from jidoka import __version__

SECOND_NS = 1_000_000_000
#: programs come one after the other after a start: what they say is recorded once it stands
STEADY_NS = 5 * SECOND_NS
_RUNNING = ("sha256", "runtime", "tap")
MOST_CHARACTERS = 120


class Inventory:
    """plan: in force; packages: digest of what Python has installed, set by the shell (`packages_digest`)."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.packages = ""
        self._running: dict[str, dict[str, str] | None] = {}
        self._baselines: dict[str, str | None] = {}
        self._told: dict[str, Any] | None = None
        self._seen: dict[str, Any] | None = None
        self._since_ns = 0

    def restore(self, body: Mapping[str, Any]) -> None:
        """The last entry of the ledger. Raises KeyError or TypeError if it is none."""
        for card in body["models"]:
            self._running[card["id"]] = card["running"]
            self._baselines[card["id"]] = card["baseline"]
        self._told = dict(body)

    def summary(self, body: Mapping[str, Any]) -> None:
        """A summary of the monitor: which baseline it uses, and what the application says that it runs."""
        model = str(body["model"])
        self._baselines[model] = body.get("baseline")
        application = body.get("application")
        if isinstance(application, Mapping):
            told = {name: str(application.get(name) or "")[:MOST_CHARACTERS] for name in _RUNNING}
            self._running[model] = told

    def due(self, now_ns: int) -> dict[str, Any] | None:
        """The body of an entry, if what runs here has changed and stands."""
        body = self.body()
        if body != self._seen:
            self._seen, self._since_ns = body, now_ns
        if body == self._told or now_ns - self._since_ns < STEADY_NS:
            return None
        self._told = body
        return body

    def body(self) -> dict[str, Any]:
        """As the message `jidoka.inventory.v1`."""
        plan, sections = self._plan, self._plan.sections.get("models") or {}
        cards = [
            {
                "id": model.id, "mode": model.mode, "sha256": model.digest, "known_answers": model.known_answers,
                **{name: str(sections.get(model.id, {}).get(name) or "") for name in ("title", "task", "drives")},
                "running": self._running.get(model.id), "baseline": self._baselines.get(model.id),
            }
            for model in plan.models
        ]  # fmt: skip
        return {
            "version": __version__, "plan": plan.digest, "table": plan.table_digest, "map": plan.map_digest,
            "models": cards, "python": platform.python_version(), "packages": self.packages,
        }  # fmt: skip


def packages_digest() -> str:
    """SHA-256 over `name-version` of every installed Python package, a line each, sorted; in hexadecimal digits."""
    folders = [Path(each) for each in dict.fromkeys(sys.path) if each]
    found = {each.stem.lower() for folder in folders for each in folder.glob("*.dist-info")}
    return hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
