"""What a person reads of entries that programs mostly read: one line each."""

from __future__ import annotations

from typing import Any

import pytest
from jidoka.steward.ledger.format import Kind
from jidoka.steward.ledger.story import sentence

from tests.steward.test_outbox import entry

COMMAND = {"name": "hold", "key": "shift", "number": 5, "outcome": "done", "refused": ""}
CARD = {"id": "m", "mode": "enforce", "baseline": "b" * 64, "running": {"runtime": "onnxruntime 1.19 on CPU"}}
INVENTORY = {"plan": "a" * 64, "version": "0.1.0", "models": [CARD, {"id": "n", "mode": "none"}]}
SKETCH = {
    "model": "m", "recipe": 2, "position": 0, "feature": "contrast", "records": 1132, "kll": "AgEPAMgACA" * 300,
}  # fmt: skip
RISK = {"id": "R-1", "risk": "model drift", "status": "on", "latched": True, "coverage": 0.999, "age_s": 3.0}


@pytest.mark.parametrize(
    ("kind", "body", "line"),
    [
        (Kind.COMMAND, COMMAND, "hold by the key shift from elsewhere done"),
        (Kind.COMMAND, {**COMMAND, "key": "", "outcome": "refused", "refused": "it was retained"},
         "hold from elsewhere refused: it was retained"),
        (Kind.INVENTORY, INVENTORY,
         (f"plan {'a' * 16}, version 0.1.0: m (enforce, onnxruntime 1.19 on CPU, baseline {'b' * 16}), "
         "n (none, not running, baseline none)")),
        (Kind.ACT, {"act": "change a mode", "model": "m", "mode": "observe", "role": "operator", "pseudonym": "o-3"},
         "change a mode of m to observe by operator o-3"),
        (Kind.ACT, {"act": "announce a window", "model": "m", "ms": 1_800_000, "role": "quality", "pseudonym": "q-2"},
         "announce a window of m for 30 min by quality q-2"),
        (Kind.ACT, {"act": "hold", "role": "operator", "pseudonym": "o-3", "reason": "other"},
         "hold by operator o-3: other"),
        (Kind.CAUSE, {"id": "R-1", "revision": 0, "acknowledged_revision": 0, "quality": "no data"},
         "R-1: gone, acknowledged, no data to judge it by (revision 0)"),
        (Kind.RISK, RISK, "R-1 model drift: on, latched, 99.9 % of the records came, judged 3 s ago"),
        (Kind.RISK, {"id": "R-1", "risk": "x", "status": "off"}, "R-1 x: off"),
        (Kind.RISK, {"id": "R-1"}, "can't be read: 'risk'"),
        (Kind.SKETCH, SKETCH, "m: distribution of contrast, 1132 records (recipe 2)"),
        (Kind.SKETCH, {**SKETCH, "position": 3}, "m: distribution of contrast, 1132 records (recipe 2, position 3)"),
        (Kind.SKETCH, {**SKETCH, "recipe": 0}, "m: distribution of contrast, 1132 records"),
    ],
)  # fmt: skip
def test_it_is_told_in_one_line(kind: Kind, body: dict[str, Any], line: str) -> None:
    assert sentence(entry(kind, body), {}) == line
