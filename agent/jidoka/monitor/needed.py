"""Which kernels the records of a plan can call: those of its models' inputs and outputs, and what every record needs.

From the very blocks that read the records (features/table.py), so that the two can't part.
"""

from __future__ import annotations

from typing import Any

from jidoka_bridge.plan import Plan

from jidoka.monitor.features.classifier import Classifier
from jidoka.monitor.features.command import Command
from jidoka.monitor.features.detections import Detections
from jidoka.monitor.features.embedding import Embedding
from jidoka.monitor.features.picture import Picture
from jidoka.monitor.features.plain import Entries, Plain
from jidoka.monitor.features.table import input_blocks, output_blocks
from jidoka.monitor.kernels.material import share_alarms, share_step
from jidoka.monitor.kernels.warm import KERNELS

OF_BLOCKS = frozenset(
    kernel
    for block in (Picture, Classifier, Detections, Command, Embedding, Plain, Entries)
    for kernel in block.kernels
)
#: of conditions with a tolerance
OF_MATERIAL = frozenset({share_step, share_alarms})
#: checks, scores, bets, and the arming at the start
ALWAYS = frozenset(kernel for kernel, _ in KERNELS) - OF_BLOCKS - OF_MATERIAL


def needed_by(plan: Plan) -> frozenset[Any]:
    """The kernels of kernels.warm.KERNELS that records and conditions of a plan can call."""
    sections = plan.sections["models"]
    found = {
        kernel
        for model in plan.models
        for placed in (*input_blocks(sections[model.id]), *output_blocks(sections[model.id]))
        for kernel in placed.block.kernels
    }
    detectors = plan.sections.get("detectors") or {}
    if any(each.get("tolerance") for each in detectors.values()):
        found |= OF_MATERIAL
    return ALWAYS | found
