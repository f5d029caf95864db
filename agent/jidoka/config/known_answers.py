"""`known_answers:` of a model: its set against the bundle, what stands of it in the plan, and who needs one (ADR 7)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jidoka.config.bundle import Bundle, Input, Output
from jidoka.config.case import Case, Found
from jidoka.config.conditions import BY_NAME
from jidoka.config.located import Trail
from jidoka.config.model_section import monitored, tensors
from jidoka.config.schema import ModelSettings

if TYPE_CHECKING:
    from jidoka_tap.known_answers import KnownAnswers

TRIP_RESPONSES = frozenset({"fallback", "hold", "lockout"})
HOW_TO_MAKE = (
    "Make one of inputs that were looked at: jidoka model answers make BUNDLE -o FILE --source SOURCE"
)


def load(path: Path) -> KnownAnswers:
    """The set in a file. Raises OSError, ValueError."""
    from jidoka_tap import known_answers  # noqa: PLC0415 - numpy, and needed only where a model has a set

    return known_answers.load(path)


def known_answers_fit(case: Case) -> Found:
    """A set is readable, and has what the bundle's model takes and what the monitor sees of its answers."""
    for index, row in enumerate(case.config.models):
        if not isinstance(row.known_answers, str):
            continue
        trail: Trail = ("models", index, "known_answers")
        path = case.path(row.known_answers)
        try:
            known = load(path)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            yield case.fault(trail, f"{path}: isn't a set of known answers: {why}", HOW_TO_MAKE + ".")
            continue
        bundle = case.bundles.get(index)
        for problem in [] if bundle is None else misfits(known, bundle):
            yield case.fault(
                trail, f"{path.name}: {problem}", "Make it anew from this bundle. " + HOW_TO_MAKE + "."
            )


def misfits(known: KnownAnswers, bundle: Bundle) -> list[str]:
    """What a set lacks or has too much of for this bundle."""
    wanted = {each.name for each in bundle.inputs}
    seen = {each.name for each in monitored(bundle) if isinstance(each, Output)}
    faults = [f"it has no input {name!r}" for name in sorted(wanted - set(known.inputs))]
    faults += [f"the model has no input {name!r}" for name in sorted(set(known.inputs) - wanted)]
    faults += [
        f"its output {name!r} isn't monitored, so nobody could compare it"
        for name in sorted(set(known.outputs) - seen)
    ]
    for each in tensors(bundle):
        values = (known.inputs if isinstance(each, Input) else known.outputs).get(each.name)
        if values is not None and not _fits(values[0], each):
            shape = "[" + ", ".join(map(str, each.shape)) + "]"
            faults.append(
                f"{each.name!r} is {values.dtype} {list(values[0].shape)}, the manifest says {each.dtype} {shape}"
            )
    return faults


def _fits(value: Any, tensor: Input | Output) -> bool:
    """A tensor of the manifest's type and shape, where that is stated."""
    stated = tensor.shape
    sizes = len(stated) == value.ndim and all(
        not isinstance(size, int) or size == found for size, found in zip(stated, value.shape, strict=True)
    )
    return value.dtype.name == tensor.dtype and (sizes or not stated)


def control_models_can_be_proven(case: Case) -> Found:
    """A model that stands still without A can be judged again only in the shadow of another program or by known answers.

    INTERLOCK §4, L2: from HOLD by a statistical cause a control model that moves nothing on M has no proving run.
    """
    if case.config.interlock.fallback is not None:
        return
    bound = {
        risk.model
        for n, risk in enumerate(case.config.risks)
        if risk.response in TRIP_RESPONSES
        and n in case.whens
        and any(_is_statistical(name) for name in case.whens[n].names)
    }
    for index, row in enumerate(case.config.models):
        bundle = case.bundles.get(index)
        is_control = bundle is not None and bundle.command is not None
        if (
            is_control
            and row.mode == "enforce"
            and row.id in bound
            and row.known_answers is None
            and not row.in_shadow
        ):
            yield case.fault(
                ("models", index, "mode"),
                "a model that commands the machine can't be enforced like this: after a stop for drift nothing moves, "
                "so no record could ever show that it is fit again",
                "Write `in_shadow: true` if the machine makes the same motions without A while the model is asked; or name the "
                f"machine's own program in `interlock.fallback`; or give the model `known_answers:`. {HOW_TO_MAKE}.",
            )


def _is_statistical(name: str) -> bool:
    return name in BY_NAME and BY_NAME[name].statistical


def digest_of(row: ModelSettings, base_dir: Path) -> str:
    """SHA-256 of a checked configuration's set, "" = it has none."""
    return "" if row.known_answers is None else load(base_dir / row.known_answers).digest


def section_of(row: ModelSettings, base_dir: Path) -> dict[str, Any] | None:
    """What the plan's section of a model says of its set: where it lies, and how many answers it has."""
    if row.known_answers is None:
        return None
    path = (base_dir / row.known_answers).absolute()
    return {"file": str(path), "count": load(path).count}


#: after those of the risks: which conditions they name
KNOWN_ANSWER_CHECKS: tuple[Callable[[Case], Found], ...] = (known_answers_fit, control_models_can_be_proven)
