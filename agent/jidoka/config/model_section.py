"""What the plan says of one model, for monitor and host: its manifest and its row, and the memory that a record needs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

from jidoka.config.bundle import DTYPE_BYTES, Bundle, Input, Output
from jidoka.config.schema import ModelSettings

Tensor: TypeAlias = Input | Output

#: tensors of a record that travel in its message; the wire's own limit (jidoka_tap.wire.INLINE_LIMIT_BYTES)
INLINE_BYTES = 60_000
#: each tensor of a record begins at a multiple of this (jidoka_tap.wire.ARENA_ALIGN)
ALIGN_BYTES = 64
#: what is kept for a tensor with a free size that isn't the batch
FREE_SIZE_BYTES = 4 * 1_048_576
MOST_SLOTS = 4
FEWEST_SLOTS = 2
ARENA_BYTES = 64 * 1_048_576


def model_section(row: ModelSettings, bundle: Bundle) -> dict[str, Any]:
    """`sections["models"][id]` of the plan: plain values only."""
    room_bytes = row.largest_record or record_bytes(monitored(bundle))
    return {
        "bundle": str(bundle.folder),
        "file": str(bundle.file),
        "sha256": bundle.sha256,
        "title": bundle.title,
        "task": bundle.task,
        "classes": list(bundle.classes),
        "good_classes": list(bundle.good_classes),
        "inputs": plainly(bundle.inputs),
        "outputs": plainly(bundle.outputs),
        "period_s": bundle.period_s,
        "min_confidence": bundle.min_confidence,
        "saturation": plainly(bundle.saturation),
        "chatter": plainly(bundle.chatter),
        "tracking": plainly(bundle.tracking),
        "refusals": plainly(bundle.refusals),
        "feed": None if bundle.feed is None else bundle.feed.model_dump(by_alias=True),
        "every": row.every,
        "roi": row.roi,
        "thumbnail": row.thumbnail,
        "drives": row.drives,
        "records_per_s": row.records_per_s,
        "records_per_part": row.records_per_part,
        "judged": row.judged.removeprefix("per "),
        "gate": None if row.gate is None else row.gate.model_dump(),
        "temperature": row.temperature,
        "performance": row.performance.model_dump(),
        "largest_record_bytes": room_bytes,
        "arena_slots": arena_slots(room_bytes),
    }


def plainly(value: Any) -> Any:
    """Dataclasses as dicts and tuples as lists, so that the value comes back from JSON as it was."""
    if is_dataclass(value):
        return {field.name: plainly(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [plainly(each) for each in value]
    return value


def monitored(bundle: Bundle) -> list[Tensor]:
    """The tensors that a record carries."""
    return [each for each in tensors(bundle) if each.monitored]


def tensors(bundle: Bundle) -> list[Tensor]:
    """All that goes in and comes out."""
    return [*bundle.inputs, *bundle.outputs]


def fixed_bytes(tensor: Tensor) -> int | None:
    """Bytes of one item of a tensor; None where a size other than the batch is free."""
    first, *others = tensor.shape or (1,)
    sizes = [first if isinstance(first, int) else 1, *others]
    if not all(isinstance(size, int) for size in sizes):
        return None
    return DTYPE_BYTES[tensor.dtype] * math.prod(int(size) for size in sizes)


def record_bytes(carried: Iterable[Tensor]) -> int:
    """Bytes of one record's tensors as they lie in shared memory; one with free sizes counts 4 MiB."""
    sizes = [fixed_bytes(each) for each in carried]
    return sum(_aligned(FREE_SIZE_BYTES if size is None else size) for size in sizes)


def stated_bytes(bundle: Bundle) -> int:
    """Bytes of those of a record's monitored tensors that the manifest gives all sizes of."""
    return sum(_aligned(size) for size in map(fixed_bytes, monitored(bundle)) if size is not None)


def arena_slots(room_bytes: int) -> int:
    """Slots of a model's arena; 0 where a record travels in its message."""
    if room_bytes <= INLINE_BYTES:
        return 0
    return max(FEWEST_SLOTS, min(MOST_SLOTS, ARENA_BYTES // room_bytes))


def _aligned(size: int) -> int:
    return -(-size // ALIGN_BYTES) * ALIGN_BYTES
