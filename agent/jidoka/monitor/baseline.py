"""Baseline files: what a model's features looked like at commissioning, for one recipe and position.

Format 1: `JDKBASE1`, u32 length of the header, header (JSON), float64 values (features × records, NaN = the record
doesn't have it, in the order they came), SHA-256 of all before. Little-endian.
Format 2, written only where there are embeddings: after the values, for each output that the header's `embeddings`
names, its fit (features/embedding_fit.py): basis and waves (float32), terms (float64).
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jidoka_bridge.errors import BaselineError
from jidoka_bridge.plan import Plan
from numpy.typing import NDArray

from jidoka.monitor.detectors.arming import Armed, arm, none_armed
from jidoka.monitor.detectors.material import Shares, arm_shares
from jidoka.monitor.detectors.reference import Reference, freeze
from jidoka.monitor.features.embedding_fit import Fit, decode
from jidoka.monitor.terms import Terms
from jidoka.whole_file import write_whole

MAGIC = b"JDKBASE"
FORMAT, WITH_FITS = 1, 2
#: rises when a feature of the same name comes out otherwise for the same record
MEASURES = 2
LENGTH = struct.Struct("<I")
NAME = re.compile(r"recipe-(\d+)\.position-(\d+)\.baseline")

Key = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Baseline:
    """What was learned. names: F features; records: (n, F) float64, NaN = none, in the order they came;
    rate_hz: of these a second, of the whole model, while it was learned; digest: of the file, "" before it is written;
    judged: "record", or "part" where each of the records is the mean over a part; fits: of embeddings, by output.
    """

    model: str
    sha256: str
    recipe: int
    position: int
    names: tuple[str, ...]
    records: NDArray[np.float64]
    rate_hz: float
    learned_at: str
    digest: str = field(default="")
    judged: str = "record"
    fits: Mapping[str, Fit] = field(default_factory=dict)

    @cached_property
    def reference(self) -> Reference:
        """The frozen reference that the detectors hold records against, where nothing is explained by covariates."""
        return freeze(self.names, self.records)

    def reference_for(self, covariates: Sequence[str]) -> Reference:
        """The frozen reference of what the covariates don't explain; as `reference` where there are none, or where the
        baseline lacks one of them (then `armed` arms nothing)."""
        places = tuple(self.names.index(name) for name in covariates if name in self.names)
        if not places or len(places) < len(covariates):
            return self.reference
        if places not in self._explained:
            self._explained[places] = freeze(self.names, self.records, covariates=places)
        return self._explained[places]

    def armed(self, names: Sequence[str], terms: Terms) -> Armed:
        """Which of a group's features may arm under the terms, and why the others may not.

        Found out once for each group, limit and cycle: a rehearsal takes tens of milliseconds a feature.
        """
        rows = tuple(f for f, name in enumerate(self.names) if name in names)
        asked = (rows, terms.limit, terms.slowest_cycle_s, terms.covariates)
        if asked not in self._armed:
            cycle = terms.slowest_cycle_s * self.rate_hz
            missing = [name for name in terms.covariates if name not in self.names]
            if missing:
                why = f"can't be explained: the baseline has no {', '.join(missing)}"
                self._armed[asked] = none_armed({self.names[f]: why for f in rows})
            else:
                reference = self.reference_for(terms.covariates)
                self._armed[asked] = arm(reference, self.records, rows, terms.limit, cycle)
        return self._armed[asked]

    def shares(self, names: Sequence[str], terms: Terms) -> Shares:
        """Which of a group's features may be watched for material drift, and what they are held against."""
        rows = tuple(f for f, name in enumerate(self.names) if name in names)
        asked = (rows, terms.limit, terms.tolerance, terms.slowest_cycle_s)
        if asked not in self._shares:
            cycle = terms.slowest_cycle_s * self.rate_hz
            self._shares[asked] = arm_shares(
                self.reference, self.records, rows, terms.limit, terms.tolerance, cycle
            )
        return self._shares[asked]

    @cached_property
    def _shares(self) -> dict[tuple[tuple[int, ...], float, float, float], Shares]:
        return {}

    @cached_property
    def _armed(self) -> dict[tuple[tuple[int, ...], float, float, tuple[str, ...]], Armed]:
        return {}

    @cached_property
    def _explained(self) -> dict[tuple[int, ...], Reference]:
        return {}


