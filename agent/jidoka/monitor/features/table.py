"""Which features a model has: from its inputs and outputs, as the manifest describes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from jidoka.monitor.features.classifier import Classifier
from jidoka.monitor.features.command import Command, has_channels
from jidoka.monitor.features.detections import Detections, has_boxes
from jidoka.monitor.features.embedding import Embedding, dimensions_of
from jidoka.monitor.features.picture import Picture, is_picture
from jidoka.monitor.features.plain import Entries, Plain, is_float
from jidoka.monitor.features.port import is_monitored

#: what a drift condition can be about; `all` = every feature that belongs to one of the others
GROUPS = ("input", "confidence", "output", "command", "embedding", "all")


class Block(Protocol):
    """The features of one input or output. confidence: the one that tells how sure the model is, "" = none; kernels: those
    that reading it calls, beside the ones that every record needs (monitor/needed.py)."""

    @property
    def kernels(self) -> tuple[Any, ...]: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def confidence(self) -> str: ...


@dataclass(frozen=True)
class FeatureSet:
    """The features of a model, in the order of its records' values, and which of them each of GROUPS means.

    confidence: place of the feature that tells how sure the model is; -1: none does.
    """

    names: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    confidence: int = -1


class Placed:
    """A block, the entry that it is about, and where its values begin. spec: {} for thumbnails."""

    def __init__(self, block: Block, spec: Mapping[str, Any], at: int) -> None:
        self.block = block
        self.spec = spec
        self.at = at


def feature_set(section: Mapping[str, Any]) -> FeatureSet:
    """What the records of a model show. section: its entry of Plan.sections["models"]."""
    return set_of([*input_blocks(section), *output_blocks(section)])


def set_of(blocks: list[Placed]) -> FeatureSet:
    """The features of blocks, in their order."""
    names = tuple(name for each in blocks for name in each.block.names)
    groups = {
        group: tuple(name for each in blocks for name in each.block.groups.get(group, ()))
        for group in GROUPS
        if group != "all"
    }
    confidence = next((each.block.confidence for each in blocks if each.block.confidence), None)
    place = names.index(confidence) if confidence is not None else -1
    # what belongs to no group is there for gates and people
    drifting = {name for group in groups.values() for name in group}
    return FeatureSet(names, {**groups, "all": tuple(name for name in names if name in drifting)}, place)


def input_blocks(section: Mapping[str, Any]) -> list[Placed]:
    """The picture first: of the first monitored input that is one, else of thumbnails that may come with any model."""
    picture: Mapping[str, Any] = next((each for each in section["inputs"] if is_picture(each)), {})
    return _placed(_of_inputs(section, picture), 0)


def output_blocks(section: Mapping[str, Any], at: int | None = None) -> list[Placed]:
    """One block for each monitored output that has features. at: where the first begins, behind the inputs'."""
    if at is None:
        at = sum(len(each.block.names) for each in input_blocks(section))
    return _placed(_of_outputs(section), at)


def _placed(found: Iterator[tuple[Block, Mapping[str, Any]]], at: int) -> list[Placed]:
    blocks = []
    for block, spec in found:
        blocks.append(Placed(block, spec, at))
        at += len(block.names)
    return blocks


def _of_inputs(
    section: Mapping[str, Any], picture: Mapping[str, Any]
) -> Iterator[tuple[Block, Mapping[str, Any]]]:
    yield Picture(picture), picture
    for spec in section["inputs"]:
        if spec.get("monitored") and not is_picture(spec) and is_float(spec):
            yield (Entries if spec.get("channels") else Plain)(spec, "input"), spec


def _of_outputs(section: Mapping[str, Any]) -> Iterator[tuple[Block, Mapping[str, Any]]]:
    temperature = float(section.get("temperature") or 1.0)
    roles: set[str] = set()
    for spec in section["outputs"]:
        if not is_monitored(spec):
            continue
        role = str(spec.get("role"))
        # the first of its kind has short names: baselines of one output stay what they are
        prefix = f"{spec['name']}." if role in roles else ""
        roles.add(role)
        if role == "logits":
            yield Classifier(spec, prefix, temperature), spec
        elif role == "detections" and has_boxes(spec):
            yield Detections(spec, prefix), spec
        elif role == "command" and has_channels(spec):
            yield Command(section, spec, prefix), spec
        elif dimensions_of(spec):
            yield Embedding(spec), spec
        elif is_float(spec):
            yield Plain(spec, "output"), spec
