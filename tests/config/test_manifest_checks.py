"""What must fit between a manifest's settings: each rule is one fault at its place, with what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka.config import command_checks, manifest_checks
from jidoka.config.located import Fault
from jidoka.config.manifest_checks import Case

from .manifests import CONTROL, DETECTOR, changed, faults_of

Change = tuple[str, str]
RULES: dict[str, tuple[str, str, str]] = {
    # what is wrong: (text, where, part of the message)
    "a class twice": (changed(DETECTOR, ("bolt, nut", "nut, nut")), "10:16", "classes[1]: 'nut' is there twice"),
    "a channel twice": (changed(CONTROL, ("elbow", "shoulder")), "21:9", "channels[1]: 'shoulder' is there twice"),
    "an input's channel twice": (changed(CONTROL, ("t2]", "t1]")), "12:96", "'t1' is there twice"),
    "a size of -1": (changed(DETECTOR, ("[n, 3,", "[-1, 3,")), "12:43", "write a whole number, or a name such as `batch`"),
    "a size of null": (changed(DETECTOR, ("[n, 3549", "[null, 3549")), "16:12", "nothing is no size; write a whole"),
    "a size that is only a sign": (changed(DETECTOR, ("[n, 3549", "['?', 3549")), "16:12", "'?' is no size"),
    "a layout that the channels don't fit": (
        changed(DETECTOR, ("NCHW", "NHWC")), "12:69", "NHWC of this shape has 416 channels, BGR has 3; correct colour or shape, or write NCHW",
    ),
    "a layout of three axes": (changed(DETECTOR, ("[n, 3, 416, 416]", "[3, 416, 416]")), "12:66", "NCHW has 4 axes, the shape has 3"),
    "grey with three channels": (changed(DETECTOR, ("BGR", "grey")), "12:69", "has 3 channels, grey has 1"),
    "four channels of no colour": (
        changed(DETECTOR, (", colour: BGR", ""), ("[n, 3,", "[n, 4,")), "12:69", "has 4 channels, a picture has 1 or 3",
    ),
    "a colour without a layout": (changed(DETECTOR, ("layout: NCHW, ", "")), "12:69", "there is no layout"),
    "boxes of something else": (changed(DETECTOR, ("role: detections", "role: other\n    monitored: true")), "19:12", "the role is other"),
    "boxes of two axes": (changed(DETECTOR, ("[n, 3549, 7]", "[3549, 7]")), "16:12", "[batch, anchors, columns]"),
    "boxes without any score": (
        changed(DETECTOR, (", score: 4, classes: 5", "")), "18:12", "has neither score nor classes",
    ),
    "a column beyond the axis": (
        changed(DETECTOR, ("score: 4, classes: 5", "score: 7")), "18:54", "column 7 is beyond the last, 6",
    ),
    "a score among the classes": (changed(DETECTOR, ("score: 4", "score: 5")), "18:54", "column 5 is a class"),
    "more columns than classes": (
        changed(DETECTOR, ("[bolt, nut]", "[bolt, nut, washer]")), "18:66", "2 columns of class scores, but there are 3 classes",
    ),
    "a score for no boxes": (
        changed(DETECTOR, ("boxes: {format: cxcywh, size: [416, 416], score: 4, classes: 5}", "min_score: 0.5")),
        "18:16", "there is no `boxes`",
    ),
    "nothing to look at": (changed(DETECTOR, ("role: detections", "role: detections\n    monitored: false")), "14:3", "nothing is monitored"),
    "a confidence of no classes": (DETECTOR + "limits: {min_confidence: 0.6}\n", "20:26", "no output has the role logits"),
    "a feed of an output that isn't there": (
        DETECTOR + "feed: {format: json, outputs: {row: r}}\n", "20:37", "feed.outputs.row: 'row' isn't an output of the model; did you mean 'rows'?",
    ),
    "a classifier without classes": (
        changed(DETECTOR, ("detector", "classifier"), ("[bolt, nut]", "[bolt, nut]\ngood_classes: [nut]")), "15:3", "0 outputs have the role logits",
    ),
    "a control model without a command": (
        CONTROL[: CONTROL.index("    role")] + "    monitored: true\n", "15:3", "a control model has one",
    ),
    "two commands": (
        changed(CONTROL, ("limits:", "  - {name: b, dtype: float32, shape: [1, 2], role: command}\nlimits:")), "22:52", "2 outputs have the role command",
    ),
    "a command of a free size": (changed(CONTROL, ("[1, 2]", "[1, n]")), "17:12", "nobody knows its channels"),
    "too few channels": (changed(CONTROL, ("      - {name: elbow}\n", "")), "20:7", "1 channels for the 2 entries"),
    "channels of a free size": (changed(CONTROL, ("[1, 6]", "[1, n]")), "12:75", "the last axis is free"),
    "channels of something else": (
        changed(DETECTOR, ("shape: []", "shape: [2], channels: [{name: a}, {name: b}]")), "19:56", "the role is other",
    ),
    "channels of a picture": (
        changed(DETECTOR, ("layout", "channels: [a], layout"), ("[n, 3, 416, 416]", "[n, 3, 416, 1]")), "12:69", "a picture has a colour",
    ),
    "low above high": (changed(CONTROL, ("low: -30", "low: 31")), "20:42", "31 isn't below high, 30"),
    "a rate without a period": (changed(CONTROL, ("period: 20 ms\n", ""), (", jerk: 80000", "")), "19:63", "there is no `period`"),
    "saturation without limits": (changed(CONTROL, ("low: -30, high: 30, ", "")), "23:15", "no channel of the command has low or high"),
    "chatter of no command": (
        DETECTOR + "limits: {chatter: {share: 0.5, records: 9}}\n", "20:19", "no output has the role command",
    ),
    "tracking of an input that isn't there": (
        changed(CONTROL, ("state: {input: obs", "state: {input: ops")), "25:29", "'ops' isn't an input; did you mean 'obs'?",
    ),
    "tracking of an entry that isn't there": (
        changed(CONTROL, ("entries: [4, 5]", "entries: [4, 6]")), "25:86", "there is no entry 6, the last is 5",
    ),
    "tracking of fewer targets": (changed(CONTROL, ("entries: [4, 5]", "entries: [4]")), "25:82", "1 entries, but the state has 2"),
    "more of fewer": (changed(CONTROL, ("[10, 50]", "[60, 50]")), "26:34", "60 of 50 is never reached"),
    "a share of more than all": (changed(CONTROL, ("share: 0.6", "share: 60")), "24:20", "use less than 1"),
    "a period without a unit": (changed(CONTROL, ("20 ms", "20")), "10:9", "20 has no unit"),
    "a near name": (changed(CONTROL, ("rate: 900", "rat: 900")), "20:57", "rat is not a setting; did you mean 'rate'?"),
    "a type that isn't known": (changed(DETECTOR, ("int64", "int46")), "19:27", "Did you mean 'int64'?"),
}  # fmt: skip


@pytest.mark.parametrize("text", [CONTROL, DETECTOR])
def test_the_manifests_that_tests_start_from_are_valid(text: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, text) == []


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_is_one_fault_at_its_place(rule: str, tmp_path: Path) -> None:
    text, place, says = RULES[rule]
    found = faults_of(tmp_path, text)
    assert [each.split(": ")[0] for each in found] == [place], found
    assert says in found[0]
    assert "; " in found[0]


def test_saturation_may_be_judged_of_each_command_by_itself_and_chatter_needs_two(tmp_path: Path) -> None:
    alone = changed(CONTROL, ("share: 0.5, records: 50", "share: 0.5, records: 1"))
    assert faults_of(tmp_path, alone) == []
    (found,) = faults_of(tmp_path, changed(alone, ("share: 0.6, records: 50", "share: 0.6, records: 1")))
    assert found.startswith("24:"), found


def test_a_tracked_input_must_be_monitored_on_both_sides(tmp_path: Path) -> None:
    found = faults_of(tmp_path, changed(CONTROL, ("monitored: true, ", "")))
    assert [each.split(": ")[1] for each in found] == [
        "limits.tracking.state.input",
        "limits.tracking.target.input",
    ]
    assert all("write `monitored: true`" in each for each in found)


def test_every_check_between_settings_is_hit_by_a_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: set[str] = set()

    def noting(check: Callable[[Case], Iterator[Fault]]) -> Callable[[Case], Iterator[Fault]]:
        def noted(case: Case) -> Iterator[Fault]:
            for fault in check(case):
                found.add(check.__name__)
                yield fault

        return noted

    every = {each.__name__ for each in (*manifest_checks.CHECKS, *command_checks.COMMAND_CHECKS)}
    monkeypatch.setattr(manifest_checks, "CHECKS", tuple(map(noting, manifest_checks.CHECKS)))
    monkeypatch.setattr(
        "jidoka.config.manifest.COMMAND_CHECKS", tuple(map(noting, command_checks.COMMAND_CHECKS))
    )
    for text, _, _ in RULES.values():
        faults_of(tmp_path, text)
    assert found == every


def test_a_faulty_value_hides_no_other_fault_and_makes_no_false_one(tmp_path: Path) -> None:
    text = changed(
        CONTROL,
        ("id: model", "id: a b"),
        ("role: command", "role: comand"),
        ("[0, 1]", "zero"),
        ("high: 30", "high: x"),
    )
    assert [each.split(": ")[1] for each in faults_of(tmp_path, text)] == [
        "id", "outputs[0].role", "outputs[0].channels[0].high", "limits.tracking.state.entries",
    ]  # fmt: skip


FEED = "feed: {format: json, outputs: {rows: FORM}}\n"


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ("3", "feed.outputs.rows: 3 isn't text"),
        ("{class: a}", "feed.outputs.rows.confidence is missing"),
        ("{probabilities: 4}", "feed.outputs.rows.probabilities: 4 isn't text"),
        ("[a, 5]", "feed.outputs.rows[1]: 5 isn't text"),
        (
            "{class: a, confidence: b, clas: c}",
            "feed.outputs.rows.clas is not a setting; did you mean 'class'?",
        ),
    ],
)
def test_of_the_forms_that_a_value_may_have_the_nearest_is_told(form: str, says: str, tmp_path: Path) -> None:
    found = faults_of(tmp_path, DETECTOR + FEED.replace("FORM", form))
    assert [says in each for each in found] == [True], found


WORDS = st.sampled_from(
    ["0", "-1", "~", "true", "[]", "{}", "[~]", "1e999", ".nan", "''", "FILL IN", "command", "20 ms"]
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.sampled_from([CONTROL, DETECTOR + FEED.replace("FORM", "[a]")]),
    edits=st.lists(st.tuples(st.integers(0, 60), WORDS), min_size=1, max_size=4),
)
def test_a_valid_manifest_with_any_values_replaced_never_ends_in_a_traceback(
    tmp_path: Path, text: str, edits: list[tuple[int, str]]
) -> None:
    pieces = text.split(": ")
    for index, word in edits:
        at = 1 + index % (len(pieces) - 1)
        # the value up to what ends it, so that what follows stays where it was
        end = min((pieces[at].find(sign) for sign in ",}\n" if sign in pieces[at]), default=len(pieces[at]))
        pieces[at] = word + pieces[at][end:]
    for each in faults_of(tmp_path, ": ".join(pieces)):
        line, column, _ = each.split(":", 2)
        assert int(line) >= 1 <= int(column)
