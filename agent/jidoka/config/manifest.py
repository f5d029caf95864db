"""A model bundle: a folder with a model file and a manifest.yaml that says what it is, verified before use."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from jidoka_bridge.errors import ModelError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from jidoka.config import faults, located
from jidoka.config.faults import UnfitError
from jidoka.config.located import Document, Fault, Trail

FORMAT = 1
MANIFEST = "manifest.yaml"

#: where bundles that come with Jidoka lie: in an installed wheel, in a checkout
SHIPPED = (Path(__file__).resolve().parents[1] / "bundles", Path(__file__).resolve().parents[3] / "models")


@dataclass(frozen=True)
class Input:
    """One input tensor. shape: sizes, or a name where the size is free; range: (lowest, highest) value."""

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    layout: str | None = None
    colour: str | None = None
    unit: str = "1"
    range: tuple[float, float] | None = None
    monitored: bool = False


@dataclass(frozen=True)
class Output:
    """One output tensor. role: logits, embedding or other."""

    name: str
    dtype: str
    shape: tuple[str | int, ...]
    unit: str = "1"
    role: str = "other"


@dataclass(frozen=True)
class Bundle:
    """A verified bundle: `file` had this sha256 when it was loaded; `read_model` checks it again."""

    folder: Path
    file: Path
    sha256: str
    id: str
    version: str
    title: str
    task: str
    classes: tuple[str, ...]
    good_classes: tuple[str, ...]
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    min_confidence: float

    def read_model(self) -> bytes:
        """The model file's bytes, whose digest is the manifest's: make the session from these, not from the path.

        Raises ModelError when the file changed or went since it was loaded.
        """
        content = _read(self.file)
        _require_digest(self.file, content, self.sha256)
        return content


def _shape(value: list[Any]) -> list[Any]:
    for size in value:
        whole = isinstance(size, int) and not isinstance(size, bool) and size > 0
        if not whole and not (isinstance(size, str) and size):
            raise UnfitError(
                f"{faults.shown(size)} is no size", "Write whole numbers, or a name where it is free."
            )
    return value


def _digest(value: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise UnfitError("isn't a SHA-256", "Write the 64 small hex digits that `sha256sum FILE` prints.")
    return value


def _file_name(value: str) -> str:
    if "/" in value or "\\" in value or value in {"", ".", ".."} or "\0" in value:
        raise UnfitError(
            f"{faults.shown(value)} isn't a file name", "Name a file in the bundle's own folder."
        )
    return value


def _range(value: list[float]) -> list[float]:
    if value[0] >= value[1]:
        raise UnfitError(f"{value[0]:g} to {value[1]:g} is no range", "Write [lowest, highest].")
    return value


Text = Annotated[str, Field(min_length=1, max_length=500)]
Shape = Annotated[list[Any], Field(min_length=1, max_length=8), AfterValidator(_shape)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Dtype = Literal["uint8", "int8", "uint16", "int16", "int32", "int64", "float16", "float32", "float64"]


class _Settings(BaseModel):
    """Strict: an unknown setting or a value of another type is a fault."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _InputTable(_Settings):
    name: Text
    dtype: Dtype
    shape: Shape
    layout: Literal["NCHW", "NHWC"] | None = None
    colour: Literal["grey", "RGB", "BGR"] | None = None
    unit: Text = "1"
    range: Annotated[list[Finite], Field(min_length=2, max_length=2), AfterValidator(_range)] | None = None
    monitored: bool = False


class _OutputTable(_Settings):
    name: Text
    dtype: Dtype
    shape: Shape
    unit: Text = "1"
    role: Literal["logits", "embedding", "other"] = "other"


class _Limits(_Settings):
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5


class Manifest(_Settings):
    """manifest.yaml as it is written."""

    format: Literal[1]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    version: Text
    title: Text | None = None
    file: Annotated[Text, AfterValidator(_file_name)]
    sha256: Annotated[str, AfterValidator(_digest)]
    maker: Text
    licence: Text
    intended_use: Text
    not_for: list[Text] = []
    task: Literal["classifier"]
    classes: Annotated[list[Text], Field(min_length=2)]
    good_classes: Annotated[list[Text], Field(min_length=1)]
    inputs: Annotated[list[_InputTable], Field(min_length=1)]
    outputs: Annotated[list[_OutputTable], Field(min_length=1)]
    limits: _Limits = _Limits()
    figures: dict[str, Any] = {}


