"""`jidoka model`: the draft of a manifest from a file, and the verdict on a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jidoka.cli.main import main
from jidoka.config.manifest import load_bundle

from tests import shared_data
from tests.host.bundles import SHIPPED, changed_bundle

MODEL = SHIPPED / "surface-inspection.onnx"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_the_draft_is_printed_and_what_is_left_is_said_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "inspect", MODEL) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("# A draft by `jidoka model inspect`")
    assert "maker: FILL IN" in shown.out
    assert "the draft above: 6 entries are left to fill in." in shown.err
    assert "classes: Names of the classes in the model's order" in shown.err
    assert shown.err.endswith(f"Then: jidoka model inspect {MODEL} -o DIR\n")


def test_a_bundle_is_made_filled_in_and_found_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bundles" / "mine"
    assert run("model", "inspect", MODEL, "-o", folder) == 0
    assert f"jidoka model check {folder}" in capsys.readouterr().err
    assert sorted(each.name for each in folder.iterdir()) == ["manifest.yaml", MODEL.name]

    assert run("model", "check", folder) == 4
    told = capsys.readouterr().err
    assert told.count("nobody has filled it in") == 6
    assert (
        f"{folder}/manifest.yaml:11:8: maker: nobody has filled it in; who made and answers for it." in told
    )

    text = (folder / "manifest.yaml").read_text()
    text = text.replace("good_classes: FILL IN", "good_classes: [ok]")
    text = text.replace("classes: FILL IN", "classes: [ok, scratch, pit, dent]").replace("FILL IN ", "me ")
    (folder / "manifest.yaml").write_text(text.replace("version: FILL IN", "version: 1.0.0"))
    assert run("model", "check", folder) == 0
    told = capsys.readouterr().out
    assert told.startswith(
        f"{folder}: good. surface-inspection 1.0.0 opens, and its tensors are the manifest's."
    )
    assert "Judged   drift(all), drift(input), drift(confidence)" in told
    assert load_bundle(folder).classes == load_bundle(SHIPPED).classes


def test_a_manifest_alone_is_written_where_a_file_is_named(tmp_path: Path) -> None:
    assert run("model", "inspect", MODEL, "-o", tmp_path / "draft.yaml") == 0
    assert [each.name for each in tmp_path.iterdir()] == ["draft.yaml"]


def test_a_model_that_lies_in_its_bundle_already_is_left_as_it_is(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(MODEL.read_bytes())
    assert run("model", "inspect", model, "-o", tmp_path) == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["manifest.yaml", "model.onnx"]


@pytest.mark.parametrize("there", ["manifest.yaml", MODEL.name])
def test_nothing_is_overwritten(there: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / there).write_text("mine")
    assert run("model", "inspect", MODEL, "-o", tmp_path) == 10
    assert f"{tmp_path / there}: is there already" in capsys.readouterr().err
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [(there, "mine")]


def test_a_place_that_cannot_be_written_is_a_plain_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert run("model", "inspect", MODEL, "-o", tmp_path / "file" / "deeper") == 5
    assert "can't be written: Not a directory" in capsys.readouterr().err


def test_json_holds_all_that_was_found_for_scripts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model", "inspect", MODEL, "-o", tmp_path / "b", "--json") == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert shown.err == ""
    assert found["written"] == str(tmp_path / "b" / "manifest.yaml")
    assert found["manifest"] == (tmp_path / "b" / "manifest.yaml").read_text()
    assert found["outputs"][0] == {
        "name": "logits",
        "dtype": "float32",
        "kind": "tensor(float)",
        "shape": ["batch", 4],
    }
    assert [each["path"] for each in found["fill_in"]][:2] == ["version", "maker"]
    assert found["opset"] == 17


def test_alike_entries_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "inspect", shared_data.folder("policies") / "g1_policy.onnx") == 0
    told = capsys.readouterr().err
    assert "outputs[0].channels[0].unit and 28 more: Unit of the command" in told
    assert len(told.splitlines()) == 9


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("none.onnx", None, "no such file"),
        ("words.onnx", b"only some words", "isn't an ONNX model"),
        ("cut.onnx", MODEL.read_bytes()[:9000], "isn't an ONNX model, or is cut off"),
        (".", None, "is a folder"),
    ],
)
def test_what_is_no_model_is_a_plain_error(
    name: str, content: bytes | None, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert run("model", "inspect", tmp_path / name) == 4
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert says in told
    assert "Traceback" not in told


def test_a_bundle_whose_tensors_are_others_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = changed_bundle(tmp_path / "other", ("shape: [batch, 1, 96, 96]", "shape: [batch, 1, 32, 32]"))
    assert run("model", "check", other) == 4
    assert (
        "is uint8 [batch, 1, 96, 96] in the file, but uint8 [batch, 1, 32, 32] in the manifest"
        in capsys.readouterr().err
    )


def test_the_verdict_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "check", "surface-inspection", "--json") == 0
    verdict = json.loads(capsys.readouterr().out)
    assert (verdict["id"], verdict["task"], verdict["notes"]) == ("surface-inspection", "classifier", [])
    assert set(verdict["not_judged"]) == {
        "drift(output)", "drift(command)", "drift(embedding)", "implausible command",
        "material(output)", "material(command)", "material(embedding)",
    }  # fmt: skip


def test_help_teaches_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (("model",), ("model", "inspect"), ("model", "check")):
        assert run(*words, "--help") == 0
        assert "Example:" in capsys.readouterr().out


def test_a_bundle_that_puts_out_an_inner_tensor_is_filled_in_and_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "exposed"
    assert run("model", "expose", MODEL, "--auto", "-o", folder) == 0
    told = capsys.readouterr().out
    assert "/Relu_output_0 (float32 [batch, 64]) is an output now." in told
    assert "bit for bit what they were, on 3 random inputs" in told
    assert f"jidoka model check {folder}" in told
    text = (folder / "manifest.yaml").read_text()
    text = text.replace("good_classes: FILL IN", "good_classes: [ok]")
    text = text.replace("classes: FILL IN", "classes: [ok, scratch, pit, dent]").replace("FILL IN ", "me ")
    (folder / "manifest.yaml").write_text(text.replace("version: FILL IN", "version: 1.0.0"))
    assert run("model", "check", folder) == 0
    told = capsys.readouterr().out
    assert "drift(embedding)" in told.split("Judged")[1].splitlines()[0]
    exposed = load_bundle(folder).outputs[-1]
    assert (exposed.name, exposed.role, exposed.monitored) == ("/Relu_output_0", "embedding", True)
    assert MODEL.read_bytes() != (folder / MODEL.name).read_bytes()


def test_what_was_exposed_is_told_to_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("model", "expose", MODEL, "--tensor", "/Concat_output_0", "-o", tmp_path / "b", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert done["tensor"] == {
        "name": "/Concat_output_0", "dtype": "float32", "kind": "tensor(float)", "shape": ["batch", 144],
    }  # fmt: skip
    assert (done["proof"], done["before"]) == ({"runs": 3, "identical": True, "why_not": ""}, "logits")


@pytest.mark.parametrize("given", [(), ("--auto", "--tensor", "x")])
def test_either_a_tensor_is_named_or_the_command_chooses(
    given: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("model", "expose", MODEL, "-o", tmp_path / "b", *given) == 2
    assert "either --tensor NAME or --auto" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_exposing_overwrites_nothing_and_writes_nothing_where_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / MODEL.name).write_text("mine")
    assert run("model", "expose", MODEL, "--auto", "-o", tmp_path) == 10
    assert "is there already" in capsys.readouterr().err
    assert run("model", "expose", MODEL, "--tensor", "embeddings", "-o", tmp_path / "b") == 4
    assert "Did you mean 'embedding'" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == [MODEL.name]
