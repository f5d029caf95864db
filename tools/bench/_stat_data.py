"""Loaders of public data sets, each as a baseline and what follows, with the records that are known to be clean.

They lie outside the project: JIDOKA_DATA names their folder, else shared/data in the project or beside it.
"""

from __future__ import annotations

import csv
import importlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jidoka.monitor.features.picture import Picture
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROOT = Path(__file__).resolve().parents[2]
#: sample at which the faults of Tennessee Eastman begin
TEP_ONSET = 160
#: record at which the first concept of the concept streams ends
CONCEPT_ONSET = 10_000
PATCH = 96


class Trial(NamedTuple):
    """One baseline and what follows. names: F streams; baseline: (n, F); stream: (T, F); clean: (T,) True where nothing
    is known to be wrong; onsets: rows at which something begins."""

    name: str
    names: tuple[str, ...]
    baseline: Floats
    stream: Floats
    clean: Flags
    onsets: tuple[int, ...] = ()


def folder(name: str) -> Path:
    """Of one data set. Ends the bench with a sentence where it isn't there."""
    places = [Path(os.environ[key]) for key in ("JIDOKA_DATA",) if key in os.environ]
    places += [ROOT / "shared" / "data", ROOT.parent / "shared" / "data"]
    for place in places:
        if (place / name).is_dir():
            return place / name
    raise SystemExit(
        f"the data set {name} isn't on this machine: set JIDOKA_DATA to the folder that holds it"
    )


def table(path: Path, delimiter: str = ",") -> dict[str, list[str]]:
    """Columns of a file with a header."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    return dict(zip(rows[0], map(list, zip(*rows[1:], strict=True)), strict=True))


def numbers(columns: dict[str, list[str]], names: tuple[str, ...]) -> Floats:
    found: Floats = np.array([columns[name] for name in names], np.float64).T.copy()
    return found


def tennessee_eastman() -> list[Trial]:
    """Clean records, then faults 1, 4, 5, 8 and 13; 52 streams, one baseline of 500 records, a sample every 3 minutes."""
    here = folder("tep")
    names = tuple(f"x{i + 1}" for i in range(52))
    baseline = np.loadtxt(here / "d00.dat")
    baseline = np.ascontiguousarray(baseline.T if baseline.shape[0] == 52 else baseline)
    clean = np.loadtxt(here / "d00_te.dat")
    trials = [Trial("clean", names, baseline, clean, np.ones(len(clean), bool))]
    for fault in (1, 4, 5, 8, 13):
        stream = np.loadtxt(here / f"d{fault:02}_te.dat")
        flags = np.arange(len(stream)) < TEP_ONSET
        trials.append(Trial(f"fault {fault}", names, baseline, stream, flags, (TEP_ONSET,)))
    return trials


def water_loop(baseline: int) -> list[Trial]:
    """SKAB without anomalies, 1 Hz: every stretch of `baseline` records in turn as the baseline of what follows it."""
    columns = table(folder("skab") / "data" / "anomaly-free" / "anomaly-free.csv", ";")
    names = tuple(name for name in columns if name != "datetime")
    x = numbers(columns, names)
    ends = range(baseline, len(x) - baseline // 2, baseline)
    return [
        Trial(f"from {end - baseline}", names, x[end - baseline : end], x[end:], np.ones(len(x) - end, bool))
        for end in ends
    ]


def valve(baseline: int) -> list[Trial]:
    """SKAB's 16 runs in which a valve is closed; the first records of each are its baseline.

    Records after the closing are held against nobody: nothing says that the loop is as it was.
    """
    trials = []
    for path in sorted((folder("skab") / "data" / "valve1").glob("*.csv"), key=lambda each: int(each.stem)):
        columns = table(path, ";")
        names = tuple(name for name in columns if name not in {"datetime", "anomaly", "changepoint"})
        x = numbers(columns, names)
        onset = int(np.flatnonzero(numbers(columns, ("anomaly",))[:, 0])[0]) - baseline
        clean = np.arange(len(x) - baseline) < onset
        trials.append(Trial(path.stem, names, x[:baseline], x[baseline:], clean, (onset,)))
    return trials


def machine_temperature(baseline: int) -> list[Trial]:
    """NAB: the temperature of a machine every 5 minutes, in four windows of which it fails."""
    here = folder("nab")
    columns = table(here / "data" / "realKnownCause" / "machine_temperature_system_failure.csv")
    labels = json.loads((here / "labels" / "combined_windows.json").read_text(encoding="utf-8"))
    times = [datetime.fromisoformat(each) for each in columns["timestamp"]]
    clean = np.ones(len(times), bool)
    onsets = []
    for first, last in labels["realKnownCause/machine_temperature_system_failure.csv"]:
        begins, ends = (datetime.fromisoformat(each) for each in (first, last))
        inside = np.array([begins <= each <= ends for each in times])
        clean &= ~inside
        onsets.append(int(np.flatnonzero(inside)[0]) - baseline)
    x = numbers(columns, ("value",))
    return [Trial("temperature", ("value",), x[:baseline], x[baseline:], clean[baseline:], tuple(onsets))]


def photograph(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def seen(pictures: list[NDArray[np.uint8]]) -> tuple[tuple[str, ...], Floats]:
    """Names and values (N, F) of the frame features, as the monitor computes them."""
    picture = Picture({})
    values = np.full((len(pictures), len(picture.names)), np.nan)
    for row, pixels in zip(values, pictures, strict=True):
        picture.read_thumbnail(np.ascontiguousarray(pixels), row, 0)
    return picture.names, values


def photographed() -> list[dict[int, Path]]:
    """The magnetic tiles as {exposure: photograph}, by the tests' own grouping."""
    os.environ.setdefault("JIDOKA_DATA", str(folder("magnetic-tile").parent))
    found: list[dict[int, Path]] = importlib.import_module("tests.tiles").tiles()
    return found