def find_bundle(reference: str | Path, base_dir: Path | None = None) -> Path:
    """The folder that `reference` means: a path (relative to base_dir), else the name of a shipped bundle.

    Raises ModelError with the places that were looked at.
    """
    text = str(reference)
    folder = (base_dir or Path()) / text
    is_name = "/" not in text and text not in {"", ".", ".."}
    # a name may be a shipped one although this user can't look into the working directory
    if os.path.isdir(folder) if is_name else _is_dir(folder):  # noqa: PTH112
        return folder.resolve()
    if is_name:
        for shelf in SHIPPED:
            if (shelf / text).is_dir():
                return (shelf / text).resolve()
        known = sorted({each.name for shelf in SHIPPED if shelf.is_dir() for each in shelf.iterdir()})
        raise ModelError(
            f"{text}: no such folder, and no bundle of this name comes with Jidoka",
            f"Give the bundle's folder. {faults.near(text, known)}",
        )
    if folder.exists():
        raise ModelError(f"{folder}: isn't a folder", f"Give the folder that holds {MANIFEST}.")
    raise ModelError(
        f"{folder}: no such folder", f"Give the folder that holds {MANIFEST}, or a shipped name."
    )


def load_bundle(reference: str | Path, base_dir: Path | None = None) -> Bundle:
    """The bundle in a folder, or a shipped one by its name, with its model file's digest verified.

    Raises ModelError: folder or manifest missing, manifest faulty (every fault with file:line:column),
    model file missing or with another digest.
    """
    folder = find_bundle(reference, base_dir)
    path = folder / MANIFEST
    if not _is_file(path):
        raise ModelError(f"{folder}: has no {MANIFEST}", "Give a bundle's folder, or write its manifest.")
    manifest = _read_manifest(path)
    file = folder / manifest.file
    if not _is_file(file):
        raise ModelError(
            f"{file}: the model file is missing", f"Copy it there; {path} names it, with its digest."
        )
    _require_digest(file, _read(file), manifest.sha256)
    return Bundle(
        folder=folder,
        file=file,
        sha256=manifest.sha256,
        id=manifest.id,
        version=manifest.version,
        title=manifest.title or f"{manifest.id} {manifest.version}",
        task=manifest.task,
        classes=tuple(manifest.classes),
        good_classes=tuple(manifest.good_classes),
        inputs=tuple(
            Input(
                **{
                    **each.model_dump(),
                    "shape": tuple(each.shape),
                    "range": None if each.range is None else (each.range[0], each.range[1]),
                }
            )
            for each in manifest.inputs
        ),
        outputs=tuple(
            Output(**{**each.model_dump(), "shape": tuple(each.shape)}) for each in manifest.outputs
        ),
        min_confidence=manifest.limits.min_confidence,
    )


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a folder above it is closed to this user
        raise ModelError(f"{path}: can't be read: {error.strerror}", _RIGHTS) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}", _RIGHTS) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}", _RIGHTS) from None


def _require_digest(file: Path, content: bytes, expected: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"{file}: SHA-256 {found[:16]}… isn't the manifest's {expected[:16]}…: this isn't the file that was approved",
            "Copy the bundle anew from its maker; write the new digest only after the new model was approved.",
        )


def _read_manifest(path: Path) -> Manifest:
    try:
        text = _read(path).decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: isn't UTF-8 text (byte {error.start})", _REMEDY) from None
    document = located.parse(text, str(path))
    found = list(document.faults)
    manifest: Manifest | None = None
    if not found or document.value is not None:
        try:
            manifest = Manifest.model_validate(document.value)
            found += _across(manifest, document)
        except ValidationError as error:
            found += faults.from_pydantic(error, document, Manifest)
    if found or manifest is None:
        raise ModelError("\n".join(faults.lines_of(found, str(path))), _REMEDY)
    return manifest


_RIGHTS = "Let this user read it, or run as the user that owns it."
_REMEDY = "Correct the manifest, or copy the bundle anew from its maker."


def _across(manifest: Manifest, document: Document) -> list[Fault]:
    """What only shows between fields."""
    found: list[Fault] = []

    def fault(trail: Trail, message: str, remedy: str) -> None:
        found.append(Fault(document.place_of_value(trail), trail, message, remedy))

    lists: dict[str, list[str]] = {
        "classes": list(manifest.classes),
        "good_classes": list(manifest.good_classes),
        "inputs": [each.name for each in manifest.inputs],
        "outputs": [each.name for each in manifest.outputs],
    }
    for name, entries in lists.items():
        for index, entry in enumerate(entries):
            if entry in entries[:index]:
                fault((name, index), f"{name}[{index}]: {entry!r} is there twice", "Keep one of them.")
    for index, each in enumerate(manifest.good_classes):
        if each not in manifest.classes:
            remedy = faults.near(each, manifest.classes)
            fault(("good_classes", index), f"good_classes[{index}]: {each!r} isn't one of classes", remedy)
    logits = [index for index, each in enumerate(manifest.outputs) if each.role == "logits"]
    if len(logits) != 1:
        message = f"outputs: {len(logits)} outputs have the role logits, a classifier has one"
        fault(("outputs",), message, "Give the role logits to the output that holds the class scores.")
    for index in logits:
        size = manifest.outputs[index].shape[-1]
        if isinstance(size, int) and size != len(manifest.classes):
            message = f"outputs[{index}].shape: ends in {size}, but there are {len(manifest.classes)} classes"
            fault(("outputs", index, "shape"), message, "Name a class for each score, in the model's order.")
    return found
