"""A model file with one inner tensor more among its outputs, checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jidoka_bridge.errors import ModelError

from jidoka.config.bundle import read
from jidoka.config.drafting.graph import Graph, Tensor, graph_of, read_graph
from jidoka.config.drafting.guesses import roles_of
from jidoka.config.drafting.protobuf import DamagedError
from jidoka.config.exposing.addition import with_output
from jidoka.config.exposing.choice import automatic, named
from jidoka.config.exposing.layout import layout_of
from jidoka.config.exposing.proof import Proof, prove

_FIRST_CHOICE = ("logits", "command", "detections")


@dataclass(frozen=True)
class Exposed:
    """The new file's bytes and what it says of itself; name: of the new output; before: what it hangs before."""

    content: bytes
    graph: Graph
    name: str
    before: str
    proof: Proof

    @property
    def tensor(self) -> Tensor:
        """The new output."""
        return next(each for each in self.graph.outputs if each.name == self.name)


def expose(file: Path, tensor: str | None) -> Exposed:
    """The model of `file` with `tensor` put out too; None: what goes into the last linear layer.

    Raises ModelError: not a model, no such tensor, weights in other files, nothing that can be sent, or an onnxruntime
    that computes the other outputs otherwise then.
    """
    graph = read_graph(file)
    if graph.external:
        raise ModelError(
            f"{file}: its weights lie in {', '.join(graph.external)}, and a bundle is one file",
            "Export the model as one file first (onnx.save_model without external data).",
        )
    content = read(file)
    try:
        layout = layout_of(content)
    except DamagedError as error:
        raise ModelError(
            f"{file}: can't be read as a graph: {error}", "Copy or export the model anew."
        ) from None
    output = _answer(graph)
    name = automatic(file, layout, output) if tensor is None else named(file, layout, tensor)
    # first without a type: onnxruntime infers it, with whatever the file knows of the tensors on the way
    untyped = with_output(content, name)
    found = next(each for each in graph_of(file, untyped).outputs if each.name == name)
    if found.dtype is None:
        raise ModelError(
            f"{file}: {name!r} is {found.kind}, which can't be sent nor judged", "Name another tensor."
        )
    changed = with_output(content, name, found.dtype, found.shape)
    proof = prove(file, changed, graph.inputs, name)
    if len(found.shape or ()) != (len(proof.seen) if proof.seen is not None else -1) and not found.shape:
        # onnxruntime tells no sizes alike for a single number and where it can't infer them
        changed = with_output(content, name, found.dtype, None)
        proof = prove(file, changed, graph.inputs, name)
    if proof.differing:
        raise ModelError(
            f"{file}: with {name!r} put out, onnxruntime computes {', '.join(map(repr, proof.differing))} otherwise "
            "(by rounding: it then may not merge the operators around it)",
            "Name a tensor a step before or behind it, or export the model anew with this output and validate it anew.",
        )
    return Exposed(changed, graph_of(file, changed), name, output, proof)


def _answer(graph: Graph) -> str:
    """The output that the model is for: class scores, a command or boxes if one looks like that, else the first."""
    roles = roles_of(graph)
    for wanted in _FIRST_CHOICE:
        for each, role in zip(graph.outputs, roles, strict=True):
            if role.role == wanted:
                return each.name
    return graph.outputs[0].name
