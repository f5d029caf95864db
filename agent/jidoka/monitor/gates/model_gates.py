"""The gates of one model: one for each baseline, by recipe and position, from the setting `gate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jidoka.monitor.baseline import Baseline, Key
from jidoka.monitor.gates.conformal import records_needed
from jidoka.monitor.gates.gate import Gate
from jidoka.monitor.verdicts import Reason

_UNUSUAL = int(Reason.UNUSUAL_RECORD)


class ModelGates:
    """Judges each record of a model by the gate of its recipe and position.

    section: the model's entry of Plan.sections["models"]; names: of its features, in the order of their values.
    refused: why a baseline has no gate, in plain words. Without the setting, or without a baseline, nothing is judged.
    """

    def __init__(
        self, section: Mapping[str, Any], names: Sequence[str], baselines: Mapping[Key, Baseline]
    ) -> None:
        setting: Mapping[str, Any] = section.get("gate") or {}
        self.gates: dict[Key, Gate] = {}
        self.refused: dict[Key, list[str]] = {}
        feature = str(setting.get("feature", ""))
        self.place = names.index(feature) if feature in names else -1
        if not setting:
            return
        for key, baseline in baselines.items():
            faults = gate_faults(baseline, section)
            if faults:
                self.refused[key] = faults
                continue
            column = baseline.records[:, baseline.names.index(feature)]
            self.gates[key] = Gate(
                column.tolist(),
                rate_of(section),
                str(setting["side"]),
                tau=tau_of(baseline, feature),
                adapts=bool(setting["adapts"]),
                digest=baseline.digest,
            )

    @property
    def have_judged(self) -> bool:
        """True once a gate judged a record, or was restored from one that did."""
        return any(gate.judged for gate in self.gates.values())

    def judge(self, key: Key, values: NDArray[np.float64], *, is_fed: bool) -> int:
        """The bit UNUSUAL_RECORD, or 0. values: (V,) in the order of `names`."""
        gate = self.gates.get(key)
        if gate is None:
            return 0
        return _UNUSUAL if gate.judge(float(values[self.place]), is_fed=is_fed) else 0


def rate_of(section: Mapping[str, Any]) -> float:
    """The largest share of good *records*: a part is rejected if one of its records is, so theirs is a part of it."""
    return float(section["gate"]["reject_at_most"]) / float(section.get("records_per_part") or 1)


def tau_of(baseline: Baseline, feature: str) -> float:
    """Records over which one resembles the next in this feature, at least 1."""
    tau = float(baseline.reference.whitenings[baseline.names.index(feature)].tau)
    return max(1.0, tau) if np.isfinite(tau) else 1.0


def gate_faults(baseline: Baseline, section: Mapping[str, Any]) -> list[str]:
    """Why this baseline can't carry the gate of its model, in plain words; empty if it can, or if none is asked for."""
    setting = section.get("gate")
    if not setting:
        return []
    feature, rate = str(setting["feature"]), rate_of(section)
    if feature not in baseline.names:
        return [f"gate: the baseline has no feature {feature}: learn it anew"]
    if baseline.judged != "record":
        return ["gate: the baseline holds means over parts, a gate judges single records"]
    n = int((~np.isnan(baseline.records[:, baseline.names.index(feature)])).sum())
    tau = tau_of(baseline, feature)
    needed = records_needed(rate, str(setting["side"]), tau)
    if n < needed:
        told = f"gate: {n} records with {feature} are too few to reject at most {rate:.3%} of them"
        told += f" (it remembers about {tau:.0f} records)" if tau >= 1.5 else ""
        return [f"{told}: at least {needed - n} more are needed"]
    return []
