"""What only shows between a manifest's settings: each rule is a function of all of it, and `CHECKS` is their table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from jidoka.config.bundle import MONITORED_ROLES
from jidoka.config.faults import near
from jidoka.config.located import Document, Fault, Trail, path_of
from jidoka.config.manifest_schema import Manifest
from jidoka.config.salvage import Unknown
from jidoka.config.tensor_schema import InputTable, OutputTable
from jidoka.feed.mapping import FeedSettings, unfit

PICTURE_CHANNELS = {"grey": 1, "RGB": 3, "BGR": 3}


@dataclass(frozen=True)
class Case:
    """A manifest as far as it can be read (what is wrong by itself is UNKNOWN), and where its values stand."""

    manifest: Manifest
    document: Document

    def fault(self, trail: Trail, message: str, remedy: str) -> Fault:
        """A fault at the value of `trail` (or where its parent starts, if it isn't written)."""
        return Fault(self.document.place_of_value(trail), trail, f"{path_of(trail)}: {message}", remedy)

    def outputs(self, role: str) -> list[tuple[int, OutputTable]]:
        """(index, output) of those with this role."""
        return [(index, each) for index, each in enumerate(self.manifest.outputs) if each.role == role]

    @property
    def is_role_unknown(self) -> bool:
        """True while an output's role can't be read, so that none can be said to be missing."""
        outputs = self.manifest.outputs
        return isinstance(outputs, Unknown) or any(isinstance(each.role, Unknown) for each in outputs)


Found = Iterator[Fault]


def last_size(tensor: InputTable | OutputTable) -> int | None:
    """Entries of the last axis; None where they are free or not known."""
    shape = tensor.shape
    return shape[-1] if isinstance(shape, list) and shape and isinstance(shape[-1], int) else None


def names_are_unique(case: Case) -> Found:
    """No class, tensor or channel is there twice."""
    manifest = case.manifest
    lists: list[tuple[Trail, Sequence[Any]]] = [
        (("classes",), manifest.classes),
        (("good_classes",), manifest.good_classes),
        (("inputs",), [each.name for each in manifest.inputs]),
        (("outputs",), [each.name for each in manifest.outputs]),
    ]
    lists += [(("inputs", at, "channels"), each.channels) for at, each in enumerate(manifest.inputs)]
    lists += [
        (("outputs", at, "channels"), [channel.name for channel in each.channels])
        for at, each in enumerate(manifest.outputs)
    ]
    for trail, names in lists:
        seen: set[str] = set()
        for index, name in enumerate(names):
            if isinstance(name, str) and name in seen:
                yield case.fault((*trail, index), f"{name!r} is there twice", "Keep one of them.")
            if isinstance(name, str):
                seen.add(name)


def classes_fit_the_scores(case: Case) -> Found:
    """A classifier has one output of class scores, and a name for each score."""
    manifest, logits = case.manifest, case.outputs("logits")
    for index, name in enumerate(manifest.good_classes):
        if not isinstance(manifest.classes, Unknown) and name not in manifest.classes:
            remedy = near(name, manifest.classes)
            yield case.fault(("good_classes", index), f"{name!r} isn't one of classes", remedy)
    if manifest.task == "classifier":
        for setting, names, least in (
            ("classes", manifest.classes, 2),
            ("good_classes", manifest.good_classes, 1),
        ):
            if not isinstance(names, Unknown) and len(names) < least:
                problem = f"a classifier has at least {least}, here are {len(names)}"
                yield case.fault((setting,), problem, "Name them: [ok, scratch, dent].")
        if not logits and not case.is_role_unknown:
            yield case.fault(
                ("outputs",),
                "0 outputs have the role logits, a classifier has one",
                "Give the role logits to the output that holds the class scores.",
            )
    for index, _ in logits[1:]:
        problem = f"{len(logits)} outputs have the role logits, a model has one"
        yield case.fault(("outputs", index, "role"), problem, "Give the others the role other.")
    for index, each in logits:
        size = last_size(each)
        if isinstance(manifest.classes, Unknown) or size in {None, len(manifest.classes)}:
            continue
        problem = f"ends in {size}, but there are {len(manifest.classes)} classes"
        remedy = "Name a class for each score, in the model's order."
        yield case.fault(("outputs", index, "shape"), problem, remedy)


def pictures_are_pictures(case: Case) -> Found:
    """A layout belongs to four axes with one channel for grey and three for colours."""
    for index, each in enumerate(case.manifest.inputs):
        if isinstance(each.layout, Unknown) or isinstance(each.shape, Unknown):
            continue
        if each.layout is None:
            if isinstance(each.colour, str):
                yield case.fault(
                    ("inputs", index, "colour"),
                    "nobody would read it: there is no layout",
                    "Add `layout: NCHW` or `layout: NHWC`, or remove it.",
                )
            continue
        if len(each.shape) != 4:
            problem = f"{each.layout} has 4 axes, the shape has {len(each.shape)}"
            yield case.fault(("inputs", index, "layout"), problem, "Remove it, or correct the shape.")
            continue
        channels = each.shape[1] if each.layout == "NCHW" else each.shape[3]
        wanted = {1, 3} if not isinstance(each.colour, str) else {PICTURE_CHANNELS[each.colour]}
        if isinstance(channels, int) and channels not in wanted:
            has = f"{each.colour} has {wanted.pop()}" if len(wanted) == 1 else "a picture has 1 or 3"
            other = "NHWC" if each.layout == "NCHW" else "NCHW"
            yield case.fault(
                ("inputs", index, "layout"),
                f"{each.layout} of this shape has {channels} channels, {has}",
                f"Correct colour or shape, or write {other} if the channels stand there.",
            )


def boxes_fit_the_columns(case: Case) -> Found:
    """The columns that `boxes` names lie in the last axis of [batch, anchors, columns], and the classes are as many."""
    for index, each in enumerate(case.manifest.outputs):
        at: Trail = ("outputs", index)
        boxes = each.boxes
        if boxes is None:
            if isinstance(each.min_score, float):
                yield case.fault(
                    (*at, "min_score"), "nobody would read it: there is no `boxes`", "Remove it."
                )
            continue
        if isinstance(boxes, Unknown) or isinstance(each.role, Unknown) or isinstance(each.shape, Unknown):
            continue
        if each.role != "detections":
            yield case.fault(
                (*at, "boxes"), f"nobody would read it: the role is {each.role}", "Write role: detections."
            )
            continue
        if len(each.shape) != 3:
            problem = f"boxes need [batch, anchors, columns], the shape has {len(each.shape)} axes"
            yield case.fault(
                (*at, "shape"), problem, "Remove `boxes`: they are judged as plain numbers then."
            )
            continue
        yield from _columns(case, (*at, "boxes"), boxes, last_size(each))


def _columns(case: Case, at: Trail, boxes: Any, columns: int | None) -> Found:
    score, first = boxes.score, boxes.classes
    if score is None and first is None:
        remedy = "Add the column of the objectness, or the first one of the classes, or both."
        yield case.fault(at, "has neither score nor classes", remedy)
    for name, column in (("score", score), ("classes", first)):
        if isinstance(column, int) and columns is not None and column >= columns:
            problem = f"column {column} is beyond the last, {columns - 1}"
            yield case.fault((*at, name), problem, "Columns are counted from 0; the first four are the box.")
    if isinstance(score, int) and isinstance(first, int) and score >= first:
        remedy = "The classes are the last columns; the score stands before them."
        yield case.fault((*at, "score"), f"column {score} is a class: these begin at {first}", remedy)
    named = len(case.manifest.classes)
    found = columns - first if isinstance(first, int) and columns is not None else 0
    if found > 0 and named not in {0, found}:
        problem = f"{found} columns of class scores, but there are {named} classes"
        yield case.fault((*at, "classes"), problem, "Name a class for each column, in the model's order.")


def something_is_monitored(case: Case) -> Found:
    """A model of which nothing is copied can't be judged."""
    manifest = case.manifest
    if not manifest.inputs or not manifest.outputs or case.is_role_unknown:
        return
    if any(each.monitored is not False for each in manifest.inputs):
        return
    if all(
        each.monitored is False or (each.monitored is None and each.role not in MONITORED_ROLES)
        for each in manifest.outputs
    ):
        yield case.fault(
            ("outputs",), "nothing is monitored", "Write `monitored: true` for what is to be judged."
        )


def the_feed_fits_the_outputs(case: Case) -> Found:
    """The feed's fields are entries of outputs that the model has."""
    manifest, raw = case.manifest, case.document.value
    whole = all(isinstance(each.name, str) and isinstance(each.shape, list) for each in manifest.outputs)
    if (
        not isinstance(raw, dict)
        or raw.get("feed") is None
        or not whole
        or not isinstance(manifest.classes, list)
    ):
        return
    try:
        feed = FeedSettings.model_validate(raw["feed"])
    except ValidationError:
        return  # that is said already
    for each in unfit(feed, manifest.outputs, manifest.classes):
        yield case.fault(("feed", *each.trail), each.message, each.remedy)


def limits_have_a_reader(case: Case) -> Found:
    """A limit of class scores needs class scores."""
    is_written = ("limits", "min_confidence") in case.document.keys
    if is_written and not case.outputs("logits") and not case.is_role_unknown:
        problem = "nobody would read it: no output has the role logits"
        yield case.fault(("limits", "min_confidence"), problem, "Remove it.")


CHECKS: tuple[Callable[[Case], Found], ...] = (
    names_are_unique,
    classes_fit_the_scores,
    pictures_are_pictures,
    boxes_fit_the_columns,
    something_is_monitored,
    the_feed_fits_the_outputs,
    limits_have_a_reader,
)
