"""`jidoka model`: draft the manifest of a model file, and check a bundle before anything runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.model_answers import command as answers
from jidoka.cli.model_changes import mode, window

if TYPE_CHECKING:
    from jidoka.config.drafting.graph import Graph, Tensor

MANIFEST_ENDINGS = {".yaml", ".yml"}


@click.group("model")
def command() -> None:
    """Bring a model of your own: draft its manifest from the file, then check the bundle. Change one that runs.

    \b
    Example:
      jidoka model inspect yolox_nano.onnx -o bundles/yolox-nano
      jidoka model check bundles/yolox-nano
      jidoka model expose classifier.onnx --auto -o bundles/classifier
      jidoka model mode surface-inspection observe
    """


command.add_command(answers)
command.add_command(window)
command.add_command(mode)


@command.command("inspect")
@click.argument("model", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-o", "--output", metavar="DIR|FILE", type=click.Path(path_type=Path),
    help="Make a bundle of it in DIR (the model is copied there), or write the manifest into FILE.yaml.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was found as a JSON object, for scripts.")
def inspect(*, model: Path, output: Path | None, as_json: bool) -> None:
    """Draft the manifest of MODEL, an ONNX file.

    Written down is what the file says: tensors, types, sizes, digest. Guesses stand as comments. Where only a person
    can know, FILL IN stands, and the bundle is refused until somebody has filled it in. Nothing is overwritten.

    \b
    Example:
      jidoka model inspect policy.onnx
      jidoka model inspect policy.onnx -o bundles/policy
    """
    from jidoka.config.drafting.draft import draft_of
    from jidoka.config.drafting.graph import read_graph
    from jidoka.config.drafting.left import blanks_of

    graph = read_graph(model)
    text = draft_of(graph)
    blanks = blanks_of(text)
    written = None if output is None else _write(graph, text, output)
    if as_json:
        found = {**_facts(graph), "manifest": text, "written": None if written is None else str(written)}
        left = [{"line": each.place.line, "path": each.path, "write": each.remedy} for each in blanks]
        click.echo(json.dumps({**found, "fill_in": left}, indent=1, ensure_ascii=False))
        return
    if written is None:
        click.echo(text, nl=False)
    name = str(written) if written is not None else "the draft above"
    click.echo(
        f"\n{name}: {len(blanks)} entries are left to fill in."
        if blanks
        else f"\n{name}: nothing is left to fill in.",
        err=True,
    )
    for place, paths, sentence in _grouped(blanks):
        click.echo(f"  line {place}: {paths}: {sentence}", err=True)
    if written is None:
        click.echo(f"Then: jidoka model inspect {model} -o DIR", err=True)
    else:
        click.echo(f"Look at each `guess:` too. Then: jidoka model check {written.parent}", err=True)


@command.command("expose")
@click.argument("model", type=click.Path(readable=False, path_type=Path))
@click.option("--tensor", metavar="NAME", help="The inner tensor to put out, by its name in the file.")
@click.option(
    "--auto", is_flag=True, help="What goes into the last linear layer (Gemm, MatMul) before the answer."
)
@click.option(
    "-o", "--output", metavar="DIR", required=True, type=click.Path(path_type=Path),
    help="Make the bundle in DIR: the new model and the draft of its manifest.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was done as a JSON object, for scripts.")
def expose(*, model: Path, tensor: str | None, auto: bool, output: Path, as_json: bool) -> None:
    """Make a bundle of MODEL, an ONNX file, that puts out an inner tensor too: its embedding.

    Confidence alone is no proof: a model may be sure and wrong. What it sees shows in the numbers just before its
    answer, and drift(embedding) watches these. Most files keep them inside; this command adds one of them to the
    outputs. Nothing else changes: it runs both files on random inputs, and refuses unless the old outputs are the
    same bits.

    --auto takes what goes into the last linear layer. A feature map [batch, D, rows, columns] may be named as well, and
    is averaged over the picture; choose a small one, for each record carries it.

    MODEL itself stays as it is. The new file has another digest, so it needs a manifest and a baseline of its own, and
    whoever validates your models may have to approve it.

    \b
    Example:
      jidoka model expose classifier.onnx --auto -o bundles/classifier
      jidoka model expose mnist.onnx --tensor Pooling160_Output_0 -o bundles/mnist
      jidoka model check bundles/classifier
    """
    if auto == (tensor is not None):
        raise click.UsageError("Give either --tensor NAME or --auto.")
    from jidoka.config.drafting.draft import draft_of
    from jidoka.config.drafting.left import blanks_of
    from jidoka.config.exposing.expose import expose as expose_tensor

    found = expose_tensor(model, tensor)
    text = draft_of(found.graph, found.name)
    manifest = _write_bundle(output, found.graph.file.name, found.content, text)
    shape, proof = found.tensor.shape, found.proof
    if as_json:
        done = {
            "bundle": str(output), "manifest": str(manifest), "file": str(output / model.name),
            "sha256": found.graph.sha256, "tensor": _tensor(found.tensor), "before": found.before,
            "proof": {"runs": proof.runs, "identical": proof.runs > 0, "why_not": proof.why_not},
        }  # fmt: skip
        click.echo(json.dumps(done, indent=1, ensure_ascii=False))
        return
    sizes = "of unknown size" if shape is None else f"[{', '.join(map(str, shape))}]"
    click.echo(f"{output}: {found.name} ({found.tensor.dtype} {sizes}) is an output now.")
    if proof.runs:
        click.echo(
            f"Proven: the other outputs are bit for bit what they were, on {proof.runs} random inputs."
        )
    else:
        click.echo(f"Not proven: the model can't be run on random inputs: {proof.why_not}")
    if shape is not None and _is_free(shape):
        click.echo(
            f"Its sizes aren't all known; write them into {manifest} if you know them, or nothing is judged."
        )
    left = len(blanks_of(text))
    click.echo(f"{left} entries of {manifest} are left to fill in. Then: jidoka model check {output}")


def _is_free(shape: tuple[str | int, ...]) -> bool:
    """Whether the number of entries of each embedding isn't known: of [batch, D] the last, of a feature map the second."""
    return len(shape) < 2 or not isinstance(shape[1 if len(shape) == 4 else -1], int)


