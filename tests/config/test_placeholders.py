"""`FILL IN` is refused at its place with what to write, and hides no other fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from .manifests import CONTROL, DETECTOR, changed, faults_of


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            changed(CONTROL, ("a test", "FILL IN")),
            "6:8: maker: nobody has filled it in; who made and answers for it.",
        ),
        (changed(CONTROL, ("a test", "' FILL IN '")), "6:8: maker: nobody has filled it in"),
        (changed(CONTROL, ("20 ms", "FILL IN")), "10:9: period: nobody has filled it in; of a control model"),
        (
            changed(CONTROL, ("low: -30", "low: FILL IN")),
            "20:42: outputs[0].channels[0].low: nobody has filled it in; lowest command, in its unit.",
        ),
        (changed(DETECTOR, ("cxcywh", "FILL IN")), "18:21: outputs[0].boxes.format: nobody has filled it in"),
        (changed(DETECTOR, ("[bolt, nut]", "FILL IN")), "10:10: classes: nobody has filled it in"),
        (changed(DETECTOR, ("[bolt,", "[FILL IN,")), "10:11: classes[0]: nobody has filled it in"),
        (changed(DETECTOR, ("[n, 3549", "[FILL IN, 3549")), "16:13: outputs[0].shape[0]: nobody"),
        (
            DETECTOR + "feed: {format: json, outputs: {rows: FILL IN}}\n",
            "20:38: feed.outputs.rows: nobody has filled it in; for each output",
        ),
        (
            changed(DETECTOR, ("task: detector", "task: FILL IN")),
            "9:7: task: nobody has filled it in; what it does.",
        ),
    ],
)
def test_what_nobody_filled_in_is_one_fault_that_says_what_to_write(
    text: str, says: str, tmp_path: Path
) -> None:
    found = faults_of(tmp_path, text)
    assert len(found) == 1, found
    assert found[0].startswith(says)


def test_other_faults_are_told_beside_it(tmp_path: Path) -> None:
    text = changed(DETECTOR, ("a test", "FILL IN"), ("score: 4", "score: 9"), ("bolt, nut", "nut, nut"))
    assert [each.split(": ")[1] for each in faults_of(tmp_path, text)][:2] == ["maker", "classes[1]"]
    assert len(faults_of(tmp_path, text)) == 4
