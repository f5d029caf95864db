"""Which tensor is put out: the one that was named, if it can be, or the input of the last linear layer."""

from __future__ import annotations

import difflib
from pathlib import Path

from jidoka_bridge.errors import ModelError

from jidoka.config.exposing.layout import Layout, Node

#: operators of a linear layer, and the place of its weights among their inputs
LINEAR = {"Gemm": 1, "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3, "FusedMatMul": 1, "FusedGemm": 1}
_NEAR = 5


def named(file: Path, layout: Layout, name: str) -> str:
    """`name`, if it is made inside the graph and isn't put out yet. Raises ModelError."""
    if name in layout.makers and name not in layout.outputs:
        return name
    if name in layout.outputs:
        raise ModelError(
            f"{file}: {name!r} is an output already",
            "Nothing needs to be changed: write `role: embedding` and `monitored: true` for it in the manifest.",
        )
    if name in layout.inputs:
        raise ModelError(
            f"{file}: {name!r} is an input", "Name a tensor that the model computes, or give --auto."
        )
    if name in layout.constants:
        raise ModelError(
            f"{file}: {name!r} is a weight: it never changes",
            "Name the tensor that it is applied to, or give --auto.",
        )
    if name in layout.inner:
        raise ModelError(
            f"{file}: {name!r} lies inside a branch or a loop, which may not be run at all, or many times",
            "Name a tensor behind it, or give --auto.",
        )
    raise ModelError(f"{file}: has no tensor {name!r}", _near(name, layout))


def _near(name: str, layout: Layout) -> str:
    made = list(layout.makers)
    parts = [each for each in made if name.lower() in each.lower()] if len(name) > 2 else []
    close = list(dict.fromkeys([*difflib.get_close_matches(name, made, n=_NEAR, cutoff=0.5), *parts]))[:_NEAR]
    last = [each for node in layout.nodes[-_NEAR:] for each in node.outputs if each not in layout.outputs]
    if close:
        return f"Did you mean {', '.join(map(repr, close))}? Or give --auto."
    return f"Give --auto, or one of the last ones: {', '.join(map(repr, last))}." if last else "Give --auto."


def automatic(file: Path, layout: Layout, output: str) -> str:
    """What goes into the last linear layer before `output`: of several the one with most operators before it.

    A layer is linear where it multiplies with weights, so that the products inside an attention don't count.
    Raises ModelError: there is none, or what goes in is the model's input, or is put out already.
    """
    before, depths, fixed = _before(layout, output), _depths(layout), layout.fixed()
    found = []
    for node in layout.nodes:
        taken = _data(node, fixed)
        if taken and not before.isdisjoint(node.outputs):
            found.append((depths.get(taken, 0), taken))
    deep = [each for each in found if each[0] > 0]
    if not deep:
        why = (
            "the only linear layer before it takes the model's input itself"
            if found
            else "no linear layer (Gemm or MatMul with weights) is before it"
        )
        raise ModelError(
            f"{file}: --auto finds nothing inside that leads to {output!r}: {why}",
            "Name a tensor with --tensor: one of few numbers, late in the graph, such as the result of a pooling. "
            "A model that is convolutions from end to end has feature maps only; they are averaged over the picture.",
        )
    return named(file, layout, max(deep, key=lambda each: each[0])[1])


def _data(node: Node, fixed: set[str]) -> str:
    """What a linear layer multiplies with its weights; "" if the node is none."""
    place = LINEAR.get(node.operator)
    if (
        place is None
        or len(node.inputs) <= place
        or node.inputs[place] not in fixed
        or node.inputs[0] in fixed
    ):
        return ""
    return node.inputs[0]


def _before(layout: Layout, output: str) -> set[str]:
    """Every tensor that `output` depends on, itself included."""
    found, makers, waiting = {output}, layout.makers, [output]
    while waiting:
        node = makers.get(waiting.pop())
        for name in node.inputs if node else ():
            if name and name not in found:
                found.add(name)
                waiting.append(name)
    return found


def _depths(layout: Layout) -> dict[str, int]:
    """The most operators between the model's inputs and each tensor that depends on them."""
    depths = dict.fromkeys(layout.inputs, 0)
    for node in layout.nodes:
        reached = [depths[name] for name in node.inputs if name in depths]
        depths |= dict.fromkeys(node.outputs, 1 + max(reached)) if reached else {}
    return depths
