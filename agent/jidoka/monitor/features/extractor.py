"""Reads the records of one connection: checks each tensor against the manifest and turns it into numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jidoka_tap import wire
from numpy.typing import NDArray

from jidoka.monitor.features import views
from jidoka.monitor.features.classifier import Classifier
from jidoka.monitor.features.command import Command
from jidoka.monitor.features.embedding import Embedding
from jidoka.monitor.features.embedding_fit import Fit
from jidoka.monitor.features.picture import Picture
from jidoka.monitor.features.port import Port, is_monitored
from jidoka.monitor.features.table import Placed, input_blocks, output_blocks, set_of
from jidoka.monitor.kernels.detections import count_not_finite
from jidoka.monitor.verdicts import INVALID_OUTPUT, REJECT_BITS, Reason

Floats = NDArray[np.float64]

# plain numbers: an enum's operators cost ten times as much
_NOT_FINITE, _SHAPE, _MISSING = (
    int(each) for each in (Reason.OUTPUT_NOT_FINITE, Reason.OUTPUT_SHAPE, Reason.OUTPUT_MISSING)
)
_NOT_SENT, _NOT_SEEN = int(Reason.OUTPUT_NOT_SENT), int(Reason.COMMAND_NOT_SEEN)
_INPUT_REPEATED = int(Reason.INPUT_REPEATED)
_INPUT_SHAPE, _INPUT_NOT_FINITE = int(Reason.INPUT_SHAPE), int(Reason.INPUT_NOT_FINITE)
_LOW_CONFIDENCE, _INVALID = int(Reason.LOW_CONFIDENCE), int(INVALID_OUTPUT)


#: a picture that is the same as so many before it, pixel by pixel, no sensor sends; a call that is made twice does
FROZEN = 3
#: a gap of so many periods is a pause, not jitter
PAUSE_STEPS = 10


class Extract(NamedTuple):
    """What one record shows.

    values: (V,) in the order of the feature set, NaN = not available; top_class: of a classifier, -1 = none; reasons:
    bits of verdicts.Reason; evidence: of a command that the envelope refuses, else empty; culprit: the first tensor
    with a fault, "" = none.
    """

    values: Floats
    top_class: int
    reasons: int
    evidence: Mapping[str, Any] = {}
    culprit: str = ""


class _Known:
    """A tensor that the manifest names. bit: of the outputs that must come, 0 = none; at: of its block's values."""

    def __init__(self, spec: Mapping[str, Any], port: Port, bit: int) -> None:
        self.spec = spec
        self.port = port
        self.bit = bit
        self.block: Any = None
        self.at = 0


