"""Gates: is this one record unlike those of the baseline? A rate that the engineer wrote, kept record by record."""

from jidoka.monitor.gates.gate import Gate
from jidoka.monitor.gates.model_gates import ModelGates, gate_faults

__all__ = ["Gate", "ModelGates", "gate_faults"]
