"""A baseline in words and as an object: what `jidoka baseline show` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jidoka_bridge.plan import Plan

from jidoka.monitor.baseline import Baseline, limit_of, rate_of, terms_of
from jidoka.monitor.commissioning import Delay, delays, faults_of, refused_of
from jidoka.monitor.detectors.calibration import CONFIDENCE
from jidoka.monitor.detectors.reference import Reference
from jidoka.monitor.features import feature_set
from jidoka.monitor.gates import gate_faults
from jidoka.monitor.kernels.explain import CENTRE, SLOPES

PROMISED = (
    "Where neighbouring {each_is} don't resemble each other the budget is kept for this baseline with the confidence "
    "above. Where they do (video, a slow process) what each foretells of the next is taken out first; the budget is then "
    "kept approximately, as simulation shows. It isn't promised for cycles that don't fit twice into the baseline, for a "
    "level that wanders, or for restlessness that comes and goes."
)


def detectors_of(plan: Plan, model: str) -> dict[str, Mapping[str, Any]]:
    """The drift conditions of a model, by id."""
    return {name: each for name, each in plan.sections["detectors"].items() if each["model"] == model}


def limits_of(plan: Plan, baseline: Baseline) -> dict[str, float]:
    """A of each drift condition of the baseline's model, in records."""
    section = plan.sections["models"][baseline.model]
    rate_hz = rate_of(section, baseline)
    return {
        name: limit_of(each, section, rate_hz) for name, each in detectors_of(plan, baseline.model).items()
    }


def budget_text(budget: Mapping[str, Any]) -> str:
    """`1 per 90 days`, as people write it."""
    per, unit = float(budget["per"]), str(budget["unit"])
    if unit == "s":
        size, name = next(
            ((s, n) for s, n in ((86400, "days"), (3600, "hours"), (60, "minutes")) if per % s == 0), (1, "s")
        )
        return f"{budget['count']:g} per {per / size:g} {name}"
    return f"{budget['count']:g} per {per:,.0f} {unit}"


def faults_in(plan: Plan, baseline: Baseline) -> list[str]:
    """Why this baseline can't arm under a plan, in plain words; empty if it can."""
    section = plan.sections["models"][baseline.model]
    detectors, limits = detectors_of(plan, baseline.model), limits_of(plan, baseline)
    found = faults_of(baseline, detectors, limits, feature_set(section).groups)
    return [*found, *gate_faults(baseline, section)]


def as_object(plan: Plan, baseline: Baseline) -> dict[str, Any]:
    """Everything that is shown, for `--json`."""
    detectors, limits = detectors_of(plan, baseline.model), limits_of(plan, baseline)
    section = plan.sections["models"][baseline.model]
    stated, groups = section.get("records_per_s"), feature_set(section).groups
    present = ~np.isnan(baseline.records)
    whitenings = baseline.reference.whitenings
    refused = refused_of(baseline, detectors, limits, groups)
    return {
        "model": baseline.model,
        "sha256": baseline.sha256,
        "recipe": baseline.recipe,
        "position": baseline.position,
        "judged": baseline.judged,
        "records": len(baseline.records),
        "learned_at": baseline.learned_at,
        "digest": baseline.digest,
        "rate_hz": round(rate_of(section, baseline), 3),
        "rate_is": "stated in the configuration" if stated else "measured while learning",
        "features": {
            name: {
                "records": int(present[:, f].sum()),
                "mean": float(np.nanmean(baseline.records[:, f])),
                "sigma": float(np.nanstd(baseline.records[:, f])),
                "lowest": float(np.nanmin(baseline.records[:, f])),
                "highest": float(np.nanmax(baseline.records[:, f])),
                "remembers": round(whitenings[f].tau, 2),
                "order": whitenings[f].order,
            }
            for f, name in enumerate(baseline.names)
        },
        "conditions": {
            name: {
                "group": each["group"],
                "false_alarms": budget_text(each["false_alarms"]),
                "limit_records": limits[name],
                "confidence": CONFIDENCE,
                "tolerance": each.get("tolerance") or 0.0,
                "covariates": [] if each.get("tolerance") else list(each.get("covariates") or ()),
                "off_records": each["off_records"],
                "off_error": each["off_error"],
                "refused": refused[name],
                "sees": [
                    _delay(delay)
                    for delay in delays(baseline, groups[each["group"]], terms_of(each, limits[name]))
                ],
            }
            for name, each in detectors.items()
        },
        "explained": explained_of(
            baseline, next((tuple(each.get("covariates") or ()) for each in detectors.values()), ())
        ),
        "faults": faults_in(plan, baseline),
        "promised": PROMISED.format(each_is=f"{baseline.judged}s"),
    }


def explained_of(baseline: Baseline, covariates: tuple[str, ...]) -> dict[str, Any]:
    """What covariates do to each feature: slopes, what of its spread is left, how sure that is; {} without any."""
    reference = baseline.reference_for(covariates)
    if reference.explained is None or reference.explained.steady:
        return {}
    return {
        name: _explained(baseline, reference, f)
        for f, name in enumerate(baseline.names)
        if f not in reference.explained.places
    }