class Extractor:
    """Reads the records of one connection of one model, in the order they come.

    section: the model's entry of Plan.sections["models"]; inputs, outputs: the tap's names, which its tensor
    indices count. A batch has one value of each feature, the mean over it; of commands each row is judged.
    """

    def __init__(self, section: Mapping[str, Any], inputs: Sequence[str], outputs: Sequence[str]) -> None:
        into = input_blocks(section)
        out = output_blocks(section, sum(len(each.block.names) for each in into))
        self.features = set_of([*into, *out])
        self._first_output = out[0].at if out else len(self.features.names)
        self._picture = into[0]
        assert isinstance(into[0].block, Picture)
        self._measured = into[0].block
        self._has_thumbnails = False
        scores = [(each.block, each.at) for each in out if isinstance(each.block, Classifier)]
        self._classifier = scores[0][0] if scores else None
        self._sure_at = scores[0][1] if scores else 0
        # the limit is a classifier's: that a detector finds nothing says nothing about how sure it is
        self._min_confidence = section.get("min_confidence") if self._classifier is not None else None
        self._envelopes = [(each.at, each.block.envelope) for each in out if isinstance(each.block, Command)]
        #: the outputs with the role embedding: what they are held against is given to them
        self.embeddings = [each.block for each in out if isinstance(each.block, Embedding)]
        known_in = {
            each["name"]: _Known(each, Port(each, section.get("roi")), 0)
            for each in section["inputs"]
            if each.get("monitored")
        }
        monitored = [each["name"] for each in section["outputs"] if is_monitored(each)]
        known_out = {
            each["name"]: _Known(
                each, Port(each), 1 << monitored.index(each["name"]) if is_monitored(each) else 0
            )
            for each in section["outputs"]
        }
        _give_blocks(known_in, into)
        _give_blocks(known_out, out)
        self._required = (1 << len(monitored)) - 1
        # names are the application's: one that it gives twice counts once
        self._outputs = [known_out.get(name) for name in outputs]
        self._inputs = [known_in.get(name) for name in inputs]
        self._nothing = np.full(len(self.features.names), np.nan)
        self._pauses = Pauses(float(section.get("period_s") or 0.0)) if self._envelopes else None
        self._tracked = frozenset(name for _, envelope in self._envelopes for name in envelope.tracked_inputs)

    def use(self, recipe: int, position: int, fits: Mapping[str, Fit]) -> None:
        """What embeddings of this recipe and position are held against, by the output's name."""
        for block in self.embeddings:
            if block.name in fits:
                block.use((recipe, position), fits[block.name])

    def extract(self, record: wire.Record, recipe: int = 0) -> Extract:
        """Features and faults of one record. Raises nothing for a record that the wire let through.

        recipe: of the machine, for a record that doesn't tell its own.
        """
        for embedding in self.embeddings:
            embedding.of((record.recipe or recipe, record.position))
        values = self._nothing.copy()
        picture = self._measured
        pictures = picture.pictures
        reasons = came = 0
        culprit = ""
        commands: dict[int, NDArray[Any]] = {}
        inputs: dict[str, NDArray[Any]] = {}
        for tensor in record.tensors:
            if tensor.role == wire.OUTPUT:
                known = self._outputs[tensor.index] if tensor.index < len(self._outputs) else None
                if known is None:
                    continue
                came |= known.bit
                found = self._output(known, tensor, values, commands)
            elif tensor.index == wire.THUMBNAIL:
                self._thumbnail(tensor, values)
                continue
            else:
                known = self._inputs[tensor.index] if tensor.index < len(self._inputs) else None
                if known is None or tensor.array is None:
                    continue
                found = self._input(known, tensor, values, inputs)
            if found and not culprit:
                culprit = known.port.name
            reasons |= found
        if self._required & ~came:
            reasons |= _MISSING
        if picture.repeats >= FROZEN and picture.pictures > pictures:
            reasons |= _INPUT_REPEATED
        if self._envelopes:
            assert self._pauses is not None
            number = record.number + self._pauses.steps_before(record.number, record.start_ns)
            reasons |= self._judge_commands(number, commands, inputs, values)
        return self._finished(values, reasons, culprit)

    def _finished(self, values: Floats, reasons: int, culprit: str) -> Extract:
        if self._min_confidence is not None and values.item(self._sure_at) < self._min_confidence:
            reasons |= _LOW_CONFIDENCE
        top_class = -1
        if reasons & _INVALID:
            values[self._first_output :] = np.nan
        elif self._classifier is not None:
            top_class = self._classifier.top_class
        evidence = self._settled(reasons) if self._envelopes else {}
        return Extract._make((values, top_class, reasons, evidence, culprit))

    def _settled(self, reasons: int) -> Mapping[str, Any]:
        """Tell the envelopes whether their commands are carried out; evidence of the first that refuses one."""
        if not reasons & REJECT_BITS:
            for _, envelope in self._envelopes:
                envelope.accept()
            return {}
        found = (envelope.evidence() for _, envelope in self._envelopes)
        return next((each for each in found if each), {})

    def _output(
        self, known: _Known, tensor: wire.Tensor, values: Floats, commands: dict[int, NDArray[Any]]
    ) -> int:
        array = tensor.array
        if not known.port.fits(tensor):
            return _SHAPE if array is None or array.size else _SHAPE | _MISSING
        if array is None:
            if known.bit and isinstance(known.block, Command):
                return _NOT_SENT | _NOT_SEEN
            return _NOT_SENT if known.bit else 0
        block = known.block
        if block is None:
            return _NOT_FINITE if array.dtype.kind == "f" and not_finite(array) else 0
        if array.size == 0 and (isinstance(block, Command) or not known.port.has_free_size):
            return _MISSING
        if isinstance(block, Command):
            if known.at in commands:
                return _SHAPE  # two commands in one record: which one would be carried out?
            commands[known.at] = array
            return 0
        return _NOT_FINITE if block.read(array, values, known.at) else 0

    def _input(
        self, known: _Known, tensor: wire.Tensor, values: Floats, inputs: dict[str, NDArray[Any]]
    ) -> int:
        if not known.port.fits(tensor):
            return _INPUT_SHAPE
        array = tensor.array
        if known.port.name in self._tracked:
            inputs[known.port.name] = views.rows(array)
        if known.block is None:
            return _INPUT_NOT_FINITE if array.dtype.kind == "f" and not_finite(array) else 0
        if self._has_thumbnails and known.block is self._picture.block:
            return 0
        return _INPUT_NOT_FINITE if known.block.read(array, values, known.at) else 0

    def _thumbnail(self, tensor: wire.Tensor, values: Floats) -> None:
        # from the first one on, pictures are thumbnails: the two differ in size, so in sharpness and noise
        self._has_thumbnails = True
        if tensor.array is not None:
            values[self._picture.at : self._picture.at + len(self._picture.block.names)] = np.nan
            self._measured.read_thumbnail(tensor.array, values, self._picture.at)

    def _judge_commands(
        self, number: int, commands: Mapping[int, NDArray[Any]], inputs: Mapping[str, NDArray[Any]], values: Floats
    ) -> int:  # fmt: skip
        reasons = 0
        for at, envelope in self._envelopes:
            array = commands.get(at)
            if array is None:
                envelope.skip()
            else:
                reasons |= envelope.judge(views.rows(array, is_exact=True), number, inputs, values, at)
        return reasons


class Pauses:
    """Steps that went by without a record: a machine that stood for a while may begin anywhere, at any rate.

    A gap of PAUSE_STEPS periods or more between two records counts with all its steps, however few numbers lie
    between; a shorter one is the application's jitter, and only numbers that are missing count. period_s: 0 = unknown.

    >>> pauses = Pauses(0.02)
    >>> [pauses.steps_before(number, start_ns) for number, start_ns in ((1, 0), (2, 20_000_000), (3, 1_020_000_000))]
    [0, 0, 49]
    """

    def __init__(self, period_s: float) -> None:
        self._period_ns = int(period_s * 1e9)
        self._steps = 0
        self._last: tuple[int, int] | None = None

    def steps_before(self, number: int, start_ns: int) -> int:
        """How many more steps than its number says lie before this record."""
        last, self._last = self._last, (number, start_ns)
        if last is not None and self._period_ns and start_ns - last[1] >= PAUSE_STEPS * self._period_ns:
            self._steps += max(0, (start_ns - last[1]) // self._period_ns - max(1, number - last[0]))
        return self._steps


def not_finite(array: NDArray[Any]) -> int:
    """How many numbers of a float array are NaN or infinite."""
    return int(count_not_finite(views.flat(array, is_exact=True)))


def _give_blocks(known: Mapping[str, _Known], blocks: Sequence[Placed]) -> None:
    for each in blocks:
        if each.spec:
            known[each.spec["name"]].block = each.block
            known[each.spec["name"]].at = each.at