def magnetic_tiles(seed: int, reference_share: float = 2 / 3) -> list[Trial]:
    """Reference on exposures 3 and 4 of two thirds of the tiles; of the others each exposure is a stream.

    The order of the tiles and of the photographs is drawn; no tile is on both sides.
    """
    rng = np.random.default_rng(seed)
    tiles = photographed()
    order = rng.permutation(len(tiles))
    learned = order[: int(len(tiles) * reference_share)]
    others = order[learned.size :]

    def stream(which: NDArray[np.int64], exposures: tuple[int, ...]) -> tuple[tuple[str, ...], Floats]:
        paths = [tiles[i][e] for i in which for e in exposures if e in tiles[i]]
        return seen([photograph(paths[i]) for i in rng.permutation(len(paths))])

    names, baseline = stream(learned, (3, 4))
    trials = []
    for exposures in ((3, 4), (1,), (2,), (5,), (6,)):
        _, x = stream(others, exposures)
        is_clean = exposures == (3, 4)
        name = "clean" if is_clean else f"exposure {exposures[0]}"
        onsets = () if is_clean else (0,)
        trials.append(Trial(name, names, baseline, x, np.full(len(x), is_clean), onsets))
    return trials


def tile_patches(baseline: int) -> list[Trial]:
    """Patches of the tiles at exposures 3 and 4, one tile after the other; the first ones are the baseline."""
    patches: list[NDArray[np.uint8]] = []
    for tile in photographed():
        for exposure in (3, 4):
            if exposure in tile:
                pixels = photograph(tile[exposure])
                patches += [
                    pixels[top : top + PATCH, left : left + PATCH]
                    for top in range(0, pixels.shape[0] - PATCH + 1, PATCH)
                    for left in range(0, pixels.shape[1] - PATCH + 1, PATCH)
                ]
    names, x = seen(patches)
    return [Trial("patches", names, x[:baseline], x[baseline:], np.ones(len(x) - baseline, bool))]


def milling(baseline: int) -> list[Trial]:
    """AI4I 2020, synthetic by its authors: temperatures that walk, torque and speed that don't; nothing drifts."""
    columns = table(folder("ai4i2020") / "ai4i2020.csv")
    names = (
        "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]",
    )  # fmt: skip
    x = numbers(columns, names)
    return [Trial("milling", names, x[:baseline], x[baseline:], np.ones(len(x) - baseline, bool))]


def electricity(baseline: int) -> list[Trial]:
    """Prices and demand of New South Wales every half hour, until Victoria's market opens; days and seasons are in it.

    What comes after the opening isn't held against anybody.
    """
    x = np.loadtxt(folder("elec2") / "elec2_data.dat")[:, 3:]
    names = ("nsw_price", "nsw_demand", "vic_price", "vic_demand", "transfer")
    opens = int(np.flatnonzero(x[:, 3] != x[0, 3])[0])
    clean = np.ones(opens - baseline, bool)
    return [Trial("electricity", names, x[:baseline], x[baseline:opens], clean)]


def concepts(baseline: int) -> list[Trial]:
    """Three streams whose labels come to mean something else at record CONCEPT_ONSET; of two the inputs move too."""
    trials = []
    for path in sorted(folder("harvard-drift").glob("*.csv")):
        columns = table(path)
        names = tuple(name for name in columns if name != "class")
        x = numbers(columns, names)
        # a gradual change is spread over a thousand records around its point
        clean = np.arange(len(x)) < CONCEPT_ONSET - 500
        trials.append(
            Trial(
                path.stem,
                names,
                x[:baseline],
                x[baseline:],
                clean[baseline:],
                (CONCEPT_ONSET - 500 - baseline,),
            )
        )
    return trials


def robot_failures() -> list[Trial]:
    """Forces and torques of a robot, 15 samples a case: normal cases are the baseline, failed ones what follows."""
    names = ("fx", "fy", "fz", "tx", "ty", "tz")
    trials = []
    for path in sorted(folder("robot-failures").glob("*.data")):
        cases: list[tuple[str, list[list[float]]]] = []
        for line in path.read_text(encoding="ascii").splitlines():
            cells = line.split()
            if len(cells) == 1:
                cases.append((cells[0], []))
            elif cells:
                cases[-1][1].append([float(cell) for cell in cells])
        normal = np.array([row for label, rows in cases if label in {"normal", "ok"} for row in rows])
        failed = np.array([row for label, rows in cases if label not in {"normal", "ok"} for row in rows])
        trials.append(Trial(path.stem, names, normal, failed, np.zeros(len(failed), bool), (0,)))
    return trials
