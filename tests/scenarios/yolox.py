"""The public YOLOX-nano in an application that two devices watch: one sees inputs and outputs, one outputs alone."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from jidoka.config.manifest import load_bundle
from jidoka.host.inputs import Inputs
from jidoka.host.model import open_session
from jidoka.host.sources.images import load_image
from jidoka.host.sources.sample import Sample
from jidoka_tap import OpenTap, open_tap, watch
from jidoka_tap.sender import Tap

from tests.processes import wait_until
from tests.shared_data import folder

MODEL = "yolox-nano"
FILE = "yolox_nano.onnx"
OUTPUT = "output"
#: the file's rows aren't decoded: places and sizes are in cells of its three grids, which no format of a manifest
#: names. Objectness and class shares stand where the manifest says, and only they are judged here
MANIFEST = """\
format: 1
id: yolox-nano
version: "416"
file: yolox_nano.onnx
sha256: {sha256}
maker: Megvii
licence: Apache-2.0
intended_use: Finds the 80 kinds of objects of COCO in photographs.
not_for: [Inspecting parts; it was never shown one.]
task: detector
inputs:
  - name: images
    dtype: float32
    shape: [1, 3, 416, 416]
    layout: NCHW
    colour: BGR
    unit: grey level
    range: [0, 255]
    monitored: {is_input_seen}
outputs:
  - name: output
    dtype: float32
    shape: [1, 3549, 85]
    role: detections
    boxes: {{format: cxcywh, size: [416, 416], score: 4, classes: 5}}
"""


class Piece(NamedTuple):
    """A quarter of a photograph: column and row are 0 or 1."""

    photograph: Path
    column: int
    row: int


def pieces(photographs: Iterable[Path]) -> list[Piece]:
    """The four quarters of each photograph, as a camera that stands closer would see the tile."""
    return [Piece(each, column, row) for each in photographs for row in (0, 1) for column in (0, 1)]


def bundle(at: Path, *, is_input_seen: bool) -> Path:
    """A bundle in the folder `at`, whose model file is a link to the shared one. Skips where that is absent."""
    model = folder("vision-onnx") / FILE
    at.mkdir(parents=True)
    (at / FILE).symlink_to(model)
    (at / "manifest.yaml").write_text(
        MANIFEST.format(
            sha256=hashlib.sha256(model.read_bytes()).hexdigest(), is_input_seen=str(is_input_seen).lower()
        )
    )
    return at


class Seen(NamedTuple):
    """Whether drift was on at a record, for the device that sees inputs and outputs, and for the other."""

    both: bool
    outputs: bool


@dataclass
class Application:
    """Runs the model on pieces; each inference becomes a record for both devices. given: pieces so far."""

    session: Any
    other: OpenTap
    inputs: Inputs
    given: int = 0

    @property
    def taps(self) -> tuple[Tap, Tap]:
        """Of the device that sees both, and of the other."""
        return self.session.tap, self.other.tap

    def show(self, piece: Piece) -> None:
        """One inference, watched; returns once both devices have copied its tensors out of their arenas."""
        self._run(piece)
        for tap in self.taps:
            wait_until(partial(is_read, tap), "the device has taken the record")

    def judge(self, piece: Piece) -> Seen:
        """One inference at gates: what both devices say of it."""
        other = self._run(piece)
        return Seen(_is_drift(self.session.verdict), _is_drift(other))

    def _run(self, piece: Piece) -> Any:
        self.given += 1
        whole = load_image(piece.photograph)
        width, height = whole.width // 2, whole.height // 2
        left, top = piece.column * width, piece.row * height
        picture = whole.crop((left, top, left + width, top + height))
        feed = self.inputs.feed([Sample(piece.photograph.name, self.given, picture=picture)])
        (output,) = self.session.run([OUTPUT], feed, part=self.given)
        return self.other.record_outputs({OUTPUT: output}, part=self.given)


def is_read(tap: Tap) -> bool:
    """True once every slot of the tap's arena is free again, or the device has enough records and hung up."""
    arena = tap.arena
    return arena is None or all(
        arena.words[begun + 2] == last for begun, last in zip(arena.begun, arena.last, strict=True)
    )


def _is_drift(verdict: Any) -> bool:
    assert not verdict.is_silent, verdict
    assert (verdict.level == "pass") == (not verdict.reasons), verdict
    assert all(reason.startswith("drift(") for reason in verdict.reasons), verdict
    return bool(verdict.reasons)


@contextlib.contextmanager
def application(at: Path, both: Path, outputs: Path, *, is_gate: bool) -> Iterator[Application]:
    """The application, connected. at: the bundle; both, outputs: tap sockets; is_gate: it waits for verdicts."""
    loaded = load_bundle(at)
    gate: dict[str, Any] = {"gate": True, "deadline_s": 30.0} if is_gate else {}
    session = watch(open_session(loaded), MODEL, str(both), **gate)
    names = [each.name for each in loaded.inputs]
    with open_tap(MODEL, [OUTPUT], names, str(outputs), **gate) as other:
        found = Application(session, other, Inputs(loaded))
        try:
            for tap in found.taps:
                assert tap.wait_until_connected(30.0), "no device takes records"
            yield found
        finally:
            session.tap.close("the test is over")
