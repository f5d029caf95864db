"""What the monitor tells an application that connects: what it wants to see, on which terms, and what is amiss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jidoka_bridge.plan import Model
from jidoka_tap import wire

from jidoka.monitor.admission import named, wanted_of
from jidoka.monitor.verdicts import REASONS

#: mode -> what a gate is there for still, and what not
_GATES = {
    mode: f"the gate works, but nothing stops the machine: {{model}} has mode: {mode}, so {why}. Rejected calls raise "
    "Rejected here, and that is all that holds an output back. If refusals must stop the machine, set mode: enforce"
    for mode, why in (
        ("none", "the plan has no interlock for it"),
        ("observe", "the interlock only observes it"),
    )
}


def welcome_of(
    model: Model, section: Mapping[str, Any], hello: Mapping[str, Any], *, is_judging: bool
) -> dict[str, Any]:
    """The body of WELCOME, without an arena. is_judging: False while a baseline is learned."""
    return {
        "model": model.id,
        "mode": model.mode,
        "every": int(section.get("every", 1)),
        "roi": section.get("roi"),
        "inline_limit_bytes": wire.INLINE_LIMIT_BYTES,
        "arena": None,
        "wanted": wanted_of(section),
        "reasons": {str(int(row.reason).bit_length() - 1): row.text for row in REASONS},
        "known_answers": model.known_answers,
        "notes": _notes(model, section, hello, is_judging),
    }


def _notes(model: Model, section: Mapping[str, Any], hello: Mapping[str, Any], is_judging: bool) -> list[str]:
    notes = []
    if hello.get("gate") is True:
        if not is_judging:
            notes.append(
                "a baseline is being learned: no verdicts come, so a gate does what it does in silence"
            )
        elif model.mode in _GATES:
            notes.append(_GATES[model.mode].format(model=model.id))
    known = {each["name"] for each in section["outputs"]}
    extra = [name for name in hello["outputs"] if name not in known]
    if extra:
        notes.append(
            f"the manifest doesn't name the outputs {named(extra)}: nobody looks at them, and no gate judges them. Add "
            "them to its `outputs:` if something depends on them"
        )
    absent = [name for name in wanted_of(section)["inputs"] if name not in hello["inputs"]]
    if absent:
        notes.append(
            f"the manifest monitors the inputs {named(absent)}, which the application's model doesn't have; it has "
            f"{named(hello['inputs'])}: no feature of them is judged. Mend the names in the manifest"
        )
    digest, planned = hello.get("sha256"), section.get("sha256")
    if isinstance(digest, str) and digest and planned and digest != planned:
        notes.append(
            f"the application's file has the SHA-256 {digest[:16]}…, the plan's {str(planned)[:16]}…: "
            "the baseline was learned for the plan's. Load the approved file, or learn the baseline of the new one"
        )
    return notes
