"""What NannyML and MAPIE say of fixed inputs: `python tests/monitor/estimates/peers.py > …/peer_figures.json`.

Run it with a Python that has both (pip install nannyml mapie); the tests need neither, only the figures.
"""

from __future__ import annotations

import json
import os
import warnings
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np

SEEDS = range(6)


def inputs(seed: int) -> dict[str, Any]:
    """Calibrated probabilities (n, K), what was said and what was true, by arithmetic alone."""
    n, k = 400 + 137 * seed, 2 + seed % 4
    at = np.arange(n * k, dtype=np.float64).reshape(n, k)
    scores = 3.0 * np.sin(at * (0.7 + 0.1 * seed)) + np.cos(at * at * 0.013)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    uniform = (np.sin(np.arange(n) * 12.9898 + seed) * 43758.5453) % 1.0
    truth = (p.cumsum(axis=1) < uniform[:, None]).sum(axis=1).clip(0, k - 1)
    return {"p": p, "said": p.argmax(axis=1), "truth": truth}


def figures() -> dict[str, Any]:
    """NannyML's CBPE (accuracy, no further calibration) and MAPIE's calibration error, for each seed."""
    os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"  # it would tell its makers that it runs
    nannyml, pandas = import_module("nannyml"), import_module("pandas")
    noop = import_module("nannyml.calibration").NoopCalibrator()
    expected_calibration_error = import_module("mapie.metrics.calibration").expected_calibration_error

    found: list[dict[str, float]] = []
    for seed in SEEDS:
        each = inputs(seed)
        p, said, truth = each["p"], each["said"], each["truth"]
        k = p.shape[1]
        frame = pandas.DataFrame({f"p{i}": p[:, i] for i in range(k)}).assign(said=said, truth=truth)
        binary = k == 2
        cbpe = nannyml.CBPE(
            y_pred_proba="p1" if binary else {i: f"p{i}" for i in range(k)}, y_pred="said", y_true="truth",
            problem_type="classification_binary" if binary else "classification_multiclass", metrics=["accuracy"],
            chunk_number=1, calibrator=noop,
        )  # fmt: skip
        result = cbpe.fit(frame).estimate(frame).filter(period="analysis").to_df()
        found.append(
            {
                "seed": seed,
                "cbpe_accuracy": float(result["accuracy"]["value"].iloc[0]),
                "calibration_error": expected_calibration_error(
                    (said == truth).astype(int), p.max(axis=1), split_strategy="uniform"
                ),
                "calibration_error_15": expected_calibration_error(
                    (said == truth).astype(int), p.max(axis=1), num_bins=15, split_strategy="uniform"
                ),
            }
        )
    return {"nannyml": version("nannyml"), "mapie": version("mapie"), "figures": found}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(figures(), indent=1))
