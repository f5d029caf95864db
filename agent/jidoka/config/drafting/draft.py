"""The draft of a manifest: what the file says, guesses as comments, and `FILL IN` where a person must decide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from jidoka.config.bundle import Shape
from jidoka.config.drafting.graph import Graph, Tensor
from jidoka.config.drafting.guesses import Picture, Role, first_picture, picture_of, roles_of
from jidoka.config.located import scalar
from jidoka.config.placeholders import FILL_IN

#: text that YAML reads as it stands, also inside [a, b] and {a: b}
_PLAIN = re.compile(r"[A-Za-z0-9_./°²³µ·-][A-Za-z0-9_./°²³µ· +()-]*(?<! )")
_MOST_METADATA = 10
_COMMENT_AT = 28
_HEAD = """\
# A draft by `jidoka model inspect`. What stands here was read from the file; a comment that begins with `guess:` says
# why something is probably so: look at it and correct it. Where FILL IN stands, only a person can know.
# Every setting is explained in docs/bundles.md; `jidoka model check` tells what is left.
"""
_TASKS = {"logits": "classifier", "detections": "detector", "command": "control"}


def draft_of(graph: Graph, exposed: str | None = None) -> str:
    """The text of manifest.yaml for this model. exposed: the last output, if `jidoka model expose` added it."""
    # what was added says nothing of the others, such as which of them are the class scores
    own = graph if exposed is None else replace(graph, outputs=graph.outputs[:-1])
    roles = [*roles_of(own), *([] if exposed is None else [Role("embedding", "")])]
    picture = first_picture(graph)
    task = next((_TASKS[role.role] for role in roles if role.role in _TASKS), None)
    lines = [*_about_the_file(graph), "", *_about_the_model(graph), ""]
    lines += _about_the_task(task, graph, roles)
    lines.append("inputs:")
    for each in graph.inputs:
        lines += _input(each, is_watched=picture is not None and picture_of(each) == picture)
    lines.append("outputs:")
    for each, role in zip(graph.outputs, roles, strict=True):
        if each.name == exposed:
            lines += _exposed(each)
        else:
            lines += _output(each, role, picture, is_alone=task is None)
    lines += _limits(task)
    return _HEAD + "\n".join(map(_aligned, lines)) + "\n"


def _aligned(line: str) -> str:
    """The comment behind a value in its column, so that the eye finds it."""
    value, sign, comment = line.partition("  # ")
    return f"{value.rstrip():<{_COMMENT_AT}}  # {comment}" if sign and value.strip() else line


def _about_the_file(graph: Graph) -> Iterator[str]:
    yield f"# file: {graph.size_bytes} bytes, made by {_one_line(graph.producer) or 'nobody it names'}, opset {graph.opset or 'untold'}"
    for name, value in list(graph.metadata.items())[:_MOST_METADATA]:
        yield f"# metadata: {_one_line(name)} = {_one_line(value)}"
    if graph.external:
        names = ", ".join(map(_one_line, graph.external))
        yield f"# its weights lie in {names}: the digest below doesn't cover them, and only one file can be run: export it as one"
    yield "format: 1"
    yield f"id: {quoted(_id(graph.file.stem))}"
    yield f"version: {quoted(str(graph.version)) if graph.version else FILL_IN}"
    yield f"file: {quoted(graph.file.name)}"
    yield f"sha256: {graph.sha256}"


def _about_the_model(graph: Graph) -> Iterator[str]:
    del graph
    yield f"maker: {FILL_IN}  # who made it and answers for it"
    yield f"licence: {FILL_IN}  # of the model file, such as Apache-2.0"
    yield f"intended_use: {FILL_IN}  # one sentence"
    yield "not_for: []  # sentences: what it must not be used for"


def _about_the_task(task: str | None, graph: Graph, roles: Sequence[Role]) -> Iterator[str]:
    if task is None:
        yield f"task: {FILL_IN}  # classifier, detector, control or other"
        return
    yield f"task: {task}  # guess: by the roles of the outputs"
    if task == "classifier":
        scores = next(each for each, role in zip(graph.outputs, roles, strict=True) if role.role == "logits")
        count = scores.shape[-1] if scores.shape else "all"
        yield f"classes: {FILL_IN}  # {count} names in the model's order: [ok, scratch, …]"
        yield f"good_classes: {FILL_IN}  # those of sound parts: [ok]"
    elif task == "detector":
        yield "classes: []  # names of its classes in the model's order, if they are to be told"
    else:
        yield f"period: {FILL_IN}  # time between two commands, such as 20 ms"


def _input(tensor: Tensor, *, is_watched: bool) -> Iterator[str]:
    picture = picture_of(tensor)
    yield from _tensor(tensor)
    if picture is None:
        yield "  # monitored: true         # copy and judge it too; channels: [names], role: state or target"
        return
    yield f"    layout: {picture.layout}  # guess: {picture.why}"
    if picture.channels == 1:
        yield "    colour: grey  # guess: one channel"
    else:
        yield f"    colour: {FILL_IN}  # RGB or BGR, as the application feeds it"
    if tensor.dtype == "uint8":
        yield "    range: [0, 255]  # guess: all that uint8 holds"
    else:
        yield f"    range: {FILL_IN}  # values of black and white, such as [0, 1] or [0, 255]"
    yield f"    monitored: {'true' if is_watched else 'false'}  # copied and judged"


def _output(tensor: Tensor, role: Role, picture: Picture | None, *, is_alone: bool) -> Iterator[str]:
    yield from _tensor(tensor)
    guess = f"  # guess: {_one_line(role.why)}" if role.why else ""
    if role.role is None:
        yield f"    role: {FILL_IN}  # logits, command, embedding or other"
    else:
        yield f"    role: {role.role}{guess}"
    if role.role == "command":
        yield from _channels(tensor)
    elif role.role == "detections":
        yield from _boxes(tensor, picture)
    elif role.role == "other" and is_alone and tensor.dtype is not None:
        yield "    monitored: true  # copied and judged as plain numbers"


def _exposed(tensor: Tensor) -> Iterator[str]:
    yield from _tensor(tensor)
    yield "    role: embedding  # put out by `jidoka model expose`: the other outputs are what they were"
    yield "    monitored: true  # copied and judged by drift(embedding)"


def _channels(tensor: Tensor) -> Iterator[str]:
    is_bounded = tensor.made_by == "Tanh"
    yield "  # a limit that isn't known may be left out, and isn't judged then; rate: unit/s, jerk: unit/s²"
    if is_bounded:
        yield "  # guess: the graph ends in Tanh, so nothing is beyond -1 and 1"
    yield "    channels:"
    count = tensor.shape[-1] if tensor.shape else 0
    low, high = ("-1", "1") if is_bounded else (FILL_IN, FILL_IN)
    for index in range(count if isinstance(count, int) else 0):
        name = quoted(f"{tensor.name}-{index}")
        yield f"      - {{name: {name}, unit: {FILL_IN}, low: {low}, high: {high}}}"


def _boxes(tensor: Tensor, picture: Picture | None) -> Iterator[str]:
    columns = tensor.shape[-1] if tensor.shape else 0
    size = "[{}, {}]".format(*picture.size) if picture is not None and picture.size else FILL_IN
    last = "the last column is the class" if columns == 6 else f"{columns} - 5 classes"
    yield "    boxes:"
    yield f"      format: {FILL_IN}  # cxcywh (centre and size) or xyxy (two corners)"
    yield f"      size: {size}  # width and height that the boxes lie in" + (
        "; guess: the picture's" if size != FILL_IN else ""
    )
    yield f"      score: 4  # guess: column of the objectness; {last}"
    yield "      classes: 5  # guess: first column of the class scores"
    yield "    min_score: 0.3"


def _limits(task: str | None) -> Iterator[str]:
    if task == "classifier":
        yield "limits: {min_confidence: 0.5}  # an answer that is less sure is suspect"
    if task == "control":
        yield "# limits:  # more that a command may be refused for, explained in docs/bundles.md"
        yield "#   saturation: {at: 0.98, share: 0.5, records: 50}"
        yield "#   chatter: {share: 0.6, records: 50}"
        yield "#   tracking: {state: {input: NAME, entries: [0]}, target: {input: NAME, entries: [1]}, limit: 0.1}"


def _tensor(tensor: Tensor) -> Iterator[str]:
    yield f"  - name: {quoted(tensor.name)}"
    if tensor.dtype is None:
        yield f"  # {_one_line(tensor.kind)} can't be sent nor judged: export the model without it"
        yield f"    dtype: {FILL_IN}"
    else:
        yield f"    dtype: {tensor.dtype}"
    if tensor.shape is None:
        yield f"    shape: {FILL_IN}  # the file doesn't tell it: a size or a name for each axis"
    else:
        yield f"    shape: {_shape(tensor.shape)}"


def _shape(shape: Shape) -> str:
    return "[" + ", ".join(str(size) if isinstance(size, int) else quoted(size) for size in shape) + "]"


def quoted(value: str) -> str:
    """Text as YAML: plain where it is read back as that text, else in quotes."""
    if _PLAIN.fullmatch(value) and isinstance(scalar(value), str) and not value.startswith("-"):
        return value
    return '"' + "".join(map(_escaped, value)) + '"'


def _escaped(letter: str) -> str:
    if letter in {'"', "\\"}:
        return "\\" + letter
    code = ord(letter)
    return letter if letter.isprintable() else f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}"


def _one_line(value: str) -> str:
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in value).split())
    return text if len(text) <= 200 else text[:199] + "…"


def _id(stem: str) -> str:
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._").replace("_", "-").lower()[:63]
    return cleaned or "model"
