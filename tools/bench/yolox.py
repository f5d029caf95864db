"""A public detector with injected faults: which are found, how soon, with its picture and from its outputs alone.

python tools/bench/yolox.py [--quick] [--json FILE]

YOLOX-nano runs on quarters of photographs of magnetic tiles (it was never shown one; what it finds means nothing, how its
scores change does). The baseline are pieces at exposures 3 and 4; then come clean pieces of other tiles, and of the same
tiles each fault of FAULTS from its first piece on. Features are read by the monitor's own extractor, judged as drift with
1 false alarm in 1 000 records, and as material drift with a tolerance of 10 %. Model and photographs lie outside the
project (JIDOKA_DATA). Full: about a minute.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# one thread a library, as on the machines this is for; before numpy is imported
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
# run as a file: rows come from beside this one
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402
from jidoka.config.compile import compile_text  # noqa: E402
from jidoka.config.manifest import load_bundle  # noqa: E402
from jidoka.host.inputs import Inputs  # noqa: E402
from jidoka.host.model import open_session  # noqa: E402
from jidoka.host.sources.images import load_image  # noqa: E402
from jidoka.host.sources.sample import Sample  # noqa: E402
from jidoka.monitor.detectors.material import arm_shares, run_share_alarms  # noqa: E402
from jidoka.monitor.detectors.offline import Offline  # noqa: E402
from jidoka.monitor.detectors.reference import freeze  # noqa: E402
from jidoka.monitor.features import Extractor, feature_set  # noqa: E402
from jidoka_tap import wire  # noqa: E402
from numpy.typing import NDArray  # noqa: E402
from PIL import Image, ImageFilter  # noqa: E402

from tools.bench import _stat_data as data  # noqa: E402
from tools.bench._rows import AT_LEAST, Row, bench  # noqa: E402

Floats = NDArray[np.float64]
Picture = Image.Image

SEED = 20261128
LIMIT, TOLERANCE = 1e3, 0.1
LEARNED, CLEAN, FAULTY = 560, 160, 120
QUICK = (200, 40, 20)
CONFIGURATION = """\
site: bench
line: tiles
device: here
models:
  - {{id: yolox-nano, bundle: {bundle}, mode: none}}
risks:
  - {{id: R-01, risk: drift, model: yolox-nano, when: drift(all), false_alarms: 1 per 1000 records, response: advise, owner: quality}}