def _explained(baseline: Baseline, reference: Reference, f: int) -> dict[str, Any]:
    explained = reference.explained
    assert explained is not None, "asked only where there are covariates"
    names = [baseline.names[place] for place in explained.places]
    return {
        "slopes": dict(zip(names, reference.table[:, SLOPES + f].tolist(), strict=True)),
        "around": dict(zip(names, reference.table[:, CENTRE].tolist(), strict=True)),
        "sigma": float(np.nanstd(baseline.records[:, f])),
        "sigma_left": float(explained.sigmas[f]),
        "doubt_sigma": round(float(reference.doubts[f]), 3),
        "remembers": round(reference.whitenings[f].tau, 2),
    }


def _delay(delay: Delay) -> dict[str, Any]:
    return {
        "feature": delay.feature,
        "shift_sigma": delay.shift_sigma,
        "direction": delay.direction,
        "records": delay.records,
    }


def as_lines(shown: Mapping[str, Any]) -> list[str]:
    """What people read, from `as_object`."""
    each_is = f"{shown['judged']}s"
    wide = max(18, *(len(name) for name in shown["features"])) if shown["features"] else 18
    lines = [
        f"Baseline of {shown['model']}, recipe {shown['recipe']}, position {shown['position']}",
        f"  learned   {shown['learned_at']}, {shown['records']} {each_is}, {shown['rate_hz']:g} a second ({shown['rate_is']})",
        f"  model     sha256 {shown['sha256'][:16]}…",
        f"  digest    {shown['digest'][:16]}…" if shown["digest"] else "  digest    not written",
        "",
        f"  {'feature':<{wide}} {each_is:>7}        mean     σ           lowest      highest     remembers",
    ]
    for name, each in shown["features"].items():
        lines.append(
            f"  {name:<{wide}} {each['records']:>7}  {each['mean']:>10.4g}  {each['sigma']:<10.4g}"
            f"  {each['lowest']:<10.4g}  {each['highest']:<10.4g}"
            f"  {each['remembers']:.0f}"
        )
    lines += _explained_lines(shown.get("explained") or {}, wide)
    for name, each in shown["conditions"].items():
        lines += [
            "",
            f"  {name}: false alarms {each['false_alarms']}",
            f"    that is at most one in {each['limit_records']:,.0f} {each_is} on average,",
            f"    with {each['confidence']:.0%} confidence for this baseline",
            *_tolerated(each, each_is),
            f"    goes off when {each['off_records']} fresh {each_is} lie where the baseline lay;",
            f"    that test errs on a good line in {each['off_error']:.0%} of the cases",
            f"    sees, in {each_is} until the alarm (simulated on this baseline; the slower of up and down):",
        ]
        for feature in dict.fromkeys(delay["feature"] for delay in each["sees"]):
            one, two = (_slower(each["sees"], feature, shift) for shift in (1.0, 2.0))
            lines.append(f"      {feature:<{wide}} 1 σ: {one:<14} 2 σ: {two}")
        if each["refused"]:
            lines.append(f"    {len(each['refused'])} of its features refused, nobody watches them for it:")
            lines += [f"      {feature} {why}" for feature, why in each["refused"].items()]
    lines += ["", f"  {shown['promised']}"]
    lines += [f"  refused: {fault}" for fault in shown["faults"]]
    return lines


def _explained_lines(explained: Mapping[str, Any], wide: int) -> list[str]:
    """What the covariates take out of each feature."""
    if not explained:
        return []
    covariates = ", ".join(next(iter(explained.values()))["slopes"])
    lines = [
        "",
        f"  explained by {covariates}: drift is looked for in what is left, of which 1 σ and 2 σ below are told.",
        "  Where they lie so far from all that was learned that it may be off by more than 1 σ, nothing is judged.",
        f"  {'feature':<{wide}} σ           σ left      in doubt by  remembers  slopes",
    ]
    for name, each in explained.items():
        slopes = ", ".join(f"{slope:.3g}" for slope in each["slopes"].values())
        lines.append(
            f"  {name:<{wide}} {each['sigma']:<10.4g}  {each['sigma_left']:<10.4g}  {each['doubt_sigma']:<.2f} σ"
            f"       {each['remembers']:<9.0f}  {slopes}"
        )
    return lines


def _slower(sees: list[dict[str, Any]], feature: str, shift: float) -> str:
    found = [d["records"] for d in sees if d["feature"] == feature and d["shift_sigma"] == shift]
    return "not seen" if any(records is None for records in found) else f"{max(found):.0f}"


def _tolerated(shown: Mapping[str, Any], each_is: str) -> list[str]:
    """What is no alarm, where there is a tolerance."""
    if not shown["tolerance"]:
        return []
    return [
        f"    while at most {shown['tolerance']:.1%} more {each_is} than usual lie beyond a feature's range;"
    ]
