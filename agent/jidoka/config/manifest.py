"""A model bundle: a folder with a model file and a manifest.yaml that says what it is, verified before use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import ModelError
from pydantic import ValidationError

from jidoka.config import faults, located, manifest_checks, placeholders
from jidoka.config.bundle import (
    MONITORED_ROLES,
    Boxes,
    Bundle,
    Channel,
    Chatter,
    Entries,
    Input,
    Output,
    Refusals,
    Saturation,
    Tracking,
    read,
    require_digest,
    unreadable,
)
from jidoka.config.command_checks import COMMAND_CHECKS
from jidoka.config.manifest_schema import EntriesTable, LimitsTable, Manifest
from jidoka.config.salvage import salvage
from jidoka.config.tensor_schema import InputTable, OutputTable

__all__ = [
    "MANIFEST",
    "Boxes",
    "Bundle",
    "Channel",
    "Input",
    "Manifest",
    "Output",
    "find_bundle",
    "load_bundle",
]

MANIFEST = "manifest.yaml"
MIN_SCORE = 0.3  # of detections whose manifest states none

#: where bundles that come with Jidoka lie: in an installed wheel, in a checkout
SHIPPED = (Path(__file__).resolve().parents[1] / "bundles", Path(__file__).resolve().parents[3] / "models")


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
        raise ModelError(
            f"{folder}: has no {MANIFEST}",
            "Give a bundle's folder; `jidoka model inspect MODEL -o DIR` drafts one.",
        )
    manifest = read_manifest(path)
    file = folder / manifest.file
    if not _is_file(file):
        raise ModelError(
            f"{file}: the model file is missing", f"Copy it there; {path} names it, with its digest."
        )
    require_digest(file, read(file), manifest.sha256)
    limits = manifest.limits
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
        inputs=tuple(_input(each) for each in manifest.inputs),
        outputs=tuple(_output(each) for each in manifest.outputs),
        min_confidence=limits.min_confidence,
        period_s=manifest.period,
        saturation=None if limits.saturation is None else Saturation(**limits.saturation.model_dump()),
        chatter=None if limits.chatter is None else Chatter(**limits.chatter.model_dump()),
        tracking=_tracking(limits),
        refusals=Refusals(manifest.refusals.in_a_row, _pair(manifest.refusals.of_last)),
        feed=manifest.feed,
    )


def load_approved(reference: str | Path, sha256: str | None) -> Bundle:
    """The bundle, whose model must be the one of the plan; sha256: None = whatever the bundle has.

    Raises ModelError as `load_bundle`, and where it is another model.
    """
    bundle = load_bundle(reference)
    if sha256 not in {None, bundle.sha256}:
        raise ModelError(
            f"{bundle.file}: SHA-256 {bundle.sha256[:16]}… isn't the plan's {str(sha256)[:16]}….",
            "Compile the plan anew once the new model was approved: jidoka plan CONFIGURATION -o PLAN",
        )
    return bundle


def read_manifest(path: Path) -> Manifest:
    """A manifest without faults. Raises ModelError with all of them, each with file:line:column."""
    try:
        text = read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ModelError(f"{path}: isn't UTF-8 text (byte {error.start})", _REMEDY) from None
    document = located.parse(text, str(path))
    found = list(document.faults)
    manifest: Manifest | None = None
    if not found or document.value is not None:
        value, blanks = placeholders.taken_out(document, Manifest)
        found += blanks
        try:
            manifest = Manifest.model_validate(value)
        except ValidationError as error:
            wrong = faults.from_pydantic(error, document, Manifest)
            found += [each for each in wrong if not placeholders.is_in(each.trail, blanks)]
        case = manifest_checks.Case(salvage(Manifest, value) if manifest is None else manifest, document)
        found += [fault for check in (*manifest_checks.CHECKS, *COMMAND_CHECKS) for fault in check(case)]
    if found or manifest is None:
        raise ModelError("\n".join(faults.lines_of(found, str(path))), _REMEDY)
    return manifest


_REMEDY = "Correct the manifest (every setting is explained in docs/bundles.md), or copy the bundle anew from its maker."


def _input(table: InputTable) -> Input:
    values = table.model_dump()
    values["shape"], values["channels"] = tuple(table.shape), tuple(table.channels)
    values["range"] = None if table.range is None else _pair(table.range)
    return Input(**values)


def _output(table: OutputTable) -> Output:
    boxes, is_monitored, min_score = table.boxes, table.monitored, table.min_score
    if boxes is not None and min_score is None:
        min_score = MIN_SCORE
    return Output(
        name=table.name,
        dtype=table.dtype,
        shape=tuple(table.shape),
        unit=table.unit,
        role=table.role,
        monitored=table.role in MONITORED_ROLES if is_monitored is None else is_monitored,
        channels=tuple(Channel(**each.model_dump()) for each in table.channels),
        boxes=None if boxes is None else Boxes(boxes.format, _pair(boxes.size), boxes.score, boxes.classes),
        min_score=min_score,
    )


def _tracking(limits: LimitsTable) -> Tracking | None:
    def entries(table: EntriesTable) -> Entries:
        return Entries(table.input, tuple(table.entries))

    table = limits.tracking
    return None if table is None else Tracking(entries(table.state), entries(table.target), table.limit)


def _pair(values: list[Any]) -> tuple[Any, Any]:
    first, second = values
    return first, second


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:  # a folder above it is closed to this user
        raise unreadable(path, error) from None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:
        raise unreadable(path, error) from None