"""


def _noisy(picture: Picture, rng: np.random.Generator) -> Picture:
    pixels = np.asarray(picture, np.float64)
    return Image.fromarray(
        np.clip(pixels + 20.0 * rng.standard_normal(pixels.shape), 0, 255).astype(np.uint8)
    )


def _darker(picture: Picture, _: np.random.Generator) -> Picture:
    return picture.point(lambda level: int(0.8 * level))


def _blurred(picture: Picture, _: np.random.Generator) -> Picture:
    return picture.filter(ImageFilter.GaussianBlur(2))


def _covered(picture: Picture, _: np.random.Generator) -> Picture:
    covered = picture.copy()
    covered.paste(0, (0, 0, picture.width // 3, picture.height))
    return covered


def _turned(picture: Picture, _: np.random.Generator) -> Picture:
    return picture.transpose(Image.Transpose.ROTATE_90)


def _dirty(picture: Picture, rng: np.random.Generator) -> Picture:
    spotted = picture.copy()
    for _ in range(6):
        left, top = (int(rng.integers(0, max(1, size - 12))) for size in picture.size)
        spotted.paste(30, (left, top, left + 12, top + 12))
    return spotted


FAULTS: dict[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "the lamp at 80 %": _darker,
    "out of focus (blur of 2 pixels)": _blurred,
    "sensor noise of 20 grey levels": _noisy,
    "a third covered": _covered,
    "turned by 90°": _turned,
    "six dirt spots": _dirty,
}


class Watched:
    """The model and what the monitor reads of it. bundle: its folder; section: of the plan."""

    def __init__(self, folder: Path) -> None:
        from tests.scenarios.yolox import bundle  # noqa: PLC0415 - reads JIDOKA_DATA when it is called

        at = bundle(folder / "bundle", is_input_seen=True)
        loaded = load_bundle(at)
        plan = compile_text(CONFIGURATION.format(bundle=at), folder)
        self.section = plan.sections["models"]["yolox-nano"]
        self.names = feature_set(self.section).names
        self._session, self._inputs = open_session(loaded), Inputs(loaded)
        self._input, self._output = loaded.inputs[0].name, loaded.outputs[0].name
        self.extractor = Extractor(self.section, [self._input], [self._output])
        self._number = 0

    def features(self, picture: Picture) -> Floats:
        """(V,) of one inference."""
        self._number += 1
        feed = self._inputs.feed([Sample("piece", self._number, picture=picture)])
        (output,) = self._session.run([self._output], feed)
        tensors = [
            wire.Tensor(wire.OUTPUT, 0, output.shape, output.dtype, output),
            wire.Tensor(wire.INPUT, 0, feed[self._input].shape, feed[self._input].dtype, feed[self._input]),
        ]
        record = wire.Record(self._number, 0, self._number, 1, 0, 0, tensors)
        found: Floats = self.extractor.extract(record).values.copy()
        return found


def quarters(paths: list[Path]) -> Iterator[Picture]:
    """The four quarters of each photograph."""
    for path in paths:
        whole = load_image(path)
        width, height = whole.width // 2, whole.height // 2
        for top in (0, height):
            for left in (0, width):
                yield whole.crop((left, top, left + width, top + height))


def judged(names: tuple[str, ...], baseline: Floats) -> dict[str, Callable[[Floats], NDArray[np.int64]]]:
    """Alarms of a stream, counted from 1, as drift and as material drift."""
    offline = Offline(names, baseline, LIMIT, seed=SEED)
    shares = arm_shares(freeze(names, baseline), baseline, tuple(range(len(names))), LIMIT, TOLERANCE)
    return {
        "drift": offline.alarms,
        f"material, {TOLERANCE:.0%}": lambda x: run_share_alarms(shares, x[:, shares.members], LIMIT),
    }


def measure(is_quick: bool) -> Iterator[Row]:
    """Rows for each way to look."""
    learned, clean, faulty = QUICK if is_quick else (LEARNED, CLEAN, FAULTY)
    rng = np.random.default_rng(SEED)
    tiles = data.photographed()
    order = [tiles[i] for i in rng.permutation(len(tiles))]
    half = len(order) // 2
    before, after = (
        [tile[e] for tile in part for e in (3, 4) if e in tile] for part in (order[:half], order[half:])
    )
    pictures = {"before": list(quarters(before))[:learned], "after": list(quarters(after))[:clean]}
    with tempfile.TemporaryDirectory(prefix="jidoka-bench-") as name:
        watched = Watched(Path(name))
        baseline = np.array([watched.features(each) for each in pictures["before"]])
        streams = {"clean": np.array([watched.features(each) for each in pictures["after"]])}
        for fault, spoil in FAULTS.items():
            spoiled = (spoil(each, rng) for each in pictures["after"][:faulty])
            streams[fault] = np.array([watched.features(each) for each in spoiled])
    output = [f for f, each in enumerate(watched.names) if not np.isnan(baseline[:, f]).all()]
    first = min(f for f in output if watched.names[f] in feature_set(watched.section).groups["confidence"])
    views = {"picture and outputs": output, "outputs alone": [f for f in output if f >= first]}
    for view, columns in views.items():
        names = tuple(watched.names[f] for f in columns)
        for how, alarms in judged(names, baseline[:, columns]).items():
            false = alarms(streams["clean"][:, columns]).size
            # 97.5 % of detectors that keep the budget have no more alarms than this
            yield Row(
                f"{view}, {how}: false alarms in {clean} clean pieces", false, "alarms",
                None if is_quick else 1.0, peer=f"{clean / LIMIT:.2g} expected at most",
            )  # fmt: skip
            delays = {
                fault: found[0] if (found := alarms(streams[fault][:, columns])).size else None
                for fault in FAULTS
            }
            seen = [each for each in delays.values() if each is not None]
            told = "; ".join(
                f"{fault}: {delay if delay is not None else 'not found'}" for fault, delay in delays.items()
            )
            yield Row(
                f"{view}, {how}: faults found within {faulty} pieces", len(seen), f"of {len(FAULTS)}",
                None if is_quick or view == "outputs alone" or how != "drift" else len(FAULTS) - 1.0, AT_LEAST, told,
            )  # fmt: skip


if __name__ == "__main__":
    bench(__doc__ or "", measure)