@command.command("check")
@click.argument("bundle", type=click.Path(readable=False))
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as a JSON object, for scripts.")
def check(*, bundle: str, as_json: bool) -> None:
    """Check BUNDLE, a folder or the name of a bundle that comes along, and say what it means.

    The manifest is read, the file's digest is compared, the file is opened, and its tensors are compared with the
    manifest's. Every fault is named with its line at once; the exit code is 4 then.

    \b
    Example:
      jidoka model check surface-inspection
    """
    from jidoka.config.bundle_words import check_lines, notes
    from jidoka.config.manifest import load_bundle
    from jidoka.host.model import open_session

    found = load_bundle(bundle)
    open_session(found)
    if as_json:
        from jidoka.config import judgeable

        lacking = judgeable.lacking(found, has_thumbnail=False)
        verdict = {
            "bundle": str(found.folder), "id": found.id, "version": found.version, "sha256": found.sha256,
            "task": found.task, "not_judged": {name: need.lack for name, need in lacking.items()},
            "notes": list(notes(found)),
        }  # fmt: skip
        click.echo(json.dumps(verdict, indent=1, ensure_ascii=False))
        return
    click.echo(f"{found.folder}: good. {found.title} opens, and its tensors are the manifest's.\n")
    click.echo("\n".join(check_lines(found)))


def _write(graph: Graph, text: str, output: Path) -> Path:
    """The manifest's path. Raises RefusedError where something would be overwritten, InputError where it can't be written."""
    from jidoka_bridge.errors import InputError, RefusedError

    from jidoka.config.manifest import MANIFEST

    is_file = output.suffix in MANIFEST_ENDINGS and not output.is_dir()
    path = output if is_file else output / MANIFEST
    copy = None if is_file else output / graph.file.name
    for each in (path, copy):
        if each is not None and each.exists() and not each.samefile(graph.file):
            raise RefusedError(f"{each}: is there already", "Give another place, or move it away first.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if copy is not None and not copy.exists():
            shutil.copyfile(graph.file, copy)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{path}: can't be written: {error.strerror}", "Give a place that this user may write to."
        ) from None
    return path


def _write_bundle(output: Path, name: str, content: bytes, text: str) -> Path:
    """The manifest's path. Raises RefusedError where something would be overwritten, InputError where it can't be written."""
    from jidoka_bridge.errors import InputError, RefusedError

    from jidoka.config.manifest import MANIFEST

    manifest, file = output / MANIFEST, output / name
    for each in (manifest, file):
        if each.exists():
            raise RefusedError(f"{each}: is there already", "Give another place, or move it away first.")
    try:
        output.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as model:
            model.write(content)
        with manifest.open("x", encoding="utf-8") as draft:
            draft.write(text)
    except OSError as error:
        raise InputError(
            f"{output}: can't be written: {error.strerror}", "Give a place that this user may write to."
        ) from None
    return manifest


def _facts(graph: Graph) -> dict[str, Any]:
    return {
        "file": str(graph.file), "size_bytes": graph.size_bytes, "sha256": graph.sha256, "producer": graph.producer,
        "opset": graph.opset, "version": graph.version, "metadata": graph.metadata, "external": list(graph.external),
        "inputs": [_tensor(each) for each in graph.inputs], "outputs": [_tensor(each) for each in graph.outputs],
    }  # fmt: skip


def _tensor(tensor: Tensor) -> dict[str, Any]:
    shape = None if tensor.shape is None else list(tensor.shape)
    return {"name": tensor.name, "dtype": tensor.dtype, "kind": tensor.kind, "shape": shape}


def _grouped(blanks: list[Any]) -> list[tuple[str, str, str]]:
    """(line or lines, path or the first of many, what to write): channels are alike, so they are told once."""
    by_sentence: dict[tuple[str, str], list[Any]] = {}
    for each in blanks:
        by_sentence.setdefault((each.path.rpartition(".")[2], each.remedy), []).append(each)
    rows = []
    for (_, sentence), alike in by_sentence.items():
        first, last = alike[0], alike[-1]
        lines = str(first.place.line) if first is last else f"{first.place.line} to {last.place.line}"
        more = f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        rows.append((lines, first.path + more, sentence))
    return rows
