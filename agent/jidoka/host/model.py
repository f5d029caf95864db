"""A bundle made ready to run: the session, its tensors checked against the manifest, what it is for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jidoka_bridge.errors import ModelError

from jidoka.config.located import parse
from jidoka.config.manifest import MANIFEST, Bundle, Input, Manifest, Output

#: onnxruntime's names of the element types that a manifest may name
ELEMENT_TYPES = {
    "tensor(bool)": "bool", "tensor(uint8)": "uint8", "tensor(int8)": "int8", "tensor(uint16)": "uint16",
    "tensor(int16)": "int16", "tensor(uint32)": "uint32", "tensor(int32)": "int32", "tensor(uint64)": "uint64",
    "tensor(int64)": "int64", "tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64",
}  # fmt: skip
FATAL_ONLY = 4  # severity of onnxruntime's own log: what goes wrong is raised, and said once by us


@dataclass(frozen=True)
class Use:
    """What the bundle's maker says it is for."""

    intended: str
    not_for: tuple[str, ...]

    @property
    def is_for_the_renderer(self) -> bool:
        return "built-in renderer" in self.intended


def open_session(bundle: Bundle) -> Any:
    """An onnxruntime session of the bundle's model on one thread, equal to its manifest in all tensors.

    Raises ModelError: onnxruntime is missing, the file can't be loaded, or a tensor differs from the manifest.
    """
    try:
        import onnxruntime  # noqa: PLC0415 - half a second, and an extra that a machine may lack
    except ImportError:
        raise ModelError(
            "onnxruntime isn't installed, so no model can run here.",
            "Install it: pip install 'jidoka-edge[cpu]', or the vendor's build for this device.",
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    # some exporters' files warn hundreds of times while they load, partly by the logger of the whole runtime
    onnxruntime.set_default_logger_severity(FATAL_ONLY)
    try:
        session = onnxruntime.InferenceSession(
            bundle.read_model(), options, providers=["CPUExecutionProvider"]
        )
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds, all mean the file
        # "[ONNXRuntimeError] : 7 : INVALID_PROTOBUF : Failed to load model because protobuf parsing failed."
        text = (str(error).strip().splitlines() or ["for no stated reason"])[0].rpartition(" : ")[2]
        raise ModelError(
            f"{bundle.file}: can't be loaded as a model: {text}",
            "It is cut off, isn't ONNX, or is of an opset that this onnxruntime doesn't know: copy or export it anew.",
        ) from None
    faults = [
        *differences("input", bundle.inputs, session.get_inputs()),
        *differences("output", bundle.outputs, session.get_outputs()),
    ]
    if faults:
        raise ModelError(
            "\n".join(f"{bundle.file}: {fault}" for fault in faults),
            f"Correct {bundle.folder / MANIFEST}, or copy the model that belongs to it.",
        )
    return session


def differences(side: str, stated: Sequence[Input | Output], found: Sequence[Any]) -> list[str]:
    """What differs between the manifest's tensors and the file's, one sentence each.

    A free size may have any name. What the file leaves free or unknown (onnxruntime gives no shape for it) the manifest
    may state: its writer has seen the model run.
    """
    in_manifest = {each.name: f"{each.dtype} {_shape_text(each.shape)}" for each in stated}
    in_file = {
        each.name: f"{ELEMENT_TYPES.get(each.type, each.type)} {_shape_text(each.shape)}" for each in found
    }
    faults = [
        f"the manifest's {side} {name!r}, {tensor}, isn't in the file"
        for name, tensor in in_manifest.items()
        if name not in in_file
    ]
    for tensor in found:
        if tensor.name not in in_manifest:
            faults.append(f"{side} {tensor.name!r}, {in_file[tensor.name]}, isn't in the manifest")
            continue
        (each,) = [each for each in stated if each.name == tensor.name]
        same_type = ELEMENT_TYPES.get(tensor.type) == each.dtype
        if not same_type or not _agree(tensor.shape, each.shape):
            faults.append(
                f"{side} {tensor.name!r} is {in_file[tensor.name]} in the file, "
                f"but {in_manifest[tensor.name]} in the manifest"
            )
    return faults


def _agree(found: Sequence[Any], stated: Sequence[Any]) -> bool:
    if not found:
        return True
    return len(found) == len(stated) and all(
        not isinstance(size, int) or size == wanted for size, wanted in zip(found, stated, strict=True)
    )


def _shape_text(shape: Sequence[Any]) -> str:
    return "[" + ", ".join(str(size) for size in shape) + "]"


def use_of(bundle: Bundle) -> Use:
    """What the manifest says of the bundle's use; `load_bundle` has checked that it can be read."""
    path = bundle.folder / MANIFEST
    manifest = Manifest.model_validate(parse(path.read_text(encoding="utf-8"), str(path)).value)
    return Use(manifest.intended_use, tuple(manifest.not_for))
