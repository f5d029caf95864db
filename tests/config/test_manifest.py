"""Bundles: found by folder or name, verified by digest, refused with the place of every fault."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jidoka.config.manifest import load_bundle
from jidoka_bridge.errors import ModelError

from .line import ROOT

SHIPPED = ROOT / "models" / "surface-inspection"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle that may be broken."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "bundle"))


def edit(bundle: Path, old: str, new: str) -> None:
    path = bundle / "manifest.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def refusal(reference: str | Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load_bundle(reference)
    assert caught.value.remedy
    return caught.value


def test_the_shipped_bundle_is_found_by_its_name() -> None:
    found = load_bundle("surface-inspection")
    assert found.folder == SHIPPED
    assert found.file == SHIPPED / "surface-inspection.onnx"
    assert found.classes == ("ok", "scratch", "pit", "dent")
    assert found.good_classes == ("ok",)
    assert found.inputs[0].shape == ("batch", 1, 96, 96)
    assert found.inputs[0].range == (0.0, 255.0)
    assert found.inputs[0].monitored
    assert [each.role for each in found.outputs] == ["logits", "embedding"]
    assert [each.monitored for each in found.outputs] == [True, False]
    assert found.min_confidence == 0.5


def test_the_bytes_that_are_read_are_the_bytes_that_were_verified(bundle: Path) -> None:
    found = load_bundle(bundle)
    assert hashlib.sha256(found.read_model()).hexdigest() == found.sha256
    found.file.write_bytes(b"another model")
    with pytest.raises(ModelError, match="isn't the file that was approved"):
        found.read_model()


def test_a_folder_is_found_relative_to_the_base(bundle: Path) -> None:
    assert load_bundle("bundle", bundle.parent).folder == bundle


def test_a_name_that_does_not_come_along_is_answered_with_a_near_one() -> None:
    error = refusal("surface-inspecton")
    assert "no such folder, and no bundle of this name" in error.what
    assert "Did you mean 'surface-inspection'?" in error.remedy


def test_a_folder_that_is_missing_or_none_is_named(bundle: Path) -> None:
    assert "no such folder" in refusal(bundle / "deeper").what
    assert "isn't a folder" in refusal(bundle / "manifest.yaml").what


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert "has no manifest.yaml" in error.what
    assert "jidoka model inspect MODEL" in error.remedy


def test_a_model_file_that_is_missing_is_named(bundle: Path) -> None:
    (bundle / "surface-inspection.onnx").unlink()
    assert "surface-inspection.onnx: the model file is missing" in refusal(bundle).what


def test_one_flipped_bit_in_the_model_is_noticed(bundle: Path) -> None:
    file = bundle / "surface-inspection.onnx"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    assert "this isn't the file that was approved" in refusal(bundle).what


def test_every_fault_of_a_manifest_is_named_at_once_with_its_place(bundle: Path) -> None:
    edit(bundle, "format: 1", "format: 2")
    edit(bundle, "task: classifier", "task: clasifier")
    edit(bundle, "good_classes: [ok]", "good_classes: [okay]\nclases: []")
    edit(bundle, "min_confidence: 0.5", "min_confidence: 1.5")
    edit(bundle, "file: surface", "file: ../surface")
    path = bundle / "manifest.yaml"
    lines = refusal(bundle).what.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        f"{path}:3:9",
        f"{path}:6:7",
        f"{path}:15:7",
        f"{path}:17:16",
        f"{path}:18:1",
        f"{path}:24:26",
    ]
    assert "Did you mean 'classifier'?" in lines[2]
    assert "'okay' isn't one of classes" in lines[3]
    assert "clases is not a setting; did you mean 'classes'?" in lines[4]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("good_classes: [ok]", "good_classes: [okay]", "good_classes[0]: 'okay' isn't one of classes"),
        ("classes: [ok, scratch, pit", "classes: [ok, pit, pit", "classes[2]: 'pit' is there twice"),
        (
            "[ok, scratch, pit, dent]",
            "[ok, scratch, pit]",
            "outputs[0].shape: ends in 4, but there are 3 classes",
        ),
        ("role: logits", "role: other", "0 outputs have the role logits"),
        ("role: embedding", "role: logits", "2 outputs have the role logits"),
        ("name: embedding", "name: logits", "outputs[1]: 'logits' is there twice"),
        ("[batch, 1, 96, 96]", "[batch, 1, 0, 96]", "0 is no size"),
        ("[0, 255]", "[255, 0]", "255 to 0 is no range"),
        ("sha256: c3f0", "sha256: C3F0", "isn't a SHA-256"),
        ("maker: Jidoka project\n", "", "maker is missing"),
        ("id: surface-inspection", "id: surface-inspection\nid: other", "id is given twice"),
    ],
)
def test_each_rule_of_a_manifest(bundle: Path, old: str, new: str, says: str) -> None:
    edit(bundle, old, new)
    assert says in refusal(bundle).what


def test_a_manifest_that_is_no_text_is_refused(bundle: Path) -> None:
    (bundle / "manifest.yaml").write_bytes(b"id: \xff")
    assert "isn't UTF-8" in refusal(bundle).what


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text())
def test_a_garbage_manifest_ends_in_a_plain_error(bundle: Path, text: str) -> None:
    (bundle / "manifest.yaml").write_text(text, encoding="utf-8", errors="replace")
    refusal(bundle)
