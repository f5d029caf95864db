"""What must fit between a model's row, its bundle and its risks."""

from __future__ import annotations

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from jidoka_bridge.errors import ConfigurationError, ModelError
from jidoka_bridge.registers import MAP_DIGEST

from jidoka.config.bundle import Bundle
from jidoka.config.case import Case, Found
from jidoka.config.located import Fault, Trail
from jidoka.config.manifest import load_bundle
from jidoka.config.model_section import model_section, stated_bytes
from jidoka.config.quantities import duration_text, size_text
from jidoka.config.salvage import Unknown
from jidoka.config.schema import GateSettings, ModelSettings

if TYPE_CHECKING:
    from jidoka.monitor.features import FeatureSet

#: features that an error names
MOST_LISTED = 12


def bundles_are_whole(case: Case) -> Found:
    """Every bundle exists, its manifest is right, its model file is the approved one."""
    for index, row in enumerate(case.config.models):
        if not isinstance(row.bundle, str):
            continue
        try:
            case.bundles[index] = load_bundle(row.bundle, case.base_dir)
        except ModelError as error:
            lines = error.what.splitlines()
            more = f" (and {len(lines) - 1} more there)" if len(lines) > 1 else ""
            yield case.fault(("models", index, "bundle"), lines[0] + more, error.remedy)


def enforced_models_are_bound(case: Case) -> Found:
    """A model may stop the machine only by a row of the register."""
    bound = {risk.model for risk in case.config.risks}
    if not bound <= set(case.model_ids) or isinstance(case.config.risks, Unknown):
        return  # the register itself is faulty, and that is said already
    for index, row in enumerate(case.config.models):
        if row.mode == "enforce" and isinstance(row.id, str) and row.id not in bound:
            problem = f"no risk is bound to {row.id!r}, so nothing would ever stop it"
            yield case.fault(
                ("models", index, "mode"), problem, "Add a row to `risks:` for it, or set mode: observe."
            )


def driving_models_have_shown_a_reject(case: Case) -> Found:
    """A must be wired into the path of a gate or robot, and a drill must have shown that, before it is relied on."""
    # needed here only
    from jidoka.commissioning.records import entries, rejecting_drill  # noqa: PLC0415

    driving = [
        (index, row.drives)
        for index, row in enumerate(case.config.models)
        if row.mode == "enforce" and row.drives in {"reject", "robot"}
    ]
    if not driving or not isinstance(case.config.state_dir, str):
        return
    state_dir = case.path(case.config.state_dir).absolute()
    try:
        drill, why = rejecting_drill(entries(state_dir), MAP_DIGEST.hex()), ""
    except ConfigurationError as error:
        drill, why = None, f" ({error.what})"
    if drill is None:
        for index, drives in driving:
            yield case.fault(
                ("models", index, "drives"),
                f"{drives} can't be enforced until a drill has shown a part rejected with A off; "
                f"none is on record in {state_dir}{why}",
                "Set mode: observe, do `jidoka plc drill` at the machine, then set it again; or let the PLC move it and set "
                "drives: nothing.",
            )


def regions_lie_in_the_picture(case: Case) -> Found:
    """A region of interest lies inside the monitored picture."""
    for index, row in enumerate(case.config.models):
        bundle = case.bundles.get(index)
        if not row.roi or bundle is None:
            continue
        size = picture_size(bundle)
        trail: Trail = ("models", index, "roi")
        if size is None:
            yield case.fault(trail, f"{bundle.id} has no monitored picture of a fixed size", "Leave it out.")
        elif row.roi[0] + row.roi[2] > size[0] or row.roi[1] + row.roi[3] > size[1]:
            problem = f"{row.roi} reaches beyond the picture of {size[0]} × {size[1]} pixels"
            yield case.fault(trail, problem, "Write [x, y, width, height] inside it.")


def picture_size(bundle: Bundle) -> tuple[int, int] | None:
    """(width, height) of the monitored picture, None if there is none of a fixed size."""
    for each in bundle.inputs:
        if each.monitored and each.layout in {"NCHW", "NHWC"} and len(each.shape) == 4:
            height, width = each.shape[2:] if each.layout == "NCHW" else each.shape[1:3]
            if isinstance(height, int) and isinstance(width, int):
                return width, height
    return None


