"""The bundle models/surface-inspection as committed: the file, its manifest, its card and what the model can do."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from jidoka.host.renderer import CLASSES, UNKNOWN_DEFECTS, Camera, render
from ruamel.yaml import YAML

BUNDLE = Path(__file__).resolve().parents[2] / "models" / "surface-inspection"
ONNX = BUNDLE / "surface-inspection.onnx"
FRESH_SEED = 77  # neither the training's nor the maker's test seed
FRESH_IMAGES = 600


@lru_cache(maxsize=1)
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(BUNDLE / "manifest.yaml")
    return content


@lru_cache(maxsize=1)
def session() -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(ONNX), options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=8)
def fresh(camera: Camera) -> tuple[float, float, float]:
    """Accuracy, mean confidence and mean brightness on freshly rendered parts, classes in turn."""
    truth = np.arange(FRESH_IMAGES) % len(CLASSES)
    images = np.stack(
        [render(CLASSES[k], np.random.default_rng([FRESH_SEED, n]), camera) for n, k in enumerate(truth)]
    )[:, None]
    logits = session().run(["logits"], {"image": images})[0].astype(float)
    chance = np.exp(logits - logits.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    return (
        float((chance.argmax(axis=1) == truth).mean()),
        float(chance.max(axis=1).mean()),
        float(images.mean()),
    )


def test_the_file_is_the_one_the_manifest_names_and_small() -> None:
    assert hashlib.sha256((BUNDLE / manifest()["file"]).read_bytes()).hexdigest() == manifest()["sha256"]
    assert ONNX.stat().st_size < 600_000


@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_names_types_and_shapes_in_the_file_are_those_of_the_manifest(side: str) -> None:
    tensors = session().get_inputs() if side == "inputs" else session().get_outputs()
    in_file = [(t.name, t.type, list(t.shape)) for t in tensors]
    types = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}
    assert in_file == [(t["name"], types[t["dtype"]], t["shape"]) for t in manifest()[side]]


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_any_batch_size_runs_and_gives_the_same_answer_as_one_by_one(batch: int) -> None:
    images = np.stack([render("pit", np.random.default_rng(n)) for n in range(batch)])[:, None]
    logits, embedding = session().run(["logits", "embedding"], {"image": images})
    assert logits.shape == (batch, 4)
    assert embedding.shape == (batch, 64)
    assert logits.dtype == embedding.dtype == np.float32
    alone = np.concatenate([session().run(["logits"], {"image": image[None]})[0] for image in images])
    np.testing.assert_allclose(logits, alone, atol=1e-4)


def test_the_file_says_nothing_of_the_machine_it_was_made_on() -> None:
    content = ONNX.read_bytes()
    for trace in (b"/home/", b"/root/", b"/tmp/", b"site-packages", b".py"):
        assert trace not in content, trace


def test_the_classes_are_the_renderers_and_one_of_them_is_good() -> None:
    assert tuple(manifest()["classes"]) == CLASSES
    assert manifest()["good_classes"] == ["ok"]
    assert not set(UNKNOWN_DEFECTS) & set(manifest()["classes"])


def test_freshly_rendered_parts_are_told_apart() -> None:
    accuracy, confidence, _ = fresh(Camera())
    assert accuracy >= 0.95
    assert confidence >= 0.90
    assert abs(accuracy - manifest()["figures"]["accuracy"]) < 0.03


@pytest.mark.parametrize("gain", [0.9, 0.8, 0.7])
def test_a_failing_lamp_darkens_the_picture_while_the_model_stays_sure_of_itself(gain: float) -> None:
    accuracy, confidence, brightness = fresh(Camera())
    dim_accuracy, dim_confidence, dim_brightness = fresh(Camera(gain=gain))
    assert dim_brightness == pytest.approx(gain * brightness, rel=0.02)
    assert abs(dim_confidence - confidence) < 0.03
    assert dim_accuracy > accuracy - 0.03


def test_the_card_carries_the_figures_of_the_manifest_and_names_what_the_model_is_not_for() -> None:
    card = (BUNDLE / "CARD.md").read_text(encoding="utf-8")
    figures = manifest()["figures"]
    assert f"accuracy {figures['accuracy']:.2%}" in card
    assert figures["command"] in card
    assert f"{figures['test_images']:,} images" in card
    for kind in UNKNOWN_DEFECTS:
        assert f"| {kind} |" in card
