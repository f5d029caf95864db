"""Which conditions a bundle lets the monitor judge, by what is monitored: a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jidoka.config.bundle import Bundle, Output

FLOATS = frozenset({"float16", "float32", "float64"})
#: of an embedding; more are a picture rather
MOST_DIMENSIONS = 16_384


def inputs(bundle: Bundle) -> list[str]:
    """Names of the monitored inputs that have features: pictures, and floating-point numbers."""
    return [
        each.name
        for each in bundle.inputs
        if each.monitored and (each.layout is not None or each.dtype in FLOATS)
    ]


def outputs(bundle: Bundle) -> list[str]:
    """Names of the monitored outputs that have features but class scores and embeddings: boxes, commands, numbers."""
    return [
        each.name
        for each in bundle.outputs
        if each.monitored
        and each.role != "logits"
        and not has_dimensions(each)
        and (each.dtype in FLOATS or has_boxes(each) or each.role == "command")
    ]


def scores(bundle: Bundle) -> list[str]:
    """Names of the monitored outputs that tell how sure the model is."""
    return [
        each.name for each in bundle.outputs if each.monitored and (each.role == "logits" or has_boxes(each))
    ]


def commands(bundle: Bundle) -> list[str]:
    """Names of the monitored outputs that are commands."""
    return [each.name for each in bundle.outputs if each.monitored and each.role == "command"]


def embeddings(bundle: Bundle) -> list[str]:
    """Names of the monitored outputs that are embeddings."""
    return [each.name for each in bundle.outputs if each.monitored and has_dimensions(each)]


def has_dimensions(output: Output) -> bool:
    """True if it is an embedding whose number of entries is known: [batch, D], [batch, tokens, D], [batch, D, y, x]."""
    if output.role != "embedding" or output.dtype not in FLOATS or len(output.shape) not in {2, 3, 4}:
        return False
    size = output.shape[1 if len(output.shape) == 4 else -1]
    return isinstance(size, int) and 2 <= size <= MOST_DIMENSIONS


def has_boxes(output: Output) -> bool:
    """True if its columns are known to be boxes."""
    return output.role == "detections" and output.boxes is not None


class Need(NamedTuple):
    """What a condition looks at (tensors by name; thumbnail: or pictures that the application hands in), why it can't
    be judged where there is nothing to look at, and what to do then."""

    condition: str
    looks_at: Callable[[Bundle], list[str]]
    lack: str
    remedy: str
    thumbnail: bool = False


NEEDS: tuple[Need, ...] = (
    Need("drift(all)", lambda bundle: [*inputs(bundle), *scores(bundle), *outputs(bundle), *embeddings(bundle)],
         "monitors nothing that has features: no picture, class scores, command or other floating-point numbers",
         "Mark one of them in the manifest: monitored: true.", thumbnail=True),
    Need("drift(input)", inputs,
         "marks no picture and no floating-point input as monitored",
         "Write monitored: true for one in the manifest, or thumbnail: true where the application hands in a small "
         "picture (tap.image).", thumbnail=True),
    Need("drift(confidence)", scores,
         "has no monitored class scores (role logits) and no detections with boxes",
         "Use drift(output), or give the role to the output that holds the scores."),
    Need("drift(output)", outputs,
         "monitors no detections, command or other floating-point output beside class scores",
         "Write monitored: true for such an output in the manifest, or use drift(confidence)."),
    Need("drift(command)", commands,
         "has no monitored output with the role command",
         "Use drift(output), or give the role to the output that drives the machine."),
    Need("drift(embedding)", embeddings,
         "has no monitored output with the role embedding and a stated size",
         "Mark it in the manifest (role: embedding, monitored: true), or let the model put one out: jidoka model expose."),
    Need("implausible command", commands,
         "has no monitored output with the role command",
         "Use invalid output, or give the role to the output that drives the machine."),
)  # fmt: skip

#: material(…) looks at what drift(…) of the same group looks at
NEEDS_OF_MATERIAL = tuple(
    need._replace(
        condition=need.condition.replace("drift", "material"),
        remedy=need.remedy.replace("drift(", "material("),
    )
    for need in NEEDS
    if need.condition.startswith("drift")
)


def lacking(bundle: Bundle, *, has_thumbnail: bool) -> dict[str, Need]:
    """The conditions that can't be judged of this model, by name. has_thumbnail: its application hands in pictures."""
    return {
        need.condition: need
        for need in (*NEEDS, *NEEDS_OF_MATERIAL)
        if not need.looks_at(bundle) and not (need.thumbnail and has_thumbnail)
    }