def records_fit_their_room(case: Case) -> Found:
    """A record's monitored tensors fit into the shared memory that is kept for one."""
    for index, row in enumerate(case.config.models):
        bundle = case.bundles.get(index)
        if bundle is None or not isinstance(row.largest_record, int):
            continue
        needed = stated_bytes(bundle)
        if row.largest_record < needed:
            problem = f"{size_text(row.largest_record)} is less than the {needed} bytes of one record's monitored tensors"
            yield case.fault(
                ("models", index, "largest_record"), problem, "Leave it out, or write more than that."
            )


def rates_fit_the_longest_interval(case: Case) -> Found:
    """Records can't come more seldom than the longest interval between them."""
    for index, row in enumerate(case.config.models):
        if isinstance(row.records_per_s, float) and isinstance(row.longest_interval, float):
            interval_s = 1 / row.records_per_s
            if interval_s > row.longest_interval:
                problem = f"{duration_text(row.longest_interval)} is shorter than the {interval_s:g} s between records"
                yield case.fault(
                    ("models", index, "longest_interval"),
                    problem + f" at {row.records_per_s:g} a second",
                    f"Write {math.ceil(interval_s * 2)} s or so.",
                )


def gates_judge_a_feature(case: Case) -> Found:
    """A gate judges single records by a feature that the model has."""
    for index, row in enumerate(case.config.models):
        bundle, gate = case.bundles.get(index), row.gate
        if not isinstance(gate, GateSettings):
            continue
        if row.judged == "per part":
            yield case.fault(
                ("models", index, "gate"),
                "a gate judges single records, the baseline of this model holds means over parts",
                "Remove the gate, or write judged: per record.",
            )
        if bundle is None or not isinstance(gate.feature, str):
            continue
        features = _features(row, bundle)
        if features is not None and gate.feature not in features.names:
            at = ("models", index, "gate", "feature")
            yield _no_feature(case, at, bundle, gate.feature, features.names, "Remove the gate")


def covariates_are_features(case: Case) -> Found:
    """What explains the others is a feature that the model has, and that comes with each record."""
    for index, row in enumerate(case.config.models):
        bundle = case.bundles.get(index)
        if bundle is None or not isinstance(row.covariates, list) or not row.covariates:
            continue
        features = _features(row, bundle)
        for place, name in enumerate(row.covariates):
            if features is None or not isinstance(name, str):
                continue
            at = ("models", index, "covariates", place)
            if name not in features.names:
                yield _no_feature(case, at, bundle, name, features.names, "Remove the covariates")
            elif row.every > 1 and name in features.groups["input"]:
                problem = (
                    f"{name} comes with every {row.every}th record only: the others couldn't be explained"
                )
                yield case.fault(at, problem, "Write every: 1, or name another covariate.")


def _features(row: ModelSettings, bundle: Bundle) -> FeatureSet | None:
    """The features of a model; None where its section can't be known."""
    if any(isinstance(value, Unknown) for value in vars(row).values()):
        return None
    # heavy, and needed here only
    from jidoka.monitor.features.table import feature_set  # noqa: PLC0415

    return feature_set(model_section(row, bundle))


def _no_feature(  # noqa: PLR0917 - what the sentence is made of
    case: Case, at: Trail, bundle: Bundle, name: str, names: tuple[str, ...], otherwise: str
) -> Fault:
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]}? " if near else ""
    listed = ", ".join(names[:MOST_LISTED]) + (", …" if len(names) > MOST_LISTED else "")
    return case.fault(
        at,
        f"{bundle.id} has no feature {name!r}",
        f"{hint}Use one of: {listed}." if names else f"{otherwise}: nothing is monitored.",
    )


#: bundles_are_whole comes first: what it finds, the others use
MODEL_CHECKS: tuple[Callable[[Case], Found], ...] = (
    bundles_are_whole,
    enforced_models_are_bound,
    driving_models_have_shown_a_reject,
    regions_lie_in_the_picture,
    records_fit_their_room,
    rates_fit_the_longest_interval,
    gates_judge_a_feature,
    covariates_are_features,
)
