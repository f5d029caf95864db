"""What the arm's host is to do: from its command line, from `jidoka host --source arm`, or from a compiled plan."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jidoka.host.options import Options as HostOptions
from jidoka.host.options import from_plan as host_from_plan

BUNDLE = "arm-policy"
#: a verdict later than this is none. The arm in software stands still with its clock while it waits; a real one can't,
#: so there it must be shorter than the control period.
DEADLINE_S = 0.5


@dataclass(frozen=True)
class Options:
    """bundle: folder or shipped name; model: its id in the plan, sha256: the plan's, None = whatever the bundle has;
    panel: where the PLC's lines come from, None = cycles begin by themselves; knobs: JSON file; pace: simulated seconds
    a second, 0 = as fast as it goes; rate_hz: most cycles a second without a panel, 0 = as the pace allows; count: of
    cycles, None = without end; is_gated: no command is used before its verdict; tells: counts, results or summary; known_answers: file of
    the set.
    """

    bundle: str = BUNDLE
    model: str | None = None
    sha256: str | None = None
    tap_socket: Path | None = None
    steward_socket: Path | None = None
    panel: Path | None = None
    knobs: Path | None = None
    pace: float = 1.0
    rate_hz: float = 0.0
    count: int | None = None
    seed: int = 1
    is_gated: bool = False
    deadline_s: float = DEADLINE_S
    tells: str = "counts"
    tells_every_s: float = 1.0
    known_answers: Path | None = None


def from_host(given: HostOptions) -> Options:
    """What `jidoka host --source arm` asks for: rate and count are of cycles, the camera's file holds the arm's knobs."""
    return Options(
        bundle=given.bundle, model=given.model, sha256=given.sha256, tap_socket=given.tap_socket,
        steward_socket=given.steward_socket, panel=given.trigger, knobs=given.camera,
        pace=0.0 if given.trigger is None else 1.0, rate_hz=given.rate_hz, count=given.count, seed=given.seed,
        is_gated=given.is_enforced, tells=given.tells, tells_every_s=given.tells_every_s,
        known_answers=given.known_answers,
    )  # fmt: skip


def from_plan(path: Path) -> Options:
    """The options in a compiled plan: a model in `enforce` is gated. Raises ConfigurationError where it has no host."""
    return from_host(host_from_plan(path))
