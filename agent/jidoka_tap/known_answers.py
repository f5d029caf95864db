"""Known answers: inputs whose right outputs are known, shown to a model to see whether it still gives them.

A set is one .npz file: `input/NAME` and `output/NAME`, arrays whose first axis counts the answers and whose rest is
what run() takes and gives (the batch axis included), and `tolerance/NAME`, the largest difference of an output's
entries. Its SHA-256 stands in the plan. Whether the answers are right is for the monitor to say, from their records.
"""

import hashlib
import io
import os
import time
import zipfile
from typing import Any, Dict, NamedTuple, Union

import numpy as np

#: of the file and of what is packed in it
MOST_BYTES = 64 << 20
MOST_ANSWERS = 1000
#: between two: a line that runs goes on, and the monitor has a slot for each
PAUSE_S = 0.02


class KnownAnswers(NamedTuple):
    """digest: SHA-256 of the file, hex; inputs, outputs: by name, (count, ...); tolerances: by output."""

    digest: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody needs
    inputs: Dict[str, Any]
    outputs: Dict[str, Any]
    tolerances: Dict[str, float]

    def feed(self, n: int) -> Dict[str, Any]:
        """What run() gets for the n-th answer, from 0."""
        return {name: values[n] for name, values in self.inputs.items()}


def pack(inputs: Dict[str, Any], outputs: Dict[str, Any], tolerances: Dict[str, float]) -> bytes:
    """The file of a set; its digest is the SHA-256 of these bytes."""
    arrays = {"input/" + name: values for name, values in inputs.items()}
    arrays.update(("output/" + name, values) for name, values in outputs.items())
    arrays.update(("tolerance/" + name, np.float64(value)) for name, value in tolerances.items())
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def load(path: Union[str, "os.PathLike[str]"]) -> KnownAnswers:
    """The set in a file. Raises OSError if it can't be read, ValueError if it isn't one, with the reason."""
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError("it has more than %d MiB" % (MOST_BYTES >> 20))
    try:
        return _read(content)
    except (zipfile.BadZipFile, KeyError, EOFError, OSError, NotImplementedError):
        raise ValueError("it isn't an .npz file") from None


def _read(content: bytes) -> KnownAnswers:
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer) as packed:
        if sum(each.file_size for each in packed.infolist()) > MOST_BYTES:
            raise ValueError("it holds more than %d MiB" % (MOST_BYTES >> 20))
    parts: Dict[str, Dict[str, Any]] = {"input": {}, "output": {}, "tolerance": {}}
    with np.load(buffer, allow_pickle=False) as arrays:
        for key in arrays.files:
            kind, _, name = key.partition("/")
            if kind not in parts or not name:
                raise ValueError("%r is none of input/NAME, output/NAME, tolerance/NAME" % key)
            parts[kind][name] = arrays[key]
    inputs, outputs = parts["input"], parts["output"]
    if not inputs or not outputs:
        raise ValueError("it has no inputs or no outputs")
    counts = {len(values) if values.ndim else 0 for values in [*inputs.values(), *outputs.values()]}
    count = counts.pop()
    if counts or not 1 <= count <= MOST_ANSWERS:
        raise ValueError("its arrays don't all hold the same 1 to %d answers" % MOST_ANSWERS)
    tolerances = {name: float(parts["tolerance"].get(name, 0.0)) for name in outputs}
    for name, tolerance in tolerances.items():
        if not 0.0 <= tolerance < float("inf"):
            raise ValueError("the tolerance of %r is %r" % (name, tolerance))
    return KnownAnswers(hashlib.sha256(content).hexdigest(), count, inputs, outputs, tolerances)


def show_known_answers(session: Any, answers: Union[KnownAnswers, str, "os.PathLike[str]"]) -> int:
    """Show a watched session the set, one input after the other; returns how many answers the monitor was sent.

    session: what `watch` returned; answers: a set, or the path of its file. The records are marked: they are no parts',
    feed no detector, and a gate doesn't wait for them. Call it after the start, and whenever `session.tap.asked` isn't
    empty: then somebody at the machine waits for it. Raises what the session raises, OSError and ValueError as `load`.
    """
    known = answers if isinstance(answers, KnownAnswers) else load(answers)
    tap, names = session.tap, list(known.outputs)
    tap.asked = ""
    sent = 0
    for n in range(known.count):
        feed = known.feed(n)
        start_ns = time.monotonic_ns()
        outputs = session._jidoka_session.run(names, feed)  # noqa: SLF001 - past the gate: it is no part's answer
        sent += tap.known_answer(start_ns, time.monotonic_ns(), n + 1, names, outputs, feed)
        time.sleep(PAUSE_S)
    return sent
