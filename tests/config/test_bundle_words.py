"""What a bundle that is right means, in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from jidoka.config.bundle import Bundle, Input
from jidoka.config.bundle_words import check_lines, notes
from jidoka.config.manifest import load_bundle

from tests.host.graphs import bundle as make_bundle

from .manifests import CONTROL, DETECTOR, HEAD, changed


def loaded(folder: Path, manifest: str) -> Bundle:
    """A bundle with this manifest behind its head; the file isn't opened here."""
    folder.mkdir(exist_ok=True)
    return load_bundle(make_bundle(folder / "own", b"any", manifest.removeprefix(HEAD)))


def test_a_classifier_is_told_with_what_can_be_judged_and_what_can_t() -> None:
    lines = check_lines(load_bundle("surface-inspection"))
    assert "Task     classifier: ok, scratch, pit, dent; good: ok" in lines
    assert "Judged   drift(all), drift(input), drift(confidence), and what every model is judged by" in lines
    assert (
        "Not      drift(output): it monitors no detections, command or other floating-point output beside class scores"
        in lines
    )
    assert "Record   9280 bytes of one item, in its message" in lines
    assert not [each for each in lines if each.startswith("Note")]


def test_a_command_is_told_with_all_that_it_is_refused_for(tmp_path: Path) -> None:
    lines = check_lines(loaded(tmp_path, CONTROL))
    assert "Task     control, a command every 20 ms" in lines
    assert (
        "Command  refused where it isn't finite, or by range of 1 channels, rate of 1 channels, jerk of 1 channels, "
        "or by saturation, or by chatter, or by tracking"
    ) in lines
    assert "         repeated refusals: 3 in a row, or 10 of the last 50" in lines


def test_a_record_that_needs_shared_memory_is_told_with_its_slots(tmp_path: Path) -> None:
    (line,) = [each for each in check_lines(loaded(tmp_path, DETECTOR)) if each.startswith("Record")]
    assert line == "Record   99392 bytes of one item, through shared memory, 4 slots"
    free = changed(DETECTOR, ("3549, 7", "boxes, 7"))
    (line,) = [each for each in check_lines(loaded(tmp_path / "free", free)) if each.startswith("Record")]
    assert line.startswith(
        "Record   4194304 bytes of one item, through shared memory, 4 slots, with 4 MiB for each"
    )


BOXES = "    boxes: {format: cxcywh, size: [416, 416], score: 4, classes: 5}\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            changed(DETECTOR, (BOXES, "")),
            "rows has the role detections without `boxes`: it is judged as plain numbers",
        ),
        (changed(DETECTOR, (", range: [0, 255]", "")), "images is a picture without a range"),
        (
            changed(DETECTOR, ("shape: []}", "shape: [], monitored: true}")),
            "counts is monitored, but whole numbers",
        ),
        (
            changed(CONTROL, ("role: command", "role: command\n    monitored: false")),
            "torque is a command and isn't monitored: it is neither judged nor refused",
        ),
        (
            changed(
                CONTROL,
                (", low: -30, high: 30, rate: 900, jerk: 80000", ""),
                ("  saturation: {share: 0.5, records: 50}\n", ""),
            ),
            "no channel of torque has a limit: only what isn't finite is refused",
        ),
    ],
)
def test_what_is_allowed_and_may_not_be_meant_is_said(text: str, says: str, tmp_path: Path) -> None:
    bundle = loaded(tmp_path, text)
    assert [says in each for each in notes(bundle)] == [True]
    assert any(each.startswith("Note") and says in each for each in check_lines(bundle))


def test_a_monitored_input_of_whole_numbers_is_said_to_have_no_reader() -> None:
    words = Input("ids", "int64", (1, 9), monitored=True)
    bundle = replace(load_bundle("surface-inspection"), inputs=(words,))
    assert list(notes(bundle)) == ["ids is monitored, but whole numbers have no features: nobody looks at it"]