def folder_of(plan: Plan, model: str) -> Path:
    """Where the baselines of a model lie."""
    return Path(plan.state_dir) / "baselines" / model


def path_of(plan: Plan, model: str, recipe: int, position: int) -> Path:
    """Where one baseline lies."""
    return folder_of(plan, model) / f"recipe-{recipe}.position-{position}.baseline"


def encode(baseline: Baseline) -> bytes:
    """The file's bytes, digest included."""
    version = WITH_FITS if baseline.fits else FORMAT
    fits = sorted(baseline.fits.items())
    header = {
        "format": version,
        "measures": MEASURES,
        "model": baseline.model,
        "sha256": baseline.sha256,
        "recipe": baseline.recipe,
        "position": baseline.position,
        "features": list(baseline.names),
        "records": len(baseline.records),
        "rate_hz": baseline.rate_hz,
        "learned_at": baseline.learned_at,
        # written where it says something only: files of before and their digests stay what they are
        **({"judged": baseline.judged} if baseline.judged != "record" else {}),
        **({"embeddings": [[name, fit.dimensions] for name, fit in fits]} if fits else {}),
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    values = np.ascontiguousarray(baseline.records.T, "<f8").tobytes()
    body = MAGIC + str(version).encode() + LENGTH.pack(len(text)) + text + values
    body += b"".join(fit.encode() for _, fit in fits)
    return body + hashlib.sha256(body).digest()


def save(path: Path, baseline: Baseline) -> str:
    """Write the file as a whole or not at all; returns its digest. Raises BaselineError if it can't."""
    data = encode(baseline)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
        write_whole(path, data)
    except OSError as error:
        raise BaselineError(
            f"{path}: can't write the baseline: {error.strerror}",
            "Give a state_dir that this user may write, or run as the user that owns it.",
        ) from None
    return data[-32:].hex()


def load(path: Path, model: str, sha256: str) -> Baseline:
    """The baseline in `path`, which must be of this model. Raises BaselineError with what to do."""
    again = f"Learn it anew with: jidoka baseline learn CONFIGURATION --model {model}"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BaselineError(f"{path}: can't read the baseline: {error.strerror}", again) from None
    try:
        baseline = _parse(data)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise BaselineError(f"{path}: can't be used as a baseline: {error}", again) from None
    if baseline.model != model:
        raise BaselineError(f"{path}: is the baseline of model {baseline.model!r}, not of {model!r}", again)
    if baseline.sha256 != sha256:
        raise BaselineError(
            f"{path}: was learned with {model} {baseline.sha256[:16]}…, the model here is {sha256[:16]}…",
            again,
        )
    return baseline


def _parse(data: bytes) -> Baseline:
    start = len(MAGIC) + 1
    if data[: len(MAGIC)] != MAGIC:
        raise ValueError("it doesn't begin as one (cut off, or another file)")
    version = data[len(MAGIC) : start].decode(errors="replace")
    if version not in {str(FORMAT), str(WITH_FITS)}:
        raise ValueError(f"format {version}, this program reads {FORMAT} and {WITH_FITS}")
    if len(data) < 32 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise ValueError("its digest doesn't match: it was cut or changed")
    (length,) = LENGTH.unpack_from(data, start)
    body = start + LENGTH.size + length
    header: dict[str, Any] = json.loads(data[start + LENGTH.size : body])
    if header.get("measures", 1) != MEASURES:
        raise ValueError(
            "it was learned by a version whose features were measured otherwise: what is good would look changed"
        )
    names = tuple(header["features"])
    end = body + 8 * len(names) * int(header["records"])
    values = np.frombuffer(data[body:end], "<f8").reshape(len(names), header["records"])
    fits: dict[str, Fit] = {}
    for name, dimensions in header.get("embeddings", []):
        fits[name], end = decode(data, end, dimensions)
    if end != len(data) - 32:
        raise ValueError("it holds more or less than its header says")
    return Baseline(
        header["model"], header["sha256"], header["recipe"], header["position"], names,
        np.ascontiguousarray(values.T), float(header["rate_hz"]), header["learned_at"], data[-32:].hex(),
        str(header.get("judged", "record")), fits,
    )  # fmt: skip


def load_all(plan: Plan, model: str) -> dict[Key, Baseline]:
    """Every baseline of a model by (recipe, position). Raises BaselineError for the first that can't be used."""
    found: dict[Key, Baseline] = {}
    section = plan.sections["models"][model]
    sha256, judged = str(section["sha256"]), judged_of(section)
    folder = folder_of(plan, model)
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return found
    except OSError as error:
        raise BaselineError(
            f"{folder}: can't read the baselines: {error.strerror}",
            "Let this user read the state directory, or run as the user that owns it.",
        ) from None
    for path in paths:
        name = NAME.fullmatch(path.name)
        if name is None:
            continue
        baseline = load(path, model, sha256)
        if baseline.judged != judged:
            raise BaselineError(
                f"{path}: was learned per {baseline.judged}, the configuration judges {model} per {judged}",
                f"Learn it anew with: jidoka baseline learn CONFIGURATION --model {model}",
            )
        if (baseline.recipe, baseline.position) != (int(name[1]), int(name[2])):
            raise BaselineError(
                f"{path}: is of recipe {baseline.recipe}, position {baseline.position}",
                f"Rename it to recipe-{baseline.recipe}.position-{baseline.position}.baseline.",
            )
        found[baseline.recipe, baseline.position] = baseline
    return found


def judged_of(section: Mapping[str, Any]) -> str:
    """What the detectors take one by one: "record", or "part" where records of a part are averaged."""
    return "part" if section.get("judged") == "part" else "record"


def _records_per_part(section: Mapping[str, Any]) -> float:
    return float(section.get("records_per_part") or 1)


def rate_of(section: Mapping[str, Any], baseline: Baseline) -> float:
    """Records (or parts, where those are judged) a second that budgets in seconds are counted by.

    What the plan states, else what was measured while learning.
    """
    stated = section.get("records_per_s")
    if not stated:
        return baseline.rate_hz
    return float(stated) / (_records_per_part(section) if judged_of(section) == "part" else 1.0)


def limit_of(detector: Mapping[str, Any], section: Mapping[str, Any], rate_hz: float) -> float:
    """A: the average number of records between false alarms that the budget `false_alarms` asks for.

    Where parts are judged: of parts. rate_hz: of the same.
    """
    budget = detector["false_alarms"]
    per_part = _records_per_part(section)
    if judged_of(section) == "part":
        records = {"s": rate_hz, "records": 1.0 / per_part, "parts": 1.0}
    else:
        records = {"s": rate_hz, "records": 1.0, "parts": per_part}
    return max(1.0, float(budget["per"]) / float(budget["count"]) * records[budget["unit"]])


def terms_of(detector: Mapping[str, Any], limit: float) -> Terms:
    """What the plan asks of a drift condition. detector: its entry of Plan.sections["detectors"]; limit: A."""
    return Terms(
        str(detector["group"]), limit, int(detector["off_records"]), float(detector["off_error"]),
        float(detector.get("slowest_cycle_s") or 0.0), float(detector.get("tolerance") or 0.0),
        tuple(detector.get("covariates") or ()),
    )  # fmt: skip
