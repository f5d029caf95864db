"""What only shows across settings: each rule is a function of the whole case, and `CHECKS` is the table of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jidoka_bridge.errors import LinkError, ModelError
from jidoka_bridge.guard.causes import BUILT_IN

from jidoka.config import conditions
from jidoka.config.conditions import When
from jidoka.config.faults import UnfitError, near
from jidoka.config.link import link_of
from jidoka.config.located import Document, Fault, Trail, path_of
from jidoka.config.manifest import Bundle, load_bundle
from jidoka.config.quantities import Budget, duration_text
from jidoka.config.salvage import Unknown
from jidoka.config.schema import Configuration, PlcSettings

#: the kernel's limit for the path of a Unix socket
MAX_SOCKET_PATH = 107
#: the longest path that a program makes below run_dir
LONGEST_SOCKET = "private/guard-monitor.sock"


@dataclass
class Case:
    """A configuration as far as it can be read, where its values stand, and what the checks found out on the way."""

    config: Configuration
    document: Document
    base_dir: Path
    bundles: dict[int, Bundle] = field(default_factory=dict)
    whens: dict[int, When] = field(default_factory=dict)

    def fault(self, trail: Trail, message: str, remedy: str) -> Fault:
        """A fault at the value of `trail` (or where its parent starts, if it isn't written)."""
        return Fault(self.document.place_of_value(trail), trail, f"{path_of(trail)}: {message}", remedy)

    @property
    def model_ids(self) -> list[str]:
        return [each.id for each in self.config.models if isinstance(each.id, str)]

    def path(self, text: str) -> Path:
        """A path of the file: relative ones start at its folder."""
        return self.base_dir / Path(text)


Found = Iterator[Fault]


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


def ids_are_unique(case: Case) -> Found:
    """No two models, and no two risks, have one id; no risk takes that of a cause of the guard's own."""
    tables: tuple[tuple[str, list[Any]], ...] = (("models", case.config.models), ("risks", case.config.risks))
    for name, rows in tables:
        seen: dict[str, int] = {}
        for index, row in enumerate(rows):
            if not isinstance(row.id, str):
                continue
            if row.id in seen:
                line = case.document.place_of_value((name, seen[row.id], "id")).line
                problem = f"{row.id!r} is the id of another one, in line {line}"
                yield case.fault((name, index, "id"), problem, "Give each an id of its own.")
            seen.setdefault(row.id, index)
    for index, risk in enumerate(case.config.risks):
        if risk.id in {each.id for each in BUILT_IN}:
            problem = f"{risk.id!r} is the id of one of the guard's own causes"
            yield case.fault(("risks", index, "id"), problem, "Give it another one, such as R-01.")


def modes_fit_the_plc(case: Case) -> Found:
    """observe and enforce need a PLC; a PLC that no model uses is an option that nobody reads."""
    modes = [row.mode for row in case.config.models]
    if case.config.plc is None:
        for index, mode in enumerate(modes):
            if mode in {"observe", "enforce"}:
                problem = f"{mode} needs a PLC, and there is no `plc:`"
                yield case.fault(
                    ("models", index, "mode"), problem, "Add `plc:` with its port, or set mode: none."
                )
    elif modes and all(mode == "none" for mode in modes):
        yield case.fault(
            ("plc",), "no model uses it: every mode is none", "Remove `plc:`, or set mode: observe."
        )


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


def driving_models_are_not_enforced(case: Case) -> Found:
    """A must be wired into the path of a gate or robot, and that must have been shown, before it is relied on."""
    for index, row in enumerate(case.config.models):
        if row.mode == "enforce" and row.drives in {"reject", "robot"}:
            yield case.fault(
                ("models", index, "drives"),
                f"{row.drives} can't be enforced until a drill has shown a part rejected with A off; "
                "drills don't exist in this version",
                "Set mode: observe, or let the PLC move it and set drives: nothing.",
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
        rows = [
            at for at, row in enumerate(case.config.models) if row.id == risk.model and at in case.bundles
        ]
        if rows and "drift(input)" in case.whens[index].names:
            bundle = case.bundles[rows[0]]
            if not any(each.monitored for each in bundle.inputs):
                problem = f"drift(input): the manifest of {bundle.id} marks no input as monitored"
                yield case.fault(trail, problem, "Use drift(confidence), or a bundle with a monitored input.")


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
            problem = f"nobody would read it: `{risk.when}` holds no drift(…)"
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


def passwords_have_a_name(case: Case) -> Found:
    """A password without a name is never sent."""
    broker = case.config.broker
    if broker is not None and isinstance(broker.password_file, str) and broker.username is None:
        yield case.fault(
            ("broker", "password_file"), "there is no username", "Add `username:`, or remove it."
        )


def the_host_has_work(case: Case) -> Found:
    """The host runs one of the file's models, from a source that exists."""
    host = case.config.host
    if host is None:
        return
    if host.model is None and len(case.model_ids) > 1:
        yield case.fault(("host", "model"), "is missing: there are several models", near("", case.model_ids))
    elif isinstance(host.model, str) and host.model not in case.model_ids:
        yield case.fault(
            ("host", "model"), f"{host.model!r} isn't one of the models", near(host.model, case.model_ids)
        )
    if isinstance(host.source, str) and host.source != "renderer" and not case.path(host.source).is_dir():
        problem = f"{host.source!r} isn't a folder"
        yield case.fault(("host", "source"), problem, "Write `renderer`, or a folder of pictures.")


def sockets_have_room(case: Case) -> Found:
    """The kernel takes no longer path for a socket."""
    if isinstance(case.config.run_dir, str):
        length = len(str(case.path(case.config.run_dir).absolute() / LONGEST_SOCKET).encode())
        if length > MAX_SOCKET_PATH:
            problem = f"a socket below it has a path of {length} bytes, {MAX_SOCKET_PATH} are the most"
            yield case.fault(("run_dir",), problem, f"Make it {length - MAX_SOCKET_PATH} bytes shorter.")


def link_times_fit_the_baud_rate(case: Case) -> Found:
    """The beat leaves time for request and answer, and the hold time fits its field on the wire."""
    plc = case.config.plc
    if not isinstance(plc, PlcSettings) or any(isinstance(value, Unknown) for value in vars(plc).values()):
        return
    try:
        link_of(plc)
    except LinkError as error:
        yield case.fault(
            ("plc", "beat") if plc.beat is not None else ("plc", "baud"), error.what, error.remedy
        )


#: bundles_are_whole comes first and whens_can_be_judged before the budgets: what they find, the others use
CHECKS: tuple[Callable[[Case], Found], ...] = (
    bundles_are_whole,
    ids_are_unique,
    modes_fit_the_plc,
    enforced_models_are_bound,
    driving_models_are_not_enforced,
    regions_lie_in_the_picture,
    rates_fit_the_longest_interval,
    fallback_is_named,
    risks_name_a_model,
    whens_can_be_judged,
    budgets_fit_the_detectors,
    passwords_have_a_name,
    the_host_has_work,
    sockets_have_room,
    link_times_fit_the_baud_rate,
)


def run(case: Case) -> list[Fault]:
    """Every fault that every check finds."""
    return [fault for check in CHECKS for fault in check(case)]
