"""`jidoka calibrate`: fit a classifier's temperature on labelled records, and say what it changes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jidoka.cli.asking import FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOW = (
    "Give an .npz file with logits (records, classes) and labels (records), or a .csv whose first column is the label, "
    "the others the scores of each class, without a heading."
)


@click.command("calibrate")
@click.argument("labelled", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(*, labelled: Path, as_json: bool) -> None:
    """Fit the temperature of a classifier on LABELLED records: its scores before softmax, and the true classes.

    Labels are class numbers from 0, in the manifest's order. At least a few hundred records of ordinary production,
    with those that the model gets wrong: half of them fit, the other half shows what it changed.

    \b
    Example:
        jidoka calibrate labelled.npz
    """
    from jidoka.monitor.estimates import calibration_error, fit_temperature

    logits, labels = read(labelled)
    half = slice(0, None, 2), slice(1, None, 2)
    check = fit_temperature(logits[half[0]], labels[half[0]])
    shown, truth = logits[half[1]], labels[half[1]]
    errors = [calibration_error(*confidence(shown, truth, value)) for value in (1.0, check.value)]
    fitted = fit_temperature(logits, labels)
    value = {
        "temperature": fitted.value, "relative_standard_error": fitted.standard_error, "records": fitted.n,
        "nll_before": fitted.nll_before, "nll_after": fitted.nll_after, "held_out": len(truth),
        "calibration_error_before": errors[0], "calibration_error_after": errors[1],
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(value))
        return
    click.echo(f"temperature: {fitted.value:.3g}  (± {fitted.standard_error:.1%}, {fitted.n} records)")
    click.echo(
        f"Calibration error on {len(truth)} records that a fit on the others hadn't seen: {errors[0]:.4f} before, "
        f"{errors[1]:.4f} after."
    )
    click.echo("Write it into the model's row of the configuration, then learn the baseline anew.")


def confidence(
    logits: NDArray[Any], labels: NDArray[Any], temperature: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """(confidence of the class that is said, whether it was right)."""
    import numpy as np

    z = logits / temperature
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return np.minimum(p.max(axis=1), 1.0), p.argmax(axis=1) == labels


def read(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """(logits, labels). Raises InputError."""
    import numpy as np
    from jidoka_bridge.errors import InputError

    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                logits, labels = np.asarray(file["logits"], np.float64), np.asarray(file["labels"])
        else:
            table = np.loadtxt(
                path.read_text(encoding="utf-8").splitlines() or ["none"], delimiter=",", ndmin=2
            )
            logits, labels = table[:, 1:], table[:, 0]
            if not np.array_equal(labels, np.floor(labels)):
                raise ValueError("a label isn't a whole number")
            labels = labels.astype(np.int64)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}", HOW) from None
    except (KeyError, ValueError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: can't be used: {error}", HOW) from None
    return logits, labels
