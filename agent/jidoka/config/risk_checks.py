"""What must fit between a row of the risk register, its model, and what the interlock can do."""

from __future__ import annotations

from collections.abc import Callable

from jidoka.config import conditions, judgeable
from jidoka.config.case import Case, Found
from jidoka.config.faults import UnfitError, near
from jidoka.config.located import Trail
from jidoka.config.quantities import Budget

#: with every one acknowledged by two persons their causes still fit a slot of the latch file, and a byte their reasons
MOST_RISKS = 100


def fallback_is_named(case: Case) -> Found:
    """FALLBACK runs the plant's own program; where none is named there is nothing to fall back to."""
    interlock = case.config.interlock
    if interlock.fallback is not None:
        return
    remedy = "Name it: `interlock: {fallback: manual inspection}`, or choose hold."
    if interlock.no_record == "fallback":
        yield case.fault(("interlock", "no_record"), "no fallback is named in `interlock:`", remedy)
    for index, risk in enumerate(case.config.risks):
        if risk.response == "fallback":
            yield case.fault(("risks", index, "response"), "no fallback is named in `interlock:`", remedy)


def risks_fit(case: Case) -> Found:
    """The guard keeps each cause over its own death, with who acknowledged it, in a file of fixed size."""
    if len(case.config.risks) > MOST_RISKS:
        problem = f"there are {len(case.config.risks)} risks, {MOST_RISKS} are the most"
        yield case.fault(
            ("risks", MOST_RISKS),
            problem,
            "Put conditions with the same response into one risk: `when: a or b`.",
        )


def risks_name_a_model(case: Case) -> Found:
    """The model of each risk is one of the file's."""
    if len(case.model_ids) < len(case.config.models) or not case.config.models:
        return  # the fault is there
    for index, risk in enumerate(case.config.risks):
        if isinstance(risk.model, str) and risk.model not in case.model_ids:
            problem = f"{risk.model!r} isn't one of the models"
            yield case.fault(("risks", index, "model"), problem, near(risk.model, case.model_ids))


def whens_can_be_judged(case: Case) -> Found:
    """Each `when:` names conditions that exist and that this model's bundle lets the monitor judge."""
    for index, risk in enumerate(case.config.risks):
        if not isinstance(risk.when, str):
            continue
        trail: Trail = ("risks", index, "when")
        try:
            case.whens[index] = conditions.parse(risk.when)
        except UnfitError as error:
            yield case.fault(trail, error.message, error.remedy)
            continue
        for at, row in enumerate(case.config.models):
            if row.id != risk.model or at not in case.bundles:
                continue
            lacking = judgeable.lacking(case.bundles[at], has_thumbnail=row.thumbnail is True)
            for name, need in lacking.items():
                if name in case.whens[index].names:
                    problem = f"{name} can't be judged: the manifest of {case.bundles[at].id} {need.lack}"
                    yield case.fault(trail, problem, need.remedy)
            break


def budgets_fit_the_detectors(case: Case) -> Found:
    """A drift detector has one budget; what isn't a detector has none."""
    first: dict[tuple[str, str], tuple[int, Budget]] = {}
    for index, risk in enumerate(case.config.risks):
        when = case.whens.get(index)
        if when is None:
            continue
        if risk.false_alarms is None:
            if when.drifts:
                problem = f"is missing: {' and '.join(when.drifts)} is set to a budget"
                yield case.fault(
                    ("risks", index, "false_alarms"), problem, "Add such as `false_alarms: 1 per 90 days`."
                )
        elif not when.drifts:
            problem = f"nobody would read it: `{risk.when}` holds no drift(…) and no material(…)"
            yield case.fault(("risks", index, "false_alarms"), problem, "Remove it.")
        elif isinstance(risk.false_alarms, Budget) and isinstance(risk.model, str):
            for name in when.drifts:
                other, budget = first.setdefault((risk.model, name), (index, risk.false_alarms))
                if budget != risk.false_alarms:
                    line = case.document.place_of_value(("risks", other, "false_alarms")).line
                    problem = f"{name} of {risk.model} has the budget {budget} already, in line {line}"
                    yield case.fault(
                        ("risks", index, "false_alarms"), problem, "A detector has one budget: use the same."
                    )


def tolerances_fit_the_detectors(case: Case) -> Found:
    """material(…) has one tolerance; nothing else has any."""
    first: dict[tuple[str, str], tuple[int, float]] = {}
    for index, risk in enumerate(case.config.risks):
        when, trail = case.whens.get(index), ("risks", index, "tolerance")
        if when is None:
            continue
        if risk.tolerance is None:
            if when.material:
                problem = f"is missing: {' and '.join(when.material)} tells of what goes beyond it"
                yield case.fault(trail, problem, "Add such as `tolerance: 10 %`.")
        elif not when.material:
            problem = f"nobody would read it: `{risk.when}` holds no material(…)"
            yield case.fault(trail, problem, "Remove it, or write material(…) in place of drift(…).")
        elif isinstance(risk.tolerance, float) and isinstance(risk.model, str):
            for name in when.material:
                other, tolerance = first.setdefault((risk.model, name), (index, risk.tolerance))
                if tolerance != risk.tolerance:
                    line = case.document.place_of_value(("risks", other, "tolerance")).line
                    problem = f"{name} of {risk.model} has the tolerance {100 * tolerance:g} % already, in line {line}"
                    yield case.fault(trail, problem, "A detector has one tolerance: use the same.")


#: whens_can_be_judged comes before the budgets: what it finds, they use
RISK_CHECKS: tuple[Callable[[Case], Found], ...] = (
    fallback_is_named,
    risks_fit,
    risks_name_a_model,
    whens_can_be_judged,
    budgets_fit_the_detectors,
    tolerances_fit_the_detectors,
)
