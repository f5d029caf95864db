"""What a model file says of itself: its tensors as onnxruntime sees them, who made it, where its weights lie."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from jidoka_bridge.errors import ModelError

from jidoka.config.bundle import Dtype, Shape, read, unreadable
from jidoka.config.drafting.protobuf import DamagedError, Facts, facts_of

#: onnxruntime's names of element types that aren't those of numpy
_TYPES = {"float": "float32", "double": "float64"}
FATAL_ONLY = 4  # severity of onnxruntime's own log: what goes wrong is raised, and said once by us
_NO_VERSION = 2**63 - 1  # what onnxruntime tells where the file has none
_REMEDY = (
    "It is cut off, isn't ONNX, or is of an opset that this onnxruntime doesn't know: copy or export it anew."
)


@dataclass(frozen=True)
class Tensor:
    """One input or output. dtype: None where it is no tensor that can be sent, then `kind` says what it is; shape: None
    where the file tells none; made_by: the operator whose result it is, "" for an input."""

    name: str
    dtype: str | None
    shape: Shape | None
    kind: str
    made_by: str = ""


@dataclass(frozen=True)
class Graph:
    """A model file. opset: of ONNX's own operators, 0: not told; version, metadata: as its maker wrote them, if at all;
    external: files beside it in which weights lie."""

    file: Path
    size_bytes: int
    sha256: str
    producer: str
    opset: int
    version: int | None
    metadata: dict[str, str]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    external: tuple[str, ...]


def read_graph(file: Path) -> Graph:
    """What a file says of itself. Raises ModelError: missing, a folder, not ONNX, weights missing, no onnxruntime."""
    try:
        if file.is_dir():
            raise ModelError(f"{file}: is a folder", "Give the model file itself, such as model.onnx.")
        if not file.exists():
            raise ModelError(f"{file}: no such file", "Give the model file, such as model.onnx.")
    except OSError as error:
        raise unreadable(file, error) from None
    content = read(file)
    if not content:
        raise ModelError(f"{file}: is empty", "Copy or export the model anew.")
    return graph_of(file, content)


def graph_of(file: Path, content: bytes) -> Graph:
    """What the bytes of a model say of themselves. file: where they lie, or belong. Raises ModelError."""
    try:
        facts = facts_of(content)
    except DamagedError:
        raise ModelError(f"{file}: isn't an ONNX model, or is cut off", _REMEDY) from None
    for name in facts.external:
        if not (file.parent / name).is_file():
            raise ModelError(
                f"{file}: its weights lie in {name!r}, which isn't beside it",
                "Copy that file too, or export the model as one file.",
            )
    session = opened(file, None if facts.external else content)
    meta = session.get_modelmeta()
    return Graph(
        file=file,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        producer=meta.producer_name,
        opset=facts.opsets.get("", facts.opsets.get("ai.onnx", 0)),
        version=meta.version if 0 < meta.version < _NO_VERSION else None,
        metadata=dict(meta.custom_metadata_map),
        inputs=tuple(_tensor(each, facts) for each in session.get_inputs()),
        outputs=tuple(_tensor(each, facts) for each in session.get_outputs()),
        external=facts.external,
    )


def opened(file: Path, content: bytes | None = None, *, is_optimised: bool = False) -> Any:
    """An onnxruntime session of a file, or of these bytes of it, on one thread. Raises ModelError.

    is_optimised: as applications run it. Where only the tensors are wanted, what would be made of it is thrown away.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - half a second, and an extra that a machine may lack
    except ImportError:
        raise ModelError(
            "onnxruntime isn't installed, so no model can be opened here",
            "Install it: pip install 'jidoka-edge[cpu]', or the vendor's build for this device.",
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    if not is_optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    # some exporters' files warn hundreds of times while they load, partly by the logger of the whole runtime
    onnxruntime.set_default_logger_severity(FATAL_ONLY)
    try:
        return onnxruntime.InferenceSession(content or str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds, all mean the file
        # "[ONNXRuntimeError] : 1 : FAIL : Load model from x.onnx failed:Fatal error: Foo is not a registered function/op"
        text = (str(error).strip().splitlines() or ["for no stated reason"])[0].rpartition(" : ")[2]
        text = text.removeprefix(f"Load model from {file} failed:")
        raise ModelError(f"{file}: can't be loaded as a model: {text}", _REMEDY) from None


def _tensor(found: Any, facts: Facts) -> Tensor:
    match = re.fullmatch(r"tensor\((\w+)\)", found.type)
    dtype = _TYPES.get(match[1], match[1]) if match else None
    is_known = dtype in get_args(Dtype) and found.name not in facts.without_shape
    shape = (
        tuple(_size(found.name, axis, size) for axis, size in enumerate(found.shape)) if is_known else None
    )
    made_by = facts.makers.get(found.name, "")
    return Tensor(found.name, dtype if dtype in get_args(Dtype) else None, shape, found.type, made_by)


def _size(tensor: str, axis: int, size: Any) -> str | int:
    """A size, or the name of a free one; one is made up where the file gives none."""
    if isinstance(size, int) and size > 0:
        return size
    if isinstance(size, str) and re.search(r"[^\W\d]", size):
        return size
    return "batch" if axis == 0 else f"{tensor}_{axis}"
