"""Features of a command, and the envelope that it must lie in: both come from one pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka.monitor.envelope import Envelope
from jidoka.monitor.kernels.command import command_step, residuals


def has_channels(spec: Mapping[str, Any]) -> bool:
    """True if it is known how many channels this output has."""
    shape = spec.get("shape") or ["free"]
    return bool(spec.get("channels")) or (isinstance(shape[-1], int) and shape[-1] > 0)


class Command:
    """Each channel's value and |rate|, the shares of saturation and reversals, and how far tracked entries are off.

    section: the model's; spec: the output's entry; prefix: of the features' names, where a model has several
    such outputs: then only the first watches the target.
    """

    kernels = (command_step, residuals)

    def __init__(self, section: Mapping[str, Any], spec: Mapping[str, Any], prefix: str) -> None:
        self.envelope = Envelope(section, spec)
        if prefix:
            self.envelope.drop_tracking()
        names = self.envelope.names
        self.names = tuple(
            prefix + name
            for name in (
                *names,
                *(f"{name}.rate" for name in names),
                "saturation_share",
                "chatter",
                *(f"residual.{name}" for name in self.envelope.tracked),
            )
        )
        self.groups = {"command": self.names, "output": self.names}
        self.confidence = ""
