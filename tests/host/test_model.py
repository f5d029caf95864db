"""A bundle runs only if its file is what its manifest says, tensor by tensor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from jidoka.config.manifest import Input, load_bundle
from jidoka.host.answers import Answer, answers_of
from jidoka.host.model import differences, open_session, use_of
from jidoka_bridge.errors import ModelError

from tests.host.bundles import SHIPPED, changed_bundle


def tensor(name: str, kind: str, shape: list[Any]) -> SimpleNamespace:
    return SimpleNamespace(name=name, type=kind, shape=shape)


IMAGE = Input("image", "uint8", ("batch", 1, 96, 96))


def test_the_shipped_bundle_opens_by_its_name_and_runs_on_one_thread() -> None:
    bundle = load_bundle("surface-inspection")
    session = open_session(bundle)
    assert session.get_session_options().intra_op_num_threads == 1
    outputs = session.run(None, {"image": np.zeros((1, 1, 96, 96), np.uint8)})
    (answer,) = answers_of(bundle, outputs, 1)
    assert isinstance(answer, Answer)
    assert answer.name in bundle.classes


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([tensor("image", "tensor(uint8)", ["batch", 1, 96, 96])], []),
        ([tensor("image", "tensor(uint8)", ["N", 1, 96, 96])], []),
        ([tensor("image", "tensor(uint8)", [None, 1, 96, 96])], []),
        ([tensor("image", "tensor(uint8)", [1, 1, 96, 96])], ["[1, 1, 96, 96]", "[batch, 1, 96, 96]"]),
        ([tensor("image", "tensor(uint8)", ["batch", 3, 96, 96])], ["[batch, 3, 96, 96]", "[batch, 1, 96, 96]"]),
        ([tensor("image", "tensor(uint8)", ["batch", "channels", "height", "width"])], []),
        ([tensor("image", "tensor(uint8)", [])], []),
        ([tensor("image", "tensor(uint8)", ["batch", 96, 96])], ["[batch, 96, 96]", "[batch, 1, 96, 96]"]),
        ([tensor("image", "tensor(float)", ["batch", 1, 96, 96])], ["float32", "uint8"]),
        ([tensor("image", "tensor(string)", ["batch", 1, 96, 96])], ["tensor(string)", "uint8"]),
        ([tensor("picture", "tensor(uint8)", ["batch", 1, 96, 96])], ["'image'", "'picture'"]),
        ([], ["'image'", "isn't in the file"]),
    ],
)  # fmt: skip
def test_each_difference_is_named_with_both_sides(found: list[Any], says: list[str]) -> None:
    text = "\n".join(differences("input", [IMAGE], found))
    assert bool(text) == bool(says)
    for part in says:
        assert part in text


def test_a_model_that_differs_from_its_manifest_is_refused_with_both_shapes(tmp_path: Path) -> None:
    folder = changed_bundle(tmp_path / "b", ("[batch, 1, 96, 96]", "[batch, 1, 64, 64]"), ("[batch, 64]", "[batch, 32]"))  # fmt: skip
    with pytest.raises(ModelError) as raised:
        open_session(load_bundle(folder))
    for shape in ("[batch, 1, 96, 96]", "[batch, 1, 64, 64]", "[batch, 64]", "[batch, 32]"):
        assert shape in str(raised.value)


def test_a_file_that_is_no_model_is_refused_although_its_digest_is_right(tmp_path: Path) -> None:
    folder = changed_bundle(tmp_path / "b", model=b"this is no model")
    with pytest.raises(ModelError, match="can't be loaded as a model"):
        open_session(load_bundle(folder))


def test_a_file_that_changed_after_it_was_checked_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle(changed_bundle(tmp_path / "b"))
    bundle.file.write_bytes(bundle.file.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="isn't the file that was approved"):
        open_session(bundle)


def test_what_the_bundle_is_for_is_what_its_manifest_says() -> None:
    use = use_of(load_bundle(SHIPPED))
    assert use.is_for_the_renderer
    assert any("real parts" in text for text in use.not_for)
